// What units of tensors' scores will take, measured on all ranks at once.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "job/classifier_cost.hpp"
#include "job/forming_cost.hpp"
#include "job/probe.hpp"
#include "job/unit_job.hpp"
#include "planner/cost_model.hpp"
#include "store/store_size.hpp"

namespace explaind {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

std::string bytes(double count) { return format_bytes(count); }
std::string bytes(int64_t count) { return format_bytes(static_cast<double>(count)); }

std::string size_of_store(const Job& job) {
  return bytes(static_cast<double>(store_bytes(job.schema())));
}

/// Evaluations of gradients a sample and segment, and where they are known from.
struct Evaluations {
  double mean = 12;                ///< assumed where it would take too long to measure
  std::optional<PlanProbe> probe;  ///< was run
  bool given = false;              ///< or the rule is fixed
};

Evaluations evaluations_of(const CostOptions& options, const Problem& problem) {
  const QuadratureOptions& rule = problem.solver.quadrature;
  if (!finds_nodes(rule)) {
    return {static_cast<double>(rule.nodes), {}, true};
  }
  if (options.evaluations && !(*options.evaluations > 0)) {
    throw UsageError("--evaluations", "a sample needs some", "Give a number above 0");
  }
  if (options.evaluations) return {*options.evaluations, {}, true};
  return {};
}

/// The largest of all ranks' seconds. @collective over world
double slowest(double seconds, const Communicator& world) { return world.maximum(seconds); }

/// The slowest rank's, since all wait for it. @collective over world
Calibration slowest(Calibration times, const Communicator& world) {
  for (double* each : {&times.finite, &times.delta, &times.weight, &times.forward,
                       &times.attributed, &times.head, &times.gather}) {
    *each = slowest(*each, world);
  }
  times.rate = -world.maximum(-times.rate);
  return times;
}

/// Runs some pieces; the slowest rank's times count. @collective over world
void probe_all(const Problem& problem, const MemoryPlan& memory, const Communicator& world,
               Evaluations& evaluations) {
  agree(world, [&] { evaluations.probe = probe_pieces(problem, memory, probe_seconds); });
  PlanProbe& found = *evaluations.probe;
  evaluations.mean = found.evaluations;
  for (double* each : {&found.seconds, &found.shortest, &found.longest}) {
    *each = slowest(*each, world);
  }
}

/// Micro-batches of the samples.
int64_t batches_of(const Problem& problem) {
  const auto samples = static_cast<int64_t>(problem.samples.size());
  return (samples + problem.solver.micro_batch - 1) / problem.solver.micro_batch;
}

/// Micro-batches of a rank whose unit so many ranks share, over all pieces.
double batches_of_group(const Problem& problem, int64_t shards) {
  const int64_t batches = batches_of(problem);
  return static_cast<double>(batches * problem.trajectory->segments()) /
         static_cast<double>(std::min(shards, batches));
}

/// Those of the rank with most of them.
double batches_of_rank(const Job& job) {
  return batches_of_group(job.problem(), job.grid_choice().shards) /
         static_cast<double>(std::min(job.groups(), job.problem().units.size()));
}

/// Rank-seconds of what costs so many seconds on the ranks there are.
double of_all_ranks(const Job& job, double seconds) {
  return seconds * static_cast<double>(std::min(job.groups(), job.problem().units.size()) *
                                       job.grid_choice().shards);
}

std::string reason(const Job& job) {
  const MemoryPlan& memory = job.memory();
  const int64_t there = memory.on_device ? job.budget().device : job.budget().host;
  if (job.problem().question.written.parameters != "auto") return "as asked";
  return memory.source == Source::resident
             ? "W(t) and Δ of the whole model fit " + bytes(there)
             : "W(t) and Δ of the whole model do not fit " + bytes(there);
}

void add_memory(const MemoryPlan& memory, int64_t expected, Lines& lines) {
  std::string text = fmt::format("{} a rank", bytes(expected));
  if (memory.total() > expected) {
    text += fmt::format(" ({} if many nodes are needed)", bytes(memory.total()));
  }
  text += fmt::format(": program {}", bytes(memory.base));
  const auto computing = [&](int64_t activations) {
    std::string of = fmt::format(", weights {}", bytes(memory.weights()));
    if (memory.endpoints > 0) of += fmt::format(", endpoints {}", bytes(memory.endpoints));
    of += fmt::format(", graph {}", bytes(memory.graph));
    if (activations > 0) of += fmt::format(", activations {}", bytes(activations));
    return of;
  };
  if (!memory.on_device) {
    text += computing(MemoryPlan::held(memory.activations) - (memory.total() - expected));
  }
  if (memory.shares > 0) text += fmt::format(", shares of endpoints {}", bytes(memory.shares));
  if (memory.dense > 0) text += fmt::format(", gradients and scalars {}", bytes(memory.dense));
  if (memory.accumulators > 0) text += fmt::format(", scores {}", bytes(memory.accumulators));
  lines.emplace_back("memory", text);
  if (!memory.on_device) return;
  lines.emplace_back(
      "device memory",
      fmt::format("{} a rank: CUDA {}", bytes(memory.device_total()), bytes(memory.device_base)) +
          computing(MemoryPlan::held(memory.activations)));
}

std::string time_text(double seconds, const Evaluations& evaluations, double batches) {
  const std::string text =
      fmt::format("{} on ranks as fast as this one, at {:.3g} evaluations a sample",
                  format_duration(seconds), evaluations.mean);
  if (!evaluations.probe) return text + (evaluations.given ? "" : " (assumed: --evaluations)");
  const PlanProbe& probe = *evaluations.probe;
  return text + fmt::format(
                    " (measured on {}, {:.3g} to {:.3g}; {} to {} if all were as easy, or as hard)",
                    counted(probe.pieces, "segment"), probe.least, probe.most,
                    format_duration(batches * probe.shortest),
                    format_duration(batches * probe.longest));
}

JobCost classifier_text(const Job& job, const ClassifierCost& cost, const Evaluations& evaluations,
                        const std::string& also_engine) {
  const Problem& problem = job.problem();
  const bool forward =
      choose_engine(problem.components, problem.computation.precision, problem.solver.outputs,
                    problem.trajectory->directions()) == ClassifierEngine::forward;
  JobCost said;
  said.heading = fmt::format(
      "{} in {}, {}, {}, {}: {} on {}", counted(problem.trajectory->segments(), "step"),
      counted(problem.pieces.size(), "segment"), counted(problem.samples.size(), "sample"),
      counted(problem.solver.outputs, "output"), counted(problem.components.size(), "component"),
      counted(problem.units.size(), "unit"), counted(job.place().ranks, "rank"));
  const char* engine = forward ? "C: tangents of every tensor, all outputs at once"
                               : "A: contraction in the backward pass, one for every output";
  said.lines.emplace_back("engine", engine + also_engine);
  add_memory(job.memory(), job.memory().total(), said.lines);
  said.lines.emplace_back("store", size_of_store(job));
  said.lines.emplace_back(
      "one evaluation",
      fmt::format("{:.2g} s for {} samples", cost.per_evaluation,
                  std::min<int64_t>(problem.solver.micro_batch,
                                    static_cast<int64_t>(problem.samples.size()))));
  said.lines.emplace_back("time", time_text(cost.seconds, evaluations, batches_of_rank(job)));
  return said;
}

struct NetworkCost {
  CostEstimate estimate;
  Calibration times;
  FormingCost forming;
};

JobCost network_text(const Job& job, const NetworkCost& cost, const Evaluations& evaluations,
                     int threads, const std::string& also_engine) {
  const Problem& problem = job.problem();
  const ChosenDevice& device = job.place().device;
  JobCost said;
  said.heading = fmt::format(
      "{}, {}, {}: {} on {} of {} ({})", counted(problem.pieces.size(), "segment"),
      counted(problem.samples.size(), "sample"), counted(problem.components.size(), "component"),
      counted(problem.units.size(), "unit"), counted(job.groups(), "group"),
      counted(job.grid_choice().shards, "rank"), job.grid_choice().reason);
  const auto add = [&](const char* word, std::string text) {
    said.lines.emplace_back(word, std::move(text));
  };
  add("device", fmt::format("{} ({})", device.device.is_cuda() ? "cuda" : "cpu", device.reason));
  add("products", to_string(problem.computation.form));
  add("engine", "A: contraction in the backward pass (per-sample scores)" + also_engine);
  add("parameters", to_string(job.memory().source) + ": " + reason(job));
  add_memory(job.memory(), cost.estimate.memory, said.lines);
  add("read", bytes(cost.estimate.bytes_read) + " a rank");
  add("received", bytes(cost.estimate.bytes_received) + " a rank");
  add("store", size_of_store(job));
  if (problem.steps) {
    add("steps",
        fmt::format("{} of {} training samples in {} parts each: {} beside the store while "
                    "it runs",
                    problem.path().size(), problem.steps->batches.front().samples.size(),
                    problem.trajectory->directions(), bytes(cost.forming.bytes)));
  }
  add("operations",
      fmt::format("{:.3g} a rank; {:.3g} a second measured here with {}", cost.estimate.operations,
                  cost.times.rate, counted(threads, "thread")));
  add("time", time_text(cost.estimate.seconds, evaluations, batches_of_rank(job)));
  return said;
}

/// Seconds of pieces that were run, where any were.
std::map<int64_t, double> of_piece(const Evaluations& evaluations) {
  return evaluations.probe ? evaluations.probe->of_piece : std::map<int64_t, double>{};
}

/// of_batch: seconds of a micro-batch on a piece. more: of other scores, on the ranks there are.
UnitTimes times_of_classifier(const Job& job, double of_batch, const Evaluations& evaluations,
                              double more) {
  const double more_of_all = of_all_ranks(job, more);
  return {.of_group =
              [&job, of_batch, more_of_all](int shards, const MemoryPlan& memory) {
                return GroupCost{.seconds = batches_of_group(job.problem(), shards) * of_batch +
                                            more_of_all / shards,
                                 .memory = memory.total()};
              },
          .of_piece = of_piece(evaluations)};
}

/// more: as above. Segments that were run tell more than the calibration.
UnitTimes times_of_network(const Job& job, const Calibration& times, const Evaluations& evaluations,
                           double more) {
  const Problem& problem = job.problem();
  const auto all_units = [&problem, times, mean = evaluations.mean](int shards,
                                                                    const MemoryPlan& memory) {
    return estimate_cost(demand_of(problem, shards), memory, times, problem.units, 1, mean);
  };
  const double run = evaluations.probe ? batches_of_group(problem, 1) * evaluations.probe->seconds /
                                             all_units(1, job.memory()).seconds
                                       : 1;
  const double more_of_all = of_all_ranks(job, more);
  return {.of_group =
              [=](int shards, const MemoryPlan& memory) {
                const CostEstimate all = all_units(shards, memory);
                const double computing = all.seconds - all.bytes_received * times.gather;
                return GroupCost{.seconds = run * computing + more_of_all / shards,
                                 .received = all.bytes_received,
                                 .memory = all.memory};
              },
          .before =
              [&problem, times](int64_t ranks) {
                return problem.steps ? forming_cost(problem, times, ranks).seconds : 0;
              },
          .of_piece = of_piece(evaluations),
          .gather_second = times.gather};
}

}  // namespace

