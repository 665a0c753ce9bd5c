#include "store/axis_coordinates.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "store/layout.hpp"

namespace explaind {
namespace {

/// Names under which a store keeps coordinates of an axis.
std::vector<std::string> names_along(const std::string& axis) {
  if (axis == "segment") {
    return {"segment",   "step_from",  "step_to", "tokens_from",
            "tokens_to", "phase_from", "phase_to"};
  }
  if (axis == "sample") return {"sample", "id", "group", "sample_group", "length"};
  if (axis == "component")
    return {"component", "layer", "kind", "tensor", "head", "kv_head", "index"};
  if (axis == "train_sample") return {"train_sample", "train_id", "train_group_name"};
  if (axis == "interval") return {"interval", "interval_from", "interval_to"};
  return {axis};
}

}  // namespace

const Coordinate* AxisCoordinates::find(const std::string& coordinate) const {
  std::string wanted = coordinate;
  if (coordinate == "step" || coordinate == "tokens" || coordinate == "phase") wanted += "_to";
  if (name == "train_sample" && coordinate == "train_group") wanted = "train_group_name";
  const auto named = [&](const Coordinate& each) { return each.name == wanted; };
  // Where `group` is an axis of the store, the samples' own groups have another name.
  if (name == "sample" && wanted == "group" &&
      std::none_of(coordinates.begin(), coordinates.end(), named)) {
    wanted = "sample_group";
  }
  const auto found = std::find_if(coordinates.begin(), coordinates.end(), named);
  return found == coordinates.end() ? nullptr : &*found;
}

std::vector<std::string> AxisCoordinates::main() const {
  if (name == "segment") return {"step_from", "step_to"};
  if (name == "sample") {
    const Coordinate* group = find("group");
    return group != nullptr ? std::vector<std::string>{"id", group->name}
                            : std::vector{std::string("id")};
  }
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
    if (!store.has(each)) continue;
    const std::vector<std::string> dims = store.variable(each).dims;
    if (dims.size() != 1 || dims.front() != name) continue;
    Coordinate coordinate{.name = each, .number = !store.is_text(each), .values = {}};
    if (coordinate.number) {
      for (const int64_t value : store.numbers(each)) {
        coordinate.values.push_back(std::to_string(value));
      }
    } else {
      coordinate.values = store.texts(each);
    }
    if (static_cast<int64_t>(coordinate.values.size()) != size) {
      throw DataError(store.path(),
                      fmt::format("damaged: {} has {} entries, and the axis {} has {}", each,
                                  coordinate.values.size(), name, size),
                      "Copy the store again");
    }
    axis.coordinates.push_back(std::move(coordinate));
  }
  return axis;
}

std::string entry_of(const std::string& axis) {
  if (axis == "train_sample") return "training sample";
  if (axis == "train_group") return "training group";
  std::string words = axis;
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

}  // namespace explaind
