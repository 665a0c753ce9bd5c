// explaind inspect: what is in a series, a checkpoint or an influence store.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <numeric>

#include "app/closing_table.hpp"
#include "app/verbs.hpp"
#include "checkpoint/series_summary.hpp"
#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "store/store_reader.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

std::string describe(const CheckpointSummary& summary) {
  std::string types;
  for (const DtypeTotal& total : summary.dtypes) {
    types += fmt::format("{}{} ({})", types.empty() ? "" : ", ", to_string(total.dtype),
                         format_bytes(static_cast<double>(total.bytes)));
  }
  return fmt::format("{} parameters, {} in {} file{}, {}", summary.parameters,
                     format_bytes(static_cast<double>(summary.file_bytes)), summary.files,
                     summary.files == 1 ? "" : "s", types);
}

void inspect_checkpoint(const fs::path& path) {
  const Checkpoint checkpoint = Checkpoint::open(path);
  fmt::print("{}: {}\n{}\n\n", path.string(),
             checkpoint.config().value("model_type", std::string("?")),
             describe(summarize(checkpoint)));
  size_t width = 0;
  for (const auto& [name, tensor] : checkpoint.tensors()) width = std::max(width, name.size());
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    fmt::print("  {:<{}}  {:<5} [{}]\n", name, width, to_string(tensor.dtype),
               fmt::join(tensor.shape, ", "));
  }
}

void inspect_series(const fs::path& path) {
  const CheckpointSeries series = CheckpointSeries::open(path);
  fmt::print("{}: {} checkpoints, steps {} to {}\neach {}\n\n", path.string(), series.size(),
             series.step(0), series.step(series.size() - 1),
             describe(summarize(series.checkpoint(0))));
  fmt::print("{:>10} {:>10}  {:>11}  {:>11}  {:>9}\n", "step from", "step to", "|Δ|/|θ|", "max |Δ|",
             "changed");
  for (size_t i = 0; i + 1 < series.size(); ++i) {
    const CheckpointDifference change = difference(series, i);
    fmt::print(
        "{:>10} {:>10}  {:>11.3e}  {:>11.3e}  {:>7.1f} %{}\n", change.step_from, change.step_to,
        change.relative_change, change.largest_change, 100 * change.changed_share,
        change.not_finite > 0 ? fmt::format("  {} weights are not finite", change.not_finite) : "");
  }
}

void inspect_store(const fs::path& path) {
  const StoreReader store(path);
  fmt::print("{}: influence store, {}\n\nVariables\n", path.string(),
             format_bytes(static_cast<double>(fs::file_size(path))));
  for (const StoredVariable& variable : store.variables()) {
    std::string dims;
    for (size_t i = 0; i < variable.dims.size(); ++i) {
      dims += fmt::format("{}{}: {}", i == 0 ? "" : ", ", variable.dims[i], variable.shape[i]);
    }
    fmt::print("  {:<21} ({})  {}\n", variable.name, dims,
               store.attribute(variable.name, "long_name"));
  }
  fmt::print("\nProvenance\n");
  for (const auto& [name, value] : store.attributes()) {
    // Objects are shown key by key below the attribute's name.
    std::string text = value;
    for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 3) {
      text.replace(at, 1, "\n  ");
    }
    fmt::print("  {}: {}\n", name, text);
  }
  const std::vector<double> committed = store.read("committed");
  const double done = std::accumulate(committed.begin(), committed.end(), 0.0);
  fmt::print("\nCommitted: {:.0f} of {} ({:.1f} %)\n", done, committed.size(),
             100 * done / static_cast<double>(committed.size()));
  if (done < static_cast<double>(committed.size())) {
    fmt::print("The run has not finished; certificates are shown when it has.\n");
    return;
  }
  const Certificates found = print_closing_table(store, std::cout);
  fmt::print("\n{} (segment, sample) pairs: {} missed the tolerance, {} limited by precision\n",
             found.pairs, found.missed, found.limited);
}

}  // namespace

int run_inspect(const InspectOptions& options) {
  const fs::path path = options.path;
  if (!fs::exists(path)) throw DataError(options.path, "no such file or directory", "");
  std::cout.flush();
  if (fs::is_directory(path) && is_checkpoint_directory(path)) {
    inspect_checkpoint(path);
  } else if (fs::is_directory(path) || !(path.extension() == ".h5")) {
    inspect_series(path);
  } else {
    inspect_store(path);
  }
  return 0;
}

}  // namespace explaind
