#include "tokenizers/json_tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tokenizers/byte_alphabet.hpp"
#include "tokenizers/characters.hpp"

namespace explaind {
namespace {

constexpr size_t most_words = 1 << 17, longest_word = 256;

/// The steps of a normalizer or pre-tokenizer, those within sequences.
std::vector<JsonPart> steps_of(const JsonPart& step) {
  if (step.is_null()) return {};
  if (step.type() != "Sequence") return {step};
  std::vector<JsonPart> steps;
  for (const char* list : {"normalizers", "pretokenizers"}) {
    if (step.at(list).is_null()) continue;
    for (const JsonPart& each : step.at(list).items()) {
      const std::vector<JsonPart> inner = steps_of(each);
      steps.insert(steps.end(), inner.begin(), inner.end());
    }
  }
  return steps;
}

bool adds_blank(const JsonPart& step) {
  const std::string type = step.type();
  return type == "Prepend" ||
         (type == "Metaspace" && step.at("prepend_scheme").text_or("always") != "never") ||
         (type == "ByteLevel" && step.at("add_prefix_space").boolean_or(false));
}

JsonFacts facts_of(const JsonPart& file, const SequenceEnds& ends,
                   const std::vector<AddedToken>& added) {
  JsonFacts facts{.added = &added,
                  .begins = !ends.before.empty(),
                  .ends = !ends.after.empty(),
                  .adds_blank = false,
                  .normalizers = {},
                  .pre_tokenizers = {}};
  const auto look = [&](const JsonPart& part, std::vector<std::string>& types) {
    for (const JsonPart& step : steps_of(part)) {
      types.push_back(step.type());
      facts.adds_blank = facts.adds_blank || adds_blank(step);
    }
  };
  look(file.at("normalizer"), facts.normalizers);
  look(file.at("pre_tokenizer"), facts.pre_tokenizers);
  return facts;
}

}  // namespace

JsonTokenizer::JsonTokenizer(const std::filesystem::path& directory)
    : path_(directory / "tokenizer.json") {
  const JsonPart file = JsonPart::of_file(path_);
  file.allow_only({"version", "truncation", "padding", "added_tokens", "normalizer",
                   "pre_tokenizer", "post_processor", "decoder", "model"});
  if (file.at("version").text_or("1.0") != "1.0") file.at("version").refuse("is not 1.0");
  model_ = read_model(file.at("model"));
  normalizer_ = read_normalizer(file.at("normalizer"));
  pre_tokenization_ = read_pre_tokenizer(file.at("pre_tokenizer"));
  ends_ = read_post_processor(file.at("post_processor"));
  added_ = AddedTokens(
      file.at("added_tokens"), normalizer_.get(),
      [this](const std::string& text) { return model_->id_of(text); }, model_->size());
  for (const AddedToken& token : added_.all()) added_texts_[token.id] = token.text;
  companions_ = read_json_companions(directory, facts_of(file, ends_, added_.all()));
  if (companions_.special_are_text) added_.take_special_tokens_as_text();
  if (!file.at("truncation").is_null()) {
    companions_.notes.push_back(fmt::format(
        "{}: its truncation is not applied, nor is it by transformers", path_.string()));
  }
}

std::vector<Tokenizer::Piece> JsonTokenizer::encode(const std::string& text) const {
  Pieces pieces = added_.extract(text, normalizer_.get());
  for (const auto& step : pre_tokenization_.steps) step->apply(pieces);
  std::vector<Piece> tokens;
  for (const Pieces::Piece& piece : pieces.all()) {
    if (piece.token != Pieces::no_token) {
      const Origin origin = piece.within->origin(piece.begin, piece.end);
      tokens.push_back({piece.token, origin.begin, origin.end});
      continue;
    }
    const CachedWord found = word(piece.text());
    size_t at = piece.begin;
    for (uint32_t i = 0; i < found.count; ++i) {
      const WordToken& token = tokens_of_words_[found.first + i];
      const size_t end = std::min<size_t>(at + token.size, piece.end);
      const Origin origin = piece.within->origin(at, end);
      tokens.push_back({token.id, origin.begin, origin.end});
      at = end;
    }
  }
  return tokens;
}

JsonTokenizer::CachedWord JsonTokenizer::word(std::string_view text) const {
  const auto known = words_.find(text);
  if (known != words_.end()) return known->second;
  if (words_.size() >= most_words || tokens_of_words_.size() >= most_words * 8) {
    words_.clear();
    tokens_of_words_.clear();
  }
  const auto first = static_cast<uint32_t>(tokens_of_words_.size());
  encode_word(text, tokens_of_words_);
  const CachedWord made{first, static_cast<uint32_t>(tokens_of_words_.size()) - first};
  if (text.size() <= longest_word) words_.emplace(text, made);
  return made;
}

void JsonTokenizer::encode_word(std::string_view word, std::vector<WordToken>& tokens) const {
  if (!pre_tokenization_.byte_alphabet) return model_->encode(word, tokens);
  const std::string characters = in_byte_alphabet(word);
  const size_t first = tokens.size();
  model_->encode(characters, tokens);
  // Each character is a byte of the word.
  size_t at = 0;
  for (size_t i = first; i < tokens.size(); ++i) {
    const size_t end = at + tokens[i].size;
    uint32_t bytes = 0;
    for (; at < end; at += decode(characters, at).size) ++bytes;
    tokens[i].size = bytes;
  }
}

std::optional<std::string> JsonTokenizer::special_token_in(const std::string& text) const {
  for (const std::string& token : companions_.uncertain) {
    if (text.find(token) != std::string::npos) return token;
  }
  return std::nullopt;
}

std::string JsonTokenizer::piece(int64_t id) const {
  const auto added = added_texts_.find(id);
  return added == added_texts_.end() ? model_->piece(id) : added->second;
}

std::string JsonTokenizer::description() const {
  return fmt::format("tokenizer.json ({}, {} pieces, {} added tokens)", model_->name(),
                     model_->size(), added_.all().size());
}

}  // namespace explaind
