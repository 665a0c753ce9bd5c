#include "tokenizers/sentencepiece_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "core/file_kind.hpp"
#include "core/whole_file.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* way_out =
    "Give token ids (input_ids) instead of text, or take the key out where it has no effect";

/// They make no ids: padding and truncation (samples are neither), chat templates, decoding, and
/// where files lie. `legacy` tells only what follows a special token inside a text, and such texts
/// are refused.
const std::set<std::string> without_effect{"add_generation_prompt",
                                           "backend",
                                           "chat_template",
                                           "clean_up_tokenization_spaces",
                                           "errors",
                                           "from_slow",
                                           "is_local",
                                           "legacy",
                                           "local_files_only",
                                           "max_length",
                                           "model_input_names",
                                           "model_max_length",
                                           "model_specific_special_tokens",
                                           "name_or_path",
                                           "pad_to_multiple_of",
                                           "pad_token_type_id",
                                           "padding",
                                           "padding_side",
                                           "processor_class",
                                           "response_schema",
                                           "spaces_between_special_tokens",
                                           "special_tokens_map_file",
                                           "stride",
                                           "tokenizer_file",
                                           "truncation",
                                           "truncation_side",
                                           "truncation_strategy",
                                           "use_default_system_prompt",
                                           "use_fast",
                                           "verbose",
                                           "vocab_file"};

/// Tokenizers whose ids are those of SentencePiece, special tokens aside.
const std::set<std::string> plain_classes{"LlamaTokenizer",     "LlamaTokenizerFast",
                                          "CodeLlamaTokenizer", "CodeLlamaTokenizerFast",
                                          "GemmaTokenizer",     "GemmaTokenizerFast"};

std::optional<Json> read(const fs::path& path) {
  if (!fs::exists(path)) return std::nullopt;
  const std::string text = read_whole_file(path);
  refuse_foreign_content(text, path.string());
  Json parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) {
    throw DataError(path.string(), "not a JSON object", "Repair or remove the file");
  }
  return parsed;
}

bool says_nothing(const Json& value) {
  return value.is_null() || value == Json(false) || value == Json("") ||
         ((value.is_array() || value.is_object()) && value.empty());
}

class ConfigReader {
 public:
  explicit ConfigReader(const fs::path& directory) : directory_(directory) {}

  SentencePieceConfig read_all() {
    // Ids first: the other files refer to tokens by their text.
    if (const auto added = read(directory_ / "added_tokens.json")) read_added(*added);
    if (const auto config = read(directory_ / "tokenizer_config.json")) {
      where_ = (directory_ / "tokenizer_config.json").string();
      if (config->contains("added_tokens_decoder")) read_decoder((*config)["added_tokens_decoder"]);
      for (const auto& [key, value] : config->items()) read_key(key, value);
    }
    if (const auto map = read(directory_ / "special_tokens_map.json")) {
      where_ = (directory_ / "special_tokens_map.json").string();
      for (const auto& [key, value] : map->items()) read_special(key, value);
    }
    finish();
    return config_;
  }

 private:
  [[noreturn]] void refuse(const std::string& key, const std::string& problem) const {
    throw DataError(where_, key + " " + problem, way_out);
  }

