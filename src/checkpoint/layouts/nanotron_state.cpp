// Checkpoints of nanotron: weights by module, AdamW's state by rank.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <regex>
#include <set>
#include <utility>

#include "checkpoint/json_file.hpp"
#include "checkpoint/layouts/layout.hpp"
#include "checkpoint/layouts/nanotron_names.hpp"
#include "checkpoint/layouts/nanotron_shards.hpp"
#include "checkpoint/layouts/torch_moments.hpp"
#include "checkpoint/tensor_names.hpp"
#include "checkpoint/trainer_groups.hpp"
#include "core/elements.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr const char* copy_nanotron = "Copy all files of the checkpoint";

/// optimizer_pp-0-of-1[_dp-0-of-2]_tp-0-of-1[_exp-0-of-1].pt: by pipeline, tensor and data rank.
struct NanotronRank {
  int64_t pipeline = 0, tensor = 0, data = 0;
  auto operator<=>(const NanotronRank&) const = default;
};

/// A rank's file.
class NanotronOptimizer {
 public:
  explicit NanotronOptimizer(const fs::path& path) : file_(open_training_file(path)) {
    const PlainData *names = file_->root().find("names"),
                    *groups = file_->root().find("param_groups");
    states_ = file_->root().find("state");
    const auto* dict = names == nullptr ? nullptr : names->as<PlainDict>();
    const auto* list = groups == nullptr ? nullptr : groups->as<PlainList>();
    if (dict == nullptr || list == nullptr || states_ == nullptr) {
      refuse("holds no state, names and param_groups");
    }
    for (size_t i = 0; i < dict->keys.size(); ++i) {
      const auto* number = dict->keys[i].as<int64_t>();
      const auto* name = dict->values[i].as<std::string_view>();
      if (number == nullptr || name == nullptr) refuse("does not name its parameters");
      numbers_.emplace(unwrapped(std::string(*name)), *number);
    }
    for (const PlainData& each : list->items) {
      const TorchGroup group(each, *file_, groups_.size());
      for (const int64_t number : group.parameters()) group_of_[number] = groups_.size();
      groups_.push_back(adamw_of(group));
    }
  }

  [[nodiscard]] const TrainingFile& file() const { return file_; }
  [[nodiscard]] const std::map<std::string, int64_t>& numbers() const { return numbers_; }
  [[nodiscard]] const std::vector<AdamWGroup>& groups() const { return groups_; }
  /// Pre-condition: it is one of numbers().
  [[nodiscard]] size_t group_of(const std::string& name) const {
    const auto found = group_of_.find(numbers_.at(name));
    if (found == group_of_.end()) refuse(name + " is in no group");
    return found->second;
  }
  [[nodiscard]] int64_t updates(const std::string& name) const {
    const auto steps = updates_of(*file_, state(name), name);
    if (!steps) refuse("has no step of " + name);
    return *steps;
  }
  [[nodiscard]] TensorView moment(const std::string& name, const std::string& key) const {
    return moment_of(*file_, state(name), key, name);
  }
  /// The master of 32 bits; without data where there is none.
  [[nodiscard]] TensorView master(const std::string& name) const {
    const PlainData* all = file_->root().find("gradient_accumulator");
    const auto* dict = all == nullptr ? nullptr : all->as<PlainDict>();
    for (size_t i = 0; dict != nullptr && i < dict->keys.size(); ++i) {
      const auto* key = dict->keys[i].as<std::string_view>();
      const auto* tensor = dict->values[i].as<PickledTensor>();
      if (key == nullptr || tensor == nullptr || unwrapped(std::string(*key)) != name) continue;
      return file_->view(*tensor);
    }
    return {};
  }
  [[noreturn]] void refuse(const std::string& problem) const {
    throw DataError(file_->file().path().string(), problem, copy_nanotron);
  }

 private:
  [[nodiscard]] const PlainData& state(const std::string& name) const {
    const PlainData* found = states_->find(numbers_.at(name));
    if (found == nullptr) refuse("has no state of " + name);
    return *found;
  }

  TrainingFile file_;
  const PlainData* states_ = nullptr;
  std::map<std::string, int64_t> numbers_;
  std::vector<AdamWGroup> groups_;
  std::map<int64_t, size_t> group_of_;
};

