#include "tensors/elementwise.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t piece_length = 1 << 17;
constexpr double work_of_element = 32;

bool is_shared(const at::Tensor& x) {
  return x.is_cpu() && x.is_contiguous() &&
         work_of_element * static_cast<double>(x.numel()) >= 2 * piece_work;
}

/// Calls act with the same stretch of every tensor, all contiguous and of x's shape.
template <typename F, typename... Tensors>
void each_stretch(const F& act, const at::Tensor& x, const Tensors&... more) {
  share_ranges(x.numel(), piece_length, work_of_element, [&](int64_t begin, int64_t end) {
    const auto part = [&](const at::Tensor& tensor) {
      return tensor.view({-1}).narrow(0, begin, end - begin);
    };
    act(part(x), part(more)...);
  });
}

struct Silu {
  static void value(at::Tensor y, const at::Tensor& x) { at::silu_out(y, x); }
  static void gradient(at::Tensor dx, const at::Tensor& delta, const at::Tensor& x) {
    at::silu_backward_out(dx, delta, x);
  }
};

struct Gelu {
  static void value(at::Tensor y, const at::Tensor& x) { at::gelu_out(y, x); }
  static void gradient(at::Tensor dx, const at::Tensor& delta, const at::Tensor& x) {
    at::gelu_backward_out(dx, delta, x);
  }
};

struct Relu {
  static void value(at::Tensor y, const at::Tensor& x) { at::clamp_min_out(y, x, 0); }
  static void gradient(at::Tensor dx, const at::Tensor& delta, const at::Tensor& x) {
    at::threshold_backward_out(dx, delta, x, 0);
  }
};

template <typename Of>
class Each : public torch::autograd::Function<Each<Of>> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    context->save_for_backward({x});
    at::Tensor y = at::empty_like(x);
    each_stretch(Of::value, y, x);
    return y;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor x = context->get_saved_variables()[0];
    at::Tensor dx = at::empty_like(x);
    each_stretch(Of::gradient, dx, gradients[0].contiguous(), x);
    return {dx};
  }
};

at::Tensor multiplied(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor y = at::empty_like(a);
  each_stretch([](at::Tensor part, const at::Tensor& left,
                  const at::Tensor& right) { at::mul_out(part, left, right); },
               y, a, b);
  return y;
}

class EachProduct : public torch::autograd::Function<EachProduct> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& a, const at::Tensor& b) {
    context->save_for_backward(
        {b.requires_grad() ? a : at::Tensor(), a.requires_grad() ? b : at::Tensor()});
    return multiplied(a, b);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor delta = gradients[0].contiguous();
    return {saved[1].defined() ? multiplied(delta, saved[1]) : at::Tensor(),
            saved[0].defined() ? multiplied(delta, saved[0]) : at::Tensor()};
  }
};

at::Tensor summed(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor y = at::empty_like(a);
  each_stretch([](at::Tensor part, const at::Tensor& left,
                  const at::Tensor& right) { at::add_out(part, left, right); },
               y, a, b);
  return y;
}

class EachSum : public torch::autograd::Function<EachSum> {
 public:
  static at::Tensor forward(AutogradContext*, const at::Tensor& a, const at::Tensor& b) {
    return summed(a, b);
  }
  static variable_list backward(AutogradContext*, const variable_list& gradients) {
    return {gradients[0], gradients[0]};
  }
};

/// Calls act(part of y, part of x) with the same rows of both, contiguous, as 2-d tensors.
template <typename F>
at::Tensor each_rows(const at::Tensor& x, const F& act) {
  const int64_t columns = x.size(-1);
  at::Tensor y = at::empty_like(x);
  const at::Tensor from = x.view({-1, columns}), to = y.view({-1, columns});
  share_ranges(from.size(0), std::max<int64_t>(1, piece_length / columns),
               work_of_element * static_cast<double>(columns), [&](int64_t begin, int64_t end) {
                 at::Tensor part = to.narrow(0, begin, end - begin);
                 act(part, from.narrow(0, begin, end - begin));
               });
  return y;
}

class EachShifted : public torch::autograd::Function<EachShifted> {
 public:
  static at::Tensor forward(AutogradContext*, const at::Tensor& x, const at::Tensor& row) {
    return each_rows(x, [&](at::Tensor& y, const at::Tensor& part) { at::add_out(y, part, row); });
  }
  static variable_list backward(AutogradContext*, const variable_list& gradients) {
    return {gradients[0], at::Tensor()};
  }
};

at::Tensor centred(const at::Tensor& x) {
  return each_rows(x, [](at::Tensor& y, const at::Tensor& part) {
    at::sub_out(y, part, part.mean(-1, /*keepdim=*/true));
  });
}

/// What is subtracted is linear in x and symmetric, so that the gradient is centred likewise.
class EachCentred : public torch::autograd::Function<EachCentred> {
 public:
  static at::Tensor forward(AutogradContext*, const at::Tensor& x) { return centred(x); }
  static variable_list backward(AutogradContext*, const variable_list& gradients) {
    return {centred(gradients[0].contiguous())};
  }
};

}  // namespace

at::Tensor each_silu(const at::Tensor& x) {
  return is_shared(x) ? Each<Silu>::apply(x) : at::silu(x);
}

at::Tensor each_gelu(const at::Tensor& x) {
  return is_shared(x) ? Each<Gelu>::apply(x) : at::gelu(x);
}

at::Tensor each_relu(const at::Tensor& x) {
  return is_shared(x) ? Each<Relu>::apply(x) : at::relu(x);
}

at::Tensor each_product(const at::Tensor& a, const at::Tensor& b) {
  return is_shared(a) && b.is_contiguous() ? EachProduct::apply(a, b) : a * b;
}

at::Tensor each_sum(const at::Tensor& a, const at::Tensor& b) {
  return is_shared(a) && b.is_contiguous() && a.sizes() == b.sizes() ? EachSum::apply(a, b) : a + b;
}

at::Tensor each_shifted(const at::Tensor& x, const at::Tensor& row) {
  return is_shared(x) ? EachShifted::apply(x, row.view({-1})) : x + row;
}

at::Tensor each_centred(const at::Tensor& x) {
  return is_shared(x) ? EachCentred::apply(x) : x - x.mean(-1, /*keepdim=*/true);
}

}  // namespace explaind
