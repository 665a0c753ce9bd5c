#include "checkpoint/layouts/dcp_roles.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "checkpoint/tensor_names.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

constexpr std::array<std::string_view, 6> model_roots{"model",  "state_dict",  "model_state_dict",
                                                      "module", "model_state", "weights"};
constexpr std::array<std::string_view, 6> optimizer_roots{
    "optimizer", "optim", "optimizers", "optimizer_state_dict", "optim_state", "optimizer_state"};
/// What stands around both.
constexpr std::array<std::string_view, 2> outer_roots{"app", "state"};

bool is_root_name(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// An entry's path, or its name at its first dot where the path was not stored and what stands
/// before is an optimizer's.
std::vector<std::string> dcp_path(const DcpEntry& entry) {
  if (!entry.path.empty()) return entry.path;
  std::string name = entry.name;
  constexpr std::string_view chained = "chained_0.";  // Megatron's, of the first of its optimizers
  if (name.starts_with(chained)) name = name.substr(chained.size());
  const size_t dot = name.find('.');
  if (dot != std::string::npos && is_root_name(optimizer_roots, name.substr(0, dot))) {
    return {name.substr(0, dot), name.substr(dot + 1)};
  }
  return {name};
}

/// "state.NAME.KEY" taken apart; Megatron writes "state.KEY.NAME", and keeps the weights in fp32
/// there as well (param, fp32_param).
struct StateName {
  std::string parameter, key;
};

std::optional<StateName> state_name(const std::string& rest, bool without_path) {
  constexpr std::string_view state = "state.";
  if (!rest.starts_with(state)) return std::nullopt;
  const std::string inside = rest.substr(state.size());
  for (const std::string_view key : {"exp_avg.", "exp_avg_sq.", "fp32_param.", "param."}) {
    if (without_path && inside.starts_with(key)) {
      return StateName{inside.substr(key.size()), std::string(key.substr(0, key.size() - 1))};
    }
  }
  const size_t dot = inside.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  return StateName{inside.substr(0, dot), inside.substr(dot + 1)};
}

bool is_whole_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

void DcpRoles::put(std::map<std::string, DcpItem>& into, const std::string& name,
                   const DcpItem& item) {
  if (into.emplace(name, item).second) return;
  throw DataError(item.files->where(),
                  fmt::format("holds {} twice, once what wrappers add to names is taken off", name),
                  "Save the state of the unwrapped model");
}

void DcpRoles::add_optimizer(const std::string& rest, const DcpItem& item) {
  constexpr std::string_view groups = "param_groups";
  if (const std::optional<StateName> state = state_name(rest, item.entry->path.empty())) {
    put(states[unwrapped(state->parameter)], state->key, item);
  } else if (rest == groups) {
    group_lists.push_back(item);
  } else if (rest.starts_with(std::string(groups) + ".")) {
    const std::string inside = rest.substr(groups.size() + 1);
    const size_t dot = inside.rfind('.');
    const std::string owner = inside.substr(0, std::min(dot, inside.size()));
    const std::string key = dot == std::string::npos ? "" : inside.substr(dot + 1);
    put(is_whole_number(owner) ? numbered_groups[owner] : parameter_groups[unwrapped(owner)], key,
        item);
  } else {
    left.insert(optimizer_root_ + "." + rest.substr(0, rest.find('.')));
  }
}

void DcpRoles::add(const DcpFiles& files) {
  const auto take_root = [&](std::string& root, const std::string& name) {
    if (root.empty()) root = name;
    if (root == name) return;
    throw DataError(
        files.where(),
        fmt::format("holds the states \"{}\" and \"{}\", which may both be meant", root, name),
        "Save one of them, or rename the other in the state that is saved");
  };
  std::map<std::string, DcpItem> bare;  // right in the state
  bool nested_model = false;
  for (const DcpEntry& entry : files.metadata().entries) {
    const DcpItem item{&files, &entry};
    std::vector<std::string> path = dcp_path(entry);
    const auto is_root = [&](size_t i) {
      return i + 1 < path.size() &&
             (is_root_name(model_roots, path[i]) || is_root_name(optimizer_roots, path[i]));
    };
    size_t first = 0;
    if (!is_root(0) && is_root_name(outer_roots, path[0]) && is_root(1)) first = 1;
    const std::string root = path[first];
    const std::string rest = fmt::format(
        "{}", fmt::join(path.begin() + static_cast<std::ptrdiff_t>(first) + 1, path.end(), "."));
    if (!rest.empty() && is_root_name(optimizer_roots, root)) {
      take_root(optimizer_root_, root);
      add_optimizer(rest, item);
    } else if (!rest.empty() && is_root_name(model_roots, root)) {
      take_root(model_root_, root);
      nested_model = true;
      if (entry.tensor) put(weights, unwrapped(rest), item);
    } else if (rest.empty() && entry.tensor && root.find('.') != std::string::npos) {
      put(bare, unwrapped(root), item);
    } else {
      left.insert(root.substr(0, root.find('.')));
    }
  }
  if (nested_model) {
    for (const auto& [name, item] : bare) left.insert(name.substr(0, name.find('.')));
  } else {
    for (const auto& [name, item] : bare) put(weights, name, item);
  }
}

}  // namespace explaind
