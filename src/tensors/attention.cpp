#include "tensors/attention.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "tensors/thread_team.hpp"

// B samples, H heads, T positions, d head size.

namespace explaind {
namespace {

using torch::autograd::variable_list;

/// A fused step does about half of what a product does in the same time.
double work_of(const at::Tensor& q) {
  return 8 * static_cast<double>(q.numel()) * static_cast<double>(q.size(2));
}

/// Samples, and where these are few parts of their heads. Every head is computed for itself.
struct HeadCut {
  explicit HeadCut(const at::Tensor& q) {
    constexpr int64_t wanted = 16;
    const int64_t parts = std::clamp<int64_t>(wanted / q.size(0), 1, q.size(1));
    heads = (q.size(1) + parts - 1) / parts;
    across = (q.size(1) + heads - 1) / heads;
    pieces = q.size(0) * across;
  }
  /// 1 h T d of a piece.
  [[nodiscard]] at::Tensor of(const at::Tensor& x, int64_t piece) const {
    const int64_t first = piece % across * heads;
    return x.narrow(0, piece / across, 1).narrow(1, first, std::min(heads, x.size(1) - first));
  }
  int64_t heads = 1, across = 1, pieces = 1;
};

std::optional<at::Tensor> optional(const at::Tensor& mask) {
  return mask.defined() ? std::optional(mask) : std::nullopt;
}

/// B H T d over memory of B T H d, as the network goes on with it.
at::Tensor empty_as(const at::Tensor& q) {
  const int64_t heads = q.size(1), positions = q.size(2), d = q.size(3);
  return at::empty_strided(q.sizes(), {positions * heads * d, d, heads * d, 1}, q.options());
}

/// Over which positions and at which scale the softmax goes.
struct SoftmaxKind {
  bool causal = false;
  double scale = 1;
};

class Attention : public torch::autograd::Function<Attention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& q,
                            const at::Tensor& k, const at::Tensor& v,
                            const std::optional<at::Tensor>& mask, const SoftmaxKind& kind) {
    const HeadCut cut(q);
    at::Tensor result = empty_as(q);
    variable_list sums(static_cast<size_t>(cut.pieces));  // log-sum-exp of every row
    share_pieces(cut.pieces, work_of(q), [&](int64_t piece) {
      auto [part, sum] = at::_scaled_dot_product_flash_attention_for_cpu(
          cut.of(q, piece), cut.of(k, piece), cut.of(v, piece), /*dropout_p=*/0.0, kind.causal,
          mask, kind.scale);
      cut.of(result, piece).copy_(part);
      sums[static_cast<size_t>(piece)] = std::move(sum);
    });
    variable_list kept{q, k, v, result, mask.value_or(at::Tensor())};
    kept.insert(kept.end(), sums.begin(), sums.end());
    context->save_for_backward(kept);
    context->saved_data["causal"] = kind.causal;
    context->saved_data["scale"] = kind.scale;
    return result;
  }

  static variable_list backward(torch::autograd::AutogradContext* context,
                                const variable_list& gradients) {
    const variable_list kept = context->get_saved_variables();
    const at::Tensor &q = kept[0], &k = kept[1], &v = kept[2], &result = kept[3];
    const bool causal = context->saved_data["causal"].toBool();
    const double scale = context->saved_data["scale"].toDouble();
    const HeadCut cut(q);
    const at::Tensor& delta = gradients[0];
    const variable_list found{empty_as(q), empty_as(q), empty_as(q)};
    share_pieces(cut.pieces, 2 * work_of(q), [&](int64_t piece) {
      const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
          cut.of(delta, piece), cut.of(q, piece), cut.of(k, piece), cut.of(v, piece),
          cut.of(result, piece), kept[5 + static_cast<size_t>(piece)], /*dropout_p=*/0.0, causal,
          optional(kept[4]), scale);
      cut.of(found[0], piece).copy_(dq);
      cut.of(found[1], piece).copy_(dk);
      cut.of(found[2], piece).copy_(dv);
    });
    return {found[0], found[1], found[2], at::Tensor(), at::Tensor()};
  }
};

/// mask: T T, added to what goes into the softmax, or undefined.
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const at::Tensor& mask, bool causal, double scale) {
  const bool grouped = q.size(1) != k.size(1);
  const bool real = q.scalar_type() == at::kFloat || q.scalar_type() == at::kDouble;
  if (!q.is_cpu() || !real || work_of(q) < 2 * piece_work) {
    return at::scaled_dot_product_attention(q, k, v, optional(mask), /*dropout_p=*/0.0, causal,
                                            scale, /*enable_gqa=*/grouped);
  }
  const auto dense = [](const at::Tensor& x) {  // the last axis without gaps
    return x.stride(3) == 1 ? x : x.contiguous();
  };
  const auto of_every_head = [&](const at::Tensor& x) {
    return dense(grouped ? x.repeat_interleave(q.size(1) / k.size(1), 1) : x);
  };
  return Attention::apply(dense(q), of_every_head(k), of_every_head(v), optional(mask),
                          SoftmaxKind{.causal = causal, .scale = scale});
}

}  // namespace

at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           bool causal, double scale) {
  return attend(q, k, v, {}, causal, scale);
}

at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const at::Tensor& hidden, double scale) {
  const at::Tensor mask = at::zeros(hidden.sizes(), q.options())
                              .masked_fill_(hidden, -std::numeric_limits<double>::infinity());
  return attend(q, k, v, mask, /*causal=*/false, scale);
}

}  // namespace explaind
