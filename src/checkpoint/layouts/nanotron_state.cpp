// Checkpoints of nanotron: weights by module, AdamW's state by rank.

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "checkpoint/json_file.hpp"
#include "checkpoint/layouts/assembled_state.hpp"
#include "checkpoint/layouts/layout.hpp"
#include "checkpoint/layouts/nanotron_names.hpp"
#include "checkpoint/layouts/nanotron_optimizers.hpp"
#include "checkpoint/layouts/nanotron_shards.hpp"
#include "checkpoint/layouts/torch_moments.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

class NanotronState final : public AssembledState {
 public:
  explicit NanotronState(const fs::path& folder)
      : AssembledState(folder.string()),
        folder_(folder),
        names_(read_json_object(folder / "model_config.json"),
               (folder / "model_config.json").string()),
        tensors_(read_nanotron_shards(folder)),
        optimizers_(folder / "optimizer") {
    size_t masters = 0;
    auto whole = std::make_unique<Assembly>(folder.string());
    for (const auto& [name, tensor] : tensors_) {
      std::vector<TensorView> parts =
          values(name, tensor,
                 [&name = name](const NanotronOptimizer& rank) { return rank.master(name); });
      if (!parts.empty()) ++masters;
      for (const NanotronShard& shard : tensor.shards) {
        add_file(shard.file);
        if (parts.size() < tensor.shards.size()) parts.push_back(shard.data);
      }
      tensor.add(*whole, name, parts);
    }
    for (const TensorView& each : whole->finish()) names_.add(assembled_weights(), each, "");
    made_.push_back(std::move(whole));
    assembled_weights().finish();
    for (const auto& [rank, file] : optimizers_.ranks()) add_file(as_weight_file(file.file()));
    add_note(masters > 0 ? "weights are the optimizer's masters of 32 bits"
                         : "weights are the model's, in the precision of training");
    add_note(fmt::format(
        "tensor names: nanotron's were changed into Hugging Face's; queries, keys and values, and "
        "gate and up, are told apart{}",
        names_.interleaved() ? ", and rows of queries and keys put in the order of their rotary "
                               "embedding"
                             : ""));
    if (const auto weight = names_.z_loss()) {
      add_note(fmt::format("the training's loss had a z-loss of {} too", *weight));
    }
  }

  [[nodiscard]] std::string what() const override { return "a checkpoint of nanotron"; }
  [[nodiscard]] std::optional<nlohmann::json> config() const override { return names_.config(); }
  /// What is put together of ranks first, in its order: later ones are made of it.
  void prepare(const TensorView& view) const override {
    for (const auto& each : made_) each->fill();
    AssembledState::prepare(view);
  }

 private:
  /// What each tensor-parallel rank has of a parameter; empty where there is nothing. Of one that
  /// is not divided all must have the same.
  std::vector<TensorView> values(const std::string& name, const NanotronTensor& tensor,
                                 const NanotronOptimizers::ValueOf& value) const {
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

  [[nodiscard]] SavedOptimizer read_optimizer() const override {
    if (optimizers_.empty()) {
      throw DataError(folder_.string(), "has no optimizer/optimizer_….pt, the optimizer's state",
                      "Copy it too, or leave out --source steps: the change of weights alone needs "
                      "no optimizer state");
    }
    SavedOptimizer read;
    read.groups = optimizers_.ranks().begin()->second.groups();
    require_scheduled_rates(read.groups);
    auto whole = std::make_unique<Assembly>(folder_.string());
    std::set<std::string> known;
    for (const auto& [name, tensor] : tensors_) {
      known.insert(name);
      const std::vector<TensorView> first = values(
          name, tensor,
          [&name = name](const NanotronOptimizer& rank) { return rank.moment(name, "exp_avg"); });
      if (first.empty()) continue;  // frozen
      const auto [updates, group] = optimizers_.agreed(name, read.groups);
      tensor.add(*whole, name, first);
      tensor.add(*whole, name, values(name, tensor, [&name = name](const NanotronOptimizer& rank) {
        return rank.moment(name, "exp_avg_sq");
      }));
      for (const std::string& part : names_.parts(name)) {
        read.moments.push_back(
            {.name = part, .first = {}, .second = {}, .updates = updates, .group = group});
      }
    }
    optimizers_.require_only(known);
    bool second = false;
    for (const TensorView& each : whole->finish()) {
      names_.add(assembled_moments(), each, second ? ".exp_avg_sq" : ".exp_avg");
      second = !second;
    }
    made_.push_back(std::move(whole));
    return read;
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
