// explaind query: slices and groups of a store as a table, CSV, JSON or a NumPy array.

#include "store/query.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/npy.hpp"
#include "app/verbs.hpp"
#include "core/error.hpp"
#include "store/similarity.hpp"

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

/// The values as text, all in one style.
std::vector<std::string> formatted(const QueryResult& result) {
  const bool counts =
      result.units == "1" && std::all_of(result.values.begin(), result.values.end(),
                                         [](double value) { return value == std::floor(value); });
  std::vector<std::string> numbers;
  for (const double value : result.values) {
    const bool small = value != 0 && std::abs(value) < 1e-3;
    numbers.push_back(counts  ? fmt::format("{:.0f}", value)
                      : small ? fmt::format("{:+.3e}", value)
                              : fmt::format("{:+.6f}", value));
  }
  return numbers;
}

struct Table {
  struct Column {
    std::string title;
    bool right = false;
    std::vector<std::string> cells;
  };
  std::vector<Column> columns;
};

void print(const Table& table) {
  std::vector<size_t> widths;
  for (const Table::Column& column : table.columns) {
    size_t width = shown_width(column.title);
    for (const std::string& cell : column.cells) width = std::max(width, shown_width(cell));
    widths.push_back(width);
  }
  const auto print_line = [&](const auto& text_of) {
    std::string line;
    for (size_t c = 0; c < widths.size(); ++c) {
      const Table::Column& column = table.columns[c];
      line += padded(text_of(column), widths[c], column.right) + "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::cout << line << "\n";
  };
  print_line([](const Table::Column& column) { return column.title; });
  for (size_t row = 0; row < table.columns.front().cells.size(); ++row) {
    print_line([row](const Table::Column& column) { return column.cells[row]; });
  }
}

std::string title_of(const QueryResult& result) {
  return result.variable + (result.units == "1" ? "" : " [" + result.units + "]");
}

/// One line per entry, the value last.
Table long_table(const QueryResult& result) {
  Table table;
  for (size_t c = 0; c < result.columns.size(); ++c) {
    Table::Column column{result.columns[c].name, result.columns[c].number, {}};
    for (const auto& key : result.keys) column.cells.push_back(key[c]);
    table.columns.push_back(std::move(column));
  }
  table.columns.push_back({title_of(result), true, formatted(result)});
  return table;
}

size_t position_of(const std::string& text, std::vector<std::string>& known) {
  const auto found = std::find(known.begin(), known.end(), text);
  if (found == known.end()) known.push_back(text);
  return static_cast<size_t>(std::find(known.begin(), known.end(), text) - known.begin());
}

/// One line per combination of the other keys, one column per value of key `wide`; both in order of
/// first appearance.
Table wide_table(const QueryResult& result, size_t wide) {
  const std::vector<std::string> numbers = formatted(result);
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> cells;  // per title, per line
  for (size_t row = 0; row < numbers.size(); ++row) {
    std::vector<std::string> rest = result.keys[row];
    const size_t column = position_of(rest[wide], titles);
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(wide));
    const auto found = std::find(lines.begin(), lines.end(), rest);
    const auto line = static_cast<size_t>(found - lines.begin());
    if (found == lines.end()) lines.push_back(std::move(rest));
    cells.resize(titles.size());
    for (auto& each : cells) each.resize(lines.size());
    cells[column][line] = numbers[row];
  }
  Table table;
  size_t key = 0;
  for (size_t c = 0; c < result.columns.size(); ++c) {
    if (c == wide) continue;
    Table::Column column{result.columns[c].name, result.columns[c].number, {}};
    for (const auto& line : lines) column.cells.push_back(line[key]);
    table.columns.push_back(std::move(column));
    ++key;
  }
  for (size_t c = 0; c < titles.size(); ++c) table.columns.push_back({titles[c], true, cells[c]});
  return table;
}

void print_table(const QueryResult& result, const std::string& wide) {
  if (wide.empty()) {
    print(long_table(result));
    return;
  }
  for (size_t c = 0; c < result.columns.size(); ++c) {
    if (result.columns[c].name != wide) continue;
    std::cout << title_of(result) << "\n";
    print(wide_table(result, c));
    return;
  }
  throw UsageError("--columns", "'" + wide + "' is not among the coordinates of the result",
                   "Name one that --group-by keeps, as in --group-by group,kind --columns kind");
}

}  // namespace

int run_query(const QueryOptions& options) {
  if (!options.columns.empty() && options.format != "table") {
    throw UsageError("--columns", "shapes tables, not " + options.format, "Leave it out");
  }
  if (options.format == "npy" && isatty(STDOUT_FILENO) == 1) {
    throw UsageError("--format npy", "writes bytes that a terminal cannot show",
                     "Send them to a file: … --format npy > scores.npy");
  }
  const StoreReader store(options.store);
  const Query query{.variable = options.variable,
                    .sum = options.sum,
                    .group_by = options.group_by,
                    .select = options.select,
                    .absolute = options.absolute,
                    .top = options.top,
                    .keys = options.format != "npy" || !options.similarity.empty(),
                    .whole = options.format == "npy"};
  const QueryResult result =
      options.similarity.empty() ? run(store, query) : similarity(store, query, options.similarity);
  if (options.format == "csv") {
    print_csv(result);
  } else if (options.format == "json") {
    print_json(result);
  } else if (options.format == "npy") {
    std::cout << npy_bytes(result.shape, result.values);
  } else {
    print_table(result, options.columns);
  }
  if (!options.absolute.empty()) std::cerr << "note: " << result.reduction << "\n";
  if (result.uncommitted > 0) {
    std::cerr << "note: " << result.uncommitted
              << " entries are left out: their units are not committed yet\n";
  }
  return 0;
}

}  // namespace explaind
