#include "scores/component.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"

namespace explaind {
namespace {

constexpr std::pair<Granularity, const char*> granularity_names[] = {
    {Granularity::kind, "kind"},
    {Granularity::layer, "layer"},
    {Granularity::tensor, "tensor"},
    {Granularity::head, "head"},
    {Granularity::row, "row"}};

/// "a.b.weight" + head 3 → "a.b.weight.head.3"; row 3 → "a.b.weight[3]".
Component part_of(const ParameterInfo& parameter, Granularity granularity, int number) {
  const bool head = granularity == Granularity::head;
  const std::string text = std::to_string(number);
  Component part{
      .name = head ? parameter.name + ".head." + text : parameter.name + "[" + text + "]",
      .layer = parameter.layer,
      .kind = parameter.kind,
      .tensor = parameter.name,
      .head = -1,
      .index = number};
  if (head) {
    part.head = number;
  } else if (parameter.heads > 0 && !parameter.heads_by_column) {
    part.head = static_cast<int>(number / (parameter.shape.at(0) / parameter.heads));
  }
  return part;
}

}  // namespace

Granularity parse_granularity(const std::string& word) {
  for (const auto& [granularity, name] : granularity_names) {
    if (word == name) return granularity;
  }
  throw UsageError("--component", "unknown granularity '" + word + "'",
                   "Use one of: kind, layer, tensor, head, row");
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
    ParameterSlot slot{.first = size()};
    if (granularity == Granularity::layer || granularity == Granularity::kind) {
      const bool by_layer = granularity == Granularity::layer;
      const std::string& name = by_layer ? parameter.layer_name : parameter.kind;
      const auto known = std::find_if(components_.begin(), components_.end(),
                                      [&](const Component& c) { return c.name == name; });
      slot.first = known - components_.begin();
      if (known == components_.end()) {
        components_.push_back({.name = name,
                               .layer = by_layer ? parameter.layer : -1,
                               .kind = parameter.kind,
                               .tensor = ""});
      } else if (known->kind != parameter.kind) {
        known->kind.clear();
      }
    } else if (granularity == Granularity::row ||
               (granularity == Granularity::head && parameter.heads > 0)) {
      const bool rows = granularity == Granularity::row;
      slot.count = rows ? parameter.shape.at(0) : parameter.heads;
      slot.division = rows                        ? Division::rows
                      : parameter.heads_by_column ? Division::column_blocks
                                                  : Division::row_blocks;
      for (int number = 0; number < slot.count; ++number) {
        components_.push_back(part_of(parameter, granularity, number));
      }
    } else {
      components_.push_back({.name = parameter.name,
                             .layer = parameter.layer,
                             .kind = parameter.kind,
                             .tensor = parameter.name});
    }
    slots_.push_back(slot);
  }
}

}  // namespace explaind
