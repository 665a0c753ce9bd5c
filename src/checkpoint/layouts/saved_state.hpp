#pragma once
// A checkpoint in the form in which a training program saves it for itself: divided among ranks, or
// whole.

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/stored_optimizer.hpp"
#include "checkpoint/tensor_view.hpp"
#include "checkpoint/weight_file.hpp"

namespace explaind {

/// Hyper-parameters that a group of parameters shares; a learning rate is the next step's.
struct AdamWGroup {
  double learning_rate = 0, beta1 = 0, beta2 = 0, epsilon = 0, weight_decay = 0;

  bool operator==(const AdamWGroup&) const = default;
};

/// What an optimizer keeps of one parameter.
struct SavedMoments {
  std::string name;          ///< the weight's, as SavedState::weights() has it
  TensorView first, second;  ///< exp_avg, exp_avg_sq: whole, of the parameter's shape
  int64_t updates = 0;       ///< so far
  size_t group = 0;
};

struct SavedOptimizer {
  std::vector<AdamWGroup> groups;
  std::vector<SavedMoments> moments;  ///< of what is stepped
};

/// Opened from its folder; files are mapped read-only. Views live as long as this.
class SavedState {
 public:
  virtual ~SavedState() = default;
  /// For messages: "a DeepSpeed ZeRO-3 checkpoint of 4 ranks".
  [[nodiscard]] virtual std::string what() const = 0;
  /// The model's weights, whole, under the names that a Hugging Face model has; empty where the
  /// folder holds an optimizer's state alone.
  [[nodiscard]] virtual const std::vector<TensorView>& weights() const = 0;
  /// Called before the elements of one of weights(), or of a moment, are read; what it was called
  /// for once stays readable. From any thread.
  virtual void prepare(const TensorView& /*view*/) const {}
  /// What the folder itself says of the model, as a Hugging Face config.json; none where it does
  /// not.
  [[nodiscard]] virtual std::optional<nlohmann::json> config() const { return std::nullopt; }
  /// Opened when it is first asked for. Throws DataError naming what is missing where the folder
  /// holds no state, or one of another optimizer.
  [[nodiscard]] virtual const SavedOptimizer& optimizer() const = 0;
  /// Every file that was read, in name order, for the identification of inputs.
  [[nodiscard]] virtual const std::vector<std::shared_ptr<const WeightFile>>& files() const = 0;
  /// What was left out, put together or read otherwise, a sentence each.
  [[nodiscard]] virtual const std::vector<std::string>& notes() const = 0;
};

/// Opens what lies in `folder` in the first layout that recognises it; null where none does. Throws
/// DataError naming file and problem where one does and the folder is not whole.
std::unique_ptr<SavedState> open_saved_state(const std::filesystem::path& folder);

/// Whether open_saved_state would recognise it, by the names of what lies there alone.
bool holds_saved_state(const std::filesystem::path& folder);

}  // namespace explaind
