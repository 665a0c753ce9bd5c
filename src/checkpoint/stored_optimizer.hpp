#pragma once
// AdamW's state beside a checkpoint: what the step that comes next starts from.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/mapped_file.hpp"
#include "checkpoint/tensor_view.hpp"

namespace explaind {

struct NamedShape {
  std::string name;
  std::vector<int64_t> shape;
};

/// What AdamW knows of one parameter, and the hyper-parameters of its next update (method.md §1).
struct AdamWParameter {
  bool stepped = true;  ///< false: frozen, the optimizer does not step it; nothing else holds then
  TensorView first_moment = {}, second_moment = {};  ///< exp_avg, exp_avg_sq: the parameter's shape
  int64_t updates = 0;                               ///< so far; the next one is k = updates + 1
  double learning_rate = 0, beta1 = 0, beta2 = 0, epsilon = 0, weight_decay = 0;
};

/// Whether the weights of a parameter differ between the checkpoint and its neighbour in the
/// series; empty where there is no other checkpoint.
using WeightsMove = std::function<std::optional<bool>(size_t parameter)>;

/// Read from a checkpoint's folder, mapped read-only.
///
/// - `optimizer.safetensors` with `optimizer.json` (optimizer_state.md): what `record` writes;
/// - else `optimizer.pt` and, where it is there, `scheduler.pt`, as Trainer of Hugging Face's
///   transformers saves them. Parameters are numbers there. They are named by `param_names` where
///   the optimizer was given named parameters; else as Trainer builds its groups: in the order of
///   the model's modules, with two groups first the parameters that decay, then norms and biases.
///   α is the scheduler's, whose last step comes before the checkpoint is saved;
/// - else what a training program saved for itself (layouts/saved_state.hpp), by name.
///
/// A parameter without state is frozen. Where numbers have no names, which parameters are missing
/// is told by the moments' shapes, and where several choices fit by which weights move.
class StoredOptimizer {
 public:
  /// parameters: the model's; moves: asked where the state alone does not tell, and of parameters
  /// that seem frozen. Throws DataError naming file, parameter and key: no state there, a
  /// state of other weights (number or shapes), a hyper-parameter missing, an optimizer that is not
  /// AdamW, learning rates that contradict each other, anything but plain data in a pickle.
  static StoredOptimizer open(const std::filesystem::path& directory,
                              const std::vector<NamedShape>& parameters, const WeightsMove& moves);

  /// Its moments can be read then.
  [[nodiscard]] const AdamWParameter& of(size_t parameter) const {
    if (prepare_) prepare_(parameters_[parameter]);
    return parameters_[parameter];
  }
  /// Parameters that are not stepped.
  [[nodiscard]] size_t frozen() const;
  /// A file that it came from, for the identification of inputs.
  struct File {
    std::string name;  ///< its folder's name and its own
    size_t size = 0;
    uint32_t header_crc32 = 0;  ///< of what says what is in it, or of all of it
  };
  [[nodiscard]] const std::vector<File>& files() const { return files_; }

 private:
  std::vector<AdamWParameter> parameters_;
  void add_file(const MappedFile& file, std::span<const std::byte> header);
  /// Throws DataError where a parameter has no state and its weights move all the same.
  void require_still(const std::vector<NamedShape>& parameters, const WeightsMove& moves,
                     const std::string& where) const;

  std::vector<File> files_;
  std::vector<std::shared_ptr<const void>> mapped_;     ///< what the views are of
  std::function<void(const AdamWParameter&)> prepare_;  ///< where moments are put together late

  friend class TrainerState;
  friend class RecordedState;
  friend class LayoutOptimizer;
};

}  // namespace explaind
