// What the training-sample axis costs (engine D) against replaying the run's forward and backward
// passes, and what memory it takes beside per-sample momentum buffers:
//   training_axis_benchmark --case mod-113 --steps 6 --rounds 5 --functionals 8 --threads 2
// Records a run of the case's true size first (mod-113: 4,000 samples a batch; resnet9: 10,000
// samples, batches of --batch). Every round times, one after the other: the replay, the sweep of
// one functional with second moments replayed and with them stored, and of all functionals at once.
// Prints medians over rounds of times relative to the replay of the same round.

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include "core/byte_size.hpp"
#include "core/stop_flag.hpp"
#include "datasets/modular_addition.hpp"
#include "model/registry.hpp"
#include "tensors/thread_team.hpp"
#include "training/recorded_training.hpp"
#include "training_axis/adjoint_sweep.hpp"
#include "unit/temporary_folder.hpp"

using namespace explaind;

namespace {

struct Case {
  nlohmann::json model;
  TrainingData data;
  RecordedTrainingOptions training;
};

Case mod_113() {
  Case made{
      {{"name", "grokking_transformer"},
       {"config",
        {{"vocabulary", 115}, {"width", 64}, {"heads", 4}, {"inner", 512}, {"positions", 10}}}},
      modular_addition(113, 4000, 2000, 1),
      {}};
  made.training.hyperparameters = {.weight_decay = 4, .beta1 = 0.9, .beta2 = 0.98, .epsilon = 1e-8};
  made.training.schedule = {.shape = Schedule::Shape::constant, .peak = 1e-3};
  made.training.batch = 4000;
  return made;
}

Case resnet9(int64_t batch) {
  Case made{
      {{"name", "resnet9"}, {"config", {{"channels", 3}, {"width", 64}, {"classes", 2}}}}, {}, {}};
  at::manual_seed(1);
  made.data.train = {at::randint(0, 256, {10'000, 3, 32, 32}, at::kByte),
                     at::randint(0, 2, {10'000}, at::kLong)};
  made.data.validation = {made.data.train.inputs.narrow(0, 0, 64).clone(),
                          made.data.train.labels.narrow(0, 0, 64).clone()};
  made.data.transform = {.mean = {0.5, 0.5, 0.5}, .deviation = {0.3, 0.3, 0.3}};
  made.data.classes = 2;
  made.training.optimizer = OptimizerKind::sgd;
  made.training.hyperparameters = {.weight_decay = 0.005, .momentum = 0.9};
  made.training.schedule = {.shape = Schedule::Shape::constant, .peak = 0.01};
  made.training.batch = batch;
  made.training.flips = true;
  return made;
}

/// One functional a validation sample: the logit of its label.
std::vector<Predictions> predictions_of(const TrainingData& data, int64_t count, int64_t classes) {
  std::vector<Predictions> all;
  for (int64_t x = 0; x < count; ++x) {
    at::Tensor weights = at::zeros({1, classes});
    weights[0][data.validation.labels[x].item<int64_t>()] = 1;
    all.push_back({network_inputs(data.validation, data.transform, {x}, {}, at::kFloat),
                   {weighted_outputs(weights)}});
  }
  return all;
}

/// Peak resident memory since it was last asked for, in bytes.
int64_t take_peak() {
  std::ifstream status("/proc/self/status");
  int64_t kilobytes = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) kilobytes = std::stoll(line.substr(6));
  }
  std::ofstream("/proc/self/clear_refs") << 5;
  return kilobytes * 1024;
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> arguments{{"--case", "mod-113"}, {"--steps", "6"},
                                               {"--rounds", "5"},     {"--functionals", "8"},
                                               {"--threads", "2"},    {"--batch", "64"}};
  for (int i = 1; i + 1 < argc; i += 2) arguments[argv[i]] = argv[i + 1];
  const auto number = [&](const char* key) { return std::stoll(arguments[key]); };
  const ThreadTeam team(static_cast<int>(number("--threads")));
  Case chosen = arguments["--case"] == "resnet9" ? resnet9(number("--batch")) : mod_113();
  chosen.training.steps = chosen.training.schedule.steps = number("--steps");
  const auto model = build_model(chosen.model, "benchmark");
  if (chosen.training.optimizer == OptimizerKind::sgd) {  // as in its recipe, also biases decay
    chosen.training.decays.assign(model->parameters().size(), true);
  }
  const int64_t classes = arguments["--case"] == "resnet9" ? 2 : 115;

  const testing::TemporaryFolder folder;
  const auto record = [&](const char* as, bool moments) {
    // SGD has none: both runs are alike.
    chosen.training.keep_second_moments =
        moments && chosen.training.optimizer != OptimizerKind::sgd;
    RecordedTraining training(*model, chosen.data, chosen.training, {{"model", chosen.model}});
    training.run(folder / as, false, StopFlag(), [](int64_t, double) {});
    return RecordedRun::open(folder / as);
  };
  const RecordedRun plain = record("plain", false), stored = record("stored", true);
  const ComponentTable table(Granularity::tensor, model->parameters());
  AxisOptions options;
  parse_quadrature("gauss:3", options.quadrature);
  const RunGradients gradients(*model, plain, chosen.data);
  const auto all = predictions_of(chosen.data, number("--functionals"), classes);
  const std::vector<Predictions> one(all.begin(), all.begin() + 1);
  const auto sweep = [&](const RecordedRun& run, const std::vector<Predictions>& functionals,
                         bool rounding = false) {
    options.rounding = rounding;
    AdjointSweep engine({*model, run, chosen.data}, table, options);
    engine.run(FunctionalSums::each(functionals), [](const StepScores&) {});
  };
  std::vector<std::pair<std::string, std::function<void()>>> work{
      {"one functional, moments replayed", [&] { sweep(plain, one); }},
      {"one functional, moments stored", [&] { sweep(stored, one); }},
      {fmt::format("{} functionals at once, moments stored, each", all.size()),
       [&] { sweep(stored, all); }},
      {"one functional, moments replayed, rounding too", [&] { sweep(plain, one, true); }}};
  std::vector<std::vector<double>> ratios(work.size());
  std::vector<int64_t> peaks(work.size());
  std::vector<double> replays;
  for (int64_t round = 0; round < number("--rounds"); ++round) {
    replays.push_back(seconds_of([&] {
      for (int64_t s = 0; s < plain.steps(); ++s) static_cast<void>(gradients.of_step(s));
    }));
    for (size_t i = 0; i < work.size(); ++i) {
      static_cast<void>(take_peak());
      ratios[i].push_back(seconds_of(work[i].second) / replays.back());
      peaks[i] = std::max(peaks[i], take_peak());
    }
  }
  const auto d = static_cast<double>(parameter_count(*model));
  const auto m = static_cast<double>(chosen.data.train.size());
  fmt::print(
      "{}: {} parameters, {} training samples, M × D in fp32 {}; replay of {} steps {:.2f} s\n",
      arguments["--case"], parameter_count(*model), chosen.data.train.size(),
      format_bytes(m * d * 4), plain.steps(), median(replays));
  for (size_t i = 0; i < work.size(); ++i) {
    const double each = i == 2 ? static_cast<double>(all.size()) : 1;
    fmt::print("{:<48} {:.2f} × the replay, peak memory {}\n", work[i].first,
               median(ratios[i]) / each, format_bytes(static_cast<double>(peaks[i])));
  }
}
