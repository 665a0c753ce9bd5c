#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <set>
#include <utility>

#include "checkpoint/layouts/assembled_state.hpp"
#include "checkpoint/layouts/assembly.hpp"
#include "checkpoint/layouts/deepspeed_files.hpp"
#include "checkpoint/layouts/deepspeed_state.hpp"
#include "checkpoint/layouts/flat_parameters.hpp"
#include "checkpoint/layouts/layout.hpp"
#include "checkpoint/layouts/zero_rank.hpp"
#include "checkpoint/trainer_groups.hpp"
#include "core/elements.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// The data-parallel ranks of one part of the model.
class ZeroPart {
 public:
  ZeroPart(const DeepSpeedFiles& files, int64_t model_rank) {
    for (const auto& [rank, path] : files.optimizer) {
      if (rank.model == model_rank) paths_.emplace_back(rank.data, path);
    }
    if (paths_.empty()) {
      throw DataError(files.folder.string(),
                      fmt::format("has …_optim_states.pt of other ranks, and none of mp_rank_{:02}",
                                  model_rank),
                      copy_all_files);
    }
    require_all_ranks();
    for (const auto& [data, path] : paths_) ranks_.emplace_back(path);
    for (const auto& [rank, path] : files.model) {
      if (rank.model != model_rank) continue;
      if (model_ == nullptr || stage() == 3) {
        models_.push_back(std::make_unique<DeepSpeedModel>(path));
        if (model_ == nullptr) model_ = models_.back().get();
      }
    }
    if (model_ == nullptr) {
      throw DataError(
          files.folder.string(),
          fmt::format("has no …mp_rank_{:02}_model_states.pt, which says what the other "
                      "files are of",
                      model_rank),
          copy_all_files);
    }
    for (const ZeroRank& rank : ranks_) {
      if (rank.stage() == stage() && rank.masters().size() == model_->groups().size()) continue;
      rank.refuse(fmt::format("is of stage {} with {} groups, and {} is of stage {} with {}",
                              rank.stage(), rank.masters().size(), model_name(), stage(),
                              model_->groups().size()));
    }
    parameters_ =
        stage() == 3 ? divided_parameters(*model_, ranks_.size()) : cut_parameters(*model_, ranks_);
  }

  [[nodiscard]] int stage() const { return ranks_[0].stage(); }
  [[nodiscard]] size_t ranks() const { return ranks_.size(); }
  [[nodiscard]] const DeepSpeedModel& model() const { return *model_; }
  [[nodiscard]] const std::vector<FlatParameter>& parameters() const { return parameters_; }
  [[nodiscard]] const ZeroRank& first() const { return ranks_[0]; }

  [[nodiscard]] std::vector<TrainingFile> files() const {
    std::vector<TrainingFile> all;
    for (const ZeroRank& rank : ranks_) all.push_back(rank.file());
    for (const auto& model : models_) all.push_back(model->file());
    return all;
  }

  void add_weights(Assembly& to) const {
    for (const FlatParameter& each : parameters_) {
      add(to, each, each.name, [&](size_t rank) { return ranks_[rank].masters()[each.group]; });
    }
  }
  /// Returns how many.
  size_t add_frozen(Assembly& to) const {
    std::set<std::string> known;
    for (const FlatParameter& each : parameters_) known.insert(each.name);
    const size_t before = known.size();
    if (stage() == 3 && models_.size() != ranks_.size() && !model_->frozen().empty()) {
      ranks_[0].refuse(
          fmt::format("there are {} of such files, and {} …_model_states.pt, which "
                      "hold the frozen parameters",
                      ranks_.size(), models_.size()));
    }
    add_frozen_parts(to, models_, stage() == 3, known);
    return known.size() - before;
  }
  /// key: exp_avg or exp_avg_sq.
  void add_moments(Assembly& to, const std::string& key) const {
    std::vector<std::vector<TensorView>> flat(ranks_.size());
    for (size_t r = 0; r < ranks_.size(); ++r) {
      for (size_t g = 0; g < ranks_[r].masters().size(); ++g) {
        const PlainData* state = state_of(ranks_[r], g);
        flat[r].push_back(state == nullptr ? TensorView{}
                                           : moment_of(*ranks_[r].file(), *state, key,
                                                       fmt::format("the flat group {}", g)));
      }
    }
    for (const FlatParameter& each : parameters_) {
      if (updates_[each.group] == 0) continue;
      add(to, each, each.name + "." + key, [&](size_t rank) { return flat[rank][each.group]; });
    }
  }
  /// Of each flat group: steps that were taken, 0 where it has no state yet; and the group of
  /// hyper-parameters. Throws DataError where ranks disagree.
  void read_optimizer(std::vector<AdamWGroup>& groups) {
    for (size_t r = 0; r < ranks_.size(); ++r) {
      const std::vector<AdamWGroup> own = groups_of(ranks_[r]);
      if (r == 0) groups.insert(groups.end(), own.begin(), own.end());
      for (size_t g = 0; g < ranks_[r].masters().size(); ++g) {
        const int64_t updates = updates_in(ranks_[r], g);
        if (r == 0) updates_.push_back(updates);
        if (updates == updates_[g]) continue;
        ranks_[r].refuse(fmt::format("is of step {}, and {} of step {}", updates,
                                     paths_[0].second.filename().string(), updates_[g]));
      }
    }
    for (size_t g = 0; g < updates_.size(); ++g) group_of_.push_back(group_of(ranks_[0], g));
    require_deepspeed_adamw(config(), groups, paths_[0].second.string());
    require_rates(model_->entry("lr_scheduler"), groups, paths_[0].second.string());
  }
  [[nodiscard]] int64_t updates(const FlatParameter& parameter) const {
    return updates_[parameter.group];
  }
  [[nodiscard]] size_t hyper_group(const FlatParameter& parameter) const {
    return group_of_[parameter.group];
  }

