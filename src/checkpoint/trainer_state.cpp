#include "checkpoint/trainer_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "checkpoint/adamw_keys.hpp"
#include "checkpoint/convert.hpp"
#include "checkpoint/scheduled_rates.hpp"
#include "checkpoint/torch_file.hpp"
#include "checkpoint/trainer_groups.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// One element of `param_groups`, which holds numbers and flags, read key by key.
class GroupReader {
 public:
  GroupReader(const PlainData& group, const TorchData& file, size_t index)
      : group_(group), file_(file), index_(index) {}

  [[nodiscard]] double number(const std::string& key) const { return number_of(require(key), key); }
  [[nodiscard]] std::array<double, 2> pair(const std::string& key) const {
    const auto* list = require(key).as<PlainList>();
    if (list == nullptr || list->items.size() != 2) refuse(key + " is no pair of numbers");
    return {number_of(list->items[0], key), number_of(list->items[1], key)};
  }
  [[nodiscard]] bool flag(const std::string& key, bool otherwise) const {
    const PlainData* value = group_.find(key);
    const bool* held = value == nullptr ? nullptr : value->as<bool>();
    return held == nullptr ? otherwise : *held;
  }
  [[nodiscard]] std::vector<int64_t> parameters() const {
    std::vector<int64_t> numbers;
    const auto* list = require("params").as<PlainList>();
    if (list == nullptr) refuse("params is no list");
    for (const PlainData& each : list->items) {
      if (each.as<int64_t>() == nullptr) refuse("params holds something that is no number");
      numbers.push_back(*each.as<int64_t>());
    }
    return numbers;
  }
  /// Empty where the optimizer was not given named parameters.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    const PlainData* value = group_.find("param_names");
    const auto* list = value == nullptr ? nullptr : value->as<PlainList>();
    if (list == nullptr) return names;
    for (const PlainData& each : list->items) {
      const auto* name = each.as<std::string_view>();
      if (name == nullptr) refuse("param_names holds something that is no text");
      names.emplace_back(*name);
    }
    return names;
  }
  [[noreturn]] void refuse(const std::string& problem) const {
    throw DataError(file_.file().path().string(),
                    fmt::format("param_groups[{}]: {}", index_, problem),
                    "It must be the state_dict() of torch.optim.AdamW");
  }
  /// A number, or a tensor of one.
  [[nodiscard]] double number_of(const PlainData& value, const std::string& key) const {
    if (const auto* number = value.as<double>()) return *number;
    if (const auto* whole = value.as<int64_t>()) return static_cast<double>(*whole);
    if (const auto* tensor = value.as<PickledTensor>()) {
      if (const auto found = scalar(file_, *tensor)) return *found;
    }
    refuse(key + " is no number");
  }
  static std::optional<double> scalar(const TorchData& file, const PickledTensor& tensor) {
    const TensorView view = file.view(tensor);
    if (view.elements() != 1) return std::nullopt;
    double value = 0;
    if (view.dtype == Dtype::i64) {
      int64_t whole = 0;
      std::copy_n(view.data, sizeof(whole), reinterpret_cast<std::byte*>(&whole));
      return static_cast<double>(whole);
    }
    to_double(view, std::span(&value, 1));
    return value;
  }

 private:
  [[nodiscard]] const PlainData& require(const std::string& key) const {
    const PlainData* value = group_.find(key);
    if (value == nullptr) refuse("the hyper-parameter " + key + " is missing");
    return *value;
  }

  const PlainData& group_;
  const TorchData& file_;
  size_t index_;
};

/// The shape of exp_avg; empty where the parameter has no state.
std::optional<std::vector<int64_t>> shape_of_moments(const TorchData& file,
                                                     const PlainData* state) {
  if (state == nullptr) return std::nullopt;
  require_adamw([&](const char* key) { return state->find(key) != nullptr; },
                file.file().path().string());
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
  std::vector<GroupReader> readers;
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
    const GroupReader& group = readers[g];
    const std::array<double, 2> betas = group.pair("betas");
    AdamWParameter shared{.learning_rate = group.number("lr"),
                          .beta1 = betas[0],
                          .beta2 = betas[1],
                          .epsilon = group.number("eps"),
                          .weight_decay = group.number("weight_decay")};
    if (group.flag("amsgrad", false) || group.flag("maximize", false)) {
      group.refuse("amsgrad and maximize are not known");
    }
    if (!group.flag("decoupled_weight_decay", true) && shared.weight_decay != 0) {
      group.refuse("its weight decay enters the gradient: it is Adam's, and AdamW's is needed");
    }
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
