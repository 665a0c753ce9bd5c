// What was explained and how: the facts that the page's first paragraphs and its captions state.

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "report/packed.hpp"
#include "report/section.hpp"

namespace explaind {
namespace {

using nlohmann::json;

json parsed(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  return value.is_object() ? value : json::object();
}

/// The first of these keys that config.json has: families call the same by different names.
json first_of(const json& config, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (config.contains(key)) return config[key];
  }
  return nullptr;
}

json model(const ReportSource& source) {
  const json config = parsed(source.provenance("model_config"));
  json facts;
  const json names = first_of(config, {"architectures"});
  if (names.is_array() && !names.empty() && names[0].is_string()) {
    facts["architecture"] = names[0];
  } else {
    facts["architecture"] = first_of(config, {"model", "name", "model_type"});
  }
  facts["layers"] = first_of(config, {"num_hidden_layers", "n_layer", "num_layers"});
  facts["width"] = first_of(config, {"hidden_size", "n_embd", "width"});
  facts["heads"] = first_of(config, {"num_attention_heads", "n_head", "heads"});
  return facts;
}

/// How the numbers were made, as far as the store says.
json making(const ReportSource& source) {
  json made;
  const json& configuration = source.configuration();
  for (const char* key : {"functional", "component", "axes", "quadrature", "tolerance",
                          "relative-to", "precision", "source", "parts", "group-reduce", "steps",
                          "step-policy", "store-dtype", "absolute-tolerance"}) {
    if (configuration.contains(key)) made[key] = configuration[key];
  }
  made["revision"] = source.provenance("revision");
  made["created"] = source.provenance("created");
  if (source.anonymous()) return made;
  made["store"] = source.store().path();
  for (const char* key : {"series", "samples"}) {
    if (configuration.contains(key)) made[key] = configuration[key];
  }
  return made;
}

/// Of the certificates: how many pairs, and the worst of them.
json exactness(const ReportSource& source) {
  json facts;
  double largest = 0, sum = 0, change = 0;
  const std::vector<double> residual = source.per_sample("residual");
  for (const double each : residual) {
    if (std::isnan(each)) continue;
    largest = std::max(largest, std::abs(each));
    sum += std::abs(each);
  }
  const std::vector<double> from = source.per_sample("value_from"),
                            to = source.per_sample("value_to");
  for (size_t i = 0; i < from.size() && i < to.size(); ++i) {
    if (std::isfinite(to[i] - from[i])) change += std::abs(to[i] - from[i]);
  }
  const auto flagged = [&](const char* name, double value) {
    const std::vector<double> flags = source.per_sample(name);
    return std::count(flags.begin(), flags.end(), value);
  };
  facts["residual"] = residual.empty() ? json() : number(largest);
  facts["residual_sum"] = residual.empty() ? json() : number(sum);
  facts["change_sum"] = from.empty() ? json() : number(change);
  facts["missed"] = flagged("tolerance_met", 0.0);
  facts["limited"] = flagged("limited_by_precision", 1.0);
  double nodes = 0;
  int64_t counted = 0;
  for (const double each : source.per_sample("node_count")) {
    if (each > 0) nodes += each, ++counted;
  }
  facts["mean_nodes"] = counted > 0 ? json(nodes / static_cast<double>(counted)) : json();
  return facts;
}

/// ΔF over segments that were left out of the store, a mean over samples; null where none was.
json left_out(const ReportSource& source) {
  if (!source.store().has("left_out")) return nullptr;
  const std::vector<double> values = source.store().read("left_out");
  double sum = 0;
  for (const double each : values) sum += each;
  return values.empty() ? json() : number(sum / static_cast<double>(values.size()));
}

json step_columns(const ReportSource& source) {
  json from = json::array(), to = json::array(), merged = json::array();
  for (const StepColumn& column : source.columns()) {
    from.push_back(column.step_from);
    to.push_back(column.step_to);
    merged.push_back(column.last - column.first + 1);
  }
  return {{"from", from}, {"to", to}, {"merged", merged}};
}

json cohorts(const ReportSource& source) {
  json list = json::array();
  for (const Cohort& each : source.cohorts()) {
    list.push_back({{"label", source.shown_label(each)}, {"samples", each.samples.size()}});
  }
  list[0]["label"] = "";
  return list;
}

}  // namespace

json about_section(const ReportSource& source) {
  const StoreReader& store = source.store();
  json tokens;
  if (store.has("length")) {
    int64_t sum = 0;
    for (const int64_t each : store.numbers("length")) sum += each;
    tokens = sum;
  }
  const std::set<std::string> groups(source.groups().begin(), source.groups().end());
  return {{"model", model(source)},
          {"made", making(source)},
          {"exactness", exactness(source)},
          {"left_out", left_out(source)},
          {"segments", source.segments()},
          {"samples", source.samples()},
          {"groups", groups.size()},
          {"tokens", tokens},
          {"components", source.axis("component")->size},
          {"unit", store.unit("psi")},
          {"output", source.output()},
          {"sums", source.cohort_scores() == CohortScores::sum},
          {"columns", step_columns(source)},
          {"cohorts", cohorts(source)},
          {"cohort_coordinate", source.cohort_coordinate()},
          {"cohorts_left_out", source.cohorts_left_out()},
          {"complete", source.complete()},
          {"pairs",
           {{"there", source.committed_pairs()},
            {"in_all", source.segments() * std::max<size_t>(1, source.samples())}}},
          {"anonymous", source.anonymous()}};
}

}  // namespace explaind
