#pragma once
// A folder of Parquet or Arrow files that are one table, as datasets on the Hub are cut.

#include <filesystem>
#include <memory>
#include <vector>

#include "samples/sample_rows.hpp"

namespace explaind {

/// The files *.parquet and *.arrow right in the folder, in the order of their names. Hidden ones
/// are none of them. Throws DataError naming files where there are none, or JSON Lines beside them;
/// where names NAME-00002-of-00012 miss a number, have one twice, are of several tables (splits),
/// or stand beside other names.
std::vector<std::filesystem::path> table_files(const std::filesystem::path& folder);

/// The rows of all files, numbered through; messages name the file and its row. Throws DataError as
/// table_files does; where two files are of different kinds or have different columns (both are
/// named; a column that is null throughout fits any type); and as open_arrow_rows does.
std::unique_ptr<SampleRows> open_table_folder(const std::filesystem::path& folder);

}  // namespace explaind
