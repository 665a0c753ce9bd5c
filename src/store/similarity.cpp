#include "store/similarity.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "core/error.hpp"
#include "core/nearest_name.hpp"
#include "store/axis_coordinates.hpp"
#include "store/operations/ranking.hpp"

// N entries of the axis, of V features each.

namespace explaind {
namespace {

/// What is compared: entries of an axis, or those of the same value of one of its coordinates.
struct Compared {
  AxisCoordinates axis;
  std::string coordinate;
};

Compared compared_of(const StoreReader& store, const StoredVariable& variable,
                     const std::string& name) {
  std::vector<std::string> known = variable.dims;
  for (size_t a = 0; a < variable.dims.size(); ++a) {
    AxisCoordinates axis = read_axis(store, variable.dims[a], variable.shape[a]);
    if (axis.name == name) {
      const std::string main = axis.main().front();
      return {std::move(axis), main};
    }
    if (axis.find(name) != nullptr) return {std::move(axis), name};
    for (const Coordinate& each : axis.coordinates) known.push_back(each.name);
  }
  throw UsageError("--similarity", variable.name + " has no axis or coordinate '" + name + "'",
                   suggestion(name, known, fmt::format("It has {}", fmt::join(known, ", "))));
}

/// The coordinates that stay: that of what is compared, then those of the vectors.
std::vector<std::string> staying(const StoreReader& store, const StoredVariable& variable,
                                 const Query& query, const Compared& compared) {
  std::vector<std::string> names = {compared.coordinate};
  for (const std::string& each : query.group_by) {
    if (compared.axis.find(each) != nullptr) {
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
    if (name == compared.axis.name || listed(query.sum) || listed(query.mean)) continue;
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

/// Over the features that both have. correlation: of what is left when each has lost its mean.
double alike(const Vectors& vectors, size_t a, size_t b, Measure measure) {
  const size_t length = vectors.length();
  const auto for_both = [&](const auto& visit) {
    for (size_t v = 0; v < length; ++v) {
      const double x = vectors.values[a * length + v], y = vectors.values[b * length + v];
      if (!std::isnan(x) && !std::isnan(y)) visit(x, y);
    }
  };
  double count = 0, mean_a = 0, mean_b = 0, product = 0, of_a = 0, of_b = 0;
  if (measure == Measure::correlation) {
    for_both([&](double x, double y) {
      count += 1;
      mean_a += x;
      mean_b += y;
    });
    mean_a /= count;
    mean_b /= count;
  }
  for_both([&](double x, double y) {
    product += (x - mean_a) * (y - mean_b);
    of_a += (x - mean_a) * (x - mean_a);
    of_b += (y - mean_b) * (y - mean_b);
  });
  if (of_a == 0 || of_b == 0) return std::numeric_limits<double>::quiet_NaN();
  return product / std::sqrt(of_a) / std::sqrt(of_b);
}

/// Every pair of two different entries once, in order.
std::vector<size_t> pairs_of(size_t entries) {
  std::vector<size_t> pairs;
  for (size_t a = 0; a < entries; ++a) {
    for (size_t b = a + 1; b < entries; ++b) pairs.push_back(a * entries + b);
  }
  return pairs;
}

void require_scores_alone(const Query& query) {
  const auto refuse = [](bool asked, const std::string& option, const std::string& why) {
    if (asked) throw UsageError(option, why + ", and --similarity compares entries", "Give one");
  };
  refuse(query.error, "--error", "is of means over samples");
  refuse(query.bootstrap.times > 0, "--bootstrap", "is of means over samples");
  refuse(!query.share.empty(), "--share", "divides rows");
  refuse(query.cumulative, "--cumulative", "adds up rows");
  refuse(!query.minus.empty(), "--minus", "subtracts rows");
  refuse(query.minus_store != nullptr, "--minus-store", "subtracts rows");
}

}  // namespace

QueryResult similarity(const StoreReader& store, const Query& query, const std::string& of,
                       Measure measure) {
  require_scores_alone(query);
  const StoredVariable variable = store.variable(query.variable);
  const Compared compared = compared_of(store, variable, of);
  Query vectors_query = query;
  vectors_query.group_by = staying(store, variable, query, compared);
  vectors_query.top = vectors_query.highest = vectors_query.lowest = 0;
  vectors_query.whole = vectors_query.keys = true;
  vectors_query.every_coordinate = false;
  QueryResult result = run(store, vectors_query);
  const Vectors vectors = vectors_of(result);
  QueryResult::Column column = result.columns.front(), other = column;
  other.name = "other_" + column.name;
  other.axis = "other_" + column.axis;
  result.columns = {column, other};
  result.axes.clear();
  for (const QueryResult::Column& each : result.columns) {
    QueryResult::Axis axis{.name = each.axis, .columns = {each}, .keys = {}};
    for (const std::string& name : vectors.names) axis.keys.push_back({name});
    result.axes.push_back(std::move(axis));
  }
  result.keys.clear();
  result.values.clear();
  result.counts.clear();
  result.counted = false;
  const bool cosine = measure == Measure::cosine;
  result.statement.then.push_back(fmt::format("{} of every two by {} numbers each",
                                              cosine ? "cosine" : "correlation", vectors.length()));
  result.variable = cosine ? "cosine" : "correlation";
  result.units = "1";
  result.sign.clear();
  const size_t entries = vectors.names.size();
  for (size_t a = 0; a < entries; ++a) {
    for (size_t b = 0; b < entries; ++b) {
      result.keys.push_back({vectors.names[a], vectors.names[b]});
      result.values.push_back(b < a ? result.values[b * entries + a]
                                    : alike(vectors, a, b, measure));
    }
  }
  result.rows = static_cast<int64_t>(result.values.size());
  result.shape = {static_cast<int64_t>(entries), static_cast<int64_t>(entries)};
  // The largest of them are the most alike.
  Query ranking;
  ranking.highest = std::max(query.top, query.highest);
  ranking.lowest = query.lowest;
  if (ranking.highest + ranking.lowest > 0) keep_rows(result, pairs_of(entries));
  choose_rows(result, ranking);
  return result;
}

}  // namespace explaind
