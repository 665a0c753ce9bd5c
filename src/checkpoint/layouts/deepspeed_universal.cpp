#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "checkpoint/layouts/assembled_state.hpp"
#include "checkpoint/layouts/deepspeed_files.hpp"
#include "checkpoint/layouts/deepspeed_state.hpp"
#include "checkpoint/layouts/layout.hpp"
#include "checkpoint/layouts/megatron_deepspeed.hpp"
#include "core/elements.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

class UniversalState final : public AssembledState {
 public:
  explicit UniversalState(const DeepSpeedFiles& files)
      : AssembledState(files.folder.string()), folder_(files.folder) {
    for (const auto& [rank, path] : files.model) {
      models_.push_back(std::make_unique<const DeepSpeedModel>(path));
      add_file(as_weight_file(models_.back()->file()));
    }
    read_lists();
    std::set<std::string> known;
    std::vector<std::string> names;
    for (const auto& [name, listed] : listed_) names.push_back(name);
    if (MegatronDeepSpeed::wrote(names)) {
      megatron_.emplace(names, models_[0]->entry("args"), models_[0]->entry("checkpoint_version"),
                        folder_.string());
    }
    for (const auto& [name, listed] : listed_) {
      const TensorView tensor = tensor_of(name, "fp32.pt");
      known.insert(name);
      if (megatron_) {
        megatron_->add(assembled_weights(), tensor, "");
        if (name.ends_with("word_embeddings.weight")) vocabulary_ = tensor.shape.at(0);
      } else {
        assembled_weights().add(tensor);
      }
    }
    add_frozen(known);
    assembled_weights().finish();
    add_note("weights are the optimizer's masters of 32 bits");
    if (megatron_) {
      add_note(
          "the tensors' names are those of Megatron-DeepSpeed's pipeline; queries, keys and "
          "values, "
          "and gate and up, are told apart");
    }
  }

  [[nodiscard]] std::string what() const override { return "a universal checkpoint of DeepSpeed"; }
  [[nodiscard]] std::optional<nlohmann::json> config() const override {
    return megatron_ ? megatron_->config(vocabulary_) : std::nullopt;
  }

 private:
  struct Listed {
    std::vector<int64_t> shape;  ///< of a tensor-parallel rank's part where there were several
    size_t group;
  };

  [[nodiscard]] fs::path path_of(const std::string& name, const std::string& file) const {
    return folder_ / "zero" / name / file;
  }

  /// What the model's files say the folders are; every mp_rank of a pipeline has its own.
  void read_lists() {
    for (const auto& model : models_) {
      for (size_t g = 0; g < model->groups().size(); ++g) {
        for (const ListedParameter& each : model->groups()[g]) {
          if (each.name.find('/') != std::string::npos || each.name == "..") {
            throw DataError(model->file()->file().path().string(),
                            "lists the parameter " + each.name + ", which is no folder's name");
          }
          listed_.emplace(each.name, Listed{.shape = each.shape, .group = g});
        }
      }
    }
    if (listed_.empty()) {
      throw DataError(folder_.string(), "its …_model_states.pt list no parameters", copy_all_files);
    }
  }

  /// {"param": tensor, …}, or the numbers of a tensor whose shape is listed (stage 3).
  [[nodiscard]] TensorView tensor_of(const std::string& name, const std::string& file) const {
    const fs::path path = path_of(name, file);
    if (!fs::exists(path)) {
      throw DataError(folder_.string(), "has no zero/" + name + "/" + file, copy_all_files);
    }
    const TrainingFile data = open_training_file(path);
    add_file(as_weight_file(data));
    const PlainData* param = data->root().find("param");
    const auto* tensor = (param == nullptr ? data->root() : *param).as<PickledTensor>();
    if (tensor == nullptr) throw DataError(path.string(), "holds no tensor", copy_all_files);
    TensorView view = data->view(*tensor);
    view.name = name;
    if (view.dtype != Dtype::f32 && view.dtype != Dtype::f64) {
      throw DataError(path.string(),
                      "holds numbers of " + to_string(view.dtype) + ", not of 32 bits",
                      copy_all_files);
    }
    if (param != nullptr) return view;
    const std::vector<int64_t>& shape = listed_.at(name).shape;
    if (view.elements() != elements(shape)) {
      throw DataError(path.string(),
                      fmt::format("holds {} numbers, and {} has the shape {}", view.elements(),
                                  name, shape_to_string(shape)),
                      copy_all_files);
    }
    view.shape = shape;
    return view;
  }