/// All files of optimizer/.
class NanotronOptimizers {
 public:
  explicit NanotronOptimizers(const fs::path& folder) : folder_(folder) {
    static const std::regex pattern(
        R"(optimizer_pp-(\d{1,9})-of-(\d{1,9})(?:_dp-(\d{1,9})-of-(\d{1,9}))?_tp-(\d{1,9})-of-(\d{1,9})(?:_exp-(\d{1,9})-of-(\d{1,9}))?\.pt)");
    std::map<NanotronRank, fs::path> paths;
    std::set<std::array<int64_t, 3>> sizes;
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
      const std::string name = entry.path().filename().string();
      std::smatch match;
      if (!std::regex_match(name, match, pattern)) continue;
      const auto number = [&](int i, int64_t otherwise) {
        return match[i].matched ? std::stoll(match[i]) : otherwise;
      };
      if (number(8, 1) != 1) {
        throw DataError(entry.path().string(), "is of experts", "Mixtures of experts are not read");
      }
      paths.emplace(NanotronRank{number(1, 0), number(5, 0), number(3, 0)}, entry.path());
      sizes.insert({number(2, 1), number(6, 1), number(4, 1)});
    }
    if (paths.empty()) return;
    if (sizes.size() != 1) {
      throw DataError(folder.string(), "holds files of trainings with different numbers of ranks",
                      "Move those of another checkpoint away");
    }
    const auto [pipeline, tensor, data] = *sizes.begin();
    for (int64_t p = 0; p < pipeline; ++p) {
      for (int64_t t = 0; t < tensor; ++t) {
        for (int64_t d = 0; d < data; ++d) {
          const auto found = paths.find({p, t, d});
          if (found == paths.end()) {
            throw DataError(
                folder.string(),
                fmt::format("has no optimizer_pp-{}-of-{}{}_tp-{}-of-{}….pt", p, pipeline,
                            data > 1 ? fmt::format("_dp-{}-of-{}", d, data) : "", t, tensor),
                copy_nanotron);
          }
          ranks_.emplace(found->first, found->second);
        }
      }
    }
    data_ranks_ = data;
  }

  [[nodiscard]] bool empty() const { return ranks_.empty(); }
  [[nodiscard]] const std::map<NanotronRank, NanotronOptimizer>& ranks() const { return ranks_; }

  /// A tensor-parallel rank's numbers of a parameter, those of its data ranks in a row, in the
  /// shard's shape. Where stages of the pipeline both have it (a tied matrix), they must agree.
  /// value: of a rank; without data where there is none, and then so is what is returned.
  template <typename ValueOf>
  TensorView local(const std::string& name, int64_t tensor, const std::vector<int64_t>& shape,
                   std::vector<std::unique_ptr<Assembly>>& made, ValueOf value) const {
    TensorView first;
    for (int64_t stage = 0; ranks_.contains({stage, tensor, 0}); ++stage) {
      std::vector<Piece> pieces;
      int64_t at = 0;
      Dtype dtype = Dtype::f32;
      for (int64_t data = 0; data < data_ranks_; ++data) {
        const NanotronOptimizer& rank = ranks_.at({stage, tensor, data});
        if (!rank.numbers().contains(name)) continue;
        const TensorView part = value(rank);
        if (part.data == nullptr) continue;
        dtype = part.dtype;
        pieces.push_back(piece_of(part, 0, part.elements(), at, folder_.string()));
        at += part.elements();
      }
      if (pieces.empty()) continue;
      made.push_back(std::make_unique<Assembly>(folder_.string()));
      made.back()->add(name, dtype, shape, std::move(pieces));
      const TensorView found = made.back()->finish().at(0);
      if (first.data == nullptr) {
        first = found;
        continue;
      }
      for (const auto& each : made) each->fill();
      require_same(first, found, name);
    }
    return first;
  }
  void require_same(const TensorView& a, const TensorView& b, const std::string& name) const {
    if (a.data == b.data ||
        (a.dtype == b.dtype && a.bytes == b.bytes && std::memcmp(a.data, b.data, a.bytes) == 0)) {
      return;
    }
    throw DataError(folder_.string(), "ranks that share " + name + " disagree on it",
                    copy_nanotron);
  }

 private:
  fs::path folder_;
  std::map<NanotronRank, NanotronOptimizer> ranks_;
  int64_t data_ranks_ = 1;
};

