// explaind query: slices and groups of a store as a table, CSV or JSON.

#include "store/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/verbs.hpp"

namespace explaind {
namespace {

/// Quoted where a comma, a quote or a line break would break the row.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

void print_csv(const QueryResult& result) {
  for (const auto& column : result.columns) std::cout << csv_field(column.name) << ",";
  std::cout << result.variable << "\n";
  for (size_t row = 0; row < result.values.size(); ++row) {
    for (const std::string& key : result.keys[row]) std::cout << csv_field(key) << ",";
    std::cout << fmt::format("{}", result.values[row]) << "\n";
  }
}

void print_json(const QueryResult& result) {
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
    object[result.variable] = result.values[row];
    rows.push_back(std::move(object));
  }
  std::cout << rows.dump(2) << "\n";
}

/// Columns that a terminal shows: code points, the wide ones of East Asia twice.
size_t shown_width(const std::string& text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) == 0x80) continue;
    width += byte >= 0xE3 && byte <= 0xED ? 2 : 1;
  }
  return width;
}

std::string padded(const std::string& text, size_t width, bool right) {
  const std::string space(width - std::min(width, shown_width(text)), ' ');
  return right ? space + text : text + space;
}

void print_table(const QueryResult& result) {
  const std::string units = result.units == "1" ? "" : " [" + result.units + "]";
  std::vector<size_t> widths;
  for (size_t c = 0; c < result.columns.size(); ++c) {
    size_t width = shown_width(result.columns[c].name);
    for (const auto& key : result.keys) width = std::max(width, shown_width(key[c]));
    widths.push_back(width);
  }
  const bool whole = std::all_of(result.values.begin(), result.values.end(),
                                 [](double value) { return value == std::floor(value); });
  std::vector<std::string> numbers;
  const std::string title = result.variable + units;
  size_t width = shown_width(title);
  for (const double value : result.values) {
    numbers.push_back(whole && result.units == "1" ? fmt::format("{:.0f}", value)
                                                   : fmt::format("{:+.6f}", value));
    if (!whole && std::abs(value) < 1e-3) numbers.back() = fmt::format("{:+.3e}", value);
    width = std::max(width, numbers.back().size());
  }
  for (size_t c = 0; c < widths.size(); ++c) {
    std::cout << padded(result.columns[c].name, widths[c], result.columns[c].number) << "  ";
  }
  std::cout << padded(title, width, true) << "\n";
  for (size_t row = 0; row < numbers.size(); ++row) {
    for (size_t c = 0; c < widths.size(); ++c) {
      std::cout << padded(result.keys[row][c], widths[c], result.columns[c].number) << "  ";
    }
    std::cout << padded(numbers[row], width, true) << "\n";
  }
}

}  // namespace

int run_query(const QueryOptions& options) {
  const StoreReader store(options.store);
  const QueryResult result = run(store, {.variable = options.variable,
                                         .sum = options.sum,
                                         .group_by = options.group_by,
                                         .select = options.select,
                                         .top = options.top});
  if (options.format == "csv") {
    print_csv(result);
  } else if (options.format == "json") {
    print_json(result);
  } else {
    print_table(result);
  }
  if (result.uncommitted > 0) {
    std::cerr << "note: " << result.uncommitted
              << " entries are left out: their units are not committed yet\n";
  }
  return 0;
}

}  // namespace explaind
