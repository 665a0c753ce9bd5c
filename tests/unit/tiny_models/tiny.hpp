#pragma once
// Tiny networks, random points and samples, and two ways of scoring them: the program's, and dense
// gradients times updates.

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "families/decoder_config.hpp"
#include "model/network.hpp"
#include "quadrature/fixed_rules.hpp"
#include "samples/sample.hpp"
#include "solver/unit_solver.hpp"
#include "unit/tiny_models/memory_trajectory.hpp"

namespace explaind::testing {

/// Two layers, 4 heads over 2 key-value heads, every size different from every other.
DecoderConfig tiny_config();

/// One fp64 tensor per parameter: matrices N(0, deviation²), gains 1 + N(0, .1²).
std::vector<at::Tensor> random_point(const Network& network, uint64_t seed, double deviation = 0.3);

/// point + scale · random direction.
std::vector<at::Tensor> moved(const Network& network, const std::vector<at::Tensor>& point,
                              uint64_t seed, double scale);

/// a + t (b − a) per parameter.
std::vector<at::Tensor> between(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b,
                                double t);

/// Samples of the given lengths, random ids below `vocabulary`; every third label of longer samples
/// is ignored. Ids "s0" …, groups "even"/"odd".
std::vector<Sample> random_samples(const std::vector<int64_t>& lengths, int64_t vocabulary,
                                   uint64_t seed = 5);

struct RunOptions {
  SolverOptions solver;
  Granularity granularity = Granularity::tensor;
  at::ScalarType type = at::kDouble;
  std::optional<at::ScalarType> products;  ///< the same where not given
  ProductForm form = ProductForm::formed;
  Device device = Device::cpu();
  int64_t segment = 0;
  bool streamed = false;               ///< else resident
  int64_t activation_bytes = 1 << 30;  ///< of the block-major schedule
};

/// What streaming cost.
struct StreamingCount {
  int64_t rounds = 0, bytes_opened = 0;
};
RunOptions fixed_rule(const std::string& rule);
RunOptions adaptive(double relative, double absolute = 1e-12);

/// The whole segment as one tile (chunks within follow the options).
ScoreTile decompose(const Network& network, const Trajectory& trajectory,
                    const std::vector<Sample>& samples, RunOptions options,
                    StreamingCount* count = nullptr);

/// ∫ ∂F/∂θ_i Δ_i dt of one unpadded sample by `rule` in fp64, from weight gradients: one tensor of
/// the parameter's shape each. Independent of engine A. F is the mean loss, or value_of(weights).
using ValueOf = std::function<at::Tensor(const std::vector<at::Tensor>& weights)>;
std::vector<at::Tensor> dense_scores(const Network& network, const std::vector<at::Tensor>& from,
                                     const std::vector<at::Tensor>& to, const Sample& sample,
                                     const FixedRule& rule, const ValueOf& value_of = {});

/// Sums of dense scores per component, from what the labels say: a component's tensor, head (by
/// rows or columns), index.
std::vector<double> sum_to_components(const ComponentTable& table,
                                      const std::vector<at::Tensor>& dense);

/// F of one unpadded sample: mean loss in fp64.
double loss_of(const Network& network, const std::vector<at::Tensor>& weights,
               const Sample& sample);

}  // namespace explaind::testing
