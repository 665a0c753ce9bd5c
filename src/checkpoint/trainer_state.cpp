#include "checkpoint/trainer_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "checkpoint/scheduled_rates.hpp"
#include "checkpoint/torch_file.hpp"
#include "checkpoint/torch_groups.hpp"
#include "checkpoint/trainer_groups.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// The shape of exp_avg; empty where the parameter has no state.
std::optional<std::vector<int64_t>> shape_of_moments(const TorchData& file,
                                                     const PlainData* state) {
  if (state == nullptr) return std::nullopt;
  require_adamw(*state, file.file().path().string());
  const PlainData* value = state->find("exp_avg");
  const auto* tensor = value == nullptr ? nullptr : value->as<PickledTensor>();
  if (tensor == nullptr) return std::vector<int64_t>{-1};  // refused by name where it is read
  return file.view(*tensor).shape;
}

TensorView moment(const TorchData& file, const PlainData& state, const std::string& key,
                  const NamedShape& parameter, int64_t number) {
  const auto refuse = [&](const std::string& problem) {
    throw DataError(
        file.file().path().string(),
        fmt::format("{} of state {}, which is {}'s, {}", key, number, parameter.name, problem),
        other_state);
  };
  const PlainData* value = state.find(key);
  const auto* tensor = value == nullptr ? nullptr : value->as<PickledTensor>();
  if (tensor == nullptr) refuse("is missing");
  TensorView view = file.view(*tensor);
  view.name = parameter.name + "." + key;
  if (view.shape != parameter.shape) {
    refuse(fmt::format("is {}, and the weights are {}", shape_to_string(view.shape),
                       shape_to_string(parameter.shape)));
  }
  return view;
}

}  // namespace

StoredOptimizer TrainerState::open(const fs::path& directory,
                                   const std::vector<NamedShape>& parameters,
                                   const WeightsMove& moves) {
  const fs::path path = directory / "optimizer.pt", schedule = directory / "scheduler.pt";
  const auto file = std::make_shared<const TorchData>(path);
  const std::string where = path.string();
  const PlainData *states = file->root().find("state"), *list = file->root().find("param_groups");
  const auto* groups = list == nullptr ? nullptr : list->as<PlainList>();
  if (states == nullptr || groups == nullptr) {
    throw DataError(where, "holds no state and param_groups",
                    "It must be the state_dict() of torch.optim.AdamW");
  }
  const std::vector<double> rates = scheduled_rates(schedule);
  std::vector<TorchGroup> readers;
  std::vector<std::vector<int64_t>> numbers;
  std::vector<StoredGroup> stored;
  for (size_t g = 0; g < groups->items.size(); ++g) {
    readers.emplace_back(groups->items[g], *file, g);
    numbers.push_back(readers.back().parameters());
    stored.push_back({.names = readers.back().names(), .shapes = {}});
    for (const int64_t number : numbers.back()) {
      stored.back().shapes.push_back(shape_of_moments(*file, states->find(number)));
    }
  }
  if (!rates.empty() && rates.size() != readers.size()) {
    throw DataError(schedule.string(),
                    fmt::format("has {} learning rates, and {} has {} groups", rates.size(),
                                path.filename().string(), readers.size()),
                    other_state);
  }
  const std::vector<std::vector<size_t>> assigned = assign_groups(stored, parameters, moves, where);

  StoredOptimizer opened;
  opened.parameters_.resize(parameters.size(), {.stepped = false});
  opened.add_file(file->file(), file->header());
  if (!rates.empty()) {
    const TorchData scheduler(schedule);
    opened.add_file(scheduler.file(), scheduler.header());
  }
  opened.mapped_.push_back(file);
  for (size_t g = 0; g < readers.size(); ++g) {
    const TorchGroup& group = readers[g];
    const std::array<double, 2> betas = group.pair("betas");
    AdamWParameter shared{.learning_rate = group.number("lr"),
                          .beta1 = betas[0],
                          .beta2 = betas[1],
                          .epsilon = group.number("eps"),
                          .weight_decay = group.number("weight_decay")};
    group.require_plain_adamw(shared.weight_decay);
    if (!rates.empty() && rates[g] != shared.learning_rate) {
      throw DataError(where,
                      fmt::format("group {} has the learning rate {}, and scheduler.pt says {} for "
                                  "the next step",
                                  g, shared.learning_rate, rates[g]),
                      "Take scheduler.pt away where the optimizer's is right");
    }
    for (size_t i = 0; i < numbers[g].size(); ++i) {
      const NamedShape& parameter = parameters[assigned[g][i]];
      const PlainData* state = states->find(numbers[g][i]);
      if (state == nullptr) continue;  // AdamW makes it at a parameter's first step
      const PlainData* step = state->find("step");
      if (step == nullptr) {
        throw DataError(
            where,
            fmt::format("state {}, which is {}'s, has no step", numbers[g][i], parameter.name),
            other_state);
      }
      AdamWParameter each = shared;
      each.updates = static_cast<int64_t>(group.number_of(*step, "step"));
      each.first_moment = moment(*file, *state, "exp_avg", parameter, numbers[g][i]);
      each.second_moment = moment(*file, *state, "exp_avg_sq", parameter, numbers[g][i]);
      opened.parameters_[assigned[g][i]] = std::move(each);
    }
  }
  opened.require_still(parameters, moves, where);
  return opened;
}

}  // namespace explaind
