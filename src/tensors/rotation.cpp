#include "tensors/rotation.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "tensors/thread_team.hpp"

// B samples, H heads, T positions, d head size, n of it turned.

namespace explaind {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Where the vectors of a tensor B H T d lie; a vector itself has no gaps.
struct Places {
  explicit Places(const at::Tensor& x)
      : sample(x.stride(0)), head(x.stride(1)), position(x.stride(2)) {}
  int64_t sample, head, position;
};

/// y = x turned by the angles, or back by them. cosine, sine: n. Each product and each sum is
/// rounded, as LibTorch's operations do it one by one.
template <typename Real>
void turn(const Real* x, const Real* cosine, const Real* sine, Real direction, int64_t n, int64_t d,
          Real* y) {
  const int64_t half = n / 2;
  for (int64_t i = 0; i < half; ++i) {
    const Real first = x[i], second = x[i + half], s = direction * sine[i];
    y[i] = first * cosine[i] - second * s;
    y[i + half] = second * cosine[i] + first * s;
  }
  std::copy(x + n, x + d, y + n);
}

template <typename Real>
void turn_all(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine, bool back,
              const at::Tensor& y) {
  const int64_t heads = x.size(1), positions = x.size(2), d = x.size(3), n = cosine.size(1);
  const Real *from = x.const_data_ptr<Real>(), *c = cosine.const_data_ptr<Real>(),
             *s = sine.const_data_ptr<Real>();
  Real* to = y.mutable_data_ptr<Real>();
  const Places in(x), out(y);
  constexpr int64_t elements = 1 << 15;  // of a piece
  constexpr double work_of_element = 32;
  share_ranges(x.size(0) * positions, std::max<int64_t>(1, elements / (heads * d)),
               work_of_element * static_cast<double>(heads * d), [&](int64_t begin, int64_t end) {
                 for (int64_t row = begin; row < end; ++row) {
                   const int64_t b = row / positions, t = row % positions;
                   for (int64_t h = 0; h < heads; ++h) {
                     turn<Real>(from + b * in.sample + h * in.head + t * in.position, c + t * n,
                                s + t * n, back ? Real{-1} : Real{1}, n, d,
                                to + b * out.sample + h * out.head + t * out.position);
                   }
                 }
               });
}

/// Over memory of B T H d, as the network goes on with it.
at::Tensor turned(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine,
                  bool back) {
  const int64_t heads = x.size(1), positions = x.size(2), d = x.size(3);
  const at::Tensor from = x.stride(3) == 1 ? x : x.contiguous();
  const at::Tensor y = at::empty_strided(x.sizes(), {positions * heads * d, d, heads * d, 1},
                                         x.options().requires_grad(false));
  if (x.scalar_type() == at::kDouble) {
    turn_all<double>(from, cosine, sine, back, y);
  } else {
    turn_all<float>(from, cosine, sine, back, y);
  }
  return y;
}

/// A rotation's gradient is the rotation back.
class Rotation : public torch::autograd::Function<Rotation> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cosine,
                            const at::Tensor& sine) {
    context->save_for_backward({cosine, sine});
    return turned(x, cosine, sine, /*back=*/false);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list tables = context->get_saved_variables();
    return {turned(gradients[0], tables[0], tables[1], /*back=*/true), at::Tensor(), at::Tensor()};
  }
};

at::Tensor by_operations(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  const int64_t n = cosine.size(-1), half = n / 2, rest = x.size(-1) - n;
  const at::Tensor part = rest == 0 ? x : x.narrow(-1, 0, n);
  const at::Tensor across =
      at::cat({part.narrow(-1, half, half).neg(), part.narrow(-1, 0, half)}, -1);
  const at::Tensor y = part * cosine + across * sine;
  return rest == 0 ? y : at::cat({y, x.narrow(-1, n, rest)}, -1);
}

}  // namespace

at::Tensor rotated(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  const bool real = x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble;
  if (!x.is_cpu() || !real || cosine.scalar_type() != x.scalar_type()) {
    return by_operations(x, cosine, sine);
  }
  return Rotation::apply(x, cosine, sine);
}

}  // namespace explaind
