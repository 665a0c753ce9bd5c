#pragma once
// Rows of Parquet and Arrow files, by a library that is opened when one is named.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "samples/arrow/plugin.hpp"
#include "samples/sample_rows.hpp"

namespace explaind {

/// Which form of Apache Arrow's a file has by its first bytes; none for others. Throws DataError
/// with `name` for forms of it that are not read: encrypted tables, Feather's first version.
std::optional<ExplaindArrowForm> arrow_form(std::string_view content, const std::string& name);

/// Throws DataError where the program was built without Apache Arrow or does not find it, and where
/// the file cannot be read.
std::unique_ptr<SampleRows> open_arrow_rows(const std::filesystem::path& file,
                                            ExplaindArrowForm form);

}  // namespace explaind