JobCost UnitJob::cost(const CostOptions& options) const {
  return problem().network() == nullptr ? classifier_cost(options) : network_cost(options);
}

JobCost UnitJob::classifier_cost(const CostOptions& options) const {
  const Problem& problem = Job::problem();
  const Communicator& world = place().world;
  Evaluations evaluations = evaluations_of(options, problem);
  if (!evaluations.given) probe_all(problem, memory(), world, evaluations);
  const double more = more_seconds(evaluations.mean);
  ClassifierCost cost;
  agree(world, [&] {
    cost = explaind::classifier_cost(problem, memory(), evaluations.mean, place().ranks,
                                     calibration_seconds);
    if (evaluations.probe) cost.seconds = batches_of_rank(*this) * evaluations.probe->seconds;
    cost.seconds += more;
  });
  JobCost said = classifier_text(*this, cost, evaluations, also_engine());
  if (options.nodes) {
    const double of_batch =
        evaluations.probe ? evaluations.probe->seconds : cost.per_evaluation * evaluations.mean;
    said.scaling = scaling(*options.nodes, times_of_classifier(*this, of_batch, evaluations, more));
  }
  return said;
}

JobCost UnitJob::network_cost(const CostOptions& options) const {
  const Problem& problem = Job::problem();
  const Communicator& world = place().world;
  Evaluations evaluations = evaluations_of(options, problem);
  const MemoryDemand demand = demand_of(problem, grid_choice().shards);
  NetworkCost cost;
  agree(world, [&] {
    cost.times = calibrate(demand, calibration_seconds, demand.shards > 1 || options.nodes);
  });
  cost.times = slowest(cost.times, world);
  const auto estimate = [&] {
    return estimate_cost(demand, memory(), cost.times, problem.units, groups(), evaluations.mean);
  };
  cost.estimate = estimate();
  // An optimizer's steps are not formed yet; gathered parameters need the group.
  const bool possible = !evaluations.given && !problem.steps &&
                        memory().source != Source::gathered &&
                        cost.estimate.seconds < batches_of_rank(*this) * probe_seconds;
  if (possible) {
    probe_all(problem, memory(), world, evaluations);
    cost.estimate = estimate();
    cost.estimate.seconds = batches_of_rank(*this) * evaluations.probe->seconds;
  }
  const double more = more_seconds(evaluations.mean);
  cost.estimate.seconds += more;
  if (problem.steps) cost.forming = forming_cost(problem, cost.times, place().ranks);
  cost.estimate.seconds += cost.forming.seconds;
  cost.estimate.operations += cost.forming.operations;
  JobCost said = network_text(*this, cost, evaluations, options.threads, also_engine());
  if (options.nodes) {
    said.scaling = scaling(*options.nodes, times_of_network(*this, cost.times, evaluations, more));
  }
  return said;
}

}  // namespace explaind
