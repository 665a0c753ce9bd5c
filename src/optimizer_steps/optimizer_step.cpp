#include "optimizer_steps/optimizer_step.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "checkpoint/convert.hpp"
#include "core/error.hpp"
#include "optimizer_steps/blockwise_gradient.hpp"
#include "samples/batch.hpp"
#include "training/optimizer.hpp"

namespace explaind {
namespace {

/// Elements dealt with at once: everything after the gradients is elementwise.
constexpr int64_t piece = int64_t{1} << 20;

/// Data, then these.
enum Rest : int64_t { momentum, decay, rounding, rest_count };

at::Tensor piece_of(const TensorView& view, int64_t first, int64_t count) {
  at::Tensor values = at::empty({count}, at::kDouble);
  to_double(view, first, {values.data_ptr<double>(), static_cast<size_t>(count)});
  return values;
}

/// The step of one parameter, a piece at a time.
class ParameterStep {
 public:
  ParameterStep(const AdamWParameter& state, const StepOptions& options, double clip)
      : state_(state), options_(options), clip_(clip) {}

  /// Gives θ' (of the arithmetic's type) from θ and g, fp64.
  [[nodiscard]] at::Tensor end(const at::Tensor& theta, const at::Tensor& gradient,
                               const at::Tensor& m, const at::Tensor& v) const {
    const at::ScalarType type = options_.arithmetic;
    at::Tensor parameter = theta.to(type, /*non_blocking=*/false, /*copy=*/true);
    const double clip = type == at::kFloat ? static_cast<double>(static_cast<float>(clip_)) : clip_;
    parameter.mutable_grad() = gradient.to(type, false, true).mul_(clip);
    const auto optimizer =
        make_optimizer(OptimizerKind::adamw, {parameter},
                       {{.parameters = {0},
                         .hyperparameters = {.learning_rate = state_.learning_rate,
                                             .weight_decay = state_.weight_decay,
                                             .beta1 = state_.beta1,
                                             .beta2 = state_.beta2,
                                             .epsilon = state_.epsilon}}});
    optimizer->states()[0] = {.first_moment = m.to(type, false, true),
                              .second_moment = v.to(type, false, true),
                              .updates = state_.updates};
    optimizer->step();
    return parameter;
  }
  /// P.
  [[nodiscard]] at::Tensor scale(const at::Tensor& gradient, const at::Tensor& v) const {
    const at::Tensor clipped = gradient * clip_;
    const at::Tensor second = v * state_.beta2 + clipped * clipped * (1 - state_.beta2);
    return state_.learning_rate /
           ((second / (1 - std::pow(state_.beta2, count()))).sqrt() + state_.epsilon);
  }
  [[nodiscard]] double of_gradient() const {
    return -(1 - state_.beta1) / (1 - std::pow(state_.beta1, count())) * clip_;
  }
  [[nodiscard]] double of_momentum() const {
    return -state_.beta1 / (1 - std::pow(state_.beta1, count()));
  }
  [[nodiscard]] double of_decay() const { return -state_.learning_rate * state_.weight_decay; }

 private:
  [[nodiscard]] double count() const { return static_cast<double>(state_.updates + 1); }

  const AdamWParameter& state_;
  const StepOptions& options_;
  double clip_;
};

template <typename Act>
void each_piece(int64_t elements, Act&& act) {
  for (int64_t first = 0; first < elements; first += piece) {
    act(first, std::min(piece, elements - first));
  }
}

/// A parameter's arrays in the file, flat.
struct Arrays {
  at::Tensor end;
  std::vector<at::Tensor> parts;

