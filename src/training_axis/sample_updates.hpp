#pragma once
// Every training sample's part of every update, by the step that applied it.
//
// Legend: M training samples, K groups of them (or the samples), R rows of a block, N steps.

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "parameters/parameter_source.hpp"
#include "samples/sample.hpp"
#include "training/replay.hpp"
#include "training/run_gradients.hpp"
#include "training_axis/axis_options.hpp"

namespace explaind {

/// Δ_s of a block of parameters in its parts: per part of the block one tensor (fp64).
struct BlockUpdate {
  int64_t step = 0;
  std::vector<at::Tensor> data;    ///< Δ_s(k): K × R × the rest of the parameter's shape
  std::vector<SplitUpdate> parts;  ///< of all samples together, R × the rest each
};

/// Δ_s = Σ_k Δ_s(k) + decay + momentum + rounding (method.md §2): every sample's own momentum
/// buffer, of the gradients that it alone gave, goes through the optimizer's update. K × D numbers
/// in all, so it is done a block of parameters at a time, each block in a pass over all steps.
class SampleUpdates {
 public:
  /// groups: of all training samples; a sum of samples has one buffer. first: where the range of
  /// steps begins; the steps before are replayed here. groups must outlive this. Throws DataError
  /// where model and run do not have the same parameters.
  SampleUpdates(const TrainedModel& trained, const Groups& groups, int64_t first = 0);

  /// Steps first … end−1 in order, for one block. Cost: per step a
  /// pass over its batch for the optimizer's replay and one for the block's per-sample gradients.
  void run(const std::vector<ParameterRows>& block, int64_t end,
           const std::function<void(const BlockUpdate&)>& keep) const;

 private:
  /// γ_s |B_s|⁻¹ ∇ℓ(x_k; θ_s) of the batch, per part B × R × the rest.
  [[nodiscard]] std::vector<at::Tensor> sample_gradients(const std::vector<ParameterRows>& block,
                                                         const RunBatch& batch, int64_t step) const;

  TrainedModel trained_;
  RunGradients gradients_;
  const Groups& groups_;
  OptimizerReplay start_;  ///< before the range's first step
};

/// Bytes that an element of a block takes: its momentum and update of every group, and its
/// gradients of the batch's samples, numbers of `type_size` bytes that become doubles.
int64_t element_bytes(int64_t groups, int64_t batch, int64_t type_size);

/// Elements of a piece: a constant, since products round as they are cut. Small, since one piece of
/// every sample must fit the memory.
inline constexpr int64_t piece_elements = 1024;

/// All parameters in pieces of whole rows, and these in blocks, as few as fit; at least one piece a
/// block. The memory decides how many passes there are and no bit. of_element: element_bytes.
/// piece: elements of the largest, or a row's where that has more.
std::vector<std::vector<ParameterRows>> parameter_blocks(const Model& model, int64_t of_element,
                                                         int64_t memory,
                                                         int64_t piece = piece_elements);

/// Elements of the largest piece of that size.
int64_t largest_piece(const Model& model, int64_t piece = piece_elements);

}  // namespace explaind
