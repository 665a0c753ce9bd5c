#pragma once
// A SentencePiece tokenizer.model, read by SentencePiece's own library.

#include <filesystem>
#include <memory>

#include "tokenizers/tokenizer.hpp"

namespace explaind {

/// DIRECTORY/tokenizer.model as the files beside it say (sentencepiece_config.hpp). Throws
/// DataError where it is no such model, or does more.
std::unique_ptr<Tokenizer> open_sentencepiece(const std::filesystem::path& directory);

}  // namespace explaind
