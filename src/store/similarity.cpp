#include "store/similarity.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "core/error.hpp"
#include "store/axis_coordinates.hpp"

// N entries of the axis, of V features each.

namespace explaind {
namespace {

AxisCoordinates axis_of(const StoreReader& store, const StoredVariable& variable,
                        const std::string& name) {
  const auto found = std::find(variable.dims.begin(), variable.dims.end(), name);
  if (found == variable.dims.end()) {
    throw UsageError("--similarity", variable.name + " has no axis '" + name + "'",
                     fmt::format("It has {}", fmt::join(variable.dims, ", ")));
  }
  return read_axis(store, name, variable.shape[static_cast<size_t>(found - variable.dims.begin())]);
}

/// The coordinates that stay: one for the axis, then those of the vectors.
std::vector<std::string> staying(const StoreReader& store, const StoredVariable& variable,
                                 const Query& query, const AxisCoordinates& axis) {
  std::vector<std::string> names = {axis.main().front()};
  for (const std::string& each : query.group_by) {
    if (axis.find(each) != nullptr) {
      throw UsageError("--group-by", "'" + each + "' is of the axis that --similarity compares",
                       "Name coordinates of the other axes");
    }
    names.push_back(each);
  }
  if (!query.group_by.empty()) return names;
  for (size_t a = 0; a < variable.dims.size(); ++a) {
    const std::string& name = variable.dims[a];
    const auto listed = [&](const std::vector<std::string>& axes) {
      return std::find(axes.begin(), axes.end(), name) != axes.end();
    };
    if (name == axis.name || listed(query.sum) || listed(query.mean)) continue;
    names.push_back(read_axis(store, name, variable.shape[a]).main().front());
  }
  return names;
}

/// Vectors by entry, N V, and the entries' names.
struct Vectors {
  std::vector<std::string> names;
  std::vector<double> values;
  [[nodiscard]] size_t length() const { return names.empty() ? 0 : values.size() / names.size(); }
};

/// result: of run() with `whole`; the axis' coordinate is its first column.
Vectors vectors_of(const QueryResult& result) {
  Vectors vectors;
  std::unordered_map<std::string, size_t> known;
  std::vector<size_t> entry;  // of each row
  for (const std::vector<std::string>& key : result.keys) {
    const auto [place, added] = known.emplace(key.front(), known.size());
    if (added) vectors.names.push_back(key.front());
    entry.push_back(place->second);
  }
  // Every entry has its features in the same order.
  const size_t length = result.values.size() / std::max<size_t>(1, vectors.names.size());
  vectors.values.resize(result.values.size());
  std::vector<size_t> filled(vectors.names.size(), 0);
  for (size_t row = 0; row < entry.size(); ++row) {
    vectors.values[entry[row] * length + filled[entry[row]]++] = result.values[row];
  }
  return vectors;
}

double cosine(const Vectors& vectors, size_t a, size_t b) {
  const size_t length = vectors.length();
  double product = 0, of_a = 0, of_b = 0;
  for (size_t v = 0; v < length; ++v) {
    const double x = vectors.values[a * length + v], y = vectors.values[b * length + v];
    if (std::isnan(x) || std::isnan(y)) continue;
    product += x * y;
    of_a += x * x;
    of_b += y * y;
  }
  if (of_a == 0 || of_b == 0) return std::numeric_limits<double>::quiet_NaN();
  return product / std::sqrt(of_a) / std::sqrt(of_b);
}

/// The most alike first, pairs without a similarity last.
void keep_most_alike(QueryResult& result, size_t entries, int64_t top) {
  std::vector<size_t> pairs;
  for (size_t a = 0; a < entries; ++a) {
    for (size_t b = a + 1; b < entries; ++b) pairs.push_back(a * entries + b);
  }
  const auto rank = [&](size_t pair) {
    const double value = result.values[pair];
    return std::isnan(value) ? -2.0 : value;
  };
  std::stable_sort(pairs.begin(), pairs.end(),
                   [&](size_t a, size_t b) { return rank(a) > rank(b); });
  pairs.resize(std::min(pairs.size(), static_cast<size_t>(top)));
  keep_rows(result, pairs);
}

}  // namespace

QueryResult similarity(const StoreReader& store, const Query& query, const std::string& axis) {
  if (query.error) {
    throw UsageError("--error", "is of means over samples, and --similarity is a cosine",
                     "Give one of them");
  }
  const StoredVariable variable = store.variable(query.variable);
  const AxisCoordinates coordinates = axis_of(store, variable, axis);
  Query vectors_query = query;
  vectors_query.group_by = staying(store, variable, query, coordinates);
  vectors_query.top = 0;
  vectors_query.whole = true;
  QueryResult result = run(store, vectors_query);
  const Vectors vectors = vectors_of(result);
  const std::string name = result.columns.front().name;
  result.columns = {{name, result.columns.front().number},
                    {"other_" + name, result.columns.front().number}};
  result.keys.clear();
  result.values.clear();
  result.counts.clear();
  result.variable = "cosine";
  result.units = "1";
  const size_t entries = vectors.names.size();
  for (size_t a = 0; a < entries; ++a) {
    for (size_t b = 0; b < entries; ++b) {
      result.keys.push_back({vectors.names[a], vectors.names[b]});
      result.values.push_back(b < a ? result.values[b * entries + a] : cosine(vectors, a, b));
    }
  }
  result.shape = {static_cast<int64_t>(entries), static_cast<int64_t>(entries)};
  if (query.top > 0) keep_most_alike(result, entries, query.top);
  return result;
}

}  // namespace explaind
