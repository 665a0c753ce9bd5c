#include "checkpoint/layouts/dcp_optimizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "checkpoint/convert.hpp"
#include "checkpoint/tensor_names.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

constexpr const char* save_adamw_by_names =
    "Save AdamW's state by names: torch.distributed.checkpoint.state_dict.get_optimizer_state_dict";

double dcp_scalar(const TensorView& view, const std::string& what, const std::string& where) {
  if (view.elements() != 1)
    throw DataError(where, what + " is no single number", save_adamw_by_names);
  double value = 0;
  if (view.dtype == Dtype::i64) {
    int64_t whole = 0;
    std::copy_n(view.data, sizeof(whole), reinterpret_cast<std::byte*>(&whole));
    return static_cast<double>(whole);
  }
  if (view.dtype == Dtype::i32) {
    int32_t whole = 0;
    std::copy_n(view.data, sizeof(whole), reinterpret_cast<std::byte*>(&whole));
    return static_cast<double>(whole);
  }
  to_double(view, std::span(&value, 1));
  return value;
}

/// A value of the state: an object's data, or those of a dict in one, or a tensor entry.
class DcpValue {
 public:
  explicit DcpValue(const DcpItem& item) : item_(item) {
    if (!item.entry->tensor) data_ = &item.files->object(*item.entry);
  }
  DcpValue(const DcpItem& item, const PlainData& data) : item_(item), data_(&data) {}

  [[nodiscard]] double number(const std::string& what) const {
    if (data_ == nullptr) {
      const BoxedTensor tensor = item_.files->tensor(*item_.entry);
      const TensorView view{.name = what,
                            .dtype = tensor.dtype(),
                            .shape = tensor.shape(),
                            .data = tensor.contiguous(0, tensor.elements()),
                            .bytes = 0};
      return dcp_scalar(view, what, where());
    }
    return number_of(*data_, what);
  }
  [[nodiscard]] std::array<double, 2> pair(const std::string& what) const {
    const auto* list = data_ == nullptr ? nullptr : data_->as<PlainList>();
    if (list == nullptr || list->items.size() != 2) refuse(what + " is no pair of numbers");
    return {number_of(list->items[0], what), number_of(list->items[1], what)};
  }
  [[nodiscard]] bool flag(bool otherwise) const {
    const bool* held = data_ == nullptr ? nullptr : data_->as<bool>();
    return held == nullptr ? otherwise : *held;
  }
  [[nodiscard]] std::vector<std::string> names(const std::string& what) const {
    const auto* list = data_ == nullptr ? nullptr : data_->as<PlainList>();
    if (list == nullptr) refuse(what + " is no list");
    std::vector<std::string> names;
    for (const PlainData& each : list->items) {
      if (const auto* number = each.as<int64_t>()) {
        names.push_back(std::to_string(*number));
        continue;
      }
      const auto* name = each.as<std::string_view>();
      if (name == nullptr) refuse(what + " holds something that is no name");
      names.push_back(unwrapped(std::string(*name)));
    }
    return names;
  }
  [[noreturn]] void refuse(const std::string& problem) const {
    throw DataError(where(), problem, save_adamw_by_names);
  }

 private:
  [[nodiscard]] std::string where() const { return item_.files->where(); }
  [[nodiscard]] double number_of(const PlainData& data, const std::string& what) const {
    if (const auto* number = data.as<double>()) return *number;
    if (const auto* whole = data.as<int64_t>()) return static_cast<double>(*whole);
    if (const auto* tensor = data.as<PickledTensor>()) {
      return dcp_scalar(item_.files->object_tensor(*item_.entry, *tensor), what, where());
    }
    refuse(what + " is no number");
  }

  DcpItem item_;
  const PlainData* data_ = nullptr;
};

/// A group's values by key.
class DcpGroup {
 public:
  DcpGroup(std::string name, DcpItem any) : name_(std::move(name)), any_(any) {}
  void add(const std::string& key, const DcpValue& value) { values_.emplace(key, value); }

