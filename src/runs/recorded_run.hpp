#pragma once
// A recorded run: the whole history of a training, as recorded_run.md lays it out.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "checkpoint/safetensors_file.hpp"
#include "runs/run_block.hpp"
#include "runs/run_description.hpp"

namespace explaind {

/// Steps s = 0 … steps()−1; step s takes θ_s to θ_{s+1} with batch B_s, learning rates α_s and
/// clipping factor γ_s (method.md §2). Files are mapped read-only; nothing is known of models.
class RecordedRun {
 public:
  enum class Require { complete, any };

  /// Throws DataError naming file and problem: no run, a run cut short (unless Require::any),
  /// steps missing, twice or out of order, and all that RunBlock and parse_run_description refuse.
  static RecordedRun open(const std::filesystem::path& directory,
                          Require require = Require::complete);

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] const RunDescription& description() const { return *description_; }
  /// False where training had not ended.
  [[nodiscard]] bool complete() const { return complete_; }
  /// What the recorder said at the end; null where it has not ended.
  [[nodiscard]] const nlohmann::json& ending() const { return ending_; }
  [[nodiscard]] int64_t steps() const { return blocks_.empty() ? 0 : blocks_.back().last() + 1; }
  [[nodiscard]] size_t blocks() const { return blocks_.size(); }

  /// θ_s of one parameter, s = 0 … steps().
  [[nodiscard]] TensorView parameter(int64_t step, size_t parameter) const;
  /// v of Adam after step s, not corrected for its start; only where stored.
  [[nodiscard]] TensorView second_moment(int64_t step, size_t parameter) const;
  /// The mean gradient of B_s before clipping and coupled decay; only where stored.
  [[nodiscard]] TensorView gradient(int64_t step, size_t parameter) const;

  [[nodiscard]] Hyperparameters hyperparameters(int64_t step, size_t group) const;
  [[nodiscard]] double clip(int64_t step) const { return block_of(step).clip(step); }
  [[nodiscard]] std::optional<double> loss(int64_t step) const { return block_of(step).loss(step); }
  [[nodiscard]] RunBatch batch(int64_t step) const { return block_of(step).batch(step); }
  /// False where the parameter had no gradient: neither stepped nor decayed.
  [[nodiscard]] bool stepped(int64_t step, size_t parameter) const {
    return block_of(step).stepped(step, parameter);
  }
  /// k_s: how many updates the parameter has had after step s.
  [[nodiscard]] int64_t update_count(int64_t step, size_t parameter) const;

 private:
  RecordedRun() = default;
  void open_blocks();
  void open_start();
  [[nodiscard]] const RunBlock& block_of(int64_t step) const;

  std::filesystem::path directory_;
  std::shared_ptr<const RunDescription> description_;
  nlohmann::json ending_;
  bool complete_ = false;
  std::shared_ptr<const SafetensorsFile> start_file_;
  std::vector<TensorView> start_;  ///< θ_0
  std::vector<RunBlock> blocks_;
};

/// What a store remembers of a run: size, modification time and a checksum of every block's header,
/// and run.json's own; with full_hash the SHA-256 of all bytes.
nlohmann::json identify(const RecordedRun& run, bool full_hash);

/// True where `path` is a directory that holds a run.json.
bool is_recorded_run(const std::filesystem::path& path);

}  // namespace explaind
