#include "planner/classifier_memory.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <utility>

#include "core/byte_size.hpp"
#include "core/error.hpp"
#include "model/plain_ops.hpp"

namespace explaind {
namespace {

/// Adds up how many numbers the operations put out.
class CountingOps final : public PlainOps {
 public:
  using PlainOps::PlainOps;

  at::Tensor linear(const at::Tensor& x, const LinearMap& map) override {
    return counted(PlainOps::linear(x, map));
  }
  at::Tensor embedding(const at::Tensor& ids, ParameterId weight) override {
    return counted(PlainOps::embedding(ids, weight));
  }
  at::Tensor rms_norm(const at::Tensor& x, const Gain& gain, double epsilon) override {
    return counted(PlainOps::rms_norm(x, gain, epsilon));
  }
  at::Tensor shift(const at::Tensor& x, ParameterId bias) override {
    return counted(PlainOps::shift(x, bias));
  }
  at::Tensor softplus_scale(const at::Tensor& x, ParameterId weight, double offset) override {
    return counted(PlainOps::softplus_scale(x, weight, offset));
  }
  at::Tensor conv2d(const at::Tensor& x, ParameterId weight, ParameterId bias, int64_t stride,
                    int64_t padding) override {
    return counted(PlainOps::conv2d(x, weight, bias, stride, padding));
  }
  [[nodiscard]] int64_t count() const { return count_; }

 private:
  at::Tensor counted(at::Tensor y) {
    count_ += y.numel();
    return y;
  }

  int64_t count_ = 0;
};

int64_t outputs_of_a_sample(const Model& model, const PredictionData& data, at::ScalarType type) {
  const c10::NoGradGuard no_graph;
  std::vector<at::Tensor> weights;
  for (const ParameterInfo& parameter : model.parameters()) {
    weights.push_back(at::zeros(parameter.shape, type));
  }
  CountingOps ops(std::move(weights));
  model.forward(network_inputs(data.data, data.transform, {0}, {}, type), ops);
  return ops.count();
}

}  // namespace

MemoryPlan plan_classifier_memory(const ClassifierDemand& demand, const MemoryBudget& budget) {
  const auto& [model, data, samples, table, solver, computation, shards] = demand;
  // An output stays with what its activation function, its gradient and its response take; measured
  // on a CNN and a transformer of one layer, with what the heap loses.
  constexpr int64_t numbers_per_output = 8;
  const auto size = static_cast<int64_t>(at::elementSize(computation.precision.type));
  MemoryPlan plan;
  plan.source = Source::resident;
  plan.base = int64_t{128} << 20;
  const auto directions = static_cast<int64_t>(solver.directions.size());
  plan.parameters = (2 + directions) * size * parameter_count(model);
  plan.graph = numbers_per_output * size * solver.micro_batch *
               outputs_of_a_sample(model, data, computation.precision.type);
  if (computation.values) {
    const auto wide = static_cast<int64_t>(at::elementSize(computation.values->type));
    plan.value_weights = wide * parameter_count(model);
    plan.value_graph = plan.graph / size * wide / 2;  // no graph is kept
  }
  plan.accumulators = tile_bytes(solver, samples, table, directions, shards);
  if (!table.sums_of_tensors() || directions > 0) {
    const int levels = make_plan(solver.quadrature, 1, 1, false)->accumulators();
    plan.accumulators +=
        2 * 8 * levels * solver.chunk * solver.outputs * table.size() * (1 + directions);
  }
  if (plan.fits(budget)) return plan;
  throw DataError("--memory",
                  fmt::format("{} a rank are needed, {} are there",
                              format_bytes(static_cast<double>(plan.total())),
                              format_bytes(static_cast<double>(budget.host))),
                  "A smaller --micro-batch or --chunk takes less");
}

}  // namespace explaind
