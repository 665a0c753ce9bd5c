#include "checkpoint/layouts/nanotron_optimizers.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>
#include <regex>

#include "checkpoint/tensor_names.hpp"
#include "core/error.hpp"

namespace explaind {

namespace fs = std::filesystem;

NanotronOptimizer::NanotronOptimizer(const fs::path& path) : file_(open_training_file(path)) {
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

size_t NanotronOptimizer::group_of(const std::string& name) const {
  const auto found = group_of_.find(numbers_.at(name));
  if (found == group_of_.end()) refuse(name + " is in no group");
  return found->second;
}

int64_t NanotronOptimizer::updates(const std::string& name) const {
  const auto steps = updates_of(*file_, state(name), name);
  if (!steps) refuse("has no step of " + name);
  return *steps;
}

TensorView NanotronOptimizer::moment(const std::string& name, const std::string& key) const {
  return moment_of(*file_, state(name), key, name);
}

TensorView NanotronOptimizer::master(const std::string& name) const {
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

void NanotronOptimizer::refuse(const std::string& problem) const {
  throw DataError(file_->file().path().string(), problem, copy_nanotron);
}

const PlainData& NanotronOptimizer::state(const std::string& name) const {
  const PlainData* found = states_->find(numbers_.at(name));
  if (found == nullptr) refuse("has no state of " + name);
  return *found;
}

NanotronOptimizers::NanotronOptimizers(const fs::path& folder) : folder_(folder) {
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

TensorView NanotronOptimizers::local(const std::string& name, int64_t tensor,
                                     const std::vector<int64_t>& shape,
                                     std::vector<std::unique_ptr<Assembly>>& made,
                                     const ValueOf& value) const {
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

void NanotronOptimizers::require_same(const TensorView& a, const TensorView& b,
                                      const std::string& name) const {
  if (a.data == b.data ||
      (a.dtype == b.dtype && a.bytes == b.bytes && std::memcmp(a.data, b.data, a.bytes) == 0)) {
    return;
  }
  throw DataError(folder_.string(), "ranks that share " + name + " disagree on it", copy_nanotron);
}

std::pair<int64_t, size_t> NanotronOptimizers::agreed(const std::string& name,
                                                      const std::vector<AdamWGroup>& groups) const {
  std::optional<std::pair<int64_t, size_t>> found;
  for (const auto& [place, rank] : ranks_) {
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

void NanotronOptimizers::require_only(const std::set<std::string>& known) const {
  for (const auto& [place, rank] : ranks_) {
    for (const auto& [name, number] : rank.numbers()) {
      if (known.contains(name)) continue;
      rank.refuse("has a state of " + name + ", which model/ does not have");
    }
  }
}

}  // namespace explaind
