#pragma once
// What saved states have in common whose tensors lie in parts of several files.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/layouts/assembly.hpp"
#include "checkpoint/layouts/saved_state.hpp"

namespace explaind {

/// Its files are named in order, and the optimizer is read when it is first asked for. A layout
/// adds what it finds: weights when it is opened, moments when it is asked for the optimizer.
class AssembledState : public SavedState {
 public:
  [[nodiscard]] const std::vector<TensorView>& weights() const final { return weights_.tensors(); }
  void prepare(const TensorView& view) const override {
    weights_.prepare(view);
    moments_.prepare(view);
  }
  [[nodiscard]] const SavedOptimizer& optimizer() const final;
  [[nodiscard]] const std::vector<std::shared_ptr<const WeightFile>>& files() const final {
    return files_;
  }
  [[nodiscard]] const std::vector<std::string>& notes() const final { return notes_; }

 protected:
  /// where: the checkpoint, for messages.
  explicit AssembledState(const std::string& where) : weights_(where), moments_(where) {}

  /// Called once. It adds NAME.exp_avg and NAME.exp_avg_sq to assembled_moments() for each of the
  /// moments, whose views are then filled in.
  [[nodiscard]] virtual SavedOptimizer read_optimizer() const = 0;

  /// Whoever adds the last of the weights calls finish().
  [[nodiscard]] Assembly& assembled_weights() { return weights_; }
  [[nodiscard]] Assembly& assembled_moments() const { return moments_; }
  void add_file(std::shared_ptr<const WeightFile> file) const;
  void add_note(std::string sentence) { notes_.push_back(std::move(sentence)); }

 private:
  Assembly weights_;
  mutable Assembly moments_;
  mutable std::unique_ptr<const SavedOptimizer> optimizer_;
  mutable std::vector<std::shared_ptr<const WeightFile>> files_;
  std::vector<std::string> notes_;
};

}  // namespace explaind
