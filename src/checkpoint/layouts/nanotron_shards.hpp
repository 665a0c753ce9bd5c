#pragma once
// The weights in a checkpoint of nanotron: a folder a module, a file a tensor or a part of one.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/layouts/assembly.hpp"
#include "checkpoint/safetensors_file.hpp"

namespace explaind {

/// One tensor-parallel rank's part of a tensor.
struct NanotronShard {
  std::shared_ptr<const SafetensorsFile> file;
  TensorView data;
  /// Rows [local, local + count) of the part along `axis` are those from `global` on of the whole.
  struct Slice {
    int64_t local, global, count;
  };
  std::vector<Slice> slices;
};

/// model/A/B/model_weight[_pp-rank-0-of-1_tp-rank-0-of-2].safetensors, called A.B.weight.
struct NanotronTensor {
  std::vector<int64_t> shape;         ///< whole
  size_t axis = 0;                    ///< along which it is divided
  std::vector<NanotronShard> shards;  ///< by tensor-parallel rank; one where it is not divided

  [[nodiscard]] bool divided() const { return !shards[0].slices.empty(); }
  /// Adds the whole, of parts that have the numbers of `parts` in place of the weights'. They must
  /// have the shards' shapes.
  void add(Assembly& to, const std::string& name, const std::vector<TensorView>& parts) const;
};

/// By name. Throws DataError naming file and problem: a rank's file that is missing or twice there,
/// parts that overlap or leave something out, experts.
std::map<std::string, NanotronTensor> read_nanotron_shards(const std::filesystem::path& folder);

}  // namespace explaind
