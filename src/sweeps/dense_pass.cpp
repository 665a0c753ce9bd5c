#include "sweeps/dense_pass.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cstdint>
#include <utility>

#include "engines/output_head.hpp"
#include "model/plain_ops.hpp"

namespace explaind {
namespace {

/// The source's weights as leaves of a graph; they share its memory.
std::vector<at::Tensor> leaves_of(const Model& model, const ParameterSource& parameters) {
  std::vector<at::Tensor> leaves(model.parameters().size());
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (model.parameters()[i].uses == 0) continue;
    leaves[i] = parameters.weight(static_cast<ParameterId>(i)).detach();
    leaves[i].requires_grad_(true);
  }
  return leaves;
}

std::vector<at::Tensor> gradients_of(const std::vector<at::Tensor>& leaves) {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& leaf : leaves) {
    gradients.push_back(leaf.defined() ? leaf.grad() : at::Tensor());
  }
  return gradients;
}

/// One place of B T at which F reads logits, or −log-probabilities, of tokens with factors.
struct ReadPlace {
  int64_t place = 0;
  std::vector<FunctionalTerm> tokens;
};

std::vector<ReadPlace> places_read(const MicroBatch& batch, const Functional& functional,
                                   std::span<const double> weights) {
  std::vector<ReadPlace> places;
  for (int64_t b = 0; b < batch.size(); ++b) {
    const auto sample = static_cast<size_t>(b);
    const int64_t row = b * batch.positions;
    if (functional->reading() == Reading::logits) {
      ReadPlace read{.place = row + position_in(batch.lengths[sample], functional),
                     .tokens = functional->terms()};
      for (FunctionalTerm& term : read.tokens) term.factor *= weights[sample];
      places.push_back(std::move(read));
      continue;
    }
    for (int64_t place = row; place < row + batch.positions; ++place) {
      const int64_t target = batch.targets[static_cast<size_t>(place)];
      if (target == ignored_label) continue;
      const double factor = weights[sample] * batch.weights[sample];
      places.push_back({.place = place, .tokens = {{.index = target, .factor = factor}}});
    }
  }
  return places;
}

/// ∂F/∂logits, n V, of their type. Sums and exponentials in fp64.
at::Tensor logit_gradient(const at::Tensor& logits, const std::vector<ReadPlace>& places,
                          bool of_logits) {
  at::Tensor gradient = of_logits ? at::zeros_like(logits.detach(), at::kDouble)
                                  : at::softmax(logits.detach().to(at::kDouble), 1);
  auto entries = gradient.accessor<double, 2>();
  for (size_t i = 0; i < places.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    for (const FunctionalTerm& token : places[i].tokens) {
      entries[row][token.index] += of_logits ? token.factor : -1;
      if (!of_logits) gradient.select(0, row).mul_(token.factor);
    }
  }
  return gradient.to(logits.scalar_type());
}

}  // namespace

std::vector<ParameterRows> whole_model(const Model& model) {
  std::vector<ParameterRows> all;
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const ParameterInfo& parameter = model.parameters()[i];
    if (parameter.uses == 0) continue;
    all.push_back(
        {.parameter = static_cast<ParameterId>(i), .first = 0, .count = parameter.shape[0]});
  }
  return all;
}

std::vector<at::Tensor> NetworkPass::gradient(const MicroBatch& batch,
                                              std::span<const double> weights, int64_t /*output*/) {
  const std::vector<at::Tensor> leaves = leaves_of(network_, parameters_);
  const c10::AutoGradMode graph(true);
  PlainOps ops(leaves);
  at::Tensor hidden = at::tensor(batch.input_ids, at::kLong).view({batch.size(), batch.positions});
  const int64_t depth = depth_of(network_, functional_);
  for (int64_t index = 0; index < depth; ++index) hidden = network_.block(index, hidden, ops);
  if (functional_->reading() == Reading::activation) {
    const int64_t coordinate = functional_->terms().front().index;
    at::Tensor gradient = at::zeros_like(hidden.detach());  // B T C
    for (int64_t b = 0; b < batch.size(); ++b) {
      const auto sample = static_cast<size_t>(b);
      gradient[b][position_in(batch.lengths[sample], functional_)][coordinate] = weights[sample];
    }
    hidden.backward(gradient);
    return gradients_of(leaves);
  }
  const std::vector<ReadPlace> read = places_read(batch, functional_, weights);
  std::vector<int64_t> places;
  for (const ReadPlace& each : read) places.push_back(each.place);
  const at::Tensor states = hidden.flatten(0, 1).index_select(0, at::tensor(places, at::kLong));
  at::Tensor logits = ops.linear(states, {network_.unembedding()});  // n V
  if (network_.logit_cap() > 0) logits = ops.soft_cap(logits, network_.logit_cap());
  logits.backward(logit_gradient(logits, read, functional_->reading() == Reading::logits));
  return gradients_of(leaves);
}

std::vector<at::Tensor> ClassifierPass::gradient(const MicroBatch& batch,
                                                 std::span<const double> weights, int64_t output) {
  const std::vector<at::Tensor> leaves = leaves_of(model_, parameters_);
  const at::ScalarType type = parameters_.precision().type;
  const std::vector<int64_t>& places = batch.input_ids;
  const at::Tensor labels = data_.data.labels.index_select(0, at::tensor(places, at::kLong));
  const at::Tensor input = network_inputs(data_.data, data_.transform, places, {}, type);
  const c10::AutoGradMode graph(true);
  PlainOps ops(leaves);
  const at::Tensor logits = model_.forward(input, ops);  // B K
  at::Tensor gradient = outputs_.gradient(logits, labels, output);
  for (int64_t b = 0; b < batch.size(); ++b) {
    gradient.select(0, b).mul_(weights[static_cast<size_t>(b)]);
  }
  logits.backward(gradient);
  return gradients_of(leaves);
}

}  // namespace explaind