class NanotronState final : public SavedState {
 public:
  explicit NanotronState(const fs::path& folder)
      : folder_(folder),
        names_(read_json_object(folder / "model_config.json"),
               (folder / "model_config.json").string()),
        tensors_(read_nanotron_shards(folder)),
        optimizers_(folder / "optimizer"),
        weights_(folder.string()),
        moments_(folder.string()) {
    size_t masters = 0;
    auto whole = std::make_unique<Assembly>(folder.string());
    for (const auto& [name, tensor] : tensors_) {
      std::vector<TensorView> parts =
          values(name, tensor,
                 [&name = name](const NanotronOptimizer& rank) { return rank.master(name); });
      if (!parts.empty()) ++masters;
      for (const NanotronShard& shard : tensor.shards) {
        files_.push_back(shard.file);
        if (parts.size() < tensor.shards.size()) parts.push_back(shard.data);
      }
      tensor.add(*whole, name, parts);
    }
    for (const TensorView& each : whole->finish()) names_.add(weights_, each, "");
    made_.push_back(std::move(whole));
    weights_.finish();
    for (const auto& [rank, file] : optimizers_.ranks())
      files_.push_back(as_weight_file(file.file()));
    std::sort(files_.begin(), files_.end(),
              [](const auto& a, const auto& b) { return a->file().path() < b->file().path(); });
    notes_.emplace_back(masters > 0 ? "weights are the optimizer's masters of 32 bits"
                                    : "weights are the model's, in the precision of training");
    notes_.push_back(fmt::format(
        "tensor names: nanotron's were changed into Hugging Face's; queries, keys and values, and "
        "gate and up, are told apart{}",
        names_.interleaved() ? ", and rows of queries and keys put in the order of their rotary "
                               "embedding"
                             : ""));
    if (const auto weight = names_.z_loss()) {
      notes_.push_back(fmt::format("the training's loss had a z-loss of {} too", *weight));
    }
  }

  [[nodiscard]] std::string what() const override { return "a checkpoint of nanotron"; }
  [[nodiscard]] const std::vector<TensorView>& weights() const override {
    return weights_.tensors();
  }
  [[nodiscard]] std::optional<nlohmann::json> config() const override { return names_.config(); }
  /// What is put together of ranks first, in its order: later ones are made of it.
  void prepare(const TensorView& /*view*/) const override {
    for (const auto& each : made_) each->fill();
    weights_.fill();
    moments_.fill();
  }
  [[nodiscard]] const SavedOptimizer& optimizer() const override {
    if (optimizer_ == nullptr) read_optimizer();
    return *optimizer_;
  }
  [[nodiscard]] const std::vector<std::shared_ptr<const WeightFile>>& files() const override {
    return files_;
  }
  [[nodiscard]] const std::vector<std::string>& notes() const override { return notes_; }

 private:
  /// What each tensor-parallel rank has of a parameter; empty where there is nothing. Of one that
  /// is not divided all must have the same.
  template <typename ValueOf>
  std::vector<TensorView> values(const std::string& name, const NanotronTensor& tensor,
                                 ValueOf value) const {
    std::vector<TensorView> parts;
    if (optimizers_.empty()) return parts;
    const int64_t ranks = optimizers_.ranks().rbegin()->first.tensor + 1;
    const auto shards = static_cast<int64_t>(tensor.shards.size());
    if (tensor.divided() && shards != ranks) {
      throw DataError(
          folder_.string(),
          fmt::format("{} is divided among {} ranks, and optimizer/ is of {}", name, shards, ranks),
          copy_nanotron);
    }
    for (int64_t rank = 0; rank < ranks; ++rank) {
      const size_t shard = tensor.divided() ? static_cast<size_t>(rank) : 0;
      const TensorView part =
          optimizers_.local(name, rank, tensor.shards[shard].data.shape, made_, value);
      if (part.data == nullptr) continue;
      if (!tensor.divided() && !parts.empty()) {
        for (const auto& each : made_) each->fill();
        optimizers_.require_same(parts[0], part, name);
        continue;
      }
      parts.push_back(part);
    }
    if (!parts.empty() && tensor.divided() && static_cast<int64_t>(parts.size()) != ranks) {
      throw DataError((folder_ / "optimizer").string(), "not all ranks have their part of " + name,
                      copy_nanotron);
    }
    return parts;
  }

