// explaind inspect: what is in a series, a checkpoint, a recorded run or an influence store.

#include <filesystem>
#include <iostream>

#include "app/inspect_check.hpp"
#include "app/inspect_run.hpp"
#include "app/inspect_series.hpp"
#include "app/inspect_store.hpp"
#include "app/verbs.hpp"
#include "core/error.hpp"
#include "runs/recorded_run.hpp"
#include "store/store_reader.hpp"

namespace explaind {
namespace fs = std::filesystem;

int run_inspect(const InspectOptions& options, const Communicator* world) {
  const fs::path path = options.path;
  const NameRules rules = name_rules(options.phases, options.series_seed, options.step_pattern);
  if (!fs::exists(path)) throw DataError(options.path, "no such file or directory", "");
  if (fs::is_regular_file(path) && fs::file_size(path) == 0) {
    throw DataError(options.path, "is empty", "Copy or make it again");
  }
  std::cout.flush();
  if (options.json && !options.check) {
    throw UsageError("--json", "is a form of --check", "Give --check too");
  }
  if (options.check) {
    if (world == nullptr) throw UsageError("--check", "stands by itself", "Write --check");
    if (is_recorded_run(path) || (fs::is_regular_file(path) && is_hdf5_or_netcdf(path))) {
      throw UsageError("--check", "is of a series of checkpoints", "Leave it out");
    }
    return inspect_check(options, *world);
  }
  if (is_recorded_run(path)) {
    inspect_run(path);
  } else if (fs::is_directory(path) && !is_series(path, rules)) {
    inspect_checkpoint(path);
  } else if (fs::is_regular_file(path) && is_hdf5_or_netcdf(path)) {
    inspect_store(path, options.provenance);
  } else {
    inspect_series(path, rules);
  }
  return 0;
}

}  // namespace explaind
