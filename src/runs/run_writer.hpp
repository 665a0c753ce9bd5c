#pragma once
// Writing a recorded run: a block of steps at a time, each complete or not there at all.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/safetensors_file.hpp"
#include "machine/likeness.hpp"
#include "runs/run_description.hpp"

namespace explaind {

/// What is recorded of one step. The views are copied by RunWriter::add.
struct StepRecord {
  std::vector<double> learning_rates{};  ///< per group
  double clip = 1;                       ///< what the gradient was multiplied by
  double loss = 0;                       ///< mean over the batch before the step, in nats
  std::span<const int64_t> samples{};    ///< indices into the training data, in their order
  std::span<const uint8_t> flips{};      ///< per sample; empty without flips
  std::vector<uint8_t> stepped{};        ///< per parameter: it had a gradient
  std::vector<TensorView> parameters{};  ///< θ after the step, in the description's order
  std::vector<TensorView> second_moments{}, gradients{};  ///< empty where they are not stored
};

/// Collects steps and writes them block by block. Order of what appears in the directory: data,
/// start, run.json; then block, state, block, state …; complete.json. Each file appears whole, by
/// rename after a sync, so a crash leaves a run that resume() goes on with.
class RunWriter {
 public:
  /// block_bytes: a block is written when the next step would make it larger.
  ///
  /// create: a new run in an empty or new directory, θ_0 = start. Throws DataError where the file
  /// system fails.
  static RunWriter create(const std::filesystem::path& directory, const nlohmann::json& run,
                          std::span<const TensorView> start, std::span<const TensorView> data,
                          int64_t block_bytes);

  /// Goes on with a run from its last state; blocks after it are removed. Throws DataError where
  /// run.json differs from `run`, naming the keys, where the run has ended, and, unless
  /// other_build, where another build or a processor that adds in another order made that state.
  static RunWriter resume(const std::filesystem::path& directory, const nlohmann::json& run,
                          int64_t block_bytes, bool other_build = false);

  /// The state saved last; nothing where none was.
  [[nodiscard]] const SafetensorsFile* state() const { return state_.get(); }
  /// The step that comes next.
  [[nodiscard]] int64_t next_step() const { return first_ + count_; }

  void add(const StepRecord& step);
  /// True when a block is due.
  [[nodiscard]] bool full() const;
  /// Writes the steps collected as a block, then the state from which training can go on after
  /// them.
  void write_block(std::span<const TensorView> state);
  /// Nothing may be pending. ending: "steps" is added to it.
  void complete(nlohmann::json ending);

 private:
  /// One tensor of the block, n × shape.
  struct Column {
    std::string name;
    Dtype dtype = Dtype::f32;
    std::vector<int64_t> shape;  ///< of one step; empty with `ragged`
    bool ragged = false;         ///< one row of all steps' values, of any number
    std::vector<std::byte> bytes;
  };
  RunWriter(std::filesystem::path directory, const nlohmann::json& run, int64_t block_bytes);
  void put(size_t column, const void* data, size_t bytes);

  std::filesystem::path directory_;
  Likeness maker_ = own_likeness();
  RunDescription description_;
  int64_t block_bytes_ = 0, first_ = 0, count_ = 0;
  std::vector<Column> columns_;
  std::shared_ptr<const SafetensorsFile> state_;
};

/// The metadata key of a state file that says how many steps had been done.
inline constexpr const char* state_step_key = "steps_done";

}  // namespace explaind
