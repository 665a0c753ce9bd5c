#include "optimizer_steps/blockwise_gradient.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "engines/vocabulary_head.hpp"
#include "model/plain_ops.hpp"
#include "parameters/endpoints.hpp"
#include "tensors/product.hpp"
#include "tensors/soft_cap.hpp"
#include "tensors/token_losses.hpp"

namespace explaind {
namespace {

/// Rows of the embedding, and of a table of positions, are looked up in the stored matrix; they are
/// leaves of the graph.
class LookupOps final : public PlainOps {
 public:
  using Rows = std::function<at::Tensor(const at::Tensor& ids, ParameterId weight)>;
  LookupOps(std::vector<at::Tensor> weights, Rows rows)
      : PlainOps(std::move(weights)), rows_(std::move(rows)) {}

  at::Tensor embedding(const at::Tensor& ids, ParameterId weight) override {
    looked_up_.push_back({weight, ids, rows_(ids, weight)});
    looked_up_.back().rows.requires_grad_(c10::GradMode::is_enabled());
    return looked_up_.back().rows;
  }

  struct LookedUp {
    ParameterId matrix = no_parameter;
    at::Tensor ids, rows;  ///< B T; B T C
  };
  [[nodiscard]] const std::vector<LookedUp>& looked_up() const { return looked_up_; }

 private:
  Rows rows_;
  std::vector<LookedUp> looked_up_;
};

at::Tensor flat(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

/// Makes of w (softmax − onehot) the gradient with the z-loss in it, w ((1 + f) softmax − onehot),
/// f = 2 ζ log Σ exp. gradient: B T n, of the vocabulary's ids from `first` on; stretch: f, B T.
void add_z_loss(const MicroBatch& batch, const at::Tensor& stretch, int64_t first,
                at::Tensor& gradient) {
  const int64_t n = gradient.size(2);
  const at::Tensor f = stretch.reshape({-1, 1}).to(gradient.scalar_type());
  at::Tensor rows = gradient.view({-1, n});
  rows.mul_(1 + f);
  std::vector<int64_t> tokens, columns;
  std::vector<double> weights;
  for (size_t i = 0; i < batch.targets.size(); ++i) {
    const int64_t column = batch.targets[i] - first;
    if (batch.targets[i] < 0 || column < 0 || column >= n) continue;
    tokens.push_back(static_cast<int64_t>(i));
    columns.push_back(column);
    weights.push_back(batch.weights[i / static_cast<size_t>(batch.positions)]);
  }
  if (tokens.empty()) return;
  const at::Tensor at_tokens = at::tensor(tokens, at::kLong).to(rows.device()),
                   at_columns = at::tensor(columns, at::kLong).to(rows.device()),
                   added = f.view({-1}).index_select(0, at_tokens) *
                           at::tensor(weights, at::kDouble).to(f.options());
  rows.index_put_({at_tokens, at_columns}, added, /*accumulate=*/true);
}

}  // namespace

at::Tensor BlockwiseGradient::rows(ParameterId parameter, int64_t first, int64_t count) const {
  const TensorView view = weights_(parameter).rows(first, count);
  return widened(view, view.shape, type_, device_);
}

at::Tensor BlockwiseGradient::weight(ParameterId parameter) const {
  const TensorView view = weights_(parameter);
  return widened(view, view.shape, type_, device_);
}

void BlockwiseGradient::add(const MicroBatch& batch, std::vector<at::Tensor>& gradients) const {
  const at::Tensor ids =
      at::tensor(batch.input_ids, at::kLong).view({batch.size(), batch.positions});
  const auto ops_of = [&](int64_t block, bool graph) {
    std::vector<at::Tensor> weights(network_.parameters().size());
    for (const ParameterId id : network_.block_parameters(block)) {
      weights[static_cast<size_t>(id)] = weight(id).requires_grad_(graph);
    }
    return std::pair(
        weights, LookupOps(weights, [&](const at::Tensor& asked, ParameterId matrix) {
          const TensorView view = weights_(matrix);
          return device_.upload(looked_up_rows({.from = view, .to = view}, asked, 0, false, type_));
        }));
  };
  std::vector<at::Tensor> inputs;
  at::Tensor activation = ids;
  {
    const c10::NoGradGuard no_graph;
    for (int64_t block = 0; block < network_.blocks(); ++block) {
      auto [weights, ops] = ops_of(block, false);
      inputs.push_back(activation);
      activation = network_.block(block, activation, ops);
    }
  }
  at::Tensor gradient =
      head(batch, activation, gradients[static_cast<size_t>(network_.unembedding())]);
  const c10::AutoGradMode graph(true);
  for (int64_t block = network_.blocks() - 1; block >= 0; --block) {
    auto [weights, ops] = ops_of(block, true);
    at::Tensor input = std::exchange(inputs.back(), {}).detach();
    inputs.pop_back();
    if (block > 0) input.requires_grad_(true);  // token ids have no gradient
    network_.block(block, input, ops).backward(gradient);
    const c10::NoGradGuard no_graph;
    for (size_t i = 0; i < weights.size(); ++i) {
      if (weights[i].defined() && weights[i].grad().defined()) {
        gradients[i].add_(weights[i].grad().cpu());
      }
    }
    for (const auto& [matrix, asked, rows] : ops.looked_up()) {
      gradients[static_cast<size_t>(matrix)].index_add_(0, asked.reshape({-1}),
                                                        flat(rows.grad()).cpu());
    }
    if (block > 0) gradient = input.grad();
  }
}

at::Tensor BlockwiseGradient::head(const MicroBatch& batch, const at::Tensor& hidden,
                                   at::Tensor& gradient) const {
  const c10::NoGradGuard no_graph;
  const ParameterId matrix = network_.unembedding();
  const int64_t vocabulary = network_.vocabulary();
  const auto each_slice = [&](auto&& act) {
    for (int64_t first = 0; first < vocabulary; first += vocabulary_slice) {
      const int64_t count = std::min(vocabulary_slice, vocabulary - first);
      const at::Tensor slice = rows(matrix, first, count);
      at::Tensor logits = affine(hidden, slice).contiguous();
      const at::Tensor slope = cap_softly(logits, network_.logit_cap());
      act(first, slice, logits, slope);
    }
  };
  TokenLosses losses(batch, device_);
  each_slice([&](int64_t first, const at::Tensor&, at::Tensor& logits, const at::Tensor&) {
    losses.add_slice(logits, first);
  });
  const at::Tensor stretch = z_loss_ > 0 ? losses.log_sums() * (2 * z_loss_) : at::Tensor();
  at::Tensor of_hidden = at::zeros_like(hidden);
  each_slice([&](int64_t first, const at::Tensor& slice, at::Tensor& logits,
                 const at::Tensor& slope) {
    losses.gradient_slice(logits, first);
    if (stretch.defined()) add_z_loss(batch, stretch, first, logits);
    if (slope.defined()) logits.mul_(slope);
    of_hidden.add_(product(flat(logits), slice).view_as(hidden));
    gradient.narrow(0, first, slice.size(0)).add_(product(flat(logits).t(), flat(hidden)).cpu());
  });
  return of_hidden;
}

}  // namespace explaind
