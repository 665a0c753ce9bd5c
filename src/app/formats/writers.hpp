#pragma once
// The writers, a file each.

#include <filesystem>
#include <memory>

#include "app/formats/byte_output.hpp"
#include "app/formats/result_writer.hpp"
#include "tables/table_file.hpp"

namespace explaind {

/// One header line; a row's coordinates, its counts, the value and what belongs to it.
std::unique_ptr<ResultWriter> csv_writer(const ResultHead& head, ByteOutput output,
                                         const LineStyle& style);
/// An array with an object per row; with the header an object that holds it as `rows`.
std::unique_ptr<ResultWriter> json_writer(const ResultHead& head, ByteOutput output,
                                          const LineStyle& style);
/// An array of doubles, which has no room for more than the values.
std::unique_ptr<ResultWriter> npy_writer(const ResultHead& head, ByteOutput output);
/// The columns of CSV as a table of Apache Arrow's, with the heading in its metadata.
std::unique_ptr<ResultWriter> table_writer(const ResultHead& head,
                                           const std::filesystem::path& output,
                                           TableFile::Form form);
/// A netCDF-4 file, as xarray and netCDF read it (named_arrays.hpp).
std::unique_ptr<ResultWriter> netcdf_writer(const ResultHead& head,
                                            const std::filesystem::path& output);
/// A folder of zarr's version 2 with the same dataset: chunks of at most a few megabytes,
/// compressed by zlib, metadata consolidated.
std::unique_ptr<ResultWriter> zarr_writer(const ResultHead& head,
                                          const std::filesystem::path& output);

}  // namespace explaind
