#include "job/training_axis_cost.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>

#include "training/tensor_of.hpp"
#include "training_axis/adjoint_sweep.hpp"
#include "training_axis/applied_scores.hpp"

namespace explaind {
namespace {

/// The quicker of two: the first one finds cold caches.
double seconds_of(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  double least = 0;
  for (int i = 0; i < 2; ++i) {
    const auto start = Clock::now();
    work();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    least = i == 0 ? seconds : std::min(least, seconds);
  }
  return least;
}

/// Seconds of what a step is made of.
struct StepTimes {
  double replay = 0;    ///< a batch's gradient, and the optimizer's update from it
  double integral = 0;  ///< G of a chunk's functionals
  double rest = 0;      ///< an engine's step without G: gradient, update and scores, all blocks
  double nodes = 0;     ///< gradient evaluations a functional
};

class AxisProbe {
 public:
  AxisProbe(const Problem& problem, const TrainingAxis& axis)
      : problem_(problem), axis_(axis), functionals_(axis.functionals(0)) {}

  [[nodiscard]] StepTimes times() const {
    StepTimes times;
    const TrainedModel trained = axis_.trained();
    const RunGradients gradients(trained.model, trained.run, trained.data);
    times.replay = seconds_of([&] {
      OptimizerReplay replay(trained.run);
      replay.advance(gradients.of_step(0));
      for (size_t i = 0; i < trained.model.parameters().size(); ++i) {
        static_cast<void>(replay.parts(i));
      }
    });
    const int64_t first = axis_.options().first, last = axis_.options().last - 1;
    const std::set<int64_t> at{first, (first + last) / 2, last};
    for (const int64_t step : at) {
      times.integral +=
          integral(step, axis_.options().quadrature, times.nodes) / static_cast<double>(at.size());
    }
    times.nodes /= static_cast<double>(at.size());
    AxisOptions one = axis_.options();  // of the first step alone, before which nothing is replayed
    one.first = 0;
    one.last = 1;
    parse_quadrature("midpoint:1", one.quadrature);
    double ignored = 0;
    times.rest = seconds_of([&] { engine(one); }) -
                 static_cast<double>(blocks(one)) * integral(0, one.quadrature, ignored);
    times.rest = std::max(times.rest, times.replay);
    return times;
  }

  /// Blocks of parameters, in a range of steps.
  [[nodiscard]] int64_t blocks(const AxisOptions& options) const {
    if (!axis_.applied()) return 1;
    return applied_memory(axis_.trained(), axis_.groups(), options.last - options.first,
                          axis_.score_bytes(), options.memory)
        .blocks;
  }

 private:
  [[nodiscard]] double integral(int64_t step, const QuadratureOptions& rule, double& nodes) const {
    const TrainedModel trained = axis_.trained();
    const Segment segment{.from = weights_at(trained.run, step),
                          .to = weights_at(trained.run, step + 1)};
    RowIntegrals found;
    const double seconds = seconds_of([&] {
      found = integrate_rows(trained.model, segment, problem_.components, functionals_, rule);
    });
    double evaluations = 0;
    for (const SampleVerdict& verdict : found.verdicts) evaluations += verdict.evaluations;
    nodes += evaluations / static_cast<double>(found.verdicts.size());
    return seconds;
  }

  void engine(const AxisOptions& options) const {
    const auto keep = [](const StepScores&) {};
    if (axis_.applied()) {
      applied_scores(axis_.trained(), functionals_, problem_.components, axis_.groups(), options,
                     keep);
    } else {
      AdjointSweep(axis_.trained(), problem_.components, options).run(functionals_, keep);
    }
  }

  const Problem& problem_;
  const TrainingAxis& axis_;
  FunctionalSums functionals_;
};

}  // namespace

TrainingAxisCost training_axis_cost(const Problem& problem, const TrainingAxis& axis,
                                    int64_t ranks) {
  const AxisProbe probe(problem, axis);
  const StepTimes times = probe.times();
  AxisOptions one = axis.options();
  one.first = 0;
  one.last = 1;
  const auto blocks = static_cast<double>(probe.blocks(axis.options()));
  const auto probed = static_cast<double>(probe.blocks(one));
  const auto steps = static_cast<double>(axis.steps());
  const auto before = static_cast<double>(axis.options().first);
  const int64_t chunks = problem.units.per_segment();
  const int64_t chunks_of_a_rank = (chunks + ranks - 1) / ranks;
  const auto mine = static_cast<double>(chunks_of_a_rank);
  const auto parameters = static_cast<double>(parameter_count(problem.model()));
  // By origin a step is replayed once, or again for its stretch.
  const int64_t stretch =
      stretch_of(axis.steps(), parameter_count(problem.model()), axis.options().memory);
  const double again = axis.applied() ? 0 : std::max(0.0, 1 - static_cast<double>(stretch) / steps);
  TrainingAxisCost cost;
  cost.blocks = static_cast<int64_t>(blocks);
  cost.memory = axis.bytes();
  const double of_step = times.rest + (blocks - probed) * times.replay + again * times.replay +
                         blocks * times.integral;
  cost.seconds = mine * (before * times.replay + steps * of_step);
  cost.passes = mine * (before + steps * (2 * blocks + again));
  cost.evaluations = times.nodes;
  const auto size = static_cast<double>(at::elementSize(
      scalar_type_of(problem.run()->description().dtype, problem.run()->directory().string())));
  cost.bytes_of_steps = parameters * size * (before + steps + 1);
  const double reads = axis.applied() ? 6 * blocks : 4 + 3 * again;  // of θ, in a step
  cost.bytes_read = mine * parameters * size * (3 * before + steps * reads);
  return cost;
}

}  // namespace explaind
