#include "store/axis_coordinates.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "core/error.hpp"
#include "store/layout.hpp"

namespace explaind {
namespace {

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// Names under which a store keeps coordinates of an axis.
std::vector<std::string> names_along(const std::string& axis) {
  if (axis == "segment") return {"segment", "step_from", "step_to"};
  if (axis == "sample") return {"sample", "id", "group", "sample_group"};
  if (axis == "component") return {"component", "layer", "kind", "tensor", "head", "index"};
  if (axis == "train_sample") return {"train_sample", "train_id", "train_group_name"};
  if (axis == "interval") return {"interval", "interval_from", "interval_to"};
  return {axis};
}

bool within_steps(const AxisCoordinates& axis, size_t entry, const std::string& value) {
  const std::string& from = axis.find("step_from")->values[entry];
  const std::string& to = axis.find("step_to")->values[entry];
  const size_t colon = value.find(':');
  if (colon == std::string::npos) return matches(value, to, true);
  const auto low = number_of(value.substr(0, colon)), high = number_of(value.substr(colon + 1));
  return (!low || *number_of(from) >= *low) && (!high || *number_of(to) <= *high);
}

}  // namespace

const Coordinate* AxisCoordinates::find(const std::string& coordinate) const {
  std::string wanted = coordinate == "step" ? "step_to" : coordinate;
  if (name == "train_sample" && coordinate == "train_group") wanted = "train_group_name";
  const auto found = std::find_if(coordinates.begin(), coordinates.end(),
                                  [&](const Coordinate& each) { return each.name == wanted; });
  return found == coordinates.end() ? nullptr : &*found;
}

std::vector<std::string> AxisCoordinates::main() const {
  if (name == "segment") return {"step_from", "step_to"};
  if (name == "sample") return {"id", find("group") != nullptr ? "group" : "sample_group"};
  if (name == "train_sample") return {"train_id", "train_group_name"};
  if (name == "interval") return {"interval_from", "interval_to"};
  return {name};
}

AxisCoordinates read_axis(const StoreReader& store, const std::string& name, int64_t size) {
  if (const std::string own = tensor_axis(name); !own.empty()) {
    AxisCoordinates axis{.name = own, .size = size, .coordinates = {{own, true, {}}}};
    for (int64_t i = 0; i < size; ++i) axis.coordinates[0].values.push_back(std::to_string(i));
    return axis;
  }
  AxisCoordinates axis{.name = name, .size = size, .coordinates = {}};
  for (const std::string& each : names_along(name)) {
    if (!store.has(each) || store.variable(each).dims.at(0) != name) continue;
    Coordinate coordinate{.name = each, .number = !store.is_text(each), .values = {}};
    if (coordinate.number) {
      for (const int64_t value : store.numbers(each)) {
        coordinate.values.push_back(std::to_string(value));
      }
    } else {
      coordinate.values = store.texts(each);
    }
    axis.coordinates.push_back(std::move(coordinate));
  }
  return axis;
}

bool matches(const std::string& pattern, const std::string& value, bool number) {
  std::istringstream alternatives(pattern);
  for (std::string each; std::getline(alternatives, each, '|');) {
    const size_t colon = each.find(':');
    if (number && colon != std::string::npos) {
      const auto low = number_of(each.substr(0, colon)), high = number_of(each.substr(colon + 1));
      const double here = *number_of(value);
      if ((!low || here >= *low) && (!high || here <= *high)) return true;
    } else if (each == value || fnmatch(each.c_str(), value.c_str(), 0) == 0) {
      return true;
    }
  }
  return false;
}

void select(const std::string& selection, const std::vector<AxisCoordinates>& axes,
            std::vector<std::vector<bool>>& chosen) {
  const size_t equals = selection.find('=');
  if (equals == std::string::npos) {
    throw UsageError("--select", "'" + selection + "' is not name=value", "E.g. step=100");
  }
  const std::string asked = selection.substr(0, equals), value = selection.substr(equals + 1);
  for (size_t a = 0; a < axes.size(); ++a) {
    // `sample` names a sample by its id, as a person would; its number along the axis is no name.
    const std::string name = asked == "sample"         ? "id"
                             : asked == "train_sample" ? "train_id"
                                                       : asked;
    const Coordinate* coordinate = axes[a].find(name);
    if (coordinate == nullptr) continue;
    bool any = false;
    for (size_t i = 0; i < chosen[a].size(); ++i) {
      const bool here = name == "step" ? within_steps(axes[a], i, value)
                                       : matches(value, coordinate->values[i], coordinate->number);
      chosen[a][i] = chosen[a][i] && here;
      any = any || here;
    }
    if (!any) {
      throw UsageError("--select", "nothing has " + selection,
                       "See explaind inspect, or --format csv without --select");
    }
    return;
  }
  throw UsageError("--select", "no axis of this variable has the coordinate '" + asked + "'",
                   "See explaind inspect");
}

}  // namespace explaind
