#pragma once
// A small store whose every cell has a value of its own, so that a permuted axis shows.

#include <filesystem>
#include <string>
#include <vector>

#include "store/influence_store.hpp"

namespace explaind::testing {

/// 3 segments, 5 samples of 2 groups in units of 2, 4 positions, 6 tensors of 2 layers and 3 kinds.
StoreSchema small_schema(const Axes& axes = {}, bool single_precision = false);

/// The same with every part, training samples (4, of groups fr, en, fr) or groups, and 3 outputs,
/// where the axes say so.
StoreSchema schema_with_parts(const Axes& axes, bool single_precision = false);

/// A part's cell: distinct for all index combinations and parts, exact in fp32. train, output: 0
/// where the axis is not kept.
double part_cell(Part part, int64_t segment, int64_t row, int64_t component, int64_t train,
                 int64_t output);

/// The cell's value: distinct for all index combinations, exact in fp32. row: sample, or group.
double cell(int64_t segment, int64_t row, int64_t position, int64_t component);
/// value_from; value_to is this + 1, residual + 2, quadrature_error + 3, nodes 9 + segment.
double certificate(int64_t segment, int64_t sample);

ScoreTile tile_of(const StoreSchema& schema, int64_t unit);

/// Creates the store and writes the units given (all where empty).
void write_store(const std::filesystem::path& path, const StoreSchema& schema,
                 std::vector<int64_t> units = {});

/// A file of a test's own in the temporary folder, removed at the end.
class TemporaryFile {
 public:
  TemporaryFile();
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace explaind::testing
