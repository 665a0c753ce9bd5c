#include "app/inspect_store.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iostream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "app/closing_table.hpp"
#include "app/coordinate_words.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "store/axis_coordinates.hpp"
#include "store/layout.hpp"
#include "store/store_reader.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// How much of a store a file holds.
struct Extent {
  bool whole = true;               ///< no dimension is shorter than the store's
  std::vector<std::string> parts;  ///< "segment: 3 of 48", "without sample"
  bool has_marks = false;          ///< it says what is committed
  int64_t committed = 0, entries = 0;
  bool pairs = false;  ///< entries are (segment, sample) pairs, else segments
};

/// Dimensions and their lengths, of all variables.
std::map<std::string, int64_t> lengths(const StoreReader& store) {
  std::map<std::string, int64_t> found;
  for (const StoredVariable& variable : store.variables()) {
    for (size_t i = 0; i < variable.dims.size(); ++i) found[variable.dims[i]] = variable.shape[i];
  }
  return found;
}

Extent extent_of(const StoreReader& store) {
  Extent extent;
  const std::map<std::string, int64_t> here = lengths(store);
  for (const auto& [name, size] : store.sizes()) {
    const auto found = here.find(name);
    if (found != here.end() && found->second == size) continue;
    extent.whole = false;
    extent.parts.push_back(found == here.end()
                               ? fmt::format("without {}", name)
                               : fmt::format("{}: {} of {}", name, found->second, size));
  }
  extent.has_marks = store.has("committed");
  if (!extent.has_marks) return extent;
  const std::vector<double> marks = store.read("committed");
  extent.committed = std::count(marks.begin(), marks.end(), 1.0);
  extent.entries = static_cast<int64_t>(marks.size());
  extent.pairs = store.variable("committed").dims.size() == 2;
  return extent;
}

std::string in_words(const Extent& extent) {
  std::string done = !extent.has_marks ? "what is committed is not said"
                     : extent.committed == extent.entries
                         ? "complete"
                         : fmt::format("{} of {} {} committed", extent.committed, extent.entries,
                                       extent.pairs ? "(segment, sample) pairs" : "segments");
  if (extent.whole) return done;
  return fmt::format("a part of a store ({}){}", fmt::join(extent.parts, ", "),
                     done == "complete" ? "" : ", " + done);
}

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

void print_coordinates(const StoreReader& store) {
  fmt::print("\nCoordinates\n");
  for (const auto& [name, size] : lengths(store)) {
    for (const Coordinate& coordinate : read_axis(store, name, size).coordinates) {
      // The numbers 0, 1, … of a dimension say nothing.
      if (coordinate.name == name && coordinate.number) continue;
      fmt::print("  {:<21} ({}: {})  {}\n", coordinate.name, name, size, in_words(coordinate));
    }
  }
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

nlohmann::json json_of(const std::string& text) {
  return nlohmann::json::accept(text) ? nlohmann::json::parse(text) : nlohmann::json::object();
}

void print_series(const nlohmann::json& inputs, const std::string& series) {
  double bytes = 0;
  std::set<int64_t> steps;
  for (const auto& file : inputs.value("series", nlohmann::json::array())) {
    bytes += file.value("size", 0.0);
    if (file.contains("step")) steps.insert(file["step"].get<int64_t>());
  }
  fmt::print("  series      {}: {}, {}\n", series,
             steps.empty() ? "a recorded run" : counted(steps.size(), "checkpoint"),
             format_bytes(bytes));
}

/// What made the store, in a few lines; files that others cut out of it may say less.
void print_origin(const StoreReader& store) {
  std::map<std::string, std::string> said;
  for (const auto& [name, value] : store.attributes()) said[name] = value;
  const nlohmann::json configuration = json_of(said["configuration"]);
  const auto chosen = [&](const char* key) { return configuration.value(key, std::string("?")); };
  fmt::print("\nOrigin\n");
  if (said.contains("inputs")) print_series(json_of(said["inputs"]), chosen("series"));
  if (!configuration.empty()) {
    fmt::print("  samples     {}\n", chosen("samples"));
    fmt::print("  scores      {}{} by {}, axes {}\n", chosen("functional"),
               chosen("functional") == "logprob_diff"
                   ? " (log p(good) - log p(bad) of minimal pairs)"
                   : "",
               chosen("component"), chosen("axes"));
    fmt::print("  quadrature  {}, tolerance {} of {}, {}\n", chosen("quadrature"),
               chosen("tolerance"), chosen("relative-to"), chosen("precision"));
  }
  std::vector<std::string> parts;
  for (const auto& part : nlohmann::json::parse(said[merged_from], nullptr, false)) {
    if (part.is_object()) parts.push_back(part.value("file", std::string("?")));
  }
  if (!parts.empty()) fmt::print("  merged      from {}\n", fmt::join(parts, ", "));
  fmt::print("  made        {} with {} rank{} by revision {}, layout {}\n", said["created"],
             said["ranks"], said["ranks"] == "1" ? "" : "s", said["revision"], store.version());
}

/// What a certificate's table is made of.
bool has_certificates(const StoreReader& store) {
  for (const char* name :
       {"step_from", "step_to", "id", "value_from", "value_to", "residual", "quadrature_error",
        "node_count", "tolerance_met", "limited_by_precision"}) {
    if (!store.has(name) || store.variable(name).dims.empty()) return false;
  }
  return store.variable("residual").dims.front() == "segment";
}

}  // namespace

void inspect_store(const fs::path& path, bool provenance) {
  const StoreReader store(path);
  const Extent extent = extent_of(store);
  fmt::print("{}: influence store, {}, {}\n", path.string(),
             format_bytes(static_cast<double>(fs::file_size(path))), in_words(extent));
  print_variables(store);
  print_coordinates(store);
  if (provenance) {
    print_provenance(store);
  } else {
    print_origin(store);
  }
  if (extent.has_marks && extent.committed < extent.entries) {
    const bool goes_on =
        extent.whole && store.has("psi") && store.open_array("psi").chunk().empty();
    fmt::print("\nCertificates are shown where everything is committed{}.\n",
               goes_on ? ": decompose --resume goes on" : "");
    return;
  }
  if (!extent.has_marks || !has_certificates(store)) return;
  const Certificates found = print_closing_table(store, std::cout);
  fmt::print("\n{}: {} missed the tolerance, {} limited by precision\n",
             counted(found.pairs, "(segment, sample) pair"), found.missed, found.limited);
}

}  // namespace explaind
