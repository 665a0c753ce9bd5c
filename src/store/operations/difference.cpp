#include "store/operations/difference.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <unordered_map>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "store/base_query.hpp"
#include "store/operations/result_columns.hpp"

namespace explaind {
namespace {

std::string functional_of(const StoreReader& store) {
  for (const auto& [name, value] : store.attributes()) {
    if (name != "configuration") continue;
    const auto configuration = nlohmann::json::parse(value, nullptr, false);
    if (configuration.is_object()) return configuration.value("functional", std::string("?"));
  }
  return "?";
}

void require_comparable(const StoreReader& store, const StoreReader& other,
                        const std::string& variable) {
  const std::string first = functional_of(store), second = functional_of(other);
  const auto refuse = [&](const std::string& why) {
    throw DataError(other.path(),
                    fmt::format("cannot be subtracted from {}: {}", store.path(), why),
                    "Give two stores of one functional");
  };
  if (first != second) refuse(fmt::format("it explains {}, the other {}", second, first));
  if (!other.has(variable)) return;  // the query says it
  const std::string unit = store.unit(variable), other_unit = other.unit(variable);
  if (unit != other_unit) {
    refuse(fmt::format("its {} is in {}, the other's in {}", variable, other_unit, unit));
  }
}

/// The question that is put to the other: `minus` in place of selections of the same coordinate.
Query other_query(const Query& query) {
  Query other = query;
  for (const std::string& text : query.minus) {
    const std::string name = selected_coordinate(text, "--minus");
    std::erase_if(other.select, [&](const std::string& each) {
      return selected_coordinate(each, "--select") == name;
    });
  }
  other.select.insert(other.select.end(), query.minus.begin(), query.minus.end());
  other.first = 0;
  other.whole = false;
  other.keys = true;
  return other;
}

/// The columns in which the two have no value in common.
std::vector<std::string> columns_apart(const QueryResult& first, const QueryResult& second) {
  std::vector<std::string> apart;
  for (size_t c = 0; c < first.columns.size(); ++c) {
    std::set<std::string> values;
    for (const auto& key : first.keys) values.insert(key[c]);
    const bool shared = std::any_of(second.keys.begin(), second.keys.end(),
                                    [&](const auto& key) { return values.contains(key[c]); });
    if (!shared) apart.push_back(first.columns[c].name);
  }
  return apart;
}

void require_same_columns(const QueryResult& first, const QueryResult& second) {
  const auto names = [](const QueryResult& result) {
    std::vector<std::string> list;
    for (const QueryResult::Column& column : result.columns) list.push_back(column.name);
    return list;
  };
  if (names(first) == names(second)) return;
  throw UsageError("--minus-store",
                   fmt::format("its rows have the coordinates {}, the other's {}",
                               fmt::join(names(second), ", "), fmt::join(names(first), ", ")),
                   "Name coordinates that both have: --group-by step_to,kind");
}

/// Per row the one of the other result that is its partner.
std::vector<std::optional<size_t>> partners(const QueryResult& first, const QueryResult& second) {
  std::vector<size_t> columns(first.columns.size());
  std::iota(columns.begin(), columns.end(), size_t{0});
  std::unordered_map<std::string, size_t> known;
  for (size_t row = 0; row < second.values.size(); ++row) {
    known.emplace(key_of(second, row, columns), row);
  }
  std::vector<std::optional<size_t>> found;
  for (size_t row = 0; row < first.values.size(); ++row) {
    const auto partner = known.find(key_of(first, row, columns));
    found.push_back(partner == known.end() ? std::nullopt : std::optional(partner->second));
  }
  return found;
}

void require_any(const std::vector<std::optional<size_t>>& partner, const QueryResult& first,
                 const QueryResult& second) {
  const bool any = std::any_of(partner.begin(), partner.end(),
                               [](const auto& each) { return each.has_value(); });
  if (any || first.values.empty()) return;
  const std::vector<std::string> apart = columns_apart(first, second);
  throw UsageError("--minus",
                   apart.empty()
                       ? "no row of one has the coordinates of a row of the other"
                       : fmt::format("the two have no {} in common, so no row has a partner",
                                     fmt::join(apart, ", no ")),
                   "Leave in --group-by what both have, as --group-by kind");
}

std::string words_of_other(const StoreReader& store, const Query& query, const QueryResult& first,
                           const QueryResult& second) {
  std::vector<std::string> what = query.minus;
  if (query.minus_store != nullptr) {
    what.push_back(std::filesystem::path(query.minus_store->path()).filename().string());
    if (query.minus_store->path() == store.path()) what.back() += " itself";
  }
  const std::string words = second.statement.words();
  const std::string how = words.empty() || words == first.statement.words()
                              ? "less the same of "
                              : fmt::format("less the {}, of ", words);
  return how + fmt::format("{}", fmt::join(what, ", "));
}

}  // namespace

void subtract_other(QueryResult& result, const StoreReader& store, const Query& query) {
  const StoreReader& other = query.minus_store != nullptr ? *query.minus_store : store;
  if (query.minus_store != nullptr) require_comparable(store, other, query.variable);
  BaseQuery base(other, other_query(query));
  const QueryResult subtrahend = base.rows();
  require_same_columns(result, subtrahend);
  const std::vector<std::optional<size_t>> partner = partners(result, subtrahend);
  require_any(partner, result, subtrahend);
  const auto subtract = [&](std::vector<double>& values, const std::vector<double>& others) {
    for (size_t row = 0; row < values.size(); ++row) {
      values[row] = partner[row] ? values[row] - others[*partner[row]]
                                 : std::numeric_limits<double>::quiet_NaN();
    }
  };
  subtract(result.values, subtrahend.values);
  for (size_t each = 0; each < result.drawings.size(); ++each) {
    subtract(result.drawings[each], subtrahend.drawings[each]);
  }
  std::vector<size_t> kept;
  for (size_t row = 0; row < partner.size(); ++row) {
    if (partner[row]) kept.push_back(row);
  }
  const size_t alone = partner.size() - kept.size(),
               others_alone = subtrahend.values.size() - kept.size();
  if (alone + others_alone > 0) {
    result.notes.push_back(fmt::format(
        "{} of the first and {} of the second have no partner and are {}", counted(alone, "row"),
        counted(others_alone, "row"), query.whole ? "NaN or left out" : "left out"));
  }
  result.uncommitted += subtrahend.uncommitted;
  result.statement.then.push_back(words_of_other(store, query, result, subtrahend));
  result.variable += "_difference";
  if (!result.sign.empty()) result.sign = "negative: lower than in what is subtracted";
  if (alone > 0 && !query.whole) {
    keep_rows(result, kept);
    result.rows = static_cast<int64_t>(kept.size());
  }
}

}  // namespace explaind
