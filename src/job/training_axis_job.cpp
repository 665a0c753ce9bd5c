#include "job/training_axis_job.hpp"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "comm/dispatcher.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/progress.hpp"
#include "core/stop_flag.hpp"
#include "job/training_axis_cost.hpp"
#include "solver/run.hpp"
#include "store/store_size.hpp"

namespace explaind {

MemoryPlan TrainingAxisJob::plan_memory(int shards) const {
  require_training_axis(problem(), shards);
  return UnitJob::plan_memory(shards);
}

void TrainingAxisJob::prepare(const StoreClaim& claim, const Control& control) {
  UnitJob::prepare(claim, control);
  agree(place().world, [&] { axis_.emplace(problem(), memory(), budget().host); });
}

StoreSchema TrainingAxisJob::schema() const {
  StoreSchema schema = UnitJob::schema();
  axis_->describe(schema);
  return schema;
}

JobEnd TrainingAxisJob::run(const std::vector<int64_t>& todo, ScoreSink& sink,
                            const Control& control) const {
  const UnitGrid& units = problem().units;
  std::vector<uint8_t> wanted(static_cast<size_t>(units.size()), 0);
  std::set<int64_t> open;
  for (const int64_t unit : todo) {
    wanted[static_cast<size_t>(unit)] = 1;
    open.insert(unit % units.per_segment());
  }
  const std::vector<int64_t> chunks(open.begin(), open.end());
  const Communicator& world = place().world;
  const auto count = static_cast<int64_t>(chunks.size());
  if (world.rank() == 0) control.listener.begin("decompose", count);
  Dispatcher dispatcher(world, count, control.stop, [&](int64_t, int, const std::string& note) {
    control.listener.advance(1, note);
  });
  const auto write = [&](const ScoreTile& tile) {
    sink.write(tile);
    if (dispatcher.stops()) throw StopRequested("stopped on request");
  };
  for_units(dispatcher, grid().segment_group(), chunks, [&](int64_t chunk) {
    try {
      axis_->run_chunk(chunk, wanted, write);
    } catch (const StopRequested&) {
      return UnitEnd::left;
    }
    return UnitEnd::done;
  });
  dispatcher.finish();
  if (world.rank() == 0) control.listener.finish();
  return {.stopped = dispatcher.stopped(), .account = ""};
}

namespace {

/// Chunks are the units, and each reads the weights of all steps.
std::vector<ScalingRow> scaling_of(const Problem& problem, const TrainingAxisCost& cost,
                                   int64_t ranks, const PlannedNodes& nodes) {
  const int64_t chunks = problem.units.per_segment();
  const double of_chunk = cost.seconds / static_cast<double>((chunks + ranks - 1) / ranks);
  SimulatedWork work;
  work.units.assign(static_cast<size_t>(chunks), {.seconds = of_chunk, .segment = 0});
  work.points = {{0}};
  work.point_bytes = cost.bytes_of_steps;
  std::vector<ScalingShape> shapes;
  for (const int64_t each : doubling(ranks, 1)) {
    shapes.push_back({.ranks = each,
                      .memory = cost.memory,
                      .units_alone = of_chunk * static_cast<double>(chunks),
                      .work = work});
  }
  return scaling_rows(shapes, {.ranks_of_node = nodes.ranks_of_node,
                               .read_rate = nodes.read_rate,
                               .network_rate = nodes.network_rate});
}

}  // namespace

JobCost TrainingAxisJob::cost(const CostOptions& options) const {
  const Problem& problem = Job::problem();
  const bool groups = problem.solver.axes.train_group;
  JobCost said;
  agree(place().world, [&] {
    const TrainingAxis axis(problem, memory(), budget().host);
    const TrainingAxisCost cost = training_axis_cost(problem, axis, place().ranks);
    StoreSchema schema = UnitJob::schema();
    axis.describe(schema);
    said.heading = fmt::format(
        "{}, {}, {} in {}, {} on {}", counted(axis.steps(), "step"),
        counted(axis.groups().names.size(), groups ? "training group" : "training sample"),
        counted(problem.samples.size(), "sample"), counted(problem.units.per_segment(), "chunk"),
        counted(problem.components.size(), "component"), counted(place().ranks, "rank"));
    const std::string engine =
        axis.applied() ? fmt::format(
                             "momentum of every training {}, by the step applied, in {} of "
                             "parameters",
                             groups ? "group" : "sample", counted(cost.blocks, "block"))
                       : "D: adjoint sweep backward over the steps, by the step of origin";
    said.lines = {
        {"engine", engine},
        {"memory", format_bytes(static_cast<double>(cost.memory)) + " a rank"},
        {"read", format_bytes(cost.bytes_read) + " a rank"},
        {"store", format_bytes(static_cast<double>(store_bytes(schema)))},
        {"operations", fmt::format("{:.3g} passes over training batches a rank", cost.passes)},
        {"time", fmt::format("{} on ranks as fast as this one, at {:.3g} evaluations a sample and "
                             "step (measured)",
                             format_duration(cost.seconds), cost.evaluations)}};
    if (options.nodes) {
      said.scaling = scaling_of(problem, cost, place().ranks, *options.nodes);
    }
  });
  return said;
}

}  // namespace explaind
