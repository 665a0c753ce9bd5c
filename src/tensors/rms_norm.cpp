#include "tensors/rms_norm.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "kernels/rms_norm.hpp"
#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

namespace twins = kernels::device;

/// Calls act(Real{}, begin, end) for ranges of rows of x, split over threads; on a device once.
template <typename F>
void each_rows(const at::Tensor& x, const Device& device, const F& act) {
  constexpr int64_t elements = 1 << 14;  // of a range
  const int64_t columns = x.size(-1), rows = x.numel() / columns;
  const auto run = [&](int64_t begin, int64_t end) {
    if (x.scalar_type() == at::kDouble) {
      act(double{}, begin, end);
    } else {
      act(float{}, begin, end);
    }
  };
  if (device.has_twins()) {
    run(0, rows);
  } else {
    constexpr double work_of_element = 32;
    share_ranges(rows, std::max<int64_t>(1, elements / columns),
                 work_of_element * static_cast<double>(columns), run);
  }
}

template <typename Real>
const Real* read(const at::Tensor& tensor) {
  return tensor.const_data_ptr<Real>();
}

template <typename Real>
kernels::NormRows<Real> norm_rows(const at::Tensor& x, const at::Tensor& factors) {
  return {.x = read<Real>(x), .factors = read<Real>(factors), .columns = x.size(-1)};
}

template <typename Real>
Real* write(const at::Tensor& tensor) {
  return tensor.data_ptr<Real>();
}

at::Tensor input_gradient(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& scale,
                          const at::Tensor& delta, const Device& device) {
  at::Tensor gradient = at::empty_like(x);
  each_rows(x, device, [&](auto zero, int64_t begin, int64_t end) {
    using Real = decltype(zero);
    if (device.has_twins()) {
      twins::rms_norm_backward(norm_rows<Real>(x, gain), read<Real>(scale), read<Real>(delta), end,
                               write<Real>(gradient), device.stream());
    } else {
      kernels::rms_norm_backward(norm_rows<Real>(x, gain), read<Real>(scale), read<Real>(delta),
                                 {begin, end}, write<Real>(gradient));
    }
  });
  return gradient;
}

class RmsNorm : public torch::autograd::Function<RmsNorm> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const at::Tensor& x, const at::Tensor& gain,
                                                double epsilon, bool has_twins) {
    const at::Tensor rows = x.contiguous();
    const Normalised normalised = normalise(rows, gain, epsilon, Device::of(x, has_twins));
    context->save_for_backward({rows, gain, normalised.scale});
    context->mark_non_differentiable({normalised.scale});
    context->saved_data["twins"] = has_twins;
    return {normalised.y, normalised.scale};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Device device = Device::of(saved[0], context->saved_data["twins"].toBool());
    return {input_gradient(saved[0], saved[1], saved[2], gradients[0].contiguous(), device),
            at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

Normalised normalise(const at::Tensor& x, const at::Tensor& gain, double epsilon,
                     const Device& device) {
  const at::Tensor rows = x.contiguous();
  Normalised normalised{.y = at::empty_like(rows),
                        .scale = at::empty(rows.sizes().slice(0, rows.dim() - 1), rows.options())};
  each_rows(rows, device, [&](auto zero, int64_t begin, int64_t end) {
    using Real = decltype(zero);
    if (device.has_twins()) {
      twins::rms_norm(norm_rows<Real>(rows, gain), epsilon, end, write<Real>(normalised.y),
                      write<Real>(normalised.scale), device.stream());
    } else {
      kernels::rms_norm(norm_rows<Real>(rows, gain), epsilon, {begin, end},
                        write<Real>(normalised.y), write<Real>(normalised.scale));
    }
  });
  return normalised;
}

Normalised normalise_with_graph(const at::Tensor& x, const at::Tensor& gain, double epsilon,
                                const Device& device) {
  const auto made = RmsNorm::apply(x, gain, epsilon, device.has_twins());
  return {.y = made[0], .scale = made[1]};
}

at::Tensor norm_response(const at::Tensor& x, const at::Tensor& update, const at::Tensor& scale,
                         const Device& device) {
  const at::Tensor rows = x.contiguous();
  at::Tensor z = at::empty_like(rows);
  each_rows(rows, device, [&](auto zero, int64_t begin, int64_t end) {
    using Real = decltype(zero);
    if (device.has_twins()) {
      twins::rms_norm_response(norm_rows<Real>(rows, update), read<Real>(scale), end,
                               write<Real>(z), device.stream());
    } else {
      kernels::rms_norm_response(norm_rows<Real>(rows, update), read<Real>(scale), {begin, end},
                                 write<Real>(z));
    }
  });
  return z;
}

}  // namespace explaind