 private:
  [[nodiscard]] std::string model_name() const {
    return model_->file()->file().path().filename().string();
  }
  [[nodiscard]] const PlainData* config() const {
    const PlainData* found = ranks_[0].file()->root().find("ds_config");
    return found == nullptr ? model_->entry("ds_config") : found;
  }

  /// One file is enough to say how many there must be.
  void require_all_ranks() const {
    const int64_t count = ZeroRank(paths_[0].second).ranks();
    for (int64_t data = 0; data < count; ++data) {
      const bool there = std::any_of(paths_.begin(), paths_.end(),
                                     [data](const auto& path) { return path.first == data; });
      if (there) continue;
      const std::string known = paths_[0].second.filename().string();
      std::string name = known;
      const std::string word = "zero_pp_rank_" + std::to_string(paths_[0].first);
      const size_t at = name.find(word);
      if (at != std::string::npos) {
        name.replace(at, word.size(), "zero_pp_rank_" + std::to_string(data));
      }
      throw DataError(paths_[0].second.parent_path().string(),
                      fmt::format("has no {}: {} says that the state is divided among {} ranks",
                                  name, known, count),
                      copy_all_files);
    }
    if (static_cast<int64_t>(paths_.size()) == count) return;
    throw DataError(paths_[0].second.parent_path().string(),
                    fmt::format("has the files of {} ranks, and {} says that the state is divided "
                                "among {}",
                                paths_.size(), paths_[0].second.filename().string(), count),
                    "Move those of another run away");
  }

  template <typename Flat>
  void add(Assembly& to, const FlatParameter& parameter, std::string name, Flat flat) const {
    std::vector<Piece> pieces;
    int64_t at = 0;
    Dtype dtype = Dtype::f32;
    for (const FlatParameter::Fragment& each : parameter.fragments) {
      const TensorView row = flat(each.rank);
      if (pieces.empty()) dtype = row.dtype;
      if (row.dtype != dtype)
        ranks_[each.rank].refuse("has numbers of another type than the others");
      pieces.push_back(
          piece_of(row, each.first, each.count, at, paths_[each.rank].second.string()));
      at += each.count;
    }
    to.add(std::move(name), dtype, parameter.shape, std::move(pieces));
  }
  [[nodiscard]] static const PlainData* state_of(const ZeroRank& rank, size_t group) {
    const PlainData* states = rank.base().find("state");
    return states == nullptr ? nullptr : states->find(static_cast<int64_t>(group));
  }
  [[nodiscard]] static const std::vector<PlainData>& list_of_groups(const ZeroRank& rank) {
    const auto* list = rank.base().find("param_groups")->as<PlainList>();
    if (list == nullptr || list->items.empty()) rank.refuse("its param_groups are no list");
    return list->items;
  }
  [[nodiscard]] static std::vector<AdamWGroup> groups_of(const ZeroRank& rank) {
    std::vector<AdamWGroup> groups;
    for (const PlainData& each : list_of_groups(rank)) {
      groups.push_back(adamw_of(TorchGroup(each, *rank.file(), groups.size())));
    }
    return groups;
  }
  /// The group of hyper-parameters that has the number of the flat one.
  [[nodiscard]] static size_t group_of(const ZeroRank& rank, size_t flat) {
    const std::vector<PlainData>& list = list_of_groups(rank);
    for (size_t g = 0; g < list.size(); ++g) {
      const std::vector<int64_t> numbers = TorchGroup(list[g], *rank.file(), g).parameters();
      if (std::find(numbers.begin(), numbers.end(), static_cast<int64_t>(flat)) != numbers.end()) {
        return g;
      }
    }
    rank.refuse(fmt::format("no group of hyper-parameters is that of the flat group {}", flat));
  }
  /// Optimizers of apex count in the group.
  [[nodiscard]] static int64_t updates_in(const ZeroRank& rank, size_t group) {
    const PlainData* state = state_of(rank, group);
    if (state == nullptr) return 0;
    const std::string what = fmt::format("the flat group {}", group);
    require_adamw(*state, rank.file()->file().path().string());
    if (const auto own = updates_of(*rank.file(), *state, what)) return *own;
    const PlainData& of_group = list_of_groups(rank)[group_of(rank, group)];
    if (const auto shared = updates_of(*rank.file(), of_group, what)) return *shared;
    rank.refuse(fmt::format("does not say at which step {} is", what));
  }