  void read_optimizer() const {
    if (optimizers_.empty()) {
      throw DataError(folder_.string(), "has no optimizer/optimizer_….pt, the optimizer's state",
                      "Copy it too, or leave out --source steps: the change of weights alone needs "
                      "no optimizer state");
    }
    auto read = std::make_unique<SavedOptimizer>();
    read->groups = optimizers_.ranks().begin()->second.groups();
    require_scheduled_rates(read->groups);
    auto whole = std::make_unique<Assembly>(folder_.string());
    std::set<std::string> known;
    for (const auto& [name, tensor] : tensors_) {
      known.insert(name);
      const std::vector<TensorView> first = values(
          name, tensor,
          [&name = name](const NanotronOptimizer& rank) { return rank.moment(name, "exp_avg"); });
      if (first.empty()) continue;  // frozen
      const auto [updates, group] = common(name, read->groups);
      tensor.add(*whole, name, first);
      tensor.add(*whole, name, values(name, tensor, [&name = name](const NanotronOptimizer& rank) {
        return rank.moment(name, "exp_avg_sq");
      }));
      for (const std::string& part : names_.parts(name)) {
        read->moments.push_back(
            {.name = part, .first = {}, .second = {}, .updates = updates, .group = group});
      }
    }
    require_known(known);
    bool second = false;
    for (const TensorView& each : whole->finish()) {
      names_.add(moments_, each, second ? ".exp_avg_sq" : ".exp_avg");
      second = !second;
    }
    made_.push_back(std::move(whole));
    std::map<std::string, TensorView> by_name;
    for (const TensorView& each : moments_.finish()) by_name.emplace(each.name, each);
    for (SavedMoments& each : read->moments) {
      each.first = by_name.at(each.name + ".exp_avg");
      each.second = by_name.at(each.name + ".exp_avg_sq");
    }
    optimizer_ = std::move(read);
  }

  /// Steps and group of a parameter, on which all ranks that have it must agree.
  [[nodiscard]] std::pair<int64_t, size_t> common(const std::string& name,
                                                  const std::vector<AdamWGroup>& groups) const {
    std::optional<std::pair<int64_t, size_t>> found;
    for (const auto& [place, rank] : optimizers_.ranks()) {
      if (!rank.numbers().contains(name)) continue;
      if (rank.groups() != groups) rank.refuse("has other hyper-parameters than the other ranks");
      const std::pair<int64_t, size_t> own{rank.updates(name), rank.group_of(name)};
      if (!found) found = own;
      if (own == *found) continue;
      rank.refuse(fmt::format("is of step {}, group {} for {}, and others of step {}, group {}",
                              own.first, own.second, name, found->first, found->second));
    }
    return *found;
  }
  void require_known(const std::set<std::string>& known) const {
    for (const auto& [place, rank] : optimizers_.ranks()) {
      for (const auto& [name, number] : rank.numbers()) {
        if (!known.contains(name))
          rank.refuse("has a state of " + name + ", which model/ does not have");
      }
    }
  }
  void require_scheduled_rates(const std::vector<AdamWGroup>& groups) const {
    for (const char* file :
         {"lr_scheduler.pt", "lr_scheduler_pp-0-of-1_dp-0-of-1_tp-0-of-1_exp-0-of-1.pt"}) {
      const fs::path path = folder_ / "lr_scheduler" / file;
      if (!fs::exists(path)) continue;
      const TrainingFile scheduler = open_training_file(path);
      require_rates(&scheduler->root(), groups, path.string());
    }
  }

  fs::path folder_;
  NanotronNames names_;
  std::map<std::string, NanotronTensor> tensors_;
  NanotronOptimizers optimizers_;
  mutable std::vector<std::unique_ptr<Assembly>> made_;
  Assembly weights_;
  mutable Assembly moments_;
  mutable std::unique_ptr<const SavedOptimizer> optimizer_;
  std::vector<std::shared_ptr<const WeightFile>> files_;
  std::vector<std::string> notes_;
};

bool holds_nanotron(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "checkpoint_metadata.json", ignored) &&
         fs::exists(folder / "model_config.json", ignored) &&
         fs::is_directory(folder / "model", ignored);
}

std::unique_ptr<SavedState> open_nanotron(const fs::path& folder) {
  return std::make_unique<NanotronState>(folder);
}

}  // namespace

const Layout& nanotron() {
  static constexpr Layout layout{.holds = holds_nanotron, .open = open_nanotron};
  return layout;
}

}  // namespace explaind
