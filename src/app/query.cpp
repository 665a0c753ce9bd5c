// explaind query: slices and groups of a store as a table, text for programs, or an array.

#include "store/query.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <optional>
#include <sstream>

#include "app/formats/query_table.hpp"
#include "app/formats/result_words.hpp"
#include "app/formats/result_writer.hpp"
#include "app/verbs.hpp"
#include "checkpoint/new_file.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "machine/memory_limits.hpp"
#include "store/base_query.hpp"
#include "store/operations/together.hpp"
#include "store/replaceable.hpp"
#include "store/similarity.hpp"

namespace explaind {
namespace {

/// Rows of a table that nobody has narrowed down.
constexpr int64_t first_rows = 40;

/// Whether something is done with rows that needs all of them.
bool needs_all_rows(const QueryOptions& options) {
  return options.format == "table" || options.top + options.highest + options.lowest > 0 ||
         !options.similarity.empty() || !options.share.empty() || options.cumulative ||
         !options.minus.empty() || !options.minus_store.empty() || options.bootstrap > 0;
}

/// Everything of a variable, as a table.
bool asks_for_nothing(const QueryOptions& options) {
  QueryOptions rest = options;
  rest.format = "csv";
  return options.format == "table" && options.group_by.empty() && options.sum.empty() &&
         options.mean.empty() && options.columns.empty() && !options.output &&
         !needs_all_rows(rest);
}

void require_possible(const QueryOptions& options) {
  const bool lines = options.format == "csv" || options.format == "json";
  if (!options.columns.empty() && options.format != "table") {
    throw UsageError("--columns", "shapes tables, not " + options.format, "Leave it out");
  }
  if (options.csv_bom && options.format != "csv") {
    throw UsageError("--csv-bom", "is for CSV, not for " + options.format, "Add --format csv");
  }
  if (options.header && !lines) {
    throw UsageError("--header", "is for CSV and JSON, not for " + options.format,
                     options.format == "npy" ? "Use --format netcdf, which has room for it"
                                             : "Leave it out: this format has it anyway");
  }
  for (const auto& [asked, name] :
       {std::pair(options.error, "--error"), std::pair(options.bootstrap > 0, "--bootstrap")}) {
    if (asked && options.format == "npy") {
      throw UsageError(name, "has no place in an array", "Use --format csv, json or netcdf");
    }
  }
  if (options.measure != "cosine" && options.similarity.empty()) {
    throw UsageError("--measure", "is of --similarity", "Add --similarity sample");
  }
  if (options.output) {
    if (is_influence_store(*options.output)) {
      throw UsageError("--output", *options.output + " is an influence store, which would be lost",
                       "Name another file");
    }
    return;
  }
  if (needs_place(options.format)) {
    throw UsageError("--format " + options.format, "makes a file of its own",
                     "Name it: --output scores." + options.format);
  }
  if (options.format == "npy" && isatty(STDOUT_FILENO) == 1) {
    throw UsageError("--format npy", "writes bytes that a terminal cannot show",
                     "Send them to a file: --output scores.npy");
  }
}

Query query_of(const QueryOptions& options, const StoreReader* minus_store) {
  const bool array = is_array_format(options.format);
  return {.variable = options.variable,
          .sum = options.sum,
          .mean = options.mean,
          .group_by = options.group_by,
          .select = options.select,
          .absolute = options.absolute,
          .share_key_value_heads = options.share_kv_heads,
          .error = options.error,
          .bootstrap = {.times = options.bootstrap, .seed = static_cast<uint64_t>(options.seed)},
          .minus = options.minus,
          .minus_store = minus_store,
          .share = options.share,
          .cumulative = options.cumulative,
          .top = options.top,
          .highest = options.highest,
          .lowest = options.lowest,
          .first = asks_for_nothing(options) ? first_rows : 0,
          .keys = !array || needs_all_rows(options),
          .whole = array || options.whole,
          .every_coordinate = options.format != "table"};
}

int64_t budget_of(const QueryOptions& options) {
  return options.memory ? parse_bytes("--memory", *options.memory) : free_memory();
}

/// budget: 0 where it is not known.
void require_memory(double bytes, int64_t budget, bool in_parts) {
  if (budget == 0 || bytes <= static_cast<double>(budget)) return;
  throw UsageError(
      "--memory",
      fmt::format("the answer needs {}{}, and {} may be taken", format_bytes(bytes),
                  in_parts ? " for each entry of its first axis" : " at once",
                  format_bytes(static_cast<double>(budget))),
      in_parts ? "Narrow it (--select, --group-by, --sum, --mean), or raise --memory"
               : "Narrow it (--select, --group-by, --sum, --mean), raise --memory, or ask for rows "
                 "as they are in another format than a table, which is written by parts");
}

/// Keys of the first axis that are read together: as many as fit, in whole steps of the writer.
size_t keys_of_part(const BaseQuery& base, int64_t budget, size_t step) {
  constexpr double enough = 96 << 20;
  const double room = budget == 0 ? enough : std::min(enough, static_cast<double>(budget));
  size_t keys = base.leading();
  while (keys > 1 && base.bytes_of_part(keys) > room) keys = (keys + 1) / 2;
  return std::max(step, keys / step * step);
}

void print_first_rows(const QueryResult& result, const QueryOptions& options, std::ostream& out) {
  print_table(result, options.columns, out);
  const auto shown = static_cast<int64_t>(result.values.size());
  if (!asks_for_nothing(options) || result.rows <= shown) return;
  out << fmt::format(
      "… and {} of {} in all. All of them: --format csv (json, npy, …); the largest: --top {}; "
      "fewer: --group-by, --sum, --mean\n",
      counted(result.rows - shown, "more row"), result.rows, first_rows);
}

/// On standard error, beside what is printed for programs.
void print_notes(const QueryResult& head, const QueryOptions& options) {
  if (options.format == "npy") {
    std::cerr << "note: " << json_statement(head) << "\n";
  } else if (options.format != "table") {
    std::cerr << "note: " << heading(head) << "\n";
  }
  for (const std::string& each : head.notes) std::cerr << "note: " << each << "\n";
  if (head.uncommitted == 0) return;
  const bool one = head.uncommitted == 1;
  std::cerr << "note: " << counted(head.uncommitted, "entry is", "entries are")
            << " left out: " << (one ? "its unit is" : "their units are") << " not committed yet\n";
}

/// A result that has come as a whole.
void write_whole(const QueryResult& result, const Query& query, const QueryOptions& options) {
  if (options.format == "table") {
    if (!options.output) {
      print_first_rows(result, options, std::cout);
      return;
    }
    std::ostringstream text;
    print_first_rows(result, options, text);
    write_text_file(*options.output, text.str());
    return;
  }
  const auto writer = result_writer(options.format, head_of(result, query, options.store),
                                    options.output, {options.header, options.csv_bom});
  writer->write(result);
  writer->finish();
}

/// The rows a part at a time. Returns what print_notes says of them.
QueryResult write_parts(BaseQuery& base, const Query& query, const QueryOptions& options,
                        int64_t budget) {
  QueryResult head = base.head();
  const auto writer = result_writer(options.format, head_of(head, query, options.store),
                                    options.output, {options.header, options.csv_bom});
  const size_t step = writer->keys_at_once(), keys = keys_of_part(base, budget, step);
  require_memory(base.bytes_of_part(keys), budget, true);
  for (size_t begin = 0; begin < base.leading(); begin += keys) {
    const QueryResult part = base.part(begin, std::min(base.leading(), begin + keys));
    head.uncommitted += part.uncommitted;
    writer->write(part);
  }
  writer->finish();
  return head;
}

/// The first rows that there are, from as few parts as they need.
QueryResult first_rows_of(BaseQuery& base, int64_t budget) {
  const size_t keys = keys_of_part(base, budget, 1);
  require_memory(base.bytes_of_part(keys), budget, true);
  for (size_t begin = 0; begin < base.leading(); begin += keys) {
    QueryResult part = base.part(begin, std::min(base.leading(), begin + keys));
    const bool enough = static_cast<int64_t>(part.values.size()) >= std::min(first_rows, part.rows);
    if (enough || begin + keys >= base.leading()) return part;
  }
  return base.head();
}

}  // namespace

int run_query(const QueryOptions& options) {
  require_possible(options);
  const StoreReader store(options.store);
  std::optional<StoreReader> minus_store;
  if (!options.minus_store.empty()) minus_store.emplace(options.minus_store);
  const Query query = query_of(options, minus_store ? &*minus_store : nullptr);
  const int64_t budget = budget_of(options);
  if (!options.similarity.empty()) {
    const QueryResult result =
        similarity(store, query, options.similarity,
                   options.measure == "cosine" ? Measure::cosine : Measure::correlation);
    write_whole(result, query, options);
    print_notes(result, options);
    return 0;
  }
  require_operations_together(query);
  BaseQuery base(store, query);
  if (asks_for_nothing(options)) {
    const QueryResult result = first_rows_of(base, budget);
    write_whole(result, query, options);
    print_notes(result, options);
  } else if (needs_all_rows(options)) {
    require_memory(base.bytes_of_part(base.leading()), budget, false);
    const QueryResult result = run(store, query);
    write_whole(result, query, options);
    print_notes(result, options);
  } else {
    print_notes(write_parts(base, query, options, budget), options);
  }
  return 0;
}

}  // namespace explaind
