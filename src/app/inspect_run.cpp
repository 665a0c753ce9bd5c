#include "app/inspect_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <string>

#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "runs/recorded_run.hpp"

namespace explaind {
namespace {

int64_t elements(const RunParameter& parameter) {
  return std::accumulate(parameter.shape.begin(), parameter.shape.end(), int64_t{1},
                         std::multiplies<>());
}

void print_what(const RecordedRun& run) {
  const RunDescription& about = run.description();
  int64_t count = 0;
  for (const RunParameter& parameter : about.parameters) count += elements(parameter);
  std::set<int64_t> sizes;
  for (int64_t s = 0; s < run.steps(); ++s) {
    sizes.insert(static_cast<int64_t>(run.batch(s).samples.size()));
  }
  fmt::print("  model      {}, {} parameters in {}, {}\n",
             about.json["model"]["name"].get<std::string>(), count,
             counted(about.parameters.size(), "tensor"),
             about.dtype == Dtype::f64 ? "fp64" : "fp32");
  fmt::print("  data       {}, batches of {}{}\n", counted(about.samples, "training sample"),
             fmt::join(sizes, " or "), about.flips ? ", flips recorded" : "");
  fmt::print("  steps      {} in {}, {}\n", run.steps(), counted(run.blocks(), "block"),
             run.complete() ? "complete" : "not finished (record --resume goes on)");
  fmt::print("  stored     weights{}{}\n", about.second_moments ? ", second moments" : "",
             about.gradients ? ", gradients" : "");
}

void print_optimizer(const RecordedRun& run) {
  const RunDescription& about = run.description();
  fmt::print("  optimizer  {}\n", to_string(about.optimizer));
  for (size_t g = 0; g < about.groups.size(); ++g) {
    Hyperparameters values = run.hyperparameters(0, g);
    std::string line;
    for (const std::string& key : hyperparameter_keys(about.optimizer)) {
      line += fmt::format(", {} {:g}", key, hyperparameter(values, key));
    }
    if (values.nesterov) line += ", nesterov";
    const auto members = std::count_if(
        about.parameters.begin(), about.parameters.end(),
        [&](const RunParameter& parameter) { return parameter.group == static_cast<int64_t>(g); });
    fmt::print("    group {}  {}{}\n", g, counted(members, "tensor"), line);
  }
}

/// Some ten steps of the run, evenly spread, with the first and the last.
void print_steps(const RecordedRun& run) {
  constexpr int64_t rows = 10;
  const int64_t last = run.steps() - 1;
  fmt::print("\n{:>8}  {:>13}  {:>10}  {:>11}\n", "step", "learning rate", "clip", "loss [nats]");
  std::set<int64_t> shown;
  for (int64_t i = 0; i <= rows; ++i) shown.insert(last * i / rows);
  for (const int64_t s : shown) {
    const auto loss = run.loss(s);
    fmt::print("{:>8}  {:>13.5g}  {:>10.5g}  {:>11}\n", s, run.hyperparameters(s, 0).learning_rate,
               run.clip(s), loss ? fmt::format("{:.5g}", *loss) : "-");
  }
}

void print_parameters(const RecordedRun& run) {
  fmt::print("\n");
  size_t width = 0;
  for (const RunParameter& parameter : run.description().parameters) {
    width = std::max(width, parameter.name.size());
  }
  for (size_t i = 0; i < run.description().parameters.size(); ++i) {
    const RunParameter& parameter = run.description().parameters[i];
    const bool untouched = run.steps() > 0 && run.update_count(run.steps() - 1, i) == 0;
    fmt::print("  {:<{}}  group {}  {}{}\n", parameter.name, width, parameter.group,
               shape_to_string(parameter.shape), untouched ? "  never had a gradient" : "");
  }
}

}  // namespace

void inspect_run(const std::filesystem::path& path) {
  const RecordedRun run = RecordedRun::open(path, RecordedRun::Require::any);
  fmt::print("{}: recorded run\n", path.string());
  print_what(run);
  if (run.steps() > 0) print_optimizer(run);
  if (run.ending().contains("validation")) {
    fmt::print("  validation {}\n", run.ending()["validation"].dump());
  }
  if (run.steps() > 0) print_steps(run);
  print_parameters(run);
}

}  // namespace explaind
