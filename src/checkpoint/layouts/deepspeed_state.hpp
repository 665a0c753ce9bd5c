#pragma once
// What DeepSpeed's files say of a model and its optimizer, whatever the stage.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "checkpoint/layouts/assembly.hpp"
#include "checkpoint/layouts/torch_moments.hpp"

namespace explaind {

inline constexpr const char* copy_all_files = "Copy all files of the checkpoint";

/// A parameter as `param_shapes` lists it.
struct ListedParameter {
  std::string name;
  std::vector<int64_t> shape;
};

/// …_model_states.pt.
class DeepSpeedModel {
 public:
  /// Throws DataError where it is none.
  explicit DeepSpeedModel(const std::filesystem::path& path);

  [[nodiscard]] const TrainingFile& file() const { return file_; }
  /// By the optimizer's groups (in stage 3 by its sub-groups), in the order of the flat ones; empty
  /// where there was no ZeRO.
  [[nodiscard]] const std::vector<std::vector<ListedParameter>>& groups() const { return groups_; }
  [[nodiscard]] const std::vector<ListedParameter>& frozen() const { return frozen_; }
  /// What is here of a frozen parameter. Throws DataError where it is nothing.
  [[nodiscard]] TensorView frozen_part(const std::string& name) const;
  /// A second name → the first one of the same tensor.
  [[nodiscard]] const std::map<std::string, std::string>& shared() const { return shared_; }
  /// The model's own copy, in the precision of training, of what is neither a buffer nor a second
  /// name; in stage 3 empty tensors.
  [[nodiscard]] const std::vector<TensorView>& module() const { return module_; }
  /// Of a training program (`args` of Megatron-DeepSpeed) and of DeepSpeed itself; null: none.
  [[nodiscard]] const PlainData* entry(const std::string& key) const {
    return file_->root().find(key);
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const;
  [[nodiscard]] std::vector<ListedParameter> listed(const PlainData& names) const;
  void read_module(const PlainData* module);

  TrainingFile file_;
  std::vector<std::vector<ListedParameter>> groups_;
  std::vector<ListedParameter> frozen_;
  std::map<std::string, std::string> shared_;
  std::vector<TensorView> module_;
};

/// By data-parallel rank.
using DeepSpeedModels = std::vector<std::unique_ptr<const DeepSpeedModel>>;

/// Frozen parameters, in stage 3 (`divided`) in parts of all ranks; else also those of the model's
/// own copy that no list names. known: what is there already, and afterwards these too.
void add_frozen_parts(Assembly& to, const DeepSpeedModels& models, bool divided,
                      std::set<std::string>& known);

/// Refuses what ds_config says of another optimizer than AdamW. config: null says nothing.
void require_deepspeed_adamw(const PlainData* config, const std::vector<AdamWGroup>& groups,
                             const std::string& where);

/// A sentence on what the step also did (clipping); empty: nothing.
std::string clipping_note(const PlainData* optimizer_state);

}  // namespace explaind