  [[nodiscard]] const DcpValue* find(const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] AdamWGroup read() const {
    for (const char* flag : {"amsgrad", "maximize"}) {
      if (find(flag) != nullptr && find(flag)->flag(false))
        refuse("amsgrad and maximize are not known");
    }
    const std::array<double, 2> betas = require("betas").pair(name_ + ".betas");
    const AdamWGroup group{.learning_rate = number("lr"),
                           .beta1 = betas[0],
                           .beta2 = betas[1],
                           .epsilon = number("eps"),
                           .weight_decay = number("weight_decay")};
    const DcpValue* decoupled = find("decoupled_weight_decay");
    if (decoupled != nullptr && !decoupled->flag(true) && group.weight_decay != 0) {
      refuse("its weight decay enters the gradient: it is Adam's, and AdamW's is needed");
    }
    return group;
  }
  [[noreturn]] void refuse(const std::string& problem) const {
    throw DataError(any_.files->where(), name_ + ": " + problem, save_adamw_by_names);
  }
  [[nodiscard]] const DcpValue& require(const std::string& key) const {
    const DcpValue* value = find(key);
    if (value == nullptr) refuse("the hyper-parameter " + key + " is missing");
    return *value;
  }

 private:
  [[nodiscard]] double number(const std::string& key) const {
    return require(key).number(name_ + "." + key);
  }
  std::string name_;
  DcpItem any_;
  std::map<std::string, DcpValue> values_;
};

std::vector<std::pair<int64_t, DcpGroup>> numbered_dcp_groups(const DcpRoles& roles) {
  std::vector<std::pair<int64_t, DcpGroup>> groups;
  for (const auto& [number, values] : roles.numbered_groups) {
    DcpGroup group("param_groups." + number, values.begin()->second);
    for (const auto& [key, item] : values) group.add(key, DcpValue(item));
    groups.emplace_back(std::stoll(number.substr(0, 9)), std::move(group));
  }
  for (const DcpItem& item : roles.group_lists) {
    const auto* list =
        item.entry->tensor ? nullptr : item.files->object(*item.entry).as<PlainList>();
    if (list == nullptr) DcpValue(item).refuse("param_groups is no list");
    for (const PlainData& each : list->items) {
      const auto* dict = each.as<PlainDict>();
      if (dict == nullptr) DcpValue(item).refuse("param_groups holds something that is no dict");
      const auto number = static_cast<int64_t>(groups.size());
      DcpGroup group(fmt::format("param_groups.{}", number), item);
      for (size_t i = 0; i < dict->keys.size(); ++i) {
        const auto* key = dict->keys[i].as<std::string_view>();
        if (key != nullptr) group.add(std::string(*key), DcpValue(item, dict->values[i]));
      }
      groups.emplace_back(number, std::move(group));
    }
  }
  std::sort(groups.begin(), groups.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return groups;
}

}  // namespace

DcpGroups read_dcp_groups(const DcpRoles& roles, const std::vector<double>& rates) {
  DcpGroups result;
  const auto join = [&](const std::string& name, size_t group, const DcpGroup& of) {
    if (!result.group_of.emplace(name, group).second) of.refuse(name + " is in two groups");
  };
  for (const auto& [number, group] : numbered_dcp_groups(roles)) {
    const DcpValue* named = group.find("param_names");
    const DcpValue& list = named != nullptr ? *named : group.require("params");
    result.groups.push_back(group.read());
    for (const std::string& name : list.names("params")) {
      join(name, result.groups.size() - 1, group);
    }
  }
  if (!rates.empty() && !result.groups.empty()) {
    bool same = rates.size() == result.groups.size();
    for (size_t i = 0; same && i < rates.size(); ++i) {
      same = rates[i] == result.groups[i].learning_rate;
    }
    if (!same) {
      throw DataError(
          roles.states.empty() ? "" : roles.states.begin()->second.begin()->second.files->where(),
          "its groups' learning rates are not those that scheduler.pt says for the next step",
          "Take scheduler.pt away where the optimizer's are right");
    }
  }
  // Flattened: parameters with the same values are a group.
  const size_t first = result.groups.size();
  for (const auto& [name, values] : roles.parameter_groups) {
    DcpGroup group("param_groups." + name, values.begin()->second);
    for (const auto& [key, item] : values) group.add(key, DcpValue(item));
    const AdamWGroup read = group.read();
    size_t place = first;
    while (place < result.groups.size() && !(result.groups[place] == read)) ++place;
    if (place == result.groups.size()) result.groups.push_back(read);
    join(name, place, group);
  }
  return result;
}

int64_t read_dcp_updates(const std::string& parameter,
                         const std::map<std::string, DcpItem>& state) {
  const auto found = state.find("step");
  const std::string& where = state.begin()->second.files->where();
  if (found == state.end()) throw DataError(where, "the state of " + parameter + " has no step");
  const double steps = DcpValue(found->second).number(parameter + ".step");
  if (!(steps >= 0) || steps > 1e15 || steps != std::floor(steps)) {
    throw DataError(where,
                    fmt::format("the step of {} is {}, no number of updates", parameter, steps));
  }
  return static_cast<int64_t>(steps);
}

}  // namespace explaind
