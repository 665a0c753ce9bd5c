#include "checkpoint/trainer_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <tuple>

#include "checkpoint/convert.hpp"
#include "checkpoint/tensor_names.hpp"
#include "checkpoint/torch_file.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr const char* other_state = "Give the optimizer state that was saved with these weights";

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

/// The rate of each group's next step, as the scheduler left it; empty where there is none.
std::vector<double> scheduled_rates(const fs::path& path) {
  if (!fs::exists(path)) return {};
  const TorchData file(path);
  const PlainData* rates = file.root().find("_last_lr");
  const auto* list = rates == nullptr ? nullptr : rates->as<PlainList>();
  if (list == nullptr) {
    throw DataError(path.string(), "does not say _last_lr, the learning rates of the next step",
                    "It must be the state_dict() of a scheduler of torch.optim");
  }
  std::vector<double> values;
  for (const PlainData& each : list->items) {
    const auto* number = each.as<double>();
    const auto* whole = each.as<int64_t>();
    if (number == nullptr && whole == nullptr) {
      throw DataError(path.string(), "_last_lr holds something that is no number",
                      "It must be the state_dict() of a scheduler of torch.optim");
    }
    values.push_back(number != nullptr ? *number : static_cast<double>(*whole));
  }
  return values;
}

/// Place of a parameter's module among those of its layer.
std::tuple<int, int, int> module_key(const std::string& name) {
  static const std::vector<std::string> within{
      "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
      "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
      "mlp.down_proj",    "input_layernorm",  "post_attention_layernorm"};
  const std::string layers = "model.layers.";
  if (!name.starts_with(layers)) {
    const int section = name.find("embed_tokens") != std::string::npos ? 0
                        : name.starts_with("model.norm")               ? 2
                                                                       : 3;
    return {section, 0, 0};
  }
  const size_t dot = name.find('.', layers.size());
  const int layer = std::stoi(name.substr(layers.size(), dot - layers.size()));
  const std::string rest = name.substr(dot + 1);
  const auto module = std::find_if(within.begin(), within.end(), [&](const std::string& each) {
    return rest.starts_with(each + ".");
  });
  const auto place = static_cast<int>(module - within.begin());
  return {1, layer, 2 * place + (rest.ends_with(".bias") ? 1 : 0)};
}

constexpr const char* weights_alone =
    "A step of it cannot be taken here: decompose the weights alone (--source weights)";

/// States of other optimizers than AdamW, by what they keep of a parameter: asking for the state
/// that belongs to the weights would be no help, as it does.
void refuse_other_optimizers(const PlainData& states, const std::string& where) {
  const auto* dict = states.as<PlainDict>();
  if (dict == nullptr || dict->values.empty()) return;
  struct Mark {
    const char* key;
    const char* optimizer;
  };
  constexpr std::array<Mark, 8> marks{{{"state1", "an 8-bit optimizer (bitsandbytes)"},
                                       {"absmax1", "an 8-bit optimizer (bitsandbytes)"},
                                       {"exp_avg_sq_row", "Adafactor"},
                                       {"momentum_buffer", "SGD"},
                                       {"exp_inf", "Adamax"},
                                       {"square_avg", "RMSprop"},
                                       {"z", "a schedule-free optimizer"},
                                       {"GG", "Shampoo or SOAP"}}};
  const PlainData& first = dict->values.front();
  for (const Mark& mark : marks) {
    if (first.find(mark.key) == nullptr) continue;
    throw DataError(where, fmt::format("is the state of {}, not of AdamW", mark.optimizer),
                    weights_alone);
  }
  if (first.find("exp_avg") != nullptr && first.find("exp_avg_sq") == nullptr) {
    throw DataError(where,
                    "is the state of an optimizer without second moments (Lion?), not of AdamW",
                    weights_alone);
  }
}

/// Parameters that are in no group were frozen in the training.
void refuse_frozen(const std::vector<std::vector<size_t>>& groups, size_t in_groups,
                   const std::vector<NamedShape>& parameters, const std::string& where) {
  std::vector<bool> stepped(parameters.size(), false);
  for (const std::vector<size_t>& group : groups) {
    for (const size_t parameter : group) stepped[parameter] = true;
  }
  const auto frozen = std::find(stepped.begin(), stepped.end(), false);
  if (in_groups >= parameters.size() || (!groups.empty() && frozen == stepped.end())) return;
  throw DataError(
      where,
      fmt::format(
          "has {} parameters of the {} weights{}: the others were frozen in the training, "
          "which is not supported here",
          in_groups, parameters.size(),
          groups.empty()
              ? std::string()
              : fmt::format(" (and not {})",
                            parameters[static_cast<size_t>(frozen - stepped.begin())].name)),
      "Decompose the weights alone (--source weights)");
}

