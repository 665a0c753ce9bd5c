#include "planner/calibration.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "checkpoint/convert.hpp"
#include "engines/attributed_ops.hpp"
#include "engines/vocabulary_head.hpp"
#include "parameters/block_parameters.hpp"
#include "parameters/uploaded_endpoints.hpp"
#include "planner/leading_rows.hpp"
#include "planner/model_size.hpp"
#include "samples/batch.hpp"

namespace explaind {
namespace {

/// Micro-batches are cut to the fewest samples with so much work: products are then as fast as
/// larger ones.
constexpr double enough_operations = 3e10;
constexpr int64_t enough_tokens = 128;

int64_t largest_block(const Network& network) {
  int64_t largest = 0;
  for (int64_t block = 1; block < network.blocks(); ++block) {
    if (elements_of(network, network.block_parameters(block)) >
        elements_of(network, network.block_parameters(largest))) {
      largest = block;
    }
  }
  return largest;
}

/// Samples of the micro-batch with most padded tokens, as many as are enough for `elements`
/// weights.
MicroBatch part_of_largest_batch(const MemoryDemand& demand, double elements) {
  const auto step = static_cast<size_t>(demand.solver.micro_batch);
  size_t begin = 0, count = 0;
  int64_t most = 0;
  for (size_t first = 0; first < demand.samples.size(); first += step) {
    const size_t members = std::min(step, demand.samples.size() - first);
    const std::span samples = std::span(demand.samples).subspan(first, members);
    const int64_t tokens = padded_tokens(samples);
    if (tokens <= most) continue;
    most = tokens;
    begin = first;
    count = members;
  }
  const std::span all = std::span(demand.samples).subspan(begin, count);
  size_t enough = 1;
  while (enough < count) {
    const int64_t tokens = padded_tokens(all.first(enough));
    if (tokens >= enough_tokens &&
        6 * elements * static_cast<double>(tokens) >= enough_operations) {
      break;
    }
    ++enough;
  }
  return make_micro_batch(all.first(enough), demand.solver.functional);
}

double seconds_of(const Device& device, const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  device.synchronize();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Median of runs for about `budget` seconds, the first (cold caches) left out unless it took very
/// long.
double median_of(const Device& device, double budget, const std::function<void()>& action) {
  constexpr double patience = 20;
  std::vector<double> runs;
  double spent = 0;
  while (runs.size() < 3 || (spent < budget && runs.size() < 1000)) {
    runs.push_back(seconds_of(device, action));
    spent += runs.back();
    if (runs.size() == 1 && spent > patience) return spent;
  }
  std::sort(runs.begin() + 1, runs.end());
  return runs[1 + (runs.size() - 1) / 2];
}

/// What is timed: one evaluation of a micro-batch at one node.
class Bench {
 public:
  Bench(const MemoryDemand& demand, MicroBatch batch)
      : demand_(demand),
        network_(demand.network),
        batch_(std::move(batch)),
        device_(demand.computation.device),
        parameters_(network_, demand.trajectory, demand.computation.precision, reader(), device_),
        sink_(demand.table,
              {.samples = batch_.size(),
               .positions = demand.solver.axes.position ? batch_.positions : 0,
               .accumulators = 1,
               .keep_scores = !demand.table.sums_of_tensors() || demand.solver.axes.position ||
                              demand.trajectory.directions() > 0,
               .directions = demand.trajectory.directions()},
              device_) {
    parameters_.load(0);
    Ask ask{.t = 0.5, .samples = {}, .value_only = false, .accumulators = 1, .weights = {}};
    for (int64_t b = 0; b < batch_.size(); ++b) {
      ask.samples.push_back(b);
      ask.weights.push_back(1);
      members_.push_back({.ask = 0, .row = b, .length = batch_.lengths[static_cast<size_t>(b)]});
    }
    asks_ = {ask};
  }

  [[nodiscard]] double tokens() const { return static_cast<double>(batch_.input_ids.size()); }

  void time_weights(int64_t block, double seconds, Calibration& times) {
    const std::vector<ParameterId> ids = network_.block_parameters(block);
    const double elements = elements_of(network_, ids);
    times.finite = median_of(device_, seconds / 3,
                             [&] {
                               for (const ParameterId id : ids) {
                                 const Endpoints ends = demand_.trajectory.endpoints(0, id);
                                 require_finite(ends.from, demand_.trajectory.describe(0, false));
                                 require_finite(ends.to, demand_.trajectory.describe(0, true));
                               }
                             }) /
                   elements;
    times.delta =
        median_of(device_, seconds / 3, [&] { parameters_.open(whole(network_, ids), {}); }) /
        elements;
    double t = 0.25;
    times.weight =
        median_of(device_, seconds / 3, [&] { parameters_.set_node(t += 1e-6); }) / elements;
  }

  /// The block must be open.
  void time_block(int64_t block, double seconds, Calibration& times) {
    const double elements = elements_of(network_, network_.block_parameters(block));
    const at::Tensor input = at::randn({batch_.size(), batch_.positions, width()}, options());
    const double forward = median_of(device_, seconds / 3, [&] {
      const c10::NoGradGuard no_graph;
      SourceOps ops(parameters_);
      network_.block(block, input, ops);
    });
    const double attributed = median_of(device_, seconds * 2 / 3, [&] {
      sink_.begin_round(asks_);
      sink_.begin_evaluation(members_);
      AttributedOps ops(parameters_, demand_.table, sink_);
      const at::Tensor output = network_.block(block, input.detach().requires_grad_(true), ops);
      output.backward(at::ones_like(output));
      sink_.end_round();
    });
    times.forward = forward / elements / tokens();
    times.attributed = attributed / elements / tokens();
    times.rate = 6 * elements * tokens() / attributed;
  }

  /// All of a vocabulary of one slice; of a larger one two slices.
  void time_head(double seconds, Calibration& times) {
    const LeadingRows network(network_, std::max(2 * vocabulary_slice, int64_t{1}));
    VocabularyHead head(network, parameters_);
    Evaluation evaluation;
    evaluation.t = 0.5;
    evaluation.batch = batch_;
    evaluation.members = members_;
    evaluation.hidden = at::randn({batch_.size(), batch_.positions, width()}, options());
    const double spent = median_of(device_, seconds, [&] {
      sink_.begin_round(asks_);
      head.run({&evaluation, 1}, true, sink_);
      sink_.end_round();
    });
    const double elements = static_cast<double>(network.vocabulary() * width());
    const double passes = network.vocabulary() > vocabulary_slice ? 2 : 1;
    const double weights = passes * elements * (times.delta + times.weight);
    times.head = std::max(spent - weights, 0.25 * spent) / elements / tokens();
  }

 private:
  [[nodiscard]] int64_t width() const {
    return network_.parameters()[static_cast<size_t>(network_.unembedding())].shape.at(1);
  }

  [[nodiscard]] at::TensorOptions options() const {
    return device_.options(demand_.computation.precision.type);
  }
  [[nodiscard]] std::unique_ptr<EndpointReader> reader() const {
    auto mapped = std::make_unique<MappedEndpoints>(demand_.trajectory);
    if (!device_.has_twins()) return mapped;
    return std::make_unique<UploadedEndpoints>(std::move(mapped), device_);
  }

  const MemoryDemand& demand_;
  const Network& network_;
  MicroBatch batch_;
  Device device_;
  BlockParameters parameters_;
  ScoreAccumulator sink_;
  Members members_;
  std::vector<Ask> asks_;
};

/// On one machine a byte from another rank is copied twice, into shared memory and out of it.
double seconds_of_a_gathered_byte(double seconds) {
  std::vector<char> from(size_t{64} << 20, 1), to(from.size());
  const double copy =
      median_of(Device::cpu(), seconds, [&] { std::memcpy(to.data(), from.data(), from.size()); });
  return 2 * copy / static_cast<double>(from.size());
}

}  // namespace

Calibration calibrate(const MemoryDemand& demand, double seconds, bool gathers) {
  const int64_t block = largest_block(demand.network);
  const double elements = elements_of(demand.network, demand.network.block_parameters(block));
  Bench bench(demand, part_of_largest_batch(demand, elements));
  Calibration times;
  bench.time_weights(block, 0.15 * seconds, times);
  bench.time_block(block, 0.55 * seconds, times);
  bench.time_head(0.25 * seconds, times);
  if (gathers) times.gather = seconds_of_a_gathered_byte(0.05 * seconds);
  return times;
}

}  // namespace explaind