  [[nodiscard]] std::string shown(const Json& value) const {
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 60) + "…";
    return text;
  }

  /// A token is its text, or an object that holds it.
  [[nodiscard]] std::string text_of(const std::string& key, const Json& value) const {
    const Json* text = &value;
    if (value.is_object() && value.contains("content")) text = &value["content"];
    if (!text->is_string()) refuse(key, "must be a token, not " + shown(value));
    return text->get<std::string>();
  }

  void read_added(const Json& added) {
    where_ = (directory_ / "added_tokens.json").string();
    for (const auto& [text, id] : added.items()) {
      if (!id.is_number_integer()) refuse("\"" + text + "\"", "has no id: " + shown(id));
      add_id(text, id.get<int64_t>());
    }
  }

  void read_decoder(const Json& decoder) {
    if (!decoder.is_object()) refuse("added_tokens_decoder", "must be an object");
    for (const auto& [id, token] : decoder.items()) {
      const bool number =
          !id.empty() && id.size() < 10 && id.find_first_not_of("0123456789") == std::string::npos;
      if (!number) refuse("added_tokens_decoder", "has the id \"" + id + "\"");
      const std::string text = text_of("added_tokens_decoder." + id, token);
      add_id(text, std::stoll(id));
      if (token.is_object() && token.value("special", Json(false)) == Json(true)) {
        special_.insert(text);
      }
    }
  }

  void add_id(const std::string& text, int64_t id) {
    const auto [known, fresh] = ids_.emplace(text, id);
    if (!fresh && known->second != id) {
      refuse("\"" + text + "\"", fmt::format("has two ids, {} and {}", known->second, id));
    }
    whole_.insert(text);
  }

  void read_key(const std::string& key, const Json& value) {
    if (key == "add_bos_token") {
      config_.add_bos = boolean(key, value);
    } else if (key == "add_eos_token") {
      config_.add_eos = boolean(key, value);
    } else if (key == "add_prefix_space" || key == "add_dummy_prefix_space") {
      config_.prefix_space = boolean(key, value);
    } else if (key == "split_special_tokens") {
      split_special_ = boolean(key, value).value_or(false);
    } else if (key == "tokenizer_class") {
      require_plain_class(value);
    } else if (key != "added_tokens_decoder" && !without_effect.contains(key)) {
      if (key == "bos_token" || key == "eos_token" || !says_nothing(value)) {
        read_special(key, value);
      }
    }
  }

  [[nodiscard]] std::optional<bool> boolean(const std::string& key, const Json& value) const {
    if (value.is_null()) return std::nullopt;
    if (!value.is_boolean()) refuse(key, "must be true or false, not " + shown(value));
    return value.get<bool>();
  }

  void require_plain_class(const Json& value) const {
    if (value.is_null()) return;
    if (value.is_string() && plain_classes.contains(value.get<std::string>())) return;
    refuse("tokenizer_class",
           shown(value) + " does more than the SentencePiece model in tokenizer.model, or other");
  }

  /// bos_token, pad_token, image_token, …, and lists of further ones; nothing else.
  void read_special(const std::string& key, const Json& value) {
    if (key == "additional_special_tokens" || key == "extra_special_tokens") {
      if (!value.is_array() && !value.is_object())
        refuse(key, "must hold tokens, not " + shown(value));
      for (const Json& each : value) add_special(text_of(key, each));
      return;
    }
    if (!key.ends_with("_token")) {
      refuse(key,
             "(" + shown(value) + ") is not known, and it may change what a text's tokens are");
    }
    if (value.is_null()) {
      if (key == "bos_token") config_.without_bos = true;
      if (key == "eos_token") config_.without_eos = true;
      return;
    }
    const std::string text = text_of(key, value);
    add_special(text);
    if (key == "bos_token") keep(key, text, config_.bos);
    if (key == "eos_token") keep(key, text, config_.eos);
  }

  void add_special(const std::string& text) {
    if (text.empty()) return;
    whole_.insert(text);
    special_.insert(text);
  }

  void keep(const std::string& key, const std::string& text,
            std::optional<NamedToken>& token) const {
    if (token && token->text != text) {
      refuse(key, "is \"" + text + "\", and tokenizer_config.json says \"" + token->text + "\"");
    }
    token = NamedToken{.text = text, .id = {}};
  }

  void finish() {
    for (std::optional<NamedToken>* token : {&config_.bos, &config_.eos}) {
      if (!*token) continue;
      const auto id = ids_.find((*token)->text);
      if (id != ids_.end()) (*token)->id = id->second;
    }
    for (const std::string& text : whole_) {
      if (!split_special_ || !special_.contains(text)) config_.taken_whole.push_back(text);
    }
    config_.special_are_text = split_special_;
  }

  fs::path directory_;
  std::string where_;  ///< the file being read
  SentencePieceConfig config_;
  bool split_special_ = false;
  std::map<std::string, int64_t> ids_;
  std::set<std::string> whole_, special_;
};

}  // namespace

SentencePieceConfig read_sentencepiece_config(const fs::path& directory) {
  return ConfigReader(directory).read_all();
}

}  // namespace explaind
