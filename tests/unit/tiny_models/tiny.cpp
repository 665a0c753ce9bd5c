#include "unit/tiny_models/tiny.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <random>

#include "model/plain_ops.hpp"
#include "parameters/block_parameters.hpp"
#include "parameters/resident_parameters.hpp"
#include "parameters/uploaded_endpoints.hpp"
#include "sweeps/block_major_sweep.hpp"
#include "sweeps/node_major_sweep.hpp"

namespace explaind::testing {
namespace {

/// Mean cross-entropy of one sample written with ATen's own operations.
at::Tensor mean_loss(const Network& network, const std::vector<at::Tensor>& weights,
                     const Sample& sample) {
  PlainOps ops(weights);
  const auto length = static_cast<int64_t>(sample.input_ids.size());
  const at::Tensor ids = at::tensor(sample.input_ids, at::kLong).view({1, length});
  const at::Tensor labels = at::tensor(sample.labels, at::kLong).narrow(0, 1, length - 1);
  const at::Tensor logits = network.forward(ids, ops).select(0, 0).narrow(0, 0, length - 1);
  return at::cross_entropy_loss(logits, labels);
}

/// Counts the rounds of a plan.
struct CountingSweep final : Sweep {
  explicit CountingSweep(Sweep& counted) : inner(counted) {}
  void run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
           ScoreAccumulator& sink) override {
    ++rounds;
    inner.run(chunk, asks, sink);
  }
  [[nodiscard]] const Device& device() const override { return inner.device(); }
  Sweep& inner;
  int64_t rounds = 0;
};

}  // namespace

DecoderConfig tiny_config() {
  DecoderConfig config;
  config.architecture = "LlamaForCausalLM";
  config.hidden_size = 20;
  config.intermediate_size = 28;
  config.layers = 2;
  config.heads = 4;
  config.key_value_heads = 2;
  config.head_dim = 6;
  config.vocabulary = 37;
  config.max_positions = 64;
  config.norm_epsilon = 1e-5;
  return config;
}

std::vector<at::Tensor> random_point(const Network& network, uint64_t seed, double deviation) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  std::vector<at::Tensor> point;
  for (const ParameterInfo& parameter : network.parameters()) {
    at::Tensor tensor = at::empty(parameter.shape, at::kDouble).normal_(0, 1, generator);
    point.push_back(parameter.kind == "norm" ? tensor.mul(0.1).add(1) : tensor.mul(deviation));
  }
  return point;
}

std::vector<at::Tensor> moved(const Network& network, const std::vector<at::Tensor>& point,
                              uint64_t seed, double scale) {
  std::vector<at::Tensor> end = random_point(network, seed, 1.0);
  for (size_t i = 0; i < end.size(); ++i) {
    const bool gain = network.parameters()[i].kind == "norm";
    end[i] = point[i] + scale * (gain ? (end[i] - 1) * 10 : end[i]);
  }
  return end;
}

std::vector<at::Tensor> between(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b,
                                double t) {
  std::vector<at::Tensor> point;
  for (size_t i = 0; i < a.size(); ++i) point.push_back(a[i] + t * (b[i] - a[i]));
  return point;
}

std::vector<Sample> random_samples(const std::vector<int64_t>& lengths, int64_t vocabulary,
                                   uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::vector<Sample> samples;
  for (const int64_t length : lengths) {
    Sample sample;
    sample.id = std::string("s").append(std::to_string(samples.size()));
    sample.group = samples.size() % 2 == 0 ? "even" : "odd";
    for (int64_t t = 0; t < length; ++t) {
      const auto id = static_cast<int64_t>(engine() % static_cast<uint64_t>(vocabulary));
      sample.input_ids.push_back(id);
      sample.labels.push_back(length > 4 && t % 3 == 2 ? -100 : id);
    }
    samples.push_back(std::move(sample));
  }
  return samples;
}

RunOptions fixed_rule(const std::string& rule) {
  RunOptions options;
  parse_quadrature(rule, options.solver.quadrature);
  return options;
}

RunOptions adaptive(double relative, double absolute) {
  RunOptions options;
  options.solver.quadrature.relative = relative;
  options.solver.quadrature.absolute = absolute;
  return options;
}

