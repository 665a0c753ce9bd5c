#include "tensors/product.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

constexpr int64_t most_pieces = 16;
/// A piece of r × c packs its operands anew, 1/r + 1/c elements for every two operations. One
/// thread pays about 16 (1/r + 1/c) of a product's time for that (measured: 3 % for halves of 512 ×
/// 512, 6 % for quarters). Pieces take a twentieth of the time more than the whole does, at most;
/// the two halves of what is small in both directions may take more, since a second thread saves
/// much more.
constexpr double most_packed = 1. / 320, most_packed_times = 1.5;
/// Lengths of pieces are multiples of it: their places in memory stay aligned as the whole is.
constexpr int64_t unit = 16;

int64_t divided_up(int64_t length, int64_t by) { return (length + by - 1) / by; }

int64_t half(int64_t length) { return divided_up(divided_up(length, 2), unit) * unit; }

double packed(const ProductCut& cut) {
  return 1. / static_cast<double>(cut.rows) + 1. / static_cast<double>(cut.columns);
}

double work_of(int64_t rows, int64_t columns, int64_t inner) {
  return 2 * static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(inner);
}

/// bf16 products want a result in one stretch of memory.
bool whole_rows(const at::Tensor& operand) {
  return operand.scalar_type() != at::kFloat && operand.scalar_type() != at::kDouble;
}

ProductCut cut_of(const at::Tensor& a, int64_t columns) {
  return cut_of_product(a.size(0), columns, a.size(1), whole_rows(a));
}

/// result = a b + bias in pieces. a: m k; b: k n; bias: n, or undefined; result: m n.
void in_pieces(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias,
               const at::Tensor& result) {
  const ProductCut cut = cut_of(a, b.size(1));
  share_pieces(cut.pieces(), work_of(a.size(0), b.size(1), a.size(1)), [&](int64_t piece) {
    const int64_t row = piece / cut.across * cut.rows, column = piece % cut.across * cut.columns;
    const int64_t rows = std::min(cut.rows, a.size(0) - row),
                  columns = std::min(cut.columns, b.size(1) - column);
    at::Tensor part = result.narrow(0, row, rows).narrow(1, column, columns);
    const at::Tensor left = a.narrow(0, row, rows), right = b.narrow(1, column, columns);
    if (bias.defined()) {
      at::addmm_out(part, bias.narrow(0, column, columns), left, right);
    } else {
      at::mm_out(part, left, right);
    }
  });
}

at::Tensor flat(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

/// x b + bias. x: … k. Returns … n.
at::Tensor in_pieces(const at::Tensor& x, const at::Tensor& b, const at::Tensor& bias = {}) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = b.size(1);
  at::Tensor result = at::empty(shape, x.options());
  in_pieces(flat(x), b, bias, flat(result));
  return result;
}

/// y = x Wᵀ + b with the gradients of all three, each a product in pieces.
class Affine : public torch::autograd::Function<Affine> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& matrix, const std::optional<at::Tensor>& bias) {
    // Kept is what a gradient will ask for, and nothing else.
    context->save_for_backward(
        {matrix.requires_grad() ? x : at::Tensor(), x.requires_grad() ? matrix : at::Tensor()});
    context->saved_data["bias"] = bias.has_value() && bias->requires_grad();
    return in_pieces(x, matrix.t(), bias.value_or(at::Tensor()));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor delta = gradients[0].contiguous(), rows = flat(delta);
    torch::autograd::variable_list found(3);
    if (saved[1].defined()) found[0] = in_pieces(delta, saved[1]);
    if (saved[0].defined()) found[1] = in_pieces(rows.t(), flat(saved[0]));
    if (context->saved_data["bias"].toBool()) found[2] = rows.sum(0);
    return found;
  }
};

}  // namespace

ProductCut cut_of_product(int64_t rows, int64_t columns, int64_t inner, bool whole_rows) {
  ProductCut cut{.rows = rows, .columns = columns};
  const double whole = packed(cut);
  // The longer side is halved, so that pieces stay nearly square: least is packed then.
  for (double work = work_of(rows, columns, inner);
       work >= 2 * piece_work && cut.pieces() < most_pieces; work /= 2) {
    ProductCut finer = cut;
    if (whole_rows || cut.rows >= cut.columns) {
      finer.rows = half(cut.rows);
      finer.down = divided_up(rows, finer.rows);
    } else {
      finer.columns = half(cut.columns);
      finer.across = divided_up(columns, finer.columns);
    }
    if (packed(finer) > std::max(whole + most_packed, most_packed_times * whole)) break;
    cut = finer;
  }
  return cut;
}

at::Tensor out_in(const at::Tensor& stored, bool columns_are_outputs) {
  return columns_are_outputs ? stored.t() : stored;
}

at::Tensor affine(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias) {
  const int64_t in = matrix.size(1), rows = x.numel() / std::max<int64_t>(in, 1);
  const auto shift = bias.defined() ? std::optional(bias) : std::nullopt;
  if (!x.is_cpu() || cut_of_product(rows, matrix.size(0), in, whole_rows(x)).pieces() == 1) {
    return at::linear(x, matrix, shift);
  }
  return Affine::apply(x, matrix, shift);
}

at::Tensor product(const at::Tensor& a, const at::Tensor& b) {
  if (!a.is_cpu() || cut_of(a, b.size(1)).pieces() == 1) return at::mm(a, b);
  return in_pieces(a, b);
}

at::Tensor product_of_each(const at::Tensor& a, const at::Tensor& b) {
  const int64_t members = a.size(0);
  const double work = static_cast<double>(members) * work_of(a.size(1), b.size(2), a.size(2));
  if (!a.is_cpu() || members == 0 || work < 2 * piece_work) return at::bmm(a, b);
  const double pieces = std::min(work / piece_work, static_cast<double>(most_pieces));
  const auto length = std::max<int64_t>(1, std::llround(static_cast<double>(members) / pieces));
  at::Tensor result = at::empty({members, a.size(1), b.size(2)}, a.options());
  share_ranges(
      members, length, work / static_cast<double>(members), [&](int64_t begin, int64_t end) {
        at::Tensor part = result.narrow(0, begin, end - begin);
        at::bmm_out(part, a.narrow(0, begin, end - begin), b.narrow(0, begin, end - begin));
      });
  return result;
}

}  // namespace explaind
