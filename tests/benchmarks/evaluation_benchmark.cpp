// Times one gradient evaluation with all sample × component scores, as the sweep does it:
//   evaluation_benchmark --series DIR --samples FILE --component tensor --axes sample --threads 2
//   --evaluations 5 --parameters resident --nodes 1
// A round has `nodes` nodes, as many as share an opened block under `streamed`; a time is a round's
// over its nodes. Prints {"seconds_per_evaluation": [...]}; the first, a warm-up, is left out.
// Forming W(t) and, streamed, Δ is inside.

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "checkpoint/series.hpp"
#include "parameters/block_parameters.hpp"
#include "parameters/resident_parameters.hpp"
#include "path/trajectory.hpp"
#include "samples/batch.hpp"
#include "solver/unit_solver.hpp"
#include "sweeps/block_major_sweep.hpp"
#include "sweeps/node_major_sweep.hpp"
#include "tensors/thread_team.hpp"

using namespace explaind;

int main(int argc, char** argv) {
  std::map<std::string, std::string> arguments{
      {"--component", "tensor"}, {"--axes", "sample"},      {"--threads", "1"},
      {"--evaluations", "5"},    {"--micro-batch", "1000"}, {"--parameters", "resident"},
      {"--nodes", "1"}};
  for (int i = 1; i + 1 < argc; i += 2) arguments[argv[i]] = argv[i + 1];
  const ThreadTeam team(std::stoi(arguments["--threads"]));

  CheckpointSeries series = CheckpointSeries::open(arguments["--series"]);
  const auto network = build_network(series.config(), "config.json");
  const std::vector<Sample> samples =
      load_samples(arguments["--samples"], {.vocabulary = network->vocabulary(),
                                            .max_length = network->max_positions(),
                                            .truncate = false,
                                            .tokenizer_directory = {}});
  const PathTrajectory trajectory(std::make_shared<CheckpointPath>(series, network->parameters()));
  const ComponentTable table(parse_granularity(arguments["--component"]), network->parameters());
  const Axes axes = parse_axes(arguments["--axes"]);
  std::unique_ptr<ParameterSource> parameters;
  std::unique_ptr<Sweep> sweep;
  if (arguments["--parameters"] == "streamed") {
    parameters = std::make_unique<BlockParameters>(*network, trajectory, Precision{},
                                                   std::make_unique<MappedEndpoints>(trajectory));
    sweep = std::make_unique<BlockMajorSweep>(
        *network, *parameters, table, BlockMajorOptions{.activation_bytes = int64_t{1} << 40});
  } else {
    parameters = std::make_unique<ResidentParameters>(*network, trajectory, Precision{});
    sweep = std::make_unique<NodeMajorSweep>(*network, *parameters, table);
  }
  parameters->load(0);

  const auto micro_batch = static_cast<size_t>(std::stoll(arguments["--micro-batch"]));
  ChunkBatches chunk;
  int64_t positions = 0;
  for (size_t first = 0; first < samples.size(); first += micro_batch) {
    const size_t count = std::min(micro_batch, samples.size() - first);
    chunk.batches.push_back(
        make_micro_batch(std::span(samples).subspan(first, count), Functional::loss()));
    chunk.first.push_back(static_cast<int64_t>(first));
    positions = std::max(positions, chunk.batches.back().positions);
  }
  const auto size = static_cast<int64_t>(samples.size());
  const int nodes = std::stoi(arguments["--nodes"]);
  const auto plan = make_plan({.rule = "midpoint", .nodes = nodes}, size,
                              static_cast<int64_t>(table.parameters().size()), false);
  std::vector<Ask> asks;
  for (const Ask& ask : plan->next()) {
    if (!ask.value_only) asks.push_back(ask);
  }
  ScoreAccumulator sink(table, {.samples = size,
                                .positions = axes.position ? positions : 0,
                                .accumulators = plan->accumulators(),
                                .keep_scores = !table.sums_of_tensors() || axes.position});
  std::cout << "{\"seconds_per_evaluation\": [";
  for (int i = 0; i <= std::stoi(arguments["--evaluations"]); ++i) {
    // Other nodes in every round: weights that are there already would not be formed again.
    for (Ask& ask : asks) ask.t += i % 2 == 0 ? 1e-3 : -1e-3;
    const auto start = std::chrono::steady_clock::now();
    sweep->run(chunk, asks, sink);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (i > 0) std::cout << (i > 1 ? ", " : "") << seconds.count() / nodes;
  }
  std::cout << "]}\n";
}
