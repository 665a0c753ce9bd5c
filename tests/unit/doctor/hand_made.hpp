#pragma once
// Series in memory, tensor by tensor, as the doctor sees them after its pass.

#include <gmock/gmock.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "doctor/tensor_sums.hpp"
#include "doctor/weight_pass.hpp"

namespace explaind::testing {

/// Elements of each tensor, in two rows.
inline constexpr int64_t hand_made_elements = 1024;

/// Value of an element at a checkpoint.
using Values = std::function<double(size_t checkpoint, int64_t element)>;

class HandMade {
 public:
  explicit HandMade(const std::vector<int64_t>& steps) {
    for (const int64_t step : steps) checkpoints.emplace_back().step = step;
  }

  /// Puts a tensor into a file, at all checkpoints or those listed.
  void add(const std::string& name, const std::string& file, const Values& values,
           std::vector<size_t> at = {}, std::vector<int64_t> shape = {2, hand_made_elements / 2}) {
    const bool everywhere = at.empty();
    for (size_t i = 0; everywhere && i < checkpoints.size(); ++i) at.push_back(i);
    for (const size_t i : at) {
      std::vector<float>& stored = storage_.emplace_back();
      for (int64_t e = 0; e < hand_made_elements; ++e) {
        stored.push_back(static_cast<float>(values(i, e)));
      }
      ExaminedCheckpoint& here = checkpoints[i];
      size_t number = 0;
      while (number < here.files.size() && here.files[number].name != file) ++number;
      if (number == here.files.size())
        here.files.push_back({.name = file, .weights = {}, .sha256 = {}});
      const TensorView view{.name = name,
                            .dtype = Dtype::f32,
                            .shape = shape,
                            .data = reinterpret_cast<const std::byte*>(stored.data()),
                            .bytes = stored.size() * sizeof(float)};
      here.tensors[name] = {view, number};
      here.whole = true;
    }
  }

  /// The pass over all of it; a file's hash is of its tensors' bytes alone, as where a file holds
  /// nothing else.
  PassTable table() {
    PassTable table;
    table.sums.resize(checkpoints.size());
    for (size_t i = 0; i < checkpoints.size(); ++i) {
      table.sums[i].resize(checkpoints[i].tensors.size());
      for (ExaminedFile& file : checkpoints[i].files) file.sha256.clear();
      size_t number = 0;
      for (const auto& [name, placed] : checkpoints[i].tensors) {
        TensorSums& sums = table.sums[i][number++];
        const TensorView* before = view_at(i, 1, name);
        const TensorView* earlier = view_at(i, 2, name);
        add_elements(placed.view, before, earlier, 0, placed.view.elements(), sums);
        checkpoints[i].files[placed.file].sha256 += std::to_string(sums.fingerprint) + " ";
        table.tensors[name].resize(checkpoints.size(), nullptr);
        table.tensors[name][i] = &sums;
      }
    }
    return table;
  }

  std::vector<ExaminedCheckpoint> checkpoints;

 private:
  const TensorView* view_at(size_t i, size_t back, const std::string& name) const {
    if (i < back) return nullptr;
    const PlacedTensor* found = checkpoints[i - back].tensor(name);
    return found == nullptr ? nullptr : &found->view;
  }

  std::deque<std::vector<float>> storage_;
};

/// Between −1 and 1, another for every element and seed.
inline double scattered(int64_t element, int64_t seed) {
  return std::sin(12.9898 * static_cast<double>(element + 1) + 78.233 * static_cast<double>(seed));
}

/// A tensor that goes along a curve: by an element's own direction, which turns slowly. `way`: how
/// far it is at a checkpoint.
inline Values along(const std::function<double(size_t)>& way, int64_t seed) {
  return [way, seed](size_t checkpoint, int64_t element) {
    const double s = way(checkpoint), angle = s / 200;
    return scattered(element, seed) + .01 * s *
                                          (std::cos(angle) * scattered(element, seed + 100) +
                                           std::sin(angle) * scattered(element, seed + 200));
  };
}

MATCHER_P2(FindingOf, kind, checkpoints, "") {
  *result_listener << word_of(arg.kind) << ": " << arg.text;
  return arg.kind == kind && arg.checkpoints == std::vector<size_t>(checkpoints);
}

using At = std::vector<size_t>;

}  // namespace explaind::testing
