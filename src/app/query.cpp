// explaind query: slices and groups of a store as a table, CSV, JSON or a NumPy array.

#include "store/query.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <sstream>

#include "app/query_formats.hpp"
#include "app/query_table.hpp"
#include "app/verbs.hpp"
#include "checkpoint/new_file.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "store/similarity.hpp"

namespace explaind {
namespace {

/// Rows of a table that nobody has narrowed down.
constexpr int64_t first_rows = 40;

/// Everything of a variable, as a table.
bool asks_for_nothing(const QueryOptions& options) {
  return options.format == "table" && options.group_by.empty() && options.sum.empty() &&
         options.mean.empty() && options.top == 0 && options.similarity.empty() &&
         options.columns.empty() && !options.output;
}

void require_possible(const QueryOptions& options) {
  if (!options.columns.empty() && options.format != "table") {
    throw UsageError("--columns", "shapes tables, not " + options.format, "Leave it out");
  }
  if (options.csv_bom && options.format != "csv") {
    throw UsageError("--csv-bom", "is for CSV, not for " + options.format, "Add --format csv");
  }
  if (options.error && options.format == "npy") {
    throw UsageError("--error", "has no place in an array", "Use --format csv or json");
  }
  if (options.format == "npy" && !options.output && isatty(STDOUT_FILENO) == 1) {
    throw UsageError("--format npy", "writes bytes that a terminal cannot show",
                     "Send them to a file: --output scores.npy");
  }
}

void print(const QueryResult& result, const QueryOptions& options, std::ostream& out) {
  if (options.format == "csv") {
    if (options.csv_bom) out << "\xEF\xBB\xBF";
    print_csv(result, out);
  } else if (options.format == "json") {
    print_json(result, out);
  } else if (options.format == "npy") {
    print_npy(result, out);
  } else {
    print_table(result, options.columns, out);
  }
  const auto shown = static_cast<int64_t>(result.values.size());
  if (asks_for_nothing(options) && result.rows > shown) {
    out << fmt::format(
        "… and {} of {} in all. All of them: --format csv (json, npy); the largest: --top {}; "
        "fewer: --group-by, --sum, --mean\n",
        counted(result.rows - shown, "more row"), result.rows, first_rows);
  }
}

/// On standard error, beside what is printed for programs.
void print_notes(const QueryResult& result, const QueryOptions& options) {
  if (options.format == "npy") {
    std::cerr << "note: " << json_statement(result) << "\n";
  } else if (options.format != "table" && !result.statement.words().empty()) {
    std::cerr << "note: " << heading(result) << "\n";
  }
  if (result.uncommitted > 0) {
    const bool one = result.uncommitted == 1;
    std::cerr << "note: " << counted(result.uncommitted, "entry is", "entries are")
              << " left out: " << (one ? "its unit is" : "their units are")
              << " not committed yet\n";
  }
}

}  // namespace

int run_query(const QueryOptions& options) {
  require_possible(options);
  const StoreReader store(options.store);
  const Query query{.variable = options.variable,
                    .sum = options.sum,
                    .mean = options.mean,
                    .group_by = options.group_by,
                    .select = options.select,
                    .absolute = options.absolute,
                    .share_key_value_heads = options.share_kv_heads,
                    .error = options.error,
                    .top = options.top,
                    .first = asks_for_nothing(options) ? first_rows : 0,
                    .keys = options.format != "npy" || !options.similarity.empty(),
                    .whole = options.format == "npy"};
  const QueryResult result =
      options.similarity.empty() ? run(store, query) : similarity(store, query, options.similarity);
  if (options.output) {
    std::ostringstream text;
    print(result, options, text);
    write_text_file(*options.output, text.str());
  } else {
    print(result, options, std::cout);
  }
  print_notes(result, options);
  return 0;
}

}  // namespace explaind
