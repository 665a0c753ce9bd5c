#include "samples/tokenizer_json.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "core/error.hpp"
#include "core/file_kind.hpp"
#include "core/whole_file.hpp"

namespace explaind {
namespace {

using Json = nlohmann::json;

constexpr const char* way_out =
    "Give token ids (input_ids) instead of text, or move tokenizer.json away where the model was "
    "trained with tokenizer.model alone";

/// How transformers writes the normalizers and pre-tokenizers of a SentencePiece model.
const std::set<std::string> of_sentencepiece{
    "Sequence", "Prepend", "Replace", "Strip", "Precompiled", "Metaspace", "Split", "NFKC", "Nmt"};

class JsonReader {
 public:
  explicit JsonReader(std::string path) { read_.path = std::move(path); }

  TokenizerJson read(const Json& file) {
    read_added(part(file, "added_tokens"));
    read_steps(part(file, "normalizer"));
    read_steps(part(file, "pre_tokenizer"));
    const bool changes =
        !part(file, "normalizer").is_null() || !part(file, "pre_tokenizer").is_null();
    if (changes && !read_.prefix_space) read_.prefix_space = false;
    read_ends(part(file, "post_processor"));
    read_vocabulary(part(part(file, "model"), "vocab"));
    return std::move(read_);
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw DataError(read_.path, problem, way_out);
  }

  /// null where it is not there.
  static const Json& part(const Json& object, const char* key) {
    static const Json nothing;
    if (!object.is_object()) return nothing;
    const auto found = object.find(key);
    return found == object.end() ? nothing : *found;
  }
  static std::string text(const Json& object, const char* key) {
    const Json& value = part(object, key);
    return value.is_string() ? value.get<std::string>() : "";
  }

  void read_added(const Json& tokens) {
    if (tokens.is_null()) return;
    if (!tokens.is_array()) refuse("added_tokens is no list");
    for (const Json& token : tokens) {
      const std::string content = text(token, "content");
      const Json& id = part(token, "id");
      if (content.empty() || !id.is_number_integer()) refuse("an added token has no text or no id");
      read_.added[content] = id.get<int64_t>();
      if (part(token, "special") == Json(true)) read_.special.insert(content);
    }
  }

  /// A normalizer or pre-tokenizer, or a sequence of them.
  void read_steps(const Json& step) {
    if (step.is_null()) return;
    const std::string type = text(step, "type");
    if (!of_sentencepiece.contains(type)) {
      refuse(fmt::format("its step \"{}\" changes texts before they are cut, which is not obeyed",
                         type));
    }
    for (const char* list : {"normalizers", "pretokenizers"}) {
      for (const Json& inner : part(step, list)) read_steps(inner);
    }
    if (type == "Prepend") read_.prefix_space = true;
    if (type == "Metaspace") {
      const std::string scheme = text(step, "prepend_scheme");
      const bool before = scheme.empty() ? part(step, "add_prefix_space") != Json(false)
                                         : scheme != "never";  // "first" and "always"
      read_.prefix_space = read_.prefix_space.value_or(false) || before;
    }
  }

  /// Tokens before and after a single sequence.
  void read_ends(const Json& processor) {
    const std::string type = text(processor, "type");
    if (processor.is_null() || type == "ByteLevel") return;  // the latter concerns offsets alone
    if (type == "Sequence") {
      for (const Json& inner : part(processor, "processors")) read_ends(inner);
      return;
    }
    if (type != "TemplateProcessing") {
      refuse(fmt::format("its post_processor \"{}\" is not known", type));
    }
    bool after = false;
    for (const Json& piece : part(processor, "single")) {
      if (piece.contains("Sequence")) {
        after = true;
        continue;
      }
      std::optional<PlacedToken>& place = after ? read_.last : read_.first;
      if (place) refuse("it puts more than one token at an end of a sequence, which is not obeyed");
      place = placed(text(part(piece, "SpecialToken"), "id"), part(processor, "special_tokens"));
    }
  }

  [[nodiscard]] PlacedToken placed(const std::string& name, const Json& tokens) const {
    const Json& ids = part(part(tokens, name.c_str()), "ids");
    if (!ids.is_array() || ids.size() != 1 || !ids[0].is_number_integer()) {
      refuse(fmt::format("it puts \"{}\" at an end of a sequence, which has not one id", name));
    }
    return {.text = name, .id = ids[0].get<int64_t>()};
  }

  /// Of BPE an object (piece: id), of Unigram a list of [piece, score].
  void read_vocabulary(const Json& pieces) {
    if (pieces.is_object()) {
      for (const auto& [piece, id] : pieces.items()) {
        if (id.is_number_integer()) read_.vocabulary.emplace(piece, id.get<int64_t>());
      }
    }
    if (!pieces.is_array()) return;
    for (size_t i = 0; i < pieces.size(); ++i) {
      const Json& pair = pieces[i];
      if (!pair.is_array() || pair.empty() || !pair[0].is_string()) continue;
      read_.vocabulary.emplace(pair[0].get<std::string>(), static_cast<int64_t>(i));
    }
  }

  TokenizerJson read_;
};

}  // namespace

std::optional<TokenizerJson> read_tokenizer_json(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "tokenizer.json";
  if (!std::filesystem::exists(path)) return std::nullopt;
  const std::string content = read_whole_file(path);
  refuse_foreign_content(content, path.string());
  const Json file = Json::parse(content, nullptr, /*allow_exceptions=*/false);
  if (!file.is_object()) throw DataError(path.string(), "not a JSON object", way_out);
  return JsonReader(path.string()).read(file);
}

}  // namespace explaind
