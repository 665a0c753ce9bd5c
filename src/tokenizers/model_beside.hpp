#pragma once
// A tokenizer.model that lies beside the tokenizer.json that is read.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tokenizers/json_tokenizer.hpp"
#include "tokenizers/tokenizer.hpp"

namespace explaind {

/// `tokenizer` with, in its notes, how the tokenizer.model of its folder differs from it: in its
/// pieces, or in the tokens that it makes of the texts that were encoded. `tokenizer` alone where
/// there is none, or one that is not SentencePiece's.
std::unique_ptr<Tokenizer> with_model_beside(std::unique_ptr<JsonTokenizer> tokenizer,
                                             const std::filesystem::path& directory);

}  // namespace explaind
