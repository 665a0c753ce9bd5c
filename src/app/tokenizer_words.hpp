#pragma once
// What inspect and tokenize say of a tokenizer.

#include <filesystem>
#include <string>

namespace explaind {

/// The tokenizer of a checkpoint in a line: its file, what begins and ends a sequence, or why it is
/// not read.
std::string tokenizer_of(const std::filesystem::path& checkpoint);

}  // namespace explaind