  /// Frozen parameters: of stage 3 in the models' files, else in folders that no list names.
  void add_frozen(std::set<std::string>& known) {
    const size_t before = known.size();
    std::set<std::string> second;
    for (const auto& model : models_) {
      for (const auto& [name, first] : model->shared()) second.insert(name);
    }
    std::vector<fs::path> folders;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_ / "zero")) {
      const std::string name = entry.path().filename().string();
      if (known.contains(name) || second.contains(name)) continue;
      if (fs::exists(entry.path() / "fp32.pt")) folders.push_back(entry.path());
    }
    std::sort(folders.begin(), folders.end());
    for (const fs::path& each : folders) {
      const std::string name = each.filename().string();
      const bool buffer = !megatron_ && name.ends_with("inv_freq");
      if (buffer || !known.insert(name).second) continue;
      if (fs::exists(each / "exp_avg.pt")) {
        throw DataError(folder_.string(),
                        "zero/" + name + " has moments, and no …_model_states.pt lists it",
                        copy_all_files);
      }
      assembled_weights().add(tensor_of(name, "fp32.pt"));
    }
    const bool divided = models_[0]->file()->file().path().filename().string().starts_with("zero_");
    if (!models_[0]->frozen().empty())
      add_frozen_parts(assembled_weights(), models_, divided, known);
    if (known.size() == before) return;
    add_note(fmt::format("{} frozen parameters are the model's, in the precision of training",
                         known.size() - before));
  }

  [[nodiscard]] SavedOptimizer read_optimizer() const override {
    const fs::path path = folder_ / "zero" / "optimizer_state.pt";
    if (!fs::exists(path)) {
      throw DataError(folder_.string(),
                      "has no zero/optimizer_state.pt, which holds the hyper-parameters",
                      copy_all_files);
    }
    const TrainingFile common = open_training_file(path);
    add_file(as_weight_file(common));
    const PlainData* found = common->root().find("param_groups");
    const auto* list = found == nullptr ? nullptr : found->as<PlainList>();
    if (list == nullptr) throw DataError(path.string(), "holds no param_groups", copy_all_files);
    SavedOptimizer read;
    std::map<int64_t, size_t> group_of;  // number of a flat group → of its hyper-parameters
    for (const PlainData& each : list->items) {
      const TorchGroup group(each, *common, read.groups.size());
      for (const int64_t number : group.parameters()) group_of[number] = read.groups.size();
      read.groups.push_back(adamw_of(group));
    }
    require_deepspeed_adamw(models_[0]->entry("ds_config"), read.groups, path.string());
    require_rates(models_[0]->entry("lr_scheduler"), read.groups, path.string());
    for (const auto& [name, listed] : listed_) {
      const auto group = group_of.find(static_cast<int64_t>(listed.group));
      if (group == group_of.end()) {
        throw DataError(
            path.string(),
            fmt::format("has no hyper-parameters of {}, which is of group {}", name, listed.group),
            copy_all_files);
      }
      add_state(read, name, group->second, updates_in(common, name, listed.group));
    }
    return read;
  }

  void add_state(SavedOptimizer& to, const std::string& name, size_t group,
                 std::optional<int64_t> updates) const {
    const bool first = fs::exists(path_of(name, "exp_avg.pt"));
    if (!first && !fs::exists(path_of(name, "exp_avg_sq.pt")) &&
        !fs::exists(path_of(name, "step.pt"))) {
      return;  // it never had a gradient
    }
    for (const char* key : {"exp_avg", "exp_avg_sq"}) {
      TensorView moment = tensor_of(name, std::string(key) + ".pt");
      const std::string end = std::string(".") + key;
      if (megatron_) {
        megatron_->add(assembled_moments(), moment, end);
      } else {
        moment.name += end;
        assembled_moments().add(std::move(moment));
      }
    }
    if (!updates) {
      throw DataError(
          folder_.string(),
          "has no zero/" + name + "/step.pt, and optimizer_state.pt says no step either",
          copy_all_files);
    }
    for (const std::string& part :
         megatron_ ? megatron_->parts(name) : std::vector<std::string>{name}) {
      to.moments.push_back(
          {.name = part, .first = {}, .second = {}, .updates = *updates, .group = group});
    }
  }

  /// step.pt; else the step of the flat group (stage 3), or of all.
  [[nodiscard]] std::optional<int64_t> updates_in(const TrainingFile& common,
                                                  const std::string& name, size_t group) const {
    const fs::path path = path_of(name, "step.pt");
    if (fs::exists(path)) {
      const TrainingFile file = open_training_file(path);
      add_file(as_weight_file(file));
      return whole_steps(*file, file->root(), name);
    }
    const PlainData* inner = common->root().find("optimizer_state_dict");
    const PlainData* states = inner == nullptr ? nullptr : inner->find("state");
    const PlainData* state =
        states == nullptr ? nullptr : states->find(static_cast<int64_t>(group));
    if (state != nullptr) return updates_of(*common, *state, name);
    const PlainData* all = common->root().find("base_optimizer_state_step");
    if (all != nullptr) return whole_steps(*common, *all, name);
    return std::nullopt;
  }

  fs::path folder_;
  DeepSpeedModels models_;
  std::map<std::string, Listed> listed_;
  std::optional<MegatronDeepSpeed> megatron_;
  int64_t vocabulary_ = 0;
};

bool holds_universal(const fs::path& folder) {
  const std::optional<fs::path> found = deepspeed_folder(folder);
  std::error_code ignored;
  return found && fs::is_directory(*found / "zero", ignored);
}

std::unique_ptr<SavedState> open_universal(const fs::path& folder) {
  return std::make_unique<UniversalState>(deepspeed_files(*deepspeed_folder(folder)));
}

}  // namespace

const Layout& deepspeed_universal() {
  static constexpr Layout layout{.holds = holds_universal, .open = open_universal};
  return layout;
}

}  // namespace explaind
