#include "app/formats/query_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "app/formats/result_words.hpp"
#include "core/error.hpp"
#include "store/operations/result_columns.hpp"

namespace explaind {
namespace {

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

std::string number(double value, bool counts) {
  if (counts) return fmt::format("{:.0f}", value);
  const bool small = value != 0 && std::abs(value) < 1e-3;
  return small ? fmt::format("{:+.3e}", value) : fmt::format("{:+.6f}", value);
}

/// An error, to two digits; a dash where there is none.
std::string spread(double error) { return std::isnan(error) ? "-" : fmt::format("{:.2g}", error); }

/// "[-0.2, -0.1]"; a dash where there is none.
std::string interval(const QueryResult& result, size_t row) {
  if (std::isnan(result.low[row])) return "-";
  return fmt::format("[{:.3g}, {:.3g}]", result.low[row], result.high[row]);
}

/// The values as text, all in one style.
std::vector<std::string> formatted(const QueryResult& result) {
  const bool counts =
      result.units == "1" && std::all_of(result.values.begin(), result.values.end(),
                                         [](double value) { return value == std::floor(value); });
  std::vector<std::string> numbers;
  for (const double value : result.values) numbers.push_back(number(value, counts));
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

void print(const Table& table, std::ostream& out) {
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
    out << line << "\n";
  };
  print_line([](const Table::Column& column) { return column.title; });
  for (size_t row = 0; row < table.columns.front().cells.size(); ++row) {
    print_line([row](const Table::Column& column) { return column.cells[row]; });
  }
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
  if (!result.errors.empty()) {
    table.columns.push_back({"std. error", true, {}});
    for (const double error : result.errors) table.columns.back().cells.push_back(spread(error));
  }
  if (!result.low.empty()) {
    table.columns.push_back({"95 % interval", true, {}});
    for (size_t row = 0; row < result.low.size(); ++row) {
      table.columns.back().cells.push_back(interval(result, row));
    }
  }
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
  std::vector<std::string> numbers = formatted(result);
  for (size_t row = 0; row < result.errors.size(); ++row) {
    numbers[row] += " ± " + spread(result.errors[row]);
  }
  for (size_t row = 0; row < result.low.size(); ++row) {
    numbers[row] += ' ';
    numbers[row] += interval(result, row);
  }
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

}  // namespace

void print_table(const QueryResult& result, const std::string& wide, std::ostream& out) {
  if (wide.empty()) {
    if (!result.statement.words().empty() || !result.sign.empty()) out << heading(result) << "\n";
    print(long_table(result), out);
    return;
  }
  const size_t column = column_named(result, wide, "--columns");
  out << heading(result) << "\n";
  print(wide_table(result, column), out);
}

}  // namespace explaind
