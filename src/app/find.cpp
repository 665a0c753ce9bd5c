// explaind find: phase changes, clusters, divergences, hand-overs and structure of a store.

#include "discovery/find.hpp"

#include <fmt/format.h>

#include "app/verbs.hpp"
#include "checkpoint/new_file.hpp"
#include "core/error.hpp"
#include "discovery/find_forms.hpp"
#include "store/replaceable.hpp"
#include "store/store_reader.hpp"

namespace explaind {

int run_find(const FindOptions& options) {
  if (options.output && is_influence_store(*options.output)) {
    throw UsageError("--output", *options.output + " is an influence store, which would be lost",
                     "Name another file");
  }
  const StoreReader store(options.store);
  const Findings findings = find(store, {.searches = options.what,
                                         .over = options.over,
                                         .groups = options.groups,
                                         .select = options.select,
                                         .level = options.level,
                                         .permutations = options.permutations,
                                         .seed = static_cast<uint64_t>(options.seed)});
  const std::string text =
      options.format == "json"
          ? findings_json(findings).dump(1, ' ', false,
                                         nlohmann::ordered_json::error_handler_t::replace) +
                "\n"
          : findings_table(findings);
  if (options.output) {
    write_text_file(*options.output, text);
  } else {
    fmt::print("{}", text);
  }
  return static_cast<int>(ExitCode::done);
}

}  // namespace explaind
