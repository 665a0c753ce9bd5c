#include "verification/store_shape.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "config/option.hpp"
#include "core/error.hpp"
#include "scores/certificates.hpp"
#include "scores/part.hpp"

namespace explaind {
namespace {

size_t axis_of(const StoredVariable& variable, const std::string& name) {
  return static_cast<size_t>(std::find(variable.dims.begin(), variable.dims.end(), name) -
                             variable.dims.begin());
}

bool has_axis(const StoredVariable& variable, const std::string& name) {
  return axis_of(variable, name) < variable.dims.size();
}

}  // namespace

StoreShape::StoreShape(const StoreReader& store) {
  read_configuration(store);
  read_axes(store);
  read_tile(store);
  read_units(store);
}

void StoreShape::read_configuration(const StoreReader& store) {
  const auto attributes = store.attributes();
  const auto said = std::find_if(attributes.begin(), attributes.end(),
                                 [](const auto& each) { return each.first == "configuration"; });
  if (said == attributes.end()) return;
  const auto written = nlohmann::json::parse(said->second, nullptr, false);
  if (!written.is_object()) {
    throw DataError(store.path(), "its attribute 'configuration' is no JSON object",
                    "Take a copy of the store that is whole");
  }
  configured = true;
  // Before there was this option F had the precision of the scores.
  if (!written.contains("value-precision")) options.value_precision = "same";
  for (const Option& option : option_table(options)) {
    const auto value = written.find(option.name);
    if (value == written.end() || !value->is_string()) continue;
    const auto text = value->get<std::string>();
    if (!text.empty()) option.set(text);
  }
}

void StoreShape::read_axes(const StoreReader& store) {
  if (!store.has("psi")) {
    throw DataError(store.path(), "has no psi: it is a part of a store without scores",
                    "Name the store that it was cut from");
  }
  const StoredVariable psi = store.variable("psi");
  if (!has_axis(psi, "segment") || !has_axis(psi, "component")) {
    throw DataError(store.path(), "psi has no axis segment or component",
                    "Name the store that it was cut from");
  }
  segments = psi.shape[axis_of(psi, "segment")];
  components = psi.shape[axis_of(psi, "component")];
  of_samples = has_axis(psi, "sample");
  of_groups = has_axis(psi, "group");
  if (of_groups) groups = psi.shape[axis_of(psi, "group")];
  if (has_axis(psi, "output")) outputs = psi.shape[axis_of(psi, "output")];
  samples = of_samples ? psi.shape[axis_of(psi, "sample")] : 0;
  if (store.has("value_from")) {
    const StoredVariable values = store.variable("value_from");
    if (has_axis(values, "sample")) samples = values.shape[axis_of(values, "sample")];
  }
  if (store.has("step_from")) step_from = store.numbers("step_from");
  if (store.has("step_to")) step_to = store.numbers("step_to");
  if (store.has("id")) ids = store.texts("id");
  std::vector<std::string> missing;
  for (const auto& [name, size] : store.sizes()) {
    int64_t here = -1;
    if (has_axis(psi, name)) {
      here = psi.shape[axis_of(psi, name)];
    } else if (name == "sample") {
      here = samples;
    } else {
      continue;  // of no variable that is looked at here
    }
    if (here != size) missing.push_back(fmt::format("{}: {} of {}", name, here, size));
  }
  part = fmt::format("{}", fmt::join(missing, ", "));
  if (!of_groups || !store.has("group") || !store.has("sample_group")) return;
  const std::vector<std::string> names = store.texts("group"), each = store.texts("sample_group");
  for (const std::string& name : each) {
    const auto place = std::find(names.begin(), names.end(), name);
    if (place == names.end()) return group_of.clear();
    group_of.push_back(place - names.begin());
  }
}

void StoreShape::read_tile(const StoreReader& store) {
  const auto add = [&](const std::string& name) {
    if (store.has(name)) tile.push_back(name);
  };
  add("psi");
  for (const Part each : all_parts) add(variable_of(each));
  add("psi_abs");
  add("balance");
  std::map<std::string, bool> scalars;
  for (const StoredVariable& each : store.dense_variables()) scalars[each.name] = true;
  if (!scalars.empty()) {
    for (const std::string& component : store.texts("component")) {  // the model's order
      const std::string name = "parameter/" + component;
      if (scalars.contains(name)) dense.push_back(name);
    }
    tile.insert(tile.end(), dense.begin(), dense.end());
  }
  for (const Certificate& each : certificates()) {
    if (store.has(each.name)) {
      tile.emplace_back(each.name);
    } else {
      part += fmt::format("{}without {}", part.empty() ? "" : ", ", each.name);
    }
  }
}

void StoreShape::read_units(const StoreReader& store) {
  units = UnitGrid(segments, std::max<int64_t>(1, samples), options.chunk, of_samples);
  if (!store.has("committed")) {
    marks.assign(static_cast<size_t>(segments * std::max<int64_t>(1, of_samples ? samples : 1)), 1);
    part += fmt::format("{}without committed", part.empty() ? "" : ", ");
  } else {
    for (const double mark : store.read("committed")) marks.push_back(mark == 1 ? 1 : 0);
  }
  if (!store.has("checksum")) {
    units_doubt = "the file has no checksums";
    return;
  }
  const StoredVariable checksum = store.variable("checksum");
  if (!part.empty()) {
    units_doubt = fmt::format("the file is a part of a store ({})", part);
  } else if (!configured) {
    units_doubt = "the file does not say how samples were divided into units";
  } else if (checksum.shape.size() != 2 || checksum.shape[0] != segments ||
             checksum.shape[1] != units.per_segment()) {
    units_doubt = fmt::format("its units are not those that chunk = {} makes", options.chunk);
  }
}

int64_t StoreShape::count_marks(const Unit& unit, int64_t& all) const {
  const int64_t width = of_samples ? samples : 1;
  const int64_t begin = of_samples ? unit.sample_begin : 0, end = of_samples ? unit.sample_end : 1;
  all = end - begin;
  int64_t set = 0;
  for (int64_t sample = begin; sample < end; ++sample) {
    const auto place = static_cast<size_t>(unit.segment * width + sample);
    if (place < marks.size()) set += marks[place];
  }
  return set;
}

bool StoreShape::is_committed(const Unit& unit) const {
  int64_t all = 0;
  return count_marks(unit, all) == all;
}

bool StoreShape::is_torn(const Unit& unit) const {
  int64_t all = 0;
  const int64_t set = count_marks(unit, all);
  return set > 0 && set < all;
}

int64_t StoreShape::rows(const Unit& unit) const {
  if (of_samples) return unit.sample_end - unit.sample_begin;
  return of_groups ? groups : 1;
}

std::string StoreShape::segment_name(int64_t segment) const {
  const auto place = static_cast<size_t>(segment);
  if (place >= step_from.size() || place >= step_to.size())
    return fmt::format("segment {}", segment);
  return fmt::format("segment {} (steps {} to {})", segment, step_from[place], step_to[place]);
}

std::string StoreShape::name_of(const Unit& unit) const {
  if (!of_samples) return segment_name(unit.segment);
  return fmt::format("{}, samples {} to {}", segment_name(unit.segment), unit.sample_begin,
                     unit.sample_end - 1);
}

std::string StoreShape::name_of(int64_t segment, int64_t sample) const {
  const auto place = static_cast<size_t>(sample);
  return fmt::format("{}, sample {}{}", segment_name(segment), sample,
                     place < ids.size() ? fmt::format(" ('{}')", ids[place]) : "");
}

}  // namespace explaind
