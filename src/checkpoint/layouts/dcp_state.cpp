// torch.distributed.checkpoint as SavedState.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "checkpoint/adamw_keys.hpp"
#include "checkpoint/layouts/dcp_files.hpp"
#include "checkpoint/layouts/dcp_optimizer.hpp"
#include "checkpoint/layouts/dcp_roles.hpp"
#include "checkpoint/layouts/fragments.hpp"
#include "checkpoint/layouts/layout.hpp"
#include "checkpoint/layouts/megatron_common.hpp"
#include "checkpoint/layouts/model_config.hpp"
#include "checkpoint/layouts/tensor_naming.hpp"
#include "checkpoint/scheduled_rates.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// Folders in a checkpoint's folder: of Hugging Face's accelerate (FSDP), OLMo-core, NeMo, and
/// names that suggest themselves.
constexpr std::array<const char*, 8> dcp_inner_folders{"pytorch_model_fsdp_0",
                                                       "optimizer_0",
                                                       "model_and_optim",
                                                       "model",
                                                       "optimizer",
                                                       "optim",
                                                       "weights",
                                                       "distcp"};

bool has_dcp_metadata(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / ".metadata", ignored);
}

std::vector<fs::path> dcp_folders(const fs::path& folder) {
  if (has_dcp_metadata(folder)) return {folder};
  std::vector<fs::path> found;
  for (const char* name : dcp_inner_folders) {
    if (has_dcp_metadata(folder / name)) found.push_back(folder / name);
  }
  return found;
}

class DcpState final : public SavedState {
 public:
  explicit DcpState(const fs::path& folder) : folder_(folder) {
    for (const char* second : {"pytorch_model_fsdp_1", "optimizer_1"}) {
      if (!has_dcp_metadata(folder / second)) continue;
      throw DataError((folder / second).string(),
                      "is the state of a second model or optimizer, and either may be meant",
                      "Move away the one that is not meant");
    }
    for (const fs::path& each : dcp_folders(folder)) {
      opened_.push_back(std::make_shared<const DcpFiles>(each));
      roles_.add(*opened_.back());
      if (common_ == nullptr) common_ = MegatronCommon::open(each);
    }
    if (!roles_.left.empty()) {
      notes_.push_back(
          fmt::format("not read of the training's state: {}", fmt::join(roles_.left, ", ")));
    }
  }

  [[nodiscard]] std::string what() const override {
    size_t files = 0;
    for (const auto& each : opened_) files += each->metadata().files.size();
    return fmt::format("a checkpoint of torch.distributed.checkpoint ({} .distcp file{})", files,
                       files == 1 ? "" : "s");
  }

  [[nodiscard]] const std::vector<TensorView>& weights() const override {
    static const std::vector<TensorView> none;
    if (roles_.weights.empty()) return none;
    if (!weights_) {
      const Naming naming = name(weight_shapes());
      std::map<std::string, BoxedTensor> sources;
      for (const TensorPlan& plan : naming.tensors) {
        for (const ElementRun& run : plan.runs) {
          if (sources.contains(run.source)) continue;
          const DcpItem& item = roles_.weights.at(run.source);
          sources.emplace(run.source, item.files->tensor(*item.entry));
        }
      }
      weights_.emplace(naming.tensors, std::move(sources), folder_.string());
      notes_.insert(notes_.end(), naming.notes.begin(), naming.notes.end());
      if (!roles_.states.empty()) {
        notes_.insert(notes_.end(), naming.state_notes.begin(), naming.state_notes.end());
      }
      if (!weights_->note().empty()) notes_.push_back(weights_->note());
    }
    return weights_->views();
  }

  void prepare(const TensorView& view) const override {
    for (const auto* tensors : {&weights_, &first_, &second_}) {
      if (*tensors) (*tensors)->prepare(view);
    }
  }

  [[nodiscard]] const SavedOptimizer& optimizer() const override {
    if (!optimizer_) read_optimizer();
    return *optimizer_;
  }

  [[nodiscard]] const std::vector<std::shared_ptr<const WeightFile>>& files() const override {
    files_.clear();
    for (const auto& each : opened_) {
      for (const auto& file : each->used()) files_.push_back(file);
    }
    if (common_ != nullptr) files_.push_back(common_->file());
    return files_;
  }

  [[nodiscard]] const std::vector<std::string>& notes() const override { return notes_; }

 private:
  [[nodiscard]] SavedShapes weight_shapes() const {
    SavedShapes shapes;
    for (const auto& [name, item] : roles_.weights) shapes.emplace(name, item.entry->shape);
    return shapes;
  }

  [[nodiscard]] Naming name(const SavedShapes& shapes) const {
    const ConfigOf config = [this] {
      std::optional<ModelConfig> model = model_config_of(folder_, this);
      if (model) return std::move(model->config);
      throw DataError(folder_.string(),
                      "its tensors cannot be told apart without the model's config.json",
                      "Put it into " + above(folder_).string());
    };
    if (common_ != nullptr) {
      common_->require_model(read_decoder_config(config(), folder_.string()));
    }
    return name_tensors(shapes, config, folder_.string());
  }

