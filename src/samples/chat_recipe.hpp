#pragma once
// What is said of conversations, which only a checkpoint's chat template makes texts of.

#include <filesystem>
#include <string>
#include <vector>

#include "samples/sample_rows.hpp"

namespace explaind {

/// A chat template is a program in Jinja, which is not run here. A remedy: lines of Python that
/// print every sample of `rows` with input_ids by the template of the tokenizer in `folder`.
/// `keys`: the columns whose messages are one conversation, in order.
std::string chat_by_transformers(const std::filesystem::path& folder, const PythonRows& rows,
                                 const std::vector<std::string>& keys);

}  // namespace explaind
