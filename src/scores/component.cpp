#include "scores/component.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"

namespace explaind {
namespace {

constexpr std::pair<Granularity, const char*> granularity_names[] = {
    {Granularity::kind, "kind"}, {Granularity::layer, "layer"}, {Granularity::tensor, "tensor"},
    {Granularity::head, "head"}, {Granularity::row, "row"},     {Granularity::neuron, "neuron"}};

/// A range of a tensor's outputs or inputs that is a head's.
struct HeadRange {
  int head = 0;
  const char* part = "";  ///< "q.", "k.", "v." of a fused projection
};

/// Ranges lie one after the other; their count is that of the heads, of each of the three parts.
HeadRange head_range(const ParameterInfo& parameter, int number) {
  if (!parameter.fused) return {.head = number};
  constexpr const char* parts[] = {"q.", "k.", "v."};
  const int head = parameter.parts_first ? number % parameter.heads : number / 3;
  const int part = parameter.parts_first ? number / parameter.heads : number % 3;
  return {.head = head, .part = parts[part]};
}

int head_ranges(const ParameterInfo& parameter) {
  return parameter.fused ? 3 * parameter.heads : parameter.heads;
}

/// "a.b.weight" + head 3 → "a.b.weight.head.3", of a fused one "a.b.weight.q.head.3"; row 3 →
/// "a.b.weight[3]".
Component part_of(const ParameterInfo& parameter, Granularity granularity, int number) {
  Component part{.name = parameter.name + "[" + std::to_string(number) + "]",
                 .layer = parameter.layer,
                 .kind = parameter.kind,
                 .tensor = parameter.name,
                 .head = -1,
                 .index = number};
  if (granularity == Granularity::head) {
    const HeadRange range = head_range(parameter, number);
    part.name = parameter.name + "." + range.part + "head." + std::to_string(range.head);
    part.head = part.index = range.head;
  } else if (parameter.heads > 0 && !parameter.heads_by_input) {
    const int64_t width = parameter.outputs() / head_ranges(parameter);
    part.head = head_range(parameter, static_cast<int>(number / width)).head;
  }
  return part;
}

}  // namespace

Granularity parse_granularity(const std::string& word) {
  for (const auto& [granularity, name] : granularity_names) {
    if (word == name) return granularity;
  }
  throw UsageError("--component", "unknown granularity '" + word + "'",
                   "Use one of: kind, layer, tensor, head, row, neuron");
}

std::string to_string(Granularity granularity) {
  for (const auto& [value, name] : granularity_names) {
    if (granularity == value) return name;
  }
  return "";
}

ComponentTable::ComponentTable(Granularity granularity, std::vector<ParameterInfo> parameters)
    : granularity_(granularity), parameters_(std::move(parameters)) {
  slots_.reserve(parameters_.size());
  for (const ParameterInfo& parameter : parameters_) {
    const bool divided = granularity == Granularity::row ||
                         (granularity == Granularity::head && parameter.heads > 0);
    if (divided) {
      slots_.push_back(add_parts(parameter));
    } else if (granularity == Granularity::neuron && parameter.neurons > 0) {
      slots_.push_back(add_neurons(parameter));
    } else {
      slots_.push_back(add_union(parameter));
    }
  }
}

ParameterSlot ComponentTable::add_parts(const ParameterInfo& parameter) {
  const bool rows = granularity_ == Granularity::row;
  ParameterSlot slot{.first = size()};
  slot.count = rows ? parameter.outputs() : head_ranges(parameter);
  slot.division = rows                       ? Division::rows
                  : parameter.heads_by_input ? Division::column_blocks
                                             : Division::row_blocks;
  for (int number = 0; number < slot.count; ++number) {
    components_.push_back(part_of(parameter, granularity_, number));
  }
  return slot;
}

ParameterSlot ComponentTable::add_neurons(const ParameterInfo& parameter) {
  const std::string begin = parameter.layer_name + ".neuron.";
  const auto known = std::find_if(components_.begin(), components_.end(),
                                  [&](const Component& c) { return c.name == begin + "0"; });
  const bool is_known = known != components_.end();
  const ParameterSlot slot{
      .first = known - components_.begin(),
      .count = parameter.neurons,
      .division = parameter.neurons_by_input ? Division::column_blocks : Division::rows};
  for (int number = 0; !is_known && number < parameter.neurons; ++number) {
    components_.push_back({.name = begin + std::to_string(number),
                           .layer = parameter.layer,
                           .kind = "mlp",
                           .tensor = "",
                           .head = -1,
                           .index = number});
  }
  return slot;
}

ParameterSlot ComponentTable::add_union(const ParameterInfo& parameter) {
  const bool by_layer = granularity_ == Granularity::layer;
  if (!by_layer && granularity_ != Granularity::kind) {
    components_.push_back({.name = parameter.name,
                           .layer = parameter.layer,
                           .kind = parameter.kind,
                           .tensor = parameter.name});
    return {.first = size() - 1};
  }
  const std::string& name = by_layer ? parameter.layer_name : parameter.kind;
  const auto known = std::find_if(components_.begin(), components_.end(),
                                  [&](const Component& c) { return c.name == name; });
  const ParameterSlot slot{.first = known - components_.begin()};
  if (known == components_.end()) {
    components_.push_back({.name = name,
                           .layer = by_layer ? parameter.layer : -1,
                           .kind = parameter.kind,
                           .tensor = ""});
  } else if (known->kind != parameter.kind) {
    known->kind.clear();
  }
  return slot;
}

}  // namespace explaind
