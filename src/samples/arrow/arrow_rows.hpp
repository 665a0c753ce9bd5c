#pragma once
// Rows of Parquet and Arrow files, by a library that is opened when one is named.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "samples/sample_rows.hpp"
#include "tables/plugin.hpp"

namespace explaind {

/// Which form of Apache Arrow's a file has by its first bytes; none for others. Throws DataError
/// with `name` for forms of it that are not read: encrypted tables, Feather's first version.
std::optional<ExplaindArrowForm> arrow_form(std::string_view content, const std::string& name);

/// The same of a file's first bytes; none too where it cannot be opened.
std::optional<ExplaindArrowForm> arrow_form_of(const std::filesystem::path& file);

/// Throws DataError where the program was built without Apache Arrow or does not find it, and where
/// the file cannot be read.
std::unique_ptr<SampleRows> open_arrow_rows(const std::filesystem::path& file,
                                            ExplaindArrowForm form);

struct ArrowColumn {
  std::string name, type;  ///< type: in Arrow's words, "list<item: int64>"
};

/// The columns of a file, in its order. Throws DataError as open_arrow_rows does.
std::vector<ArrowColumn> arrow_columns(const std::filesystem::path& file, ExplaindArrowForm form);

}  // namespace explaind