  Arrays(const StepFile& file, size_t parameter, int64_t count)
      : end(file.mutable_end(parameter).view({-1})) {
    for (int64_t i = 0; i < count; ++i) {
      parts.push_back(file.mutable_part(i, parameter).view({-1}));
    }
  }
};

/// g of a piece: the batch's parts added in order, in fp64.
at::Tensor whole_gradient(const Arrays& arrays, int64_t data, int64_t first, int64_t count) {
  at::Tensor sum = arrays.parts[0].narrow(0, first, count).to(at::kDouble, false, true);
  for (int64_t p = 1; p < data; ++p) {
    sum.add_(arrays.parts[static_cast<size_t>(p)].narrow(0, first, count).to(at::kDouble));
  }
  return sum;
}

/// A frozen parameter's step: none.
void stand_still(const TensorView& stored, const Arrays& to) {
  each_piece(to.end.numel(), [&](int64_t first, int64_t count) {
    to.end.narrow(0, first, count).copy_(piece_of(stored, first, count));
  });
  for (const at::Tensor& part : to.parts) part.zero_();
}

double squares(const at::Tensor& values) {
  const auto* data = values.const_data_ptr<double>();
  double sum = 0;
  for (int64_t i = 0; i < values.numel(); ++i) sum += data[i] * data[i];
  return sum;
}

void form_gradients(const Network& network, const Path& path, size_t point,
                    const TrainingBatch& batch, const StepOptions& options, const StepFile& file) {
  const BlockwiseGradient gradient(
      network, [&](ParameterId id) { return path.tensor(point, id); }, options.type, options.device,
      options.z_loss);
  for (size_t p = 0; p < batch.parts.size(); ++p) {
    std::vector<at::Tensor> sums;
    for (size_t i = 0; i < network.parameters().size(); ++i) {
      sums.push_back(file.mutable_part(static_cast<int64_t>(p), i));
    }
    const std::vector<int64_t>& members = batch.parts[p];
    for (size_t first = 0; first < members.size();
         first += static_cast<size_t>(options.micro_batch)) {
      const size_t last =
          std::min(first + static_cast<size_t>(options.micro_batch), members.size());
      std::vector<Sample> samples;
      for (size_t i = first; i < last; ++i) {
        samples.push_back(batch.samples[static_cast<size_t>(members[i])]);
      }
      MicroBatch together = make_micro_batch(samples, Functional::loss_sum());
      for (size_t i = first; i < last; ++i) {
        together.weights[i - first] = batch.weights[static_cast<size_t>(members[i])];
      }
      gradient.add(together, sums);
    }
  }
}

}  // namespace

std::vector<DirectionPlace> parts_of(const TrainingBatch& batch) {
  std::vector<DirectionPlace> places;
  for (size_t p = 0; p < batch.parts.size(); ++p) {
    places.push_back({.part = Part::data, .train = static_cast<int64_t>(p)});
  }
  for (const Part part : {Part::momentum, Part::decay, Part::rounding}) {
    places.push_back({.part = part});
  }
  return places;
}

StepFile::Layout layout_of(const Network& network, const TrainingBatch& batch,
                           const StepOptions& options) {
  StepFile::Layout layout;
  for (const ParameterInfo& parameter : network.parameters()) {
    layout.parameters.push_back({parameter.name, parameter.shape});
  }
  layout.end = options.arithmetic == at::kDouble ? Dtype::f64 : Dtype::f32;
  layout.part = options.type == at::kDouble ? Dtype::f64 : Dtype::f32;
  layout.parts = static_cast<int64_t>(parts_of(batch).size());
  return layout;
}

void form_step(const Network& network, const OptimizedPoint& where, const TrainingBatch& batch,
               const StepOptions& options, StepFile& file) {
  const Path& path = where.path;
  const size_t point = where.point;
  const StoredOptimizer& state = where.state;
  const c10::NoGradGuard no_graph;
  form_gradients(network, path, point, batch, options, file);
  const auto data = static_cast<int64_t>(batch.parts.size());
  const size_t parameters = network.parameters().size();
  std::vector<Arrays> arrays;
  double norm = 0;
  for (size_t i = 0; i < parameters; ++i) {
    arrays.emplace_back(file, i, data + rest_count);
    if (!state.of(i).stepped) continue;  // without a gradient in training, so not in its norm
    each_piece(arrays[i].end.numel(), [&](int64_t first, int64_t count) {
      norm += squares(whole_gradient(arrays[i], data, first, count));
    });
  }
  norm = std::sqrt(norm);
  const double clip = options.max_norm > 0 ? std::min(1.0, options.max_norm / (norm + 1e-6)) : 1.0;
  for (size_t i = 0; i < parameters; ++i) {
    const AdamWParameter& own = state.of(i);
    const ParameterStep step(own, options, clip);
    const TensorView stored = path.tensor(point, static_cast<ParameterId>(i));
    Arrays& to = arrays[i];
    if (!own.stepped) {
      stand_still(stored, to);
      continue;
    }
    each_piece(to.end.numel(), [&](int64_t first, int64_t count) {
      const at::Tensor theta = piece_of(stored, first, count),
                       m = piece_of(own.first_moment, first, count),
                       v = piece_of(own.second_moment, first, count),
                       g = whole_gradient(to, data, first, count), scale = step.scale(g, v);
      const at::Tensor end = step.end(theta, g, m, v);
      if (!at::isfinite(end).all().item<bool>()) {
        throw DataError(path.describe(point),
                        fmt::format("the step makes {} infinite or NaN", stored.name),
                        "Look at the moments beside the weights, and at the training batch");
      }
      to.end.narrow(0, first, count).copy_(end);
      at::Tensor left = end.to(at::kDouble) - theta;
      const auto put = [&](int64_t place, const at::Tensor& values) {
        at::Tensor there = to.parts[static_cast<size_t>(place)].narrow(0, first, count);
        there.copy_(values);
        left.sub_(there.to(at::kDouble));  // as it is stored: the parts add up to the step
      };
      for (int64_t p = 0; p < data; ++p) {
        const at::Tensor gradient =
            to.parts[static_cast<size_t>(p)].narrow(0, first, count).to(at::kDouble, false, true);
        put(p, scale * gradient * step.of_gradient());
      }
      put(data + momentum, scale * m * step.of_momentum());
      put(data + decay, theta * step.of_decay());
      put(data + rounding, left.clone());
    });
  }
}

}  // namespace explaind