  /// exp_avg or exp_avg_sq of every parameter with a state.
  [[nodiscard]] std::map<std::string, BoxedTensor> moments(const char* key) const {
    std::map<std::string, BoxedTensor> found;
    for (const auto& [name, state] : roles_.states) {
      const auto item = state.find(key);
      if (item == state.end() || !item->second.entry->tensor) {
        throw DataError(state.begin()->second.files->where(),
                        fmt::format("the state of {} has no {}", name, key),
                        "Give the optimizer state that was saved with these weights");
      }
      found.emplace(name, item->second.files->tensor(*item->second.entry));
    }
    return found;
  }

  void require_adamw_by_names() const {
    if (roles_.states.empty() && common_ != nullptr) {
      static_cast<void>(common_->updates());  // says it where states lie in buckets
    }
    if (roles_.states.empty()) {
      throw DataError(folder_.string(),
                      "holds no optimizer's state: it has the model's weights alone",
                      "Save the optimizer with the model (dcp.save({\"model\": …, \"optimizer\": "
                      "…}))");
    }
    for (const auto& [name, state] : roles_.states) {
      const std::string where = state.begin()->second.files->where();
      if (name.find_first_not_of("0123456789") == std::string::npos) {
        throw DataError(where, "names parameters by numbers, which do not say whose state it is",
                        "Save it by names: torch.distributed.checkpoint.state_dict."
                        "get_optimizer_state_dict(model, optimizer)");
      }
      require_adamw([&, &keys = state](const char* key) { return keys.contains(key); }, where);
    }
  }

  void read_optimizer() const {
    require_adamw_by_names();
    std::map<std::string, BoxedTensor> first = moments("exp_avg"), second = moments("exp_avg_sq");
    SavedShapes shapes;
    std::map<std::string, std::vector<int64_t>> fragments;  // as they were saved
    for (const auto& [name, tensor] : first) {
      const auto weight = roles_.weights.find(name);
      const bool flattened = weight != roles_.weights.end() &&
                             is_in_fragments(tensor.shape(), weight->second.entry->shape);
      if (flattened) fragments.emplace(name, tensor.shape());
      shapes.emplace(name, flattened ? weight->second.entry->shape : tensor.shape());
    }
    const bool own_groups = !roles_.numbered_groups.empty() || !roles_.parameter_groups.empty() ||
                            !roles_.group_lists.empty();
    const bool megatron = !own_groups && common_ != nullptr;
    const DcpGroups groups =
        megatron ? common_->groups(shapes)
                 : read_dcp_groups(roles_, scheduled_rates(folder_ / "scheduler.pt"));
    const Naming naming = name(shapes);
    std::vector<TensorPlan> plans = naming.tensors;
    for (TensorPlan& plan : plans) {
      std::vector<ElementRun> runs;
      for (const ElementRun& run : plan.runs) {
        const auto saved = fragments.find(run.source);
        const std::vector<ElementRun> here =
            saved == fragments.end() ? std::vector<ElementRun>{run}
                                     : in_fragments(run, saved->second, shapes.at(run.source));
        runs.insert(runs.end(), here.begin(), here.end());
      }
      plan.runs = std::move(runs);
    }
    first_.emplace(plans, std::move(first), folder_.string());
    second_.emplace(plans, std::move(second), folder_.string());
    SavedOptimizer read{.groups = groups.groups, .moments = {}};
    for (size_t i = 0; i < plans.size(); ++i) {
      SavedMoments moments{
          .name = plans[i].name, .first = first_->views()[i], .second = second_->views()[i]};
      const std::string* before = nullptr;
      for (const ElementRun& run : plans[i].runs) {
        if (before != nullptr && *before == run.source) continue;
        const std::map<std::string, DcpItem>& state = roles_.states.at(run.source);
        const auto group = groups.group_of.find(run.source);
        if (group == groups.group_of.end()) {
          throw DataError(state.begin()->second.files->where(),
                          fmt::format("{} has a state and is in no group", run.source),
                          "Save the optimizer's param_groups with its state");
        }
        const int64_t updates = megatron ? common_->updates() : read_dcp_updates(run.source, state);
        if (before != nullptr && (updates != moments.updates || group->second != moments.group)) {
          throw DataError(
              folder_.string(),
              fmt::format("parts of {} are of different groups or steps", moments.name));
        }
        moments.updates = updates;
        moments.group = group->second;
        before = &run.source;
      }
      read.moments.push_back(std::move(moments));
    }
    optimizer_ = std::move(read);
  }

  fs::path folder_;
  std::vector<std::shared_ptr<const DcpFiles>> opened_;
  DcpRoles roles_;
  std::shared_ptr<const MegatronCommon> common_;  ///< null where it is none of Megatron's
  mutable std::optional<PlannedTensors> weights_, first_, second_;
  mutable std::optional<SavedOptimizer> optimizer_;
  mutable std::vector<std::shared_ptr<const WeightFile>> files_;
  mutable std::vector<std::string> notes_;
};

}  // namespace

const Layout& torch_distributed() {
  static const Layout layout{
      .holds = [](const fs::path& folder) { return !dcp_folders(folder).empty(); },
      .open = [](const fs::path& folder) -> std::unique_ptr<SavedState> {
        return std::make_unique<DcpState>(folder);
      }};
  return layout;
}

}  // namespace explaind
