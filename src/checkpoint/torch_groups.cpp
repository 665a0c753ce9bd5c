#include "checkpoint/torch_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "checkpoint/adamw_keys.hpp"
#include "checkpoint/convert.hpp"
#include "core/error.hpp"

namespace explaind {

std::array<double, 2> TorchGroup::pair(const std::string& key) const {
  const auto* list = require(key).as<PlainList>();
  if (list == nullptr || list->items.size() != 2) refuse(key + " is no pair of numbers");
  return {number_of(list->items[0], key), number_of(list->items[1], key)};
}

bool TorchGroup::flag(const std::string& key, bool otherwise) const {
  const PlainData* value = group_.find(key);
  const bool* held = value == nullptr ? nullptr : value->as<bool>();
  return held == nullptr ? otherwise : *held;
}

std::vector<int64_t> TorchGroup::parameters() const {
  std::vector<int64_t> numbers;
  const auto* list = require("params").as<PlainList>();
  if (list == nullptr) refuse("params is no list");
  for (const PlainData& each : list->items) {
    if (each.as<int64_t>() == nullptr) refuse("params holds something that is no number");
    numbers.push_back(*each.as<int64_t>());
  }
  return numbers;
}

std::vector<std::string> TorchGroup::names() const {
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

void TorchGroup::refuse(const std::string& problem) const {
  throw DataError(file_.file().path().string(),
                  fmt::format("param_groups[{}]: {}", index_, problem),
                  "It must be the state_dict() of torch.optim.AdamW");
}

double TorchGroup::number_of(const PlainData& value, const std::string& key) const {
  if (const auto* number = value.as<double>()) return *number;
  if (const auto* whole = value.as<int64_t>()) return static_cast<double>(*whole);
  if (const auto* tensor = value.as<PickledTensor>()) {
    if (const auto found = single_number(file_, *tensor)) return *found;
  }
  refuse(key + " is no number");
}

void TorchGroup::require_plain_adamw(double weight_decay) const {
  if (flag("amsgrad", false) || flag("maximize", false)) {
    refuse("amsgrad and maximize are not known");
  }
  if (!flag("bias_correction", true)) refuse("it is Adam without bias correction");
  if (!flag("decoupled_weight_decay", true) && weight_decay != 0) {
    refuse("its weight decay enters the gradient: it is Adam's, and AdamW's is needed");
  }
}

const PlainData& TorchGroup::require(const std::string& key) const {
  const PlainData* value = group_.find(key);
  if (value == nullptr) refuse("the hyper-parameter " + key + " is missing");
  return *value;
}

std::optional<double> single_number(const TorchData& file, const PickledTensor& tensor) {
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

void require_adamw(const PlainData& state, const std::string& where) {
  require_adamw([&](const char* key) { return state.find(key) != nullptr; }, where);
}

}  // namespace explaind
