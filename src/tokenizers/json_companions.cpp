#include "tokenizers/json_companions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "tokenizers/json_part.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// transformers 4 put tokens at the ends of a sequence as these classes' keys said.
const std::set<std::string> went_by_keys{"LlamaTokenizer",     "LlamaTokenizerFast",
                                         "CodeLlamaTokenizer", "CodeLlamaTokenizerFast",
                                         "GemmaTokenizer",     "GemmaTokenizerFast"};

/// Classes for which transformers 5 takes no more than the vocabulary, the merges and the ends of a
/// sequence from tokenizer.json, where the model's type does not lead to another class: the types
/// of the normalizers and pre-tokenizers that it takes instead.
struct OwnRule {
  const char* name;
  std::vector<std::string> normalizers, pre_tokenizers;
};
const std::vector<OwnRule> own_rules{{"GPT2Tokenizer", {}, {"ByteLevel"}},
                                     {"GPTNeoXTokenizer", {"NFC"}, {"ByteLevel"}},
                                     {"Qwen2Tokenizer", {"NFC"}, {"Split", "ByteLevel"}},
                                     {"LlamaTokenizer", {}, {"Metaspace"}},
                                     {"GemmaTokenizer", {"Replace"}, {"Split"}}};

class CompanionsReader {
 public:
  CompanionsReader(const fs::path& directory, const JsonFacts& facts)
      : directory_(directory), facts_(facts) {}

  JsonCompanions read() {
    if (fs::exists(directory_ / "tokenizer_config.json")) {
      const JsonPart config = JsonPart::of_file(directory_ / "tokenizer_config.json");
      read_ends(config);
      read_code(config);
      read_blank(config);
      look_at_class(config.at("tokenizer_class"));
      made_.special_are_text = config.at("split_special_tokens").boolean_or(false);
      read_named(config);
      read_decoder(config.at("added_tokens_decoder"));
    }
    if (fs::exists(directory_ / "special_tokens_map.json")) {
      read_named(JsonPart::of_file(directory_ / "special_tokens_map.json"));
    }
    if (fs::exists(directory_ / "added_tokens.json")) {
      const JsonPart added = JsonPart::of_file(directory_ / "added_tokens.json");
      for (const auto& [text, id] : added.value().items()) name(added.at(text).place(), text, &id);
    }
    made_.uncertain = {uncertain_.begin(), uncertain_.end()};
    return std::move(made_);
  }

 private:
  void read_ends(const JsonPart& config) {
    const bool by_key = went_by_keys.contains(config.at("tokenizer_class").text_or(""));
    const auto look = [&](const char* key, bool does, const char* place) {
      const JsonPart part = config.at(key);
      if (part.is_null() || part.boolean() == does) return;
      const std::string problem = fmt::format("is {}, and tokenizer.json puts {} {} a sequence",
                                              part.boolean(), does ? "a token" : "nothing", place);
      if (by_key) {
        part.refuse(problem + " (transformers 4 goes by the key, transformers 5 by that file)");
      }
      made_.notes.push_back(fmt::format("{}: {} {}, which is followed as transformers does",
                                        part.place().file.string(), key, problem));
    };
    look("add_bos_token", facts_.begins, "before");
    look("add_eos_token", facts_.ends, "after");
  }

  static void read_code(const JsonPart& config) {
    const JsonPart code = config.at("auto_map");
    if (code.value().is_array() ||
        (code.value().is_object() && !code.at("AutoTokenizer").is_null())) {
      code.refuse("names a tokenizer with code of its own, which is not run");
    }
  }

  void look_at_class(const JsonPart& part) {
    std::string name = part.value().is_string() ? part.text() : "";
    if (name.ends_with("Fast")) name.resize(name.size() - 4);
    for (const OwnRule& rule : own_rules) {
      if (name != rule.name || (rule.normalizers == facts_.normalizers &&
                                rule.pre_tokenizers == facts_.pre_tokenizers)) {
        continue;
      }
      made_.notes.push_back(fmt::format(
          "{}: tokenizer_class is {}, for which transformers 5 may cut texts by {} in place of "
          "tokenizer.json's {}; the tokens here are those of tokenizer.json",
          part.place().file.string(), part.text(), steps(rule.normalizers, rule.pre_tokenizers),
          steps(facts_.normalizers, facts_.pre_tokenizers)));
    }
  }

  static std::string steps(std::vector<std::string> all, const std::vector<std::string>& more) {
    all.insert(all.end(), more.begin(), more.end());
    return all.empty() ? "nothing" : fmt::format("{}", fmt::join(all, ", "));
  }

  void read_blank(const JsonPart& config) const {
    const JsonPart blank = config.at("add_prefix_space");
    if (blank.value().is_boolean() && blank.boolean() != facts_.adds_blank) {
      blank.refuse(fmt::format("is {}, and tokenizer.json says otherwise", blank.boolean()));
    }
  }

  /// bos_token and its like, and lists of further ones.
  void read_named(const JsonPart& part) {
    for (const auto& [key, value] : part.value().items()) {
      if (key == "additional_special_tokens" || key == "extra_special_tokens" ||
          key == "model_specific_special_tokens") {
        for (const json& each : value) name(part.at(key).place(), text_of(each));
      } else if (key.ends_with("_token") && !value.is_null() && !value.is_boolean()) {
        name(part.at(key).place(), text_of(value));
      }
    }
  }

  static std::string text_of(const json& token) {
    if (token.is_string()) return token.get<std::string>();
    const bool written = token.is_object() && token.contains("content");
    return written && token["content"].is_string() ? token["content"].get<std::string>() : "";
  }

  void read_decoder(const JsonPart& decoder) {
    if (decoder.is_null()) return;
    for (const auto& [id, token] : decoder.value().items()) {
      const JsonPart part = decoder.at(id);
      const std::string text = part.at("content").text();
      const json number = json::parse(id, nullptr, /*allow_exceptions=*/false);
      name(part.place(), text, &number);
      const AddedToken* known = find(text);
      if (known == nullptr) continue;
      const auto same = [&](const char* key, bool has) {
        return part.at(key).is_null() || part.at(key).boolean() == has;
      };
      if (!same("single_word", known->single_word) || !same("lstrip", known->takes_blanks_before) ||
          !same("rstrip", known->takes_blanks_after) ||
          !same("normalized", known->after_normalizer) || !same("special", known->special)) {
        uncertain_.insert(text);
      }
    }
  }

  [[nodiscard]] const AddedToken* find(const std::string& text) const {
    const auto found = std::find_if(facts_.added->begin(), facts_.added->end(),
                                    [&](const AddedToken& each) { return each.text == text; });
    return found == facts_.added->end() ? nullptr : &*found;
  }

  void name(const JsonPlace& place, const std::string& text, const json* id = nullptr) {
    if (text.empty()) return;
    const AddedToken* known = find(text);
    if (known == nullptr) {
      uncertain_.insert(text);
    } else if (id != nullptr && *id != json(known->id)) {
      place.refuse(fmt::format("\"{}\" has two ids, {} here and {} in tokenizer.json", text,
                               id->dump(), known->id));
    }
  }

  fs::path directory_;
  const JsonFacts facts_;
  JsonCompanions made_;
  std::set<std::string> uncertain_;
};

}  // namespace

JsonCompanions read_json_companions(const fs::path& directory, const JsonFacts& facts) {
  return CompanionsReader(directory, facts).read();
}

}  // namespace explaind
