// explaind store …: stores made of stores.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/listening.hpp"
#include "app/output_claims.hpp"
#include "app/stop_signals.hpp"
#include "app/verbs.hpp"
#include "claims/path_claim.hpp"
#include "claims/real_path.hpp"
#include "copies/copy_watch.hpp"
#include "copies/merge.hpp"
#include "copies/repack.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "machine/memory_limits.hpp"
#include "store/replaceable.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// Where the kernel does not say what is free, little is taken.
CopyMemory memory_of(const std::optional<std::string>& asked) {
  constexpr int64_t little = int64_t{64} << 20;
  if (asked) return copy_memory(parse_bytes("--memory", *asked));
  const int64_t free = free_memory();
  return copy_memory(free == 0 ? little : std::max(free, little));
}

/// A store that would be read and replaced at once.
void require_apart(const std::vector<std::string>& stores, const std::string& output) {
  for (const std::string& store : stores) {
    std::error_code none;
    if (!fs::equivalent(store, output, none)) continue;
    throw UsageError("--output", output + " is " + store + ", which is read",
                     "Name another file, and rename it afterwards");
  }
}

/// The output's claim, held while it is written.
PathClaim claim_output(const std::vector<std::string>& stores, const std::string& output,
                       bool overwrite) {
  require_apart(stores, output);
  PathClaim claim = PathClaim::take(output, spoken_wait());
  require_replaceable(real_path(output), overwrite, "--output", false);
  return claim;
}

std::string size_of(uint64_t bytes) { return format_bytes(static_cast<double>(bytes)); }

std::string time_since(std::chrono::steady_clock::time_point start) {
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return format_duration(seconds.count());
}

constexpr const char* copy_stop_words = "\nStopping: what was written is removed\n";

}  // namespace

int run_repack(const RepackOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const RepackRequest request{.store = options.store,
                              .output = options.output,
                              .deflate = static_cast<int>(options.compression),
                              .memory = memory_of(options.memory)};
  const PathClaim claim = claim_output({options.store}, options.output, options.overwrite);
  TerminalListener listener;
  CopyWatch watch(stop_on_signals(copy_stop_words), listener);
  const Repacked done = repack_store(request, watch);
  fmt::print("Wrote {}: {}, {:.3g} % of the {} of {}, in {}\n", options.output,
             size_of(done.bytes_after),
             100 * static_cast<double>(done.bytes_after) / static_cast<double>(done.bytes_before),
             size_of(done.bytes_before), options.store, time_since(start));
  if (!done.not_compared.empty()) {
    fmt::print("note: units were not compared with their checksums: {}\n", done.not_compared);
  }
  if (done.committed < done.units) {
    fmt::print(
        "note: {} of {} units are committed. A repacked store cannot be gone on with: keep {} for "
        "decompose --resume\n",
        done.committed, done.units, options.store);
  }
  return static_cast<int>(ExitCode::done);
}

int run_merge(const MergeOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  if (options.stores.size() < 2) {
    throw UsageError("store merge", "one store is nothing to join",
                     "Name two or more: explaind store merge STORE STORE ... -o OUT");
  }
  const MergeRequest request{.stores = {options.stores.begin(), options.stores.end()},
                             .output = options.output,
                             .memory = memory_of(options.memory)};
  const PathClaim claim = claim_output(options.stores, options.output, options.overwrite);
  TerminalListener listener;
  CopyWatch watch(stop_on_signals(copy_stop_words), listener);
  const Merged done = merge_stores(request, watch);
  fmt::print("Wrote {}: {}, {} of {} joined along their {}s, in {}\n", options.output,
             size_of(done.bytes), counted(done.segments, "segment"),
             counted(done.samples, "sample"), done.axis, time_since(start));
  for (const std::string& note : done.notes) fmt::print("note: {}\n", note);
  return static_cast<int>(ExitCode::done);
}

}  // namespace explaind
