#pragma once
// What a file is by its first bytes, where it is not what its name promises.

#include <optional>
#include <string>
#include <string_view>

namespace explaind {

/// What something is instead of what was expected, and the way to what was meant.
struct Instead {
  std::string what;    ///< "a Git LFS pointer: …"
  std::string remedy;  ///< a sentence without its full stop; commands in `backticks`
};

/// Known contents that people find under the name of a model's file: Git LFS pointers, web pages,
/// answers of a server (XML, JSON, plain text), compressed archives, texts in UTF-16, GGUF, HDF5
/// and others. `content`: the file, or its first 4 KiB; `name`: its path, for remedies. Nothing for
/// what is not known: safetensors, files of torch.save and JSON objects that are no error are never
/// named.
std::optional<Instead> foreign_content(std::string_view content, const std::string& name);

/// The same for a text in UTF-16 alone, by its byte order mark.
std::optional<Instead> wide_text(std::string_view content, const std::string& name);

/// A word of a shell's command: quoted where it needs to be.
std::string shell_word(const std::string& text);

/// Throws DataError where foreign_content knows the content.
void refuse_foreign_content(std::string_view content, const std::string& name);

}  // namespace explaind
