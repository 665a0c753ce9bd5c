#include "checkpoint/layouts/zero_rank.hpp"

#include <fmt/format.h>

#include <set>

#include "checkpoint/layouts/deepspeed_state.hpp"
#include "core/error.hpp"

namespace explaind {

ZeroRank::ZeroRank(const std::filesystem::path& path) : file_(open_training_file(path)) {
  state_ = file_->root().find("optimizer_state_dict");
  if (state_ == nullptr || state_->as<PlainDict>() == nullptr) {
    refuse("holds no optimizer_state_dict");
  }
  base_ = state_->find(stage() == 3 ? "optimizer_state_dict" : "base_optimizer_state");
  const PlainData* flat =
      state_->find(stage() == 3 ? "fp32_flat_groups" : "single_partition_of_fp32_groups");
  const auto* groups = flat == nullptr ? nullptr : flat->as<PlainList>();
  if (groups == nullptr) refuse("holds no weights of 32 bits");
  for (const PlainData& each : groups->items) {
    const auto* tensor = each.as<PickledTensor>();
    if (tensor == nullptr) refuse("its weights of 32 bits are no tensors");
    masters_.push_back(file_->view(*tensor));
    masters_.back().name = fmt::format("the flat group {}", masters_.size() - 1);
  }
}

int ZeroRank::stage() const {
  const PlainData* value = state_->find("zero_stage");
  if (value == nullptr) return 1;
  if (const auto* number = value->as<int64_t>()) return stage_of(*number);
  const auto* object = value->as<PlainObject>();
  if (object == nullptr || object->arguments.size() != 1) refuse("its zero_stage is none");
  if (const auto* number = object->arguments[0].as<int64_t>()) return stage_of(*number);
  const auto* word = object->arguments[0].as<std::string_view>();
  if (word != nullptr && *word == "optimizer_states") return 1;
  if (word != nullptr && *word == "gradients") return 2;
  if (word != nullptr && *word == "weights") return 3;
  refuse("its zero_stage is none");
}

int64_t ZeroRank::ranks() const {
  const PlainData* value = state_->find("partition_count");
  if (value == nullptr) refuse("does not say among how many ranks it is divided");
  if (const auto* number = value->as<int64_t>()) return *number;
  const auto* list = value->as<PlainList>();
  std::set<int64_t> counts;
  for (const PlainData& each : list == nullptr ? std::vector<PlainData>() : list->items) {
    if (const auto* number = each.as<int64_t>()) counts.insert(*number);
  }
  if (counts.size() != 1) {
    refuse("its groups are divided among different numbers of ranks, as those of experts are");
  }
  return *counts.begin();
}

const PlainDict* ZeroRank::slices(size_t group) const {
  const PlainData* all = state_->find("param_slice_mappings");
  const auto* list = all == nullptr ? nullptr : all->as<PlainList>();
  if (list == nullptr || list->items.size() != masters_.size()) return nullptr;
  return list->items[group].as<PlainDict>();
}

const PlainData& ZeroRank::base() const {
  if (base_ == nullptr || base_->find("param_groups") == nullptr) {
    refuse(base_ != nullptr && base_->as<PlainList>() != nullptr
               ? "its optimizer's state is \"elastic\", without hyper-parameters"
               : "holds no state of the optimizer");
  }
  return *base_;
}

void ZeroRank::refuse(const std::string& problem) const {
  throw DataError(file_->file().path().string(), problem, copy_all_files);
}

int ZeroRank::stage_of(int64_t number) const {
  if (number < 1 || number > 3) refuse(fmt::format("its zero_stage is {}", number));
  return static_cast<int>(number);
}

}  // namespace explaind
