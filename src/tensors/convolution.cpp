#include "tensors/convolution.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <vector>

#include "tensors/thread_team.hpp"

// B samples, I input and O output channels, k × k filters, H' × W' pixels of the result.

namespace explaind {
namespace {

using torch::autograd::variable_list;

constexpr double most_image_pieces = 16;

std::vector<int64_t> shape_of(const at::Tensor& x, const at::Tensor& filters, int64_t stride,
                              int64_t padding) {
  const auto pixels = [&](int64_t axis) {
    return (x.size(axis) + 2 * padding - filters.size(axis)) / stride + 1;
  };
  return {x.size(0), filters.size(0), pixels(2), pixels(3)};
}

/// Operations of a result or gradient of that shape.
double work_of(const std::vector<int64_t>& shape, const at::Tensor& filters) {
  return 2 * static_cast<double>(shape[0] * shape[2] * shape[3]) *
         static_cast<double>(filters.numel());
}

/// Samples or channels of a piece, by the shape alone.
int64_t piece_length(int64_t count, double work, int64_t least) {
  const double pieces = std::min(work / piece_work, most_image_pieces);
  return std::max<int64_t>(least, std::llround(static_cast<double>(count) / pieces));
}

at::Tensor gradient_of(const at::Tensor& delta, const at::Tensor& x, const at::Tensor& filters,
                       int64_t stride, int64_t padding, bool of_filters) {
  const auto found = at::convolution_backward(
      delta, x, filters, /*bias_sizes=*/at::OptionalIntArrayRef(), {stride, stride},
      {padding, padding}, /*dilation=*/{1, 1}, /*transposed=*/false, /*output_padding=*/{0, 0},
      /*groups=*/1, std::array<bool, 3>{!of_filters, of_filters, false});
  return of_filters ? std::get<1>(found) : std::get<0>(found);
}

class Convolution : public torch::autograd::Function<Convolution> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& filters, int64_t stride, int64_t padding) {
    // Both, as the graph of LibTorch's own convolution keeps them.
    context->save_for_backward({x, filters});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    const std::vector<int64_t> shape = shape_of(x, filters, stride, padding);
    const double work = work_of(shape, filters);
    at::Tensor y = at::empty(shape, x.options());
    share_ranges(x.size(0), piece_length(x.size(0), work, 1), work / static_cast<double>(x.size(0)),
                 [&](int64_t begin, int64_t end) {
                   const int64_t count = end - begin;
                   y.narrow(0, begin, count)
                       .copy_(at::conv2d(x.narrow(0, begin, count), filters, /*bias=*/{},
                                         {stride, stride}, {padding, padding}));
                 });
    return y;
  }

  static variable_list backward(torch::autograd::AutogradContext* context,
                                const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &filters = saved[1];
    const int64_t stride = context->saved_data["stride"].toInt(),
                  padding = context->saved_data["padding"].toInt();
    const at::Tensor delta = gradients[0].contiguous();
    const double work = work_of(delta.sizes().vec(), filters);
    variable_list found(4);
    if (context->needs_input_grad(0)) {
      found[0] = at::empty_like(x);
      share_ranges(x.size(0), piece_length(x.size(0), work, 1),
                   work / static_cast<double>(x.size(0)), [&](int64_t begin, int64_t end) {
                     const auto part = [&](const at::Tensor& all) {
                       return all.narrow(0, begin, end - begin);
                     };
                     part(found[0]).copy_(
                         gradient_of(part(delta), part(x), filters, stride, padding, false));
                   });
    }
    if (context->needs_input_grad(1)) {
      constexpr int64_t least_channels = 8;  // a vector of them
      const int64_t channels = filters.size(0);
      found[1] = at::empty_like(filters);
      share_ranges(
          channels, piece_length(channels, work, least_channels),
          work / static_cast<double>(channels), [&](int64_t begin, int64_t end) {
            const int64_t count = end - begin;
            found[1]
                .narrow(0, begin, count)
                .copy_(gradient_of(delta.narrow(1, begin, count).contiguous(), x,
                                   filters.narrow(0, begin, count), stride, padding, true));
          });
    }
    return found;
  }
};

}  // namespace

at::Tensor convolution(const at::Tensor& x, const at::Tensor& filters, int64_t stride,
                       int64_t padding) {
  const bool real = x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble;
  if (!x.is_cpu() || !real || x.dim() != 4 || x.size(0) == 0 ||
      work_of(shape_of(x, filters, stride, padding), filters) < 2 * piece_work) {
    return at::conv2d(x, filters, /*bias=*/{}, {stride, stride}, {padding, padding});
  }
  return Convolution::apply(x.contiguous(), filters, stride, padding);
}

}  // namespace explaind
