#include "app/tokenizer_words.hpp"

#include <fmt/format.h>

#include <memory>

#include "core/error.hpp"
#include "tokenizers/tokenizer.hpp"

namespace explaind {
namespace fs = std::filesystem;

std::string tokenizer_of(const fs::path& checkpoint) {
  if (!fs::exists(checkpoint / "tokenizer.json") && !fs::exists(checkpoint / "tokenizer.model")) {
    return "none: samples need input_ids";
  }
  try {
    const std::unique_ptr<Tokenizer> tokenizer = open_tokenizer(checkpoint);
    std::string text = fmt::format("{}: samples may be texts\n              {}",
                                   tokenizer->description(), ends_of_sequences(*tokenizer));
    for (const std::string& note : tokenizer->notes()) text += "\n              " + note;
    return text;
  } catch (const DataError& error) {
    const std::string message = error.what();  // the recipe follows in further lines
    return "not read, so samples need input_ids: " + message.substr(0, message.find('\n'));
  }
}

}  // namespace explaind