  std::vector<std::pair<int64_t, fs::path>> paths_;  ///< by data-parallel rank
  std::deque<ZeroRank> ranks_;
  DeepSpeedModels models_;
  const DeepSpeedModel* model_ = nullptr;
  std::vector<FlatParameter> parameters_;
  std::vector<int64_t> updates_;
  std::vector<size_t> group_of_;
};

class ZeroState final : public AssembledState {
 public:
  explicit ZeroState(const DeepSpeedFiles& files)
      : AssembledState(files.folder.string()), where_(files.folder.string()) {
    if (files.optimizer.empty()) {
      throw DataError(
          where_, "holds no …_optim_states.pt, where DeepSpeed's ZeRO keeps weights and moments",
          copy_all_files);
    }
    std::set<int64_t> parts;
    for (const auto& [rank, path] : files.model) parts.insert(rank.model);
    for (const auto& [rank, path] : files.optimizer) parts.insert(rank.model);
    for (const int64_t part : parts) parts_.emplace_back(files, part);
    require_parts_of_a_pipeline();
    size_t frozen = 0;
    for (const ZeroPart& part : parts_) {
      part.add_weights(assembled_weights());
      frozen += part.add_frozen(assembled_weights());
      for (const TrainingFile& file : part.files()) add_file(as_weight_file(file));
    }
    assembled_weights().finish();
    add_note("weights are the optimizer's masters of 32 bits");
    if (frozen > 0) {
      add_note(fmt::format("{} frozen parameters are the model's, in the precision of training",
                           frozen));
    }
    const std::string clipped = clipping_note(&parts_[0].first().state());
    if (!clipped.empty()) add_note(clipped);
  }

  [[nodiscard]] std::string what() const override {
    return fmt::format("a checkpoint of DeepSpeed (ZeRO-{}, {} ranks)", parts_[0].stage(),
                       parts_[0].ranks() * parts_.size());
  }

 private:
  void require_parts_of_a_pipeline() const {
    std::set<std::string> names;
    for (const ZeroPart& part : parts_) {
      for (const FlatParameter& each : part.parameters()) {
        if (names.insert(each.name).second) continue;
        throw DataError(where_,
                        fmt::format("is of a model that was divided among tensor-parallel ranks "
                                    "({} is of several mp_ranks)",
                                    each.name),
                        "Convert it to a universal checkpoint with DeepSpeed's ds_to_universal: "
                        "those are read");
      }
    }
  }
  [[nodiscard]] SavedOptimizer read_optimizer() const override {
    SavedOptimizer read;
    for (ZeroPart& part : parts_) {
      const size_t before = read.groups.size();
      std::vector<AdamWGroup> own;
      part.read_optimizer(own);
      read.groups.insert(read.groups.end(), own.begin(), own.end());
      part.add_moments(assembled_moments(), "exp_avg");
      part.add_moments(assembled_moments(), "exp_avg_sq");
      for (const FlatParameter& each : part.parameters()) {
        if (part.updates(each) == 0) continue;
        read.moments.push_back({.name = each.name,
                                .first = {},
                                .second = {},
                                .updates = part.updates(each),
                                .group = before + part.hyper_group(each)});
      }
    }
    return read;
  }

  std::string where_;
  mutable std::deque<ZeroPart> parts_;
};

bool holds_zero(const fs::path& folder) {
  const std::optional<fs::path> found = deepspeed_folder(folder);
  std::error_code ignored;
  return found && !fs::is_directory(*found / "zero", ignored);
}

std::unique_ptr<SavedState> open_zero(const fs::path& folder) {
  return std::make_unique<ZeroState>(deepspeed_files(*deepspeed_folder(folder)));
}

}  // namespace

const Layout& deepspeed_zero() {
  static constexpr Layout layout{.holds = holds_zero, .open = open_zero};
  return layout;
}

}  // namespace explaind
