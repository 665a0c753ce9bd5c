// explaind inspect: what is in a series, a checkpoint, a recorded run or an influence store.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "app/closing_table.hpp"
#include "app/inspect_run.hpp"
#include "app/inspect_series.hpp"
#include "app/verbs.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "runs/recorded_run.hpp"
#include "store/store_reader.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

void print_variable(const std::string& name, const std::string& dims, const std::string& text) {
  fmt::print("  {:<21} ({})  {}\n", name, dims, text);
}

/// "segment: 2, sample: 5": the first dimensions of a variable.
std::string dims_of(const StoredVariable& variable, size_t count) {
  std::string dims;
  for (size_t i = 0; i < count; ++i) {
    dims += fmt::format("{}{}: {}", i == 0 ? "" : ", ", variable.dims[i], variable.shape[i]);
  }
  return dims;
}

void print_variables(const StoreReader& store) {
  fmt::print("\nVariables\n");
  for (const StoredVariable& variable : store.variables()) {
    print_variable(variable.name, dims_of(variable, variable.dims.size()),
                   store.attribute(variable.name, "long_name"));
  }
  const std::vector<StoredVariable> tensors = store.dense_variables();  // hundreds: one line
  if (tensors.empty()) return;
  const StoredVariable& first = tensors.front();
  const auto shared = static_cast<size_t>(
      std::count_if(first.dims.begin(), first.dims.end(),
                    [](const std::string& dim) { return dim.find('/') == std::string::npos; }));
  print_variable("parameter/TENSOR", dims_of(first, shared) + ", the tensor's axes",
                 fmt::format("{}; {}", store.attribute(first.name, "long_name"),
                             counted(tensors.size(), "tensor")));
}

/// Everything, objects below their names.
void print_provenance(const StoreReader& store) {
  fmt::print("\nProvenance\n");
  for (const auto& [name, value] : store.attributes()) {
    std::string text = value;
    for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 3) {
      text.replace(at, 1, "\n  ");
    }
    fmt::print("  {}: {}\n", name, text);
  }
}

/// What made the store, in a few lines.
void print_origin(const StoreReader& store) {
  std::map<std::string, std::string> said;
  for (const auto& [name, value] : store.attributes()) said[name] = value;
  const auto configuration = nlohmann::json::parse(said["configuration"]);
  const auto inputs = nlohmann::json::parse(said["inputs"]);
  const auto chosen = [&](const char* key) { return configuration.value(key, std::string()); };
  double bytes = 0;
  std::set<int64_t> steps;
  for (const auto& file : inputs["series"]) {
    bytes += file.value("size", 0.0);
    if (file.contains("step")) steps.insert(file["step"].get<int64_t>());
  }
  fmt::print("\nOrigin\n");
  fmt::print("  series      {}: {}, {}\n", chosen("series"),
             steps.empty() ? "a recorded run" : counted(steps.size(), "checkpoint"),
             format_bytes(bytes));
  fmt::print("  samples     {}\n", chosen("samples"));
  fmt::print("  scores      {} by {}, axes {}\n", chosen("functional"), chosen("component"),
             chosen("axes"));
  fmt::print("  quadrature  {}, tolerance {} of {}, {}\n", chosen("quadrature"),
             chosen("tolerance"), chosen("relative-to"), chosen("precision"));
  fmt::print("  made        {} with {} rank{} by revision {}\n", said["created"], said["ranks"],
             said["ranks"] == "1" ? "" : "s", said["revision"]);
}

void inspect_store(const fs::path& path, bool provenance) {
  const StoreReader store(path);
  const std::vector<double> committed = store.read("committed");
  const double done = std::accumulate(committed.begin(), committed.end(), 0.0);
  const bool complete = done == static_cast<double>(committed.size());
  const bool pairs = store.variable("committed").dims.size() == 2;
  fmt::print("{}: influence store, {}, {}\n", path.string(),
             format_bytes(static_cast<double>(fs::file_size(path))),
             complete ? "complete"
                      : fmt::format("{:.0f} of {} {} committed", done, committed.size(),
                                    pairs ? "(segment, sample) pairs" : "segments"));
  print_variables(store);
  if (provenance) {
    print_provenance(store);
  } else {
    print_origin(store);
  }
  if (!complete) {
    fmt::print(
        "\nThe run has not finished (decompose --resume goes on); certificates are shown when it "
        "has.\n");
    return;
  }
  const Certificates found = print_closing_table(store, std::cout);
  fmt::print("\n{}: {} missed the tolerance, {} limited by precision\n",
             counted(found.pairs, "(segment, sample) pair"), found.missed, found.limited);
}

}  // namespace

int run_inspect(const InspectOptions& options) {
  const fs::path path = options.path;
  if (!fs::exists(path)) throw DataError(options.path, "no such file or directory", "");
  std::cout.flush();
  if (is_recorded_run(path)) {
    inspect_run(path);
  } else if (fs::is_directory(path) && !is_series(path, parse_phases(options.phases))) {
    inspect_checkpoint(path);
  } else if (fs::is_directory(path) || !(path.extension() == ".h5")) {
    inspect_series(path, parse_phases(options.phases));
  } else {
    inspect_store(path, options.provenance);
  }
  return 0;
}

}  // namespace explaind
