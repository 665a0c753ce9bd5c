#include <fmt/format.h>

#include "core/error.hpp"
#include "tokenizers/json_part.hpp"
#include "tokenizers/json_tokenizer.hpp"
#include "tokenizers/model_beside.hpp"
#include "tokenizers/sentencepiece_tokenizer.hpp"
#include "tokenizers/tokenizer.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

std::string tokens(const Tokenizer& tokenizer, const std::vector<int64_t>& ids) {
  std::string text;
  for (const int64_t id : ids) {
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", tokenizer.piece(id), id);
  }
  return text;
}

}  // namespace

std::string ends_of_sequences(const Tokenizer& tokenizer) {
  const std::string before = tokens(tokenizer, tokenizer.before());
  const std::string after = tokens(tokenizer, tokenizer.after());
  return fmt::format("{}, {}",
                     before.empty() ? "no beginning of sequence" : "begins with " + before,
                     after.empty() ? "no end of sequence" : "ends with " + after);
}

std::unique_ptr<Tokenizer> open_tokenizer(const fs::path& directory) {
  if (fs::exists(directory / "tokenizer.json")) {
    return with_model_beside(std::make_unique<JsonTokenizer>(directory), directory);
  }
  if (fs::exists(directory / "tokenizer.model")) return open_sentencepiece(directory);
  throw DataError(directory.string(), "has neither tokenizer.json nor tokenizer.model",
                  "Give token ids (input_ids) instead of text, or name a folder that has one with "
                  "--tokenizer");
}

}  // namespace explaind
