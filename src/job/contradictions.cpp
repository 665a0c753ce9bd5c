#include "job/contradictions.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/convert.hpp"
#include "scores/part.hpp"

namespace explaind {
namespace {

/// Of |psi|. Measured of true records: at most 5e-3 in fp32 at learning rates of 1e-5 and more,
/// 2e-3 where they were trained under autocast.
constexpr double most_rounding = 0.01;

/// Σ |value| of a variable of at least two axes. What is not finite is said by the certificates.
double sum_of_magnitudes(const StoreReader& store, const std::string& name) {
  constexpr int64_t at_once = int64_t{1} << 19;  // values
  const std::vector<int64_t> shape = store.variable(name).shape;
  int64_t inner = 1;
  for (size_t d = 2; d < shape.size(); ++d) inner *= shape[d];
  const int64_t rows = std::max<int64_t>(1, at_once / std::max<int64_t>(1, inner));
  double sum = 0;
  for (int64_t segment = 0; segment < shape[0]; ++segment) {
    for (int64_t row = 0; row < shape[1]; row += rows) {
      std::vector<int64_t> start(shape.size(), 0), count = shape;
      start[0] = segment, count[0] = 1;
      start[1] = row, count[1] = std::min(rows, shape[1] - row);
      for (const double value : store.read(name, start, count)) {
        if (std::isfinite(value)) sum += std::abs(value);
      }
    }
  }
  return sum;
}

/// How large the rounding of weights as they are stored is beside the steps: Σ ‖θ‖ ε / Σ ‖Δθ‖, ε
/// half a unit in the last place of 1. Around 1e-5 in fp32; 1 and more where learning rates are so
/// small that most of a step is lost. Of true records psi_rounding was 0.1 to 0.2 of it, of psi.
double storing_share(const Path& path, const Trajectory& trajectory, const Model& model) {
  constexpr int64_t looked_at = 16;
  const int64_t segments = trajectory.segments(), count = std::min(looked_at, segments);
  double stored = 0, moved = 0;
  std::vector<double> from, to;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t segment = k * segments / count;
    double weights = 0, steps = 0, unit = 0;
    for (size_t id = 0; id < model.parameters().size(); ++id) {
      const auto view = [&](bool end) {
        return path.tensor(static_cast<size_t>(trajectory.point(segment, end)),
                           static_cast<ParameterId>(id));
      };
      const TensorView before = view(false), after = view(true);
      unit = std::ldexp(1.0, before.dtype == Dtype::f64 ? -53 : -24);
      from.resize(static_cast<size_t>(before.elements()));
      to.resize(from.size());
      to_double(before, from);
      to_double(after, to);
      for (size_t i = 0; i < from.size(); ++i) {
        weights += from[i] * from[i];
        steps += (to[i] - from[i]) * (to[i] - from[i]);
      }
    }
    stored += std::sqrt(weights) * unit;
    moved += std::sqrt(steps);
  }
  return moved > 0 ? stored / moved : 1;
}

}  // namespace

void print_contradictions(const StoreReader& store, const Path& path, const Trajectory& trajectory,
                          const Model& model, std::ostream& out) {
  const std::string rounding = variable_of(Part::rounding);
  if (!store.has(rounding)) return;
  const double all = sum_of_magnitudes(store, "psi");
  const double unexplained = sum_of_magnitudes(store, rounding);
  if (all == 0 || unexplained <= most_rounding * all) return;
  if (unexplained <= storing_share(path, trajectory, model) * all) return;
  fmt::print(out,
             "\nnote: {} is {:.0f} % of psi: the run's steps are not what its optimizer makes of "
             "the batches, learning rates and clip factors that were recorded. Check what "
             "recorder.batch() was given, and that the loss is the mean over the batch "
             "(src/runs/README.md, \"A true record\")\n",
             rounding, 100 * unexplained / all);
}

}  // namespace explaind
