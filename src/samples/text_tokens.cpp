#include "samples/text_tokens.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

constexpr std::string_view target_begin = "[TARGET]", target_end = "[/TARGET]";

}  // namespace

TargetText unmark(const std::string& text, const std::string& where) {
  const size_t begin = text.find(target_begin), end = text.find(target_end);
  if (begin == std::string::npos && end == std::string::npos) return {.text = text, .target = {}};
  const size_t inside = begin + target_begin.size();
  if (begin == std::string::npos || end == std::string::npos || end < inside ||
      text.find(target_begin, inside) != std::string::npos ||
      text.find(target_end, end + 1) != std::string::npos) {
    throw DataError(where, "[TARGET] and [/TARGET] do not match", "Mark one span, once");
  }
  return {.text = text.substr(0, begin) + text.substr(inside, end - inside) +
                  text.substr(end + target_end.size()),
          .target = std::pair{begin, begin + end - inside}};
}

TargetText join(const std::string& prompt, const std::string& completion,
                const std::string& where) {
  for (const std::string_view marker : {target_begin, target_end}) {
    if (prompt.find(marker) == std::string::npos && completion.find(marker) == std::string::npos)
      continue;
    throw DataError(where,
                    fmt::format("{} marks what is predicted of a text; of prompt and completion "
                                "that is the completion",
                                marker),
                    "Remove it, or give the whole as text");
  }
  if (completion.empty()) {
    throw DataError(where, "the completion is empty: nothing is to predict",
                    "Give it a text, or remove the sample");
  }
  return {.text = prompt + completion,
          .target = std::pair{prompt.size(), prompt.size() + completion.size()},
          .completes = true};
}

void TextTokens::add(const TargetText& text, const std::string& where, Sample& sample) {
  if (!tokenizer_) tokenizer_ = open_tokenizer(options_.tokenizer_directory);
  if (const std::optional<std::string> token = tokenizer_->special_token_in(text.text)) {
    throw DataError(
        where,
        fmt::format("the text holds \"{}\", which is a token of its own in the tokenizer's files",
                    *token),
        "Give the ids that the model was trained with (input_ids), or leave it out");
  }
  const std::vector<Tokenizer::Piece> pieces = tokenizer_->encode(text.text);
  look_at(text, pieces);
  const bool whole = !text.target;
  for (const int64_t id : tokenizer_->before()) add_token(id, whole, where, sample);
  for (const Tokenizer::Piece& piece : pieces) {
    const bool wanted =
        whole || (piece.begin < text.target->second && piece.end > text.target->first);
    add_token(piece.id, wanted, where, sample);
  }
  for (const int64_t id : tokenizer_->after()) add_token(id, whole, where, sample);
}

void TextTokens::say(const std::string& file, std::vector<std::string>& notes) const {
  if (!tokenizer_) return;
  // A text that writes out the token that every sequence gets has it twice.
  const auto twice = [&](size_t texts, const char* verb, int64_t id) {
    if (texts == 0) return;
    notes.push_back(fmt::format(
        "{}: {} {}{} with {}, which the tokenizer puts there too: it stands there twice", file,
        counted(texts, "text"), verb, texts == 1 ? "s" : "", tokenizer_->piece(id)));
  };
  twice(begun_twice_, "begin", begun_twice_ > 0 ? tokenizer_->before().back() : 0);
  twice(ended_twice_, "end", ended_twice_ > 0 ? tokenizer_->after().front() : 0);
  if (spanned_ > 0) {
    notes.push_back(fmt::format(
        "{}: in {} a token holds the end of the prompt and the beginning of the completion: it is "
        "predicted, as a part of the completion",
        file, counted(spanned_, "sample")));
  }
  for (std::string& note : tokenizer_->notes()) notes.push_back(std::move(note));
}

void TextTokens::look_at(const TargetText& text, const std::vector<Tokenizer::Piece>& pieces) {
  if (pieces.empty()) return;
  const std::vector<int64_t>& before = tokenizer_->before();
  const std::vector<int64_t>& after = tokenizer_->after();
  if (!before.empty() && pieces.front().id == before.back()) ++begun_twice_;
  if (!after.empty() && pieces.back().id == after.front()) ++ended_twice_;
  const auto spans = [&](const Tokenizer::Piece& piece) {
    return piece.begin < text.target->first && piece.end > text.target->first;
  };
  if (text.completes && std::any_of(pieces.begin(), pieces.end(), spans)) ++spanned_;
}

void TextTokens::add_token(int64_t id, bool predicted, const std::string& where,
                           Sample& sample) const {
  if (id >= options_.vocabulary) {
    throw DataError(where,
                    fmt::format("the tokenizer gives id {}, outside the model's vocabulary of {}",
                                id, options_.vocabulary),
                    "Use the tokenizer of this model (--tokenizer)");
  }
  sample.input_ids.push_back(id);
  sample.labels.push_back(predicted ? id : ignored_label);
}

}  // namespace explaind
