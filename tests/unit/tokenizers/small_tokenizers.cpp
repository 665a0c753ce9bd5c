#include "unit/tokenizers/small_tokenizers.hpp"

#include <utility>

#include "tokenizers/byte_alphabet.hpp"
#include "tokenizers/token_model.hpp"

namespace explaind::testing {

using nlohmann::json;

namespace {

json added(int id, const std::string& text, bool special) {
  return {{"id", id},        {"content", text},        {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", !special}, {"special", special}};
}

json file(json model) {
  return {{"version", "1.0"},          {"truncation", nullptr},
          {"padding", nullptr},        {"added_tokens", json::array()},
          {"normalizer", nullptr},     {"pre_tokenizer", nullptr},
          {"post_processor", nullptr}, {"decoder", nullptr},
          {"model", std::move(model)}};
}

}  // namespace

json byte_level_bpe() {
  json vocabulary = json::object();
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary[in_byte_alphabet(std::string(1, static_cast<char>(byte)))] = byte;
  }
  int id = 256;
  for (const char* piece : {"he", "ll", "hell", "hello", "Ġw", "el"}) vocabulary[piece] = id++;
  json made = file({{"type", "BPE"},
                    {"dropout", nullptr},
                    {"unk_token", nullptr},
                    {"continuing_subword_prefix", ""},
                    {"end_of_word_suffix", ""},
                    {"fuse_unk", false},
                    {"byte_fallback", false},
                    {"ignore_merges", false},
                    {"vocab", vocabulary},
                    {"merges", json::array({"h e", "l l", "he ll", "hell o", "Ġ w", "e l"})}});
  made["added_tokens"] = {added(id, "<s>", true), added(id + 1, "EXTRA", false)};
  made["normalizer"] = {{"type", "Sequence"}, {"normalizers", json::array({{{"type", "NFC"}}})}};
  made["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"},
         {"pattern", {{"Regex", R"( ?[a-z]+|\d| ?[^\sa-z\d]+|\s+(?!\S)|\s+)"}}},
         {"behavior", "Isolated"},
         {"invert", false}},
        {{"type", "ByteLevel"},
         {"add_prefix_space", false},
         {"trim_offsets", true},
         {"use_regex", false}}}}};
  made["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single",
       {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}},
        {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
      {"pair", json::array()},
      {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {id}}, {"tokens", {"<s>"}}}}}}};
  return made;
}

json blank_marks_bpe() {
  json vocabulary{{"<unk>", 0}};
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary[byte_piece(static_cast<unsigned char>(byte))] = byte + 1;
  }
  int id = 257;
  for (const char* piece : {"▁", "a", "b", "é", "▁a", "ab", "▁ab"}) vocabulary[piece] = id++;
  json made = file({{"type", "BPE"},
                    {"unk_token", "<unk>"},
                    {"fuse_unk", true},
                    {"byte_fallback", true},
                    {"vocab", vocabulary},
                    {"merges", json::array({"▁ a", "a b", "▁a b", "▁ ab"})}});
  made["added_tokens"] = {added(0, "<unk>", true)};
  made["normalizer"] = {
      {"type", "Sequence"},
      {"normalizers",
       {{{"type", "Prepend"}, {"prepend", "▁"}},
        {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}}}}};
  return made;
}

json unigram() {
  json vocabulary = json::array();
  const std::pair<const char*, double> pieces[] = {{"<unk>", 0}, {"▁", -2},      {"a", -3.5},
                                                   {"b", -3},    {"▁ab", -4.25}, {"abb", -9},
                                                   {"bb", -4},   {"z", 1},       {"zx", -9}};
  for (const auto& [piece, score] : pieces) vocabulary.push_back(json::array({piece, score}));
  json made =
      file({{"type", "Unigram"}, {"unk_id", 0}, {"byte_fallback", false}, {"vocab", vocabulary}});
  made["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "always"}, {"split", true}};
  return made;
}

}  // namespace explaind::testing
