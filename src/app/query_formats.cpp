#include "app/query_formats.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/csv_field.hpp"
#include "app/npy.hpp"

namespace explaind {
namespace {

/// Columns that say of how many entries a row is made; none where rows are not known apart.
std::vector<std::string> count_columns(const QueryResult& result) {
  std::vector<std::string> names;
  if (result.counts.empty()) return names;
  for (const Statement::Axis& axis : result.statement.axes) {
    names.push_back(column_of(result.statement, axis));
  }
  return names;
}

}  // namespace

void print_csv(const QueryResult& result, std::ostream& out) {
  for (const auto& column : result.columns) out << csv_field(column.name) << ",";
  for (const std::string& name : count_columns(result)) out << name << ",";
  out << csv_field(result.variable) << (result.errors.empty() ? "" : ",standard_error") << "\n";
  for (size_t row = 0; row < result.values.size() && out; ++row) {
    for (const std::string& key : result.keys[row]) out << csv_field(key) << ",";
    if (!result.counts.empty()) {
      for (const int64_t count : result.counts[row]) out << count << ",";
    }
    out << fmt::format("{}", result.values[row]);
    if (!result.errors.empty()) out << fmt::format(",{}", result.errors[row]);
    out << "\n";
  }
}

void print_json(const QueryResult& result, std::ostream& out) {
  const std::vector<std::string> counted = count_columns(result);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (size_t row = 0; row < result.values.size(); ++row) {
    nlohmann::ordered_json object;
    for (size_t c = 0; c < result.columns.size(); ++c) {
      const std::string& key = result.keys[row][c];
      if (result.columns[c].number) {
        object[result.columns[c].name] = std::stoll(key);
      } else {
        object[result.columns[c].name] = key;
      }
    }
    for (size_t i = 0; i < counted.size(); ++i) object[counted[i]] = result.counts[row][i];
    object[result.variable] = result.values[row];
    if (!result.errors.empty()) object["standard_error"] = result.errors[row];
    rows.push_back(std::move(object));
  }
  out << rows.dump(2) << "\n";
}

void print_npy(const QueryResult& result, std::ostream& out) {
  out << npy_bytes(result.shape, result.values);
}

std::string json_statement(const QueryResult& result) {
  nlohmann::ordered_json json{{"variable", result.variable},
                              {"units", result.units},
                              {"shape", result.shape},
                              {"coordinates", nlohmann::ordered_json::array()}};
  for (const auto& column : result.columns) json["coordinates"].push_back(column.name);
  for (const Statement::Axis& axis : result.statement.axes) {
    json[column_of(result.statement, axis)] = {axis.least, axis.most};
  }
  if (!result.statement.stored.empty()) json["stored"] = result.statement.stored;
  if (!result.statement.shared.empty()) json["shared"] = result.statement.shared;
  return json.dump();
}

}  // namespace explaind
