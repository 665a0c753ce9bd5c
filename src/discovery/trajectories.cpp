#include "discovery/trajectories.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/selection.hpp"
#include "store/axis_coordinates.hpp"
#include "store/query.hpp"
#include "store/query_axes.hpp"
#include "store/reduction.hpp"

namespace explaind {
namespace {

StoredVariable scores_of(const StoreReader& store) {
  const bool there = store.has("psi") && !store.variable("psi").dims.empty();
  if (!there) {
    throw DataError(store.path(), "has no scores (psi), so there is nothing to find",
                    "Name a store that explaind decompose wrote");
  }
  StoredVariable psi = store.variable("psi");
  for (const char* axis : {"segment", "component"}) {
    const auto place = std::find(psi.dims.begin(), psi.dims.end(), axis);
    if (place != psi.dims.end() && psi.shape[static_cast<size_t>(place - psi.dims.begin())] > 0) {
      continue;
    }
    throw DataError(store.path(), fmt::format("its scores have no axis '{}'", axis),
                    "find needs the whole store, not a part that another program cut out");
  }
  return psi;
}

AxisCoordinates axis_of(const StoreReader& store, const StoredVariable& psi,
                        const std::string& name) {
  for (size_t a = 0; a < psi.dims.size(); ++a) {
    if (psi.dims[a] == name) return read_axis(store, name, psi.shape[a]);
  }
  return {};
}

/// Coordinates of an axis that are there, of those named.
void keep(const AxisCoordinates& axis, const std::vector<std::string>& names, Query& query) {
  for (const std::string& name : names) {
    if (axis.find(name) != nullptr) query.group_by.push_back(axis.find(name)->name);
  }
}

size_t distinct(const AxisCoordinates& axis, const std::string& name) {
  const Coordinate* found = axis.find(name);
  if (found == nullptr) return 0;
  return std::set<std::string>(found->values.begin(), found->values.end()).size();
}

/// The coordinate whose values are few enough; "" where none is.
std::string fitting(const AxisCoordinates& component, const std::string& part, size_t others) {
  if (part != "component") return part;
  for (const char* name : {"component", "tensor", "layer", "kind"}) {
    const size_t count = distinct(component, name);
    if (count > 0 && count <= most_parts && count * others <= most_numbers) return name;
  }
  return "";
}

/// A coordinate's values along the keys of an axis that stayed; empty where it has none.
std::vector<std::string> along(const QueryResult::Axis& axis, const std::string& name) {
  for (size_t c = 0; c < axis.columns.size(); ++c) {
    if (axis.columns[c].name != name) continue;
    std::vector<std::string> values;
    for (const auto& key : axis.keys) values.push_back(key[c]);
    return values;
  }
  return {};
}

std::string label_of(const std::string& part, const std::string& value) {
  if (part == "layer") return value == "-1" ? "no layer" : "layer " + value;
  return value.empty() ? fmt::format("no {}", part) : value;
}

/// The axes that stayed, and how far apart their entries lie in the values.
struct Kept {
  const QueryResult::Axis* axis = nullptr;
  size_t size = 1, stride = 0;
};

Kept kept(const QueryResult& result, const std::string& name) {
  Kept found;
  size_t stride = 1;
  for (size_t a = result.axes.size(); a-- > 0;) {
    const size_t size = result.axes[a].keys.size();
    if (result.axes[a].name == name) found = {&result.axes[a], size, stride};
    stride *= size;
  }
  return found;
}

std::vector<int64_t> numbers_of(const std::vector<std::string>& texts) {
  std::vector<int64_t> numbers;
  for (const std::string& text : texts) numbers.push_back(std::stoll(text));
  return numbers;
}

/// Segment, row, part, whatever order the store has.
std::vector<double> in_order(const QueryResult& result, const Kept& segment, const Kept& row,
                             const Kept& part) {
  std::vector<double> values;
  values.reserve(result.values.size());
  for (size_t s = 0; s < segment.size; ++s) {
    for (size_t r = 0; r < row.size; ++r) {
      for (size_t p = 0; p < part.size; ++p) {
        values.push_back(result.values[s * segment.stride + r * row.stride + p * part.stride]);
      }
    }
  }
  return values;
}

/// Leaves what is chosen of both axes.
void keep_entries(Trajectories& all, const std::vector<size_t>& segments,
                  const std::vector<size_t>& rows) {
  Trajectories some = all;
  some.step_from.clear(), some.step_to.clear(), some.ids.clear(), some.groups.clear();
  some.weights.clear(), some.values.clear();
  for (const size_t s : segments) {
    some.step_from.push_back(all.step_from[s]);
    some.step_to.push_back(all.step_to[s]);
    for (const size_t r : rows) {
      for (size_t p = 0; p < all.parts.size(); ++p) some.values.push_back(all.at(s, r, p));
    }
  }
  for (const size_t r : rows) {
    some.ids.push_back(all.ids[r]);
    some.groups.push_back(all.groups[r]);
    some.weights.push_back(all.weights[r]);
  }
  all = std::move(some);
}

/// Removes what is missing, and says so.
void leave_out(Trajectories& all, const std::string& store) {
  const size_t rows = all.ids.size();
  std::vector<std::vector<bool>> there(all.segments(), std::vector<bool>(rows));
  std::vector<size_t> segments, kept_rows;
  for (size_t s = 0; s < all.segments(); ++s) {
    for (size_t r = 0; r < rows; ++r) {
      bool finite = true;
      for (size_t p = 0; p < all.parts.size(); ++p)
        finite = finite && std::isfinite(all.at(s, r, p));
      there[s][r] = finite;
    }
    const auto count = static_cast<size_t>(std::count(there[s].begin(), there[s].end(), true));
    if (count > 0 && 2 * count >= rows) segments.push_back(s);
  }
  for (size_t r = 0; r < rows; ++r) {
    if (std::all_of(segments.begin(), segments.end(), [&](size_t s) { return there[s][r]; })) {
      kept_rows.push_back(r);
    }
  }
  if (segments.empty() || kept_rows.empty()) {
    throw DataError(store, "too little of it is committed to find anything",
                    "Let decompose go on (decompose --resume)");
  }
  const size_t gone = all.segments() - segments.size(), left = rows - kept_rows.size();
  if (gone + left == 0) return;
  std::string what;
  if (gone > 0) what = fmt::format("{} of {}", gone, counted(all.segments(), "segment"));
  if (left > 0) {
    const char* name = all.rows == Trajectories::Rows::groups ? "group" : "sample";
    what += fmt::format("{}{} of {}", gone > 0 ? " and " : "", left, counted(rows, name));
  }
  all.notes.push_back(what + (gone + left == 1 ? " is" : " are") +
                      " left out: not all of it is committed, or not finite");
  keep_entries(all, segments, kept_rows);
}

/// Pairs of all the store that are flagged, as a sentence each.
void add_flags(const StoreReader& store, Trajectories& all) {
  const auto count = [&](const char* name, double value) {
    if (!store.has(name)) return std::ptrdiff_t{0};
    const std::vector<double> marks = store.read(name);
    return std::count(marks.begin(), marks.end(), value);
  };
  if (const auto missed = count("tolerance_met", 0); missed > 0) {
    all.notes.push_back(counted(missed, "pair") +
                        " of segment and sample missed the tolerance and took part nevertheless");
  }
  if (const auto limited = count("limited_by_precision", 1); limited > 0) {
    all.notes.push_back(counted(limited, "pair") +
                        " of segment and sample took part that arithmetic limits (see inspect)");
  }
}

std::string rows_axis(const StoredVariable& psi) {
  for (const char* name : {"sample", "group"}) {
    if (std::find(psi.dims.begin(), psi.dims.end(), name) != psi.dims.end()) return name;
  }
  return "";
}

/// Of means over rows: samples weigh the same, means of groups as many samples as they are of.
std::vector<double> weights_of(const StoreReader& store, const StoredVariable& psi,
                               const std::vector<std::string>& names) {
  std::vector<double> weights(names.size(), 1.0);
  const StoredSamples stored = stored_samples(store, psi);
  if (stored.as == StoredSamples::As::group_means) {
    const std::vector<std::string> all = store.texts("group");
    for (size_t r = 0; r < names.size(); ++r) {
      const auto place = std::find(all.begin(), all.end(), names[r]) - all.begin();
      weights[r] = static_cast<double>(stored.group_sizes.at(static_cast<size_t>(place)));
    }
  }
  return weights;
}

}  // namespace

std::vector<double> Trajectories::means() const {
  std::vector<double> means(segments() * parts.size(), 0.0);
  for (size_t s = 0; s < segments(); ++s) {
    for (size_t r = 0; r < ids.size(); ++r) {
      for (size_t p = 0; p < parts.size(); ++p) {
        means[s * parts.size() + p] += weights[r] * at(s, r, p);
      }
    }
  }
  return means;
}

std::string Trajectories::without_samples(size_t least) const {
  if (rows == Rows::groups) {
    return "the store holds groups, whose samples were averaged or added up before they were "
           "stored";
  }
  if (rows == Rows::together) return "the store has no axis of samples (decompose --axes sample)";
  if (ids.size() >= least) return "";
  return fmt::format("it takes {}, and there {} {}", counted(least, "sample"),
                     ids.size() == 1 ? "is" : "are", ids.size());
}

bool lower_is_better(const StoreReader& store) {
  for (const auto& [name, value] : store.attributes()) {
    if (name != "configuration") continue;
    const auto read = nlohmann::json::parse(value, nullptr, false);
    if (!read.is_object() || !read.contains("functional")) continue;
    const nlohmann::json& functional = read["functional"];
    return !functional.is_string() || functional.get<std::string>().starts_with("loss");
  }
  return true;
}

std::vector<std::string> with_one_output(const StoreReader& store,
                                         std::vector<std::string> select) {
  const AxisCoordinates axis = axis_of(store, scores_of(store), "output");
  if (axis.find("output") == nullptr || axis.size == 0) return select;
  for (const std::string& each : select) {
    if (selected_coordinate(each, "--select") == "output") return select;
  }
  select.push_back("output=" + escaped(axis.find("output")->values.front()));
  return select;
}

Trajectories read_trajectories(const StoreReader& store, const std::string& part,
                               const std::vector<std::string>& select) {
  const StoredVariable psi = scores_of(store);
  const std::string row_axis = rows_axis(psi);
  const AxisCoordinates segment = axis_of(store, psi, "segment"),
                        component = axis_of(store, psi, "component"),
                        row = axis_of(store, psi, row_axis);
  for (const char* name : {"step_from", "step_to"}) {
    if (segment.find(name) != nullptr) continue;
    throw DataError(store.path(), fmt::format("does not say the steps of its segments ({})", name),
                    "find needs the whole store, not a part that another program cut out");
  }
  const size_t others = static_cast<size_t>(segment.size) *
                        (row_axis.empty() ? size_t{1} : static_cast<size_t>(row.size));
  const std::string by = fitting(component, part, others);
  if (by.empty() || component.find(by) == nullptr) {
    throw DataError(
        store.path(),
        by.empty() ? fmt::format("{} and {} are too many to compare at once",
                                 counted(segment.size, "segment"), counted(row.size, "sample"))
                   : fmt::format("its components have no coordinate '{}'", by),
        by.empty() ? "Narrow it: --select step=…, or --select group=…" : "Choose another --over");
  }
  Query query;
  query.select = with_one_output(store, select);
  query.whole = true;
  query.keys = false;
  keep(segment, {"segment", "step_from", "step_to"}, query);
  keep(row,
       row_axis == "group" ? std::vector<std::string>{"group"}
                           : std::vector<std::string>{"sample", "id", "group"},
       query);
  query.group_by.push_back(by);
  const QueryResult result = run(store, query);

  Trajectories all;
  const Kept s = kept(result, "segment"), p = kept(result, "component"),
             r = row_axis.empty() ? Kept{} : kept(result, row_axis);
  all.values = in_order(result, s, r, p);
  all.step_from = numbers_of(along(*s.axis, "step_from"));
  all.step_to = numbers_of(along(*s.axis, "step_to"));
  all.part = by;
  for (const std::string& each : along(*p.axis, by)) all.parts.push_back(label_of(by, each));
  if (part == "component" && by != part) all.joined = static_cast<size_t>(component.size);
  all.rows = row_axis == "sample"  ? Trajectories::Rows::samples
             : row_axis == "group" ? Trajectories::Rows::groups
                                   : Trajectories::Rows::together;
  if (row_axis.empty()) {
    all.ids = all.groups = {""};
  } else {
    const Coordinate* group = row.find("group");
    all.groups = group == nullptr ? std::vector<std::string>{} : along(*r.axis, group->name);
    all.ids = along(*r.axis, row_axis == "group" ? "group" : "id");
    if (all.ids.empty()) all.ids = along(*r.axis, "sample");
    if (all.groups.empty()) all.groups.assign(all.ids.size(), "");
  }
  all.weights = row_axis == "group" ? weights_of(store, psi, all.ids)
                                    : std::vector<double>(all.ids.size(), 1.0);
  all.unit = store.unit("psi");
  all.helps_negative = lower_is_better(store);
  if (query.select.size() > select.size()) {
    all.notes.push_back(
        fmt::format("of several outputs the first is looked at ({}); another: --select output=…",
                    query.select.back()));
  }
  leave_out(all, store.path());
  const double sum = std::accumulate(all.weights.begin(), all.weights.end(), 0.0);
  for (double& each : all.weights) each /= sum;
  add_flags(store, all);
  return all;
}

}  // namespace explaind