ScoreTile decompose(const Network& network, const Trajectory& trajectory,
                    const std::vector<Sample>& samples, RunOptions options, StreamingCount* count) {
  const ComponentTable table(options.granularity, network.parameters());
  for (const Sample& sample : samples) {
    options.solver.positions =
        std::max(options.solver.positions, static_cast<int64_t>(sample.input_ids.size()));
  }
  const Groups groups = group_samples(samples);
  const UnitSolver solver(table, samples, groups, options.solver);
  const Unit unit{.index = 0,
                  .segment = options.segment,
                  .sample_begin = 0,
                  .sample_end = static_cast<int64_t>(samples.size())};
  const Precision precision{.type = options.type,
                            .products = options.products.value_or(options.type)};
  const Device& device = options.device;
  if (options.streamed) {
    std::unique_ptr<EndpointReader> reader = std::make_unique<MappedEndpoints>(trajectory);
    if (device.has_twins()) reader = std::make_unique<UploadedEndpoints>(std::move(reader), device);
    BlockParameters parameters(network, trajectory, precision, std::move(reader), device);
    BlockMajorSweep sweep(network, parameters, table,
                          {.activation_bytes = options.activation_bytes,
                           .form = options.form,
                           .functional = options.solver.functional});
    CountingSweep counting(sweep);
    parameters.load(options.segment);
    ScoreTile tile = solver.solve(unit, counting);
    if (count != nullptr) *count = {counting.rounds, parameters.bytes_opened()};
    return tile;
  }
  ResidentParameters parameters(network, trajectory, precision, device);
  parameters.load(options.segment);
  if (options.form == ProductForm::split) {
    BlockMajorSweep sweep(network, parameters, table,
                          {.activation_bytes = options.activation_bytes,
                           .form = options.form,
                           .functional = options.solver.functional});
    return solver.solve(unit, sweep);
  }
  NodeMajorSweep sweep(network, parameters, table, {}, options.solver.functional);
  return solver.solve(unit, sweep);
}

double loss_of(const Network& network, const std::vector<at::Tensor>& weights,
               const Sample& sample) {
  const c10::NoGradGuard no_graph;
  return mean_loss(network, weights, sample).item<double>();
}

std::vector<at::Tensor> dense_scores(const Network& network, const std::vector<at::Tensor>& from,
                                     const std::vector<at::Tensor>& to, const Sample& sample,
                                     const FixedRule& rule, const ValueOf& value_of) {
  std::vector<at::Tensor> scores;
  for (const at::Tensor& tensor : from) scores.push_back(at::zeros_like(tensor));
  for (size_t q = 0; q < rule.nodes.size(); ++q) {
    std::vector<at::Tensor> weights;
    for (const at::Tensor& tensor : between(from, to, rule.nodes[q])) {
      weights.push_back(tensor.detach().clone().requires_grad_(true));
    }
    (value_of ? value_of(weights) : mean_loss(network, weights, sample)).backward();
    for (size_t i = 0; i < scores.size(); ++i) {
      if (!weights[i].grad().defined()) continue;
      scores[i] += rule.weights[q] * weights[i].grad() * (to[i] - from[i]);
    }
  }
  return scores;
}

namespace {

/// The outputs of a parameter first, whatever its file has: out …, or in … for `inputs`.
at::Tensor lines_of(const ParameterInfo& parameter, const at::Tensor& dense, bool inputs) {
  return parameter.columns_are_outputs != inputs ? dense.t() : dense;
}

/// Which of `count` equal ranges of a tensor's lines a head's component is: by its name.
int64_t range_of(const ParameterInfo& parameter, const Component& component) {
  if (!parameter.fused) return component.head;
  const std::string rest = component.name.substr(parameter.name.size());
  const int64_t part = rest[1] == 'q' ? 0 : rest[1] == 'k' ? 1 : 2;
  return parameter.parts_first ? part * parameter.heads + component.head
                               : 3 * component.head + part;
}

/// What of a parameter belongs to a component.
at::Tensor share_of(const ParameterInfo& parameter, const at::Tensor& dense,
                    const Component& component, Granularity granularity) {
  if (granularity == Granularity::kind) {
    return parameter.kind == component.name ? dense : at::zeros({1}, at::kDouble);
  }
  if (granularity == Granularity::layer) {
    return parameter.layer_name == component.name ? dense : at::zeros({1}, at::kDouble);
  }
  if (granularity == Granularity::neuron && parameter.neurons > 0) {
    const bool own = component.index >= 0 && component.layer == parameter.layer;
    return own ? lines_of(parameter, dense, parameter.neurons_by_input).select(0, component.index)
               : at::zeros({1}, at::kDouble);
  }
  if (parameter.name != component.tensor) return at::zeros({1}, at::kDouble);
  if (component.index < 0) return dense;
  if (granularity == Granularity::row) {
    return lines_of(parameter, dense, false).select(0, component.index);
  }
  const at::Tensor lines = lines_of(parameter, dense, parameter.heads_by_input);
  const int64_t width = lines.size(0) / (parameter.heads * (parameter.fused ? 3 : 1));
  return lines.narrow(0, range_of(parameter, component) * width, width);
}

}  // namespace

std::vector<double> sum_to_components(const ComponentTable& table,
                                      const std::vector<at::Tensor>& dense) {
  std::vector<double> sums;
  for (const Component& component : table.components()) {
    double sum = 0;
    for (size_t i = 0; i < dense.size(); ++i) {
      sum += share_of(table.parameters()[i], dense[i], component, table.granularity())
                 .sum()
                 .item<double>();
    }
    sums.push_back(sum);
  }
  return sums;
}

}  // namespace explaind::testing
