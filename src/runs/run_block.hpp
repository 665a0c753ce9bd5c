#pragma once
// One block file of a recorded run: some consecutive steps.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/safetensors_file.hpp"
#include "runs/run_description.hpp"

namespace explaind {

/// The mini-batch of a step.
struct RunBatch {
  std::vector<int64_t> samples;  ///< indices into the training data, in the order they were used
  std::vector<uint8_t> flips;    ///< 1: mirrored left to right; empty where the run has no flips
};

/// "00000000-00000063.safetensors": first and last step.
std::string block_name(int64_t first, int64_t last);
/// First step of a block's file name; nothing where it is none.
std::optional<int64_t> block_first_step(const std::string& name);

/// Steps first() … last(), mapped read-only. Copies share the mapping.
class RunBlock {
 public:
  /// description: must outlive this. Throws DataError naming the file and what is wrong with it:
  /// steps that are not those of its name, a tensor missing or of another shape or type, a batch
  /// index outside the training data, a hyper-parameter missing or impossible.
  RunBlock(const std::filesystem::path& path, const RunDescription& description);

  [[nodiscard]] int64_t first() const { return first_; }
  [[nodiscard]] int64_t last() const { return last_; }

  /// After step s: θ_{s+1}, the second moment v, the batch's mean gradient before clipping.
  [[nodiscard]] TensorView parameter(int64_t step, size_t parameter) const;
  [[nodiscard]] TensorView second_moment(int64_t step, size_t parameter) const;
  [[nodiscard]] TensorView gradient(int64_t step, size_t parameter) const;

  [[nodiscard]] Hyperparameters hyperparameters(int64_t step, size_t group) const;
  [[nodiscard]] double clip(int64_t step) const { return clip_[row(step)]; }
  [[nodiscard]] std::optional<double> loss(int64_t step) const;
  [[nodiscard]] bool stepped(int64_t step, size_t parameter) const;
  [[nodiscard]] RunBatch batch(int64_t step) const;

 private:
  [[nodiscard]] size_t row(int64_t step) const { return static_cast<size_t>(step - first_); }
  [[nodiscard]] const TensorView* find(const std::string& name) const;
  [[nodiscard]] const TensorView& get(const std::string& name, Dtype dtype,
                                      const std::vector<int64_t>& shape) const;
  [[nodiscard]] TensorView of_step(const std::vector<TensorView>& tensors, int64_t step,
                                   size_t parameter) const;
  void read_span();
  void read_tensors();
  void read_hyperparameters();
  void read_batches();
  [[noreturn]] void fail(const std::string& problem) const;

  std::shared_ptr<const SafetensorsFile> file_;
  const RunDescription* description_;
  int64_t first_ = 0, last_ = -1;
  std::vector<TensorView> parameters_, second_moments_, gradients_;  ///< n × the tensor's shape
  std::vector<Hyperparameters> hyperparameters_;                     ///< n G
  std::vector<double> clip_, loss_;
  std::vector<uint8_t> stepped_;     ///< n P
  std::vector<size_t> batch_begin_;  ///< n + 1
  std::vector<int64_t> batch_samples_;
  std::vector<uint8_t> batch_flips_;
};

}  // namespace explaind
