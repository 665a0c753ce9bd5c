#include "verification/recomputed_question.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>

#include "core/error.hpp"
#include "job/provenance.hpp"

namespace explaind {
namespace {

using Json = nlohmann::ordered_json;
using Attributes = std::vector<std::pair<std::string, std::string>>;

/// "step 100 (step-100/model.safetensors)"
std::string name_of(const Json& file) {
  const std::string name = file.value("file", file.value("revision", std::string("?")));
  return file.contains("step")
             ? fmt::format("checkpoint of step {} ({})", file["step"].get<int64_t>(), name)
             : name;
}

/// What of two files' descriptions says other contents; paths and times may differ.
std::string difference(const Json& stored, const Json& now) {
  for (const char* key : {"step", "revision", "size", "header_crc32", "crc32", "sha256"}) {
    if (!stored.contains(key) || !now.contains(key) || stored[key] == now[key]) continue;
    return fmt::format("its {} is {} and was {}", key, now[key].dump(), stored[key].dump());
  }
  return "";
}

void require_same_files(const std::string& where, const Json& stored, const Json& now) {
  constexpr const char* remedy = "Name the series that the store was made from";
  for (size_t i = 0; i < std::max(stored.size(), now.size()); ++i) {
    if (i >= now.size()) {
      throw DataError(where, name_of(stored[i]) + " is not there any more", remedy);
    }
    if (i >= stored.size()) {
      throw DataError(where, name_of(now[i]) + " was not there when the store was made", remedy);
    }
    const std::string other = difference(stored[i], now[i]);
    if (other.empty()) continue;
    throw DataError(where, name_of(now[i]) + " is not what the store was made from: " + other,
                    remedy);
  }
}

/// Less where it lies.
Json without_paths(Json inputs) {
  if (inputs.is_object()) inputs.erase("file");
  for (auto& each : inputs) {
    if (each.is_object()) each.erase("file");
  }
  return inputs;
}

std::string text_of(const std::map<std::string, std::string>& attributes, const char* name) {
  const auto found = attributes.find(name);
  return found == attributes.end() ? "" : found->second;
}

}  // namespace

void require_same_inputs(const StoreReader& store, const Problem& asked) {
  const Attributes attributes = store.attributes(), fresh = provenance(asked, "", 1);
  const std::map<std::string, std::string> stored(attributes.begin(), attributes.end());
  const std::map<std::string, std::string> now(fresh.begin(), fresh.end());
  const Json before = Json::parse(text_of(stored, "inputs"), nullptr, false);
  const Json after = Json::parse(text_of(now, "inputs"));
  if (!before.is_object() || !before.contains("series") || !before.contains("samples")) {
    throw DataError(store.path(), "does not say what it was made from",
                    "Verify it without --series");
  }
  const DecomposeOptions& options = asked.question.written;
  require_same_files(options.series, before["series"], after["series"]);
  if (without_paths(before["samples"]) != without_paths(after["samples"])) {
    throw DataError(options.samples,
                    "are other samples than the store was made from, or another tokenizer's tokens",
                    "Name the file that it was made from with --samples");
  }
  for (const char* of_steps : {"training_batch", "optimizers"}) {
    if (without_paths(before.value(of_steps, Json())) ==
        without_paths(after.value(of_steps, Json()))) {
      continue;
    }
    throw DataError(options.series,
                    fmt::format("another {} than the store was made from", of_steps),
                    "Give the files that it was made from their names again");
  }
  if (text_of(stored, "model_config") != text_of(now, "model_config")) {
    throw DataError(options.series, "has another config.json than the store was made from",
                    "Name the series that it was made from");
  }
}

DecomposeOptions put_otherwise(const Problem& asked, int64_t most_nodes) {
  DecomposeOptions options = asked.question.written;
  // A training axis is computed in the run's own type.
  if (!asked.run() || !asked.question.keeps_training()) options.precision = "fp64";
  options.store_dtype = "f64";
  if (options.component == "parameter") options.component = "tensor";
  const QuadratureOptions& rule = asked.solver.quadrature;
  if (!finds_nodes(rule)) return options;
  if (rule.smoothness == Smoothness::smooth) {
    options.quadrature = fmt::format("gauss:{}", std::clamp<int64_t>(most_nodes, 12, 129));
    return options;
  }
  options.tolerance /= 10;
  options.absolute_tolerance = rule.absolute / 10;
  options.max_nodes = 129;
  options.max_kink_nodes *= 10;
  return options;
}

std::vector<int64_t> chosen_places(int64_t count, double share, uint64_t seed) {
  std::vector<int64_t> places(static_cast<size_t>(count));
  std::iota(places.begin(), places.end(), int64_t{0});
  std::mt19937_64 random(seed);
  const auto wanted =
      std::clamp<int64_t>(static_cast<int64_t>(std::ceil(share * static_cast<double>(count))),
                          std::min<int64_t>(1, count), count);
  for (int64_t i = 0; i < wanted; ++i) {  // the standard's own shuffle differs between libraries
    const auto other = i + static_cast<int64_t>(random() % static_cast<uint64_t>(count - i));
    std::swap(places[static_cast<size_t>(i)], places[static_cast<size_t>(other)]);
  }
  places.resize(static_cast<size_t>(wanted));
  std::sort(places.begin(), places.end());
  return places;
}

double parse_share(const std::string& text) {
  size_t read = 0;
  double percent = 0;
  try {
    percent = std::stod(text, &read);
  } catch (const std::exception&) {
    read = 0;
  }
  if (read == 0 || text.substr(read) != "%" || !(percent > 0) || percent > 100) {
    throw UsageError("--sample", "'" + text + "' is no share of units",
                     "Use a percentage above 0% and up to 100%, as 10%");
  }
  return percent / 100;
}

}  // namespace explaind