/// Per group, the model's parameters in the order of its params.
std::vector<std::vector<size_t>> assign(const std::vector<std::vector<int64_t>>& numbers,
                                        const std::vector<std::vector<std::string>>& names,
                                        const std::vector<NamedShape>& parameters,
                                        const std::string& where) {
  std::vector<std::vector<size_t>> groups(numbers.size());
  const bool named = std::none_of(names.begin(), names.end(),
                                  [](const auto& of_group) { return of_group.empty(); });
  for (size_t g = 0; named && g < names.size(); ++g) {
    for (const std::string& wrapped : names[g]) {
      const std::string name = unwrapped(wrapped);
      const auto found = std::find_if(parameters.begin(), parameters.end(),
                                      [&](const NamedShape& each) { return each.name == name; });
      if (found == parameters.end()) {
        throw DataError(where, "the model has no parameter " + name, other_state);
      }
      groups[g].push_back(static_cast<size_t>(found - parameters.begin()));
    }
  }
  size_t in_groups = 0;
  for (const std::vector<int64_t>& group : numbers) in_groups += group.size();
  if (named) {
    refuse_frozen(groups, in_groups, parameters, where);
  } else {
    refuse_frozen({}, in_groups, parameters, where);
  }
  if (!named && numbers.size() > 2) {
    throw DataError(where,
                    fmt::format("has {} groups of parameters without names, and Trainer makes two",
                                numbers.size()),
                    "Save the state of an optimizer that was given named_parameters()");
  }
  if (!named) {
    for (const size_t i : module_order(parameters)) {
      groups[numbers.size() == 2 && !decays_in_trainer(parameters[i].name) ? 1 : 0].push_back(i);
    }
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    if (groups[g].size() == numbers[g].size()) continue;
    throw DataError(where,
                    fmt::format("group {} has {} parameters, and of the weights {} belong to it", g,
                                numbers[g].size(), groups[g].size()),
                    other_state);
  }
  return groups;
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

bool decays_in_trainer(const std::string& name) {
  return !name.ends_with(".bias") && name.find("norm") == std::string::npos;
}

std::vector<size_t> module_order(const std::vector<NamedShape>& parameters) {
  std::vector<size_t> order(parameters.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return module_key(parameters[a].name) < module_key(parameters[b].name);
  });
  return order;
}

StoredOptimizer TrainerState::open(const fs::path& directory,
                                   const std::vector<NamedShape>& parameters) {
  const fs::path path = directory / "optimizer.pt", schedule = directory / "scheduler.pt";
  const auto file = std::make_shared<const TorchData>(path);
  const std::string where = path.string();
  const PlainData *states = file->root().find("state"), *list = file->root().find("param_groups");
  const auto* groups = list == nullptr ? nullptr : list->as<PlainList>();
  if (states == nullptr || groups == nullptr) {
    throw DataError(where, "holds no state and param_groups",
                    "It must be the state_dict() of torch.optim.AdamW");
  }
  refuse_other_optimizers(*states, where);
  const std::vector<double> rates = scheduled_rates(schedule);
  std::vector<GroupReader> readers;
  std::vector<std::vector<int64_t>> numbers;
  std::vector<std::vector<std::string>> names;
  for (size_t g = 0; g < groups->items.size(); ++g) {
    readers.emplace_back(groups->items[g], *file, g);
    numbers.push_back(readers.back().parameters());
    names.push_back(readers.back().names());
  }
  if (!rates.empty() && rates.size() != readers.size()) {
    throw DataError(schedule.string(),
                    fmt::format("has {} learning rates, and {} has {} groups", rates.size(),
                                path.filename().string(), readers.size()),
                    other_state);
  }
  const std::vector<std::vector<size_t>> assigned = assign(numbers, names, parameters, where);

  StoredOptimizer opened;
  opened.parameters_.resize(parameters.size());
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
      const PlainData* step = state == nullptr ? nullptr : state->find("step");
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
  return opened;
}

}  // namespace explaind
