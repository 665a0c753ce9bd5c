#include "app/formats/result_words.hpp"

#include <cctype>
#include <nlohmann/json.hpp>

namespace explaind {

std::string title_of(const QueryResult& result) {
  return result.variable + (result.units == "1" ? "" : " [" + result.units + "]");
}

std::string heading(const QueryResult& result) {
  const std::string words = result.statement.words();
  std::string text = title_of(result) + (words.empty() ? "" : ": " + words);
  if (result.sign.empty()) return text;
  std::string sign = result.sign;
  sign.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(sign.front())));
  return text + ". " + sign;
}

std::vector<std::string> count_columns(const QueryResult& result) {
  std::vector<std::string> names;
  if (!result.counted) return names;
  for (const Statement::Axis& axis : result.statement.axes) {
    names.push_back(column_of(result.statement, axis));
  }
  return names;
}

std::string json_statement(const QueryResult& result) {
  nlohmann::ordered_json json{{"variable", result.variable},
                              {"units", result.units},
                              {"shape", result.shape},
                              {"coordinates", nlohmann::ordered_json::array()}};
  if (!result.sign.empty()) json["sign"] = result.sign;
  for (const auto& column : result.columns) json["coordinates"].push_back(column.name);
  for (const Statement::Axis& axis : result.statement.axes) {
    json[column_of(result.statement, axis)] = {axis.least, axis.most};
  }
  if (!result.statement.stored.empty()) json["stored"] = result.statement.stored;
  if (!result.statement.shared.empty()) json["shared"] = result.statement.shared;
  if (!result.statement.then.empty()) json["then"] = result.statement.then;
  return json.dump();
}

}  // namespace explaind
