#include "checkpoint/layouts/torch_moments.hpp"

#include <fmt/format.h>

#include <cmath>

#include "checkpoint/layouts/part_file.hpp"
#include "checkpoint/pickle_names.hpp"
#include "checkpoint/trainer_groups.hpp"
#include "core/error.hpp"

namespace explaind {

TrainingFile open_training_file(const std::filesystem::path& path) {
  return std::make_shared<const TorchData>(path, RecordTypes{.names = training_names()});
}

std::shared_ptr<const WeightFile> as_weight_file(const TrainingFile& file) {
  return std::make_shared<const PartFile>(file, file->file(), file->header());
}

AdamWGroup adamw_of(const TorchGroup& group) {
  const std::array<double, 2> betas = group.pair("betas");
  const AdamWGroup found{.learning_rate = group.number("lr"),
                         .beta1 = betas[0],
                         .beta2 = betas[1],
                         .epsilon = group.number("eps"),
                         .weight_decay = group.number("weight_decay")};
  group.require_plain_adamw(found.weight_decay);
  return found;
}

TensorView moment_of(const TorchData& file, const PlainData& state, const std::string& key,
                     const std::string& what) {
  const std::string where = file.file().path().string();
  require_adamw(state, where);
  const PlainData* value = state.find(key);
  const auto* tensor = value == nullptr ? nullptr : value->as<PickledTensor>();
  if (tensor == nullptr) {
    throw DataError(where, fmt::format("has no {} of {}", key, what), other_state);
  }
  TensorView view = file.view(*tensor);
  view.name = key + " of " + what;
  if (view.dtype != Dtype::f32 && view.dtype != Dtype::f64) {
    throw DataError(where,
                    fmt::format("{} is {}; steps are decomposed of AdamW with moments of 32 bits",
                                view.name, to_string(view.dtype)),
                    "Train with moments of 32 bits, or leave out --source steps: the change of "
                    "weights alone needs no optimizer state");
  }
  return view;
}

int64_t whole_steps(const TorchData& file, const PlainData& value, const std::string& what) {
  std::optional<double> steps;
  if (const auto* whole = value.as<int64_t>()) steps = static_cast<double>(*whole);
  if (const auto* number = value.as<double>()) steps = *number;
  if (const auto* tensor = value.as<PickledTensor>()) steps = single_number(file, *tensor);
  constexpr double most = 1e15;
  if (!steps || !(*steps >= 0) || *steps > most || std::floor(*steps) != *steps) {
    throw DataError(file.file().path().string(), "the step of " + what + " is no whole number",
                    other_state);
  }
  return static_cast<int64_t>(*steps);
}

std::optional<int64_t> updates_of(const TorchData& file, const PlainData& state,
                                  const std::string& what) {
  const PlainData* value = state.find("step");
  return value == nullptr ? std::nullopt : std::optional(whole_steps(file, *value, what));
}

void require_rates(const PlainData* scheduler, const std::vector<AdamWGroup>& groups,
                   const std::string& where) {
  const PlainData* rates = scheduler == nullptr ? nullptr : scheduler->find("_last_lr");
  const auto* list = rates == nullptr ? nullptr : rates->as<PlainList>();
  if (list == nullptr) return;
  const auto refuse = [&](const std::string& problem) {
    throw DataError(where, problem,
                    "Save the checkpoint after the scheduler's step, as Trainer and DeepSpeed do");
  };
  if (list->items.size() != groups.size()) {
    refuse(fmt::format("its scheduler has {} learning rates, and there are {} groups of parameters",
                       list->items.size(), groups.size()));
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    const auto* rate = list->items[g].as<double>();
    if (rate == nullptr || *rate == groups[g].learning_rate) continue;
    refuse(
        fmt::format("group {} has the learning rate {}, and the scheduler says {} for the next "
                    "step",
                    g, groups[g].learning_rate, *rate));
  }
}

}  // namespace explaind
