#include "tensors/token_losses.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "kernels/contract.hpp"
#include "tensors/thread_team.hpp"

namespace explaind {
namespace {

namespace twins = kernels::device;
using kernels::SoftmaxSum;

static_assert(sizeof(SoftmaxSum) == 2 * sizeof(double));

SoftmaxSum* sums_of(const at::Tensor& totals) {
  return reinterpret_cast<SoftmaxSum*>(totals.data_ptr<double>());
}

/// The target's place among n ids from `first` on; −1 outside.
int64_t within(int64_t target, int64_t first, int64_t n) {
  return target >= first && target < first + n ? target - first : -1;
}

/// Calls act(begin, end) for rows of `columns` logits, shared by threads. An element costs an
/// exponential in fp64.
template <typename F>
void each_row(int64_t rows, int64_t columns, const F& act) {
  constexpr int64_t elements = 1 << 17;  // of a piece
  constexpr double work_of_element = 256;
  share_ranges(rows, std::max<int64_t>(1, elements / columns),
               work_of_element * static_cast<double>(columns), act);
}

}  // namespace

TokenLosses::TokenLosses(const MicroBatch& batch, const Device& device)
    : batch_(batch), device_(device) {
  if (!device.has_twins()) {
    totals_.resize(batch.targets.size());
    chosen_.assign(batch.targets.size(), 0.0);
    return;
  }
  std::vector<double> scales, totals;
  for (size_t row = 0; row < batch.targets.size(); ++row) {
    scales.push_back(batch.weights[row / static_cast<size_t>(batch.positions)]);
    totals.push_back(-std::numeric_limits<double>::infinity());
    totals.push_back(0);
  }
  targets_there_ = device.upload(at::tensor(batch.targets, at::kLong));
  scales_there_ = device.upload(at::tensor(scales, at::kDouble));
  totals_there_ = device.upload(at::tensor(totals, at::kDouble));
  chosen_there_ = at::zeros({rows()}, device.options(at::kDouble));
}

std::vector<double> TokenLosses::member_values(const std::vector<double>& token) const {
  std::vector<double> values;
  for (int64_t b = 0; b < batch_.size(); ++b) {
    values.push_back(kernels::ordered_sum(token.data() + b * batch_.positions, batch_.positions) *
                     batch_.weights[static_cast<size_t>(b)]);
  }
  return values;
}

std::vector<double> TokenLosses::whole(at::Tensor& logits, bool gradient) {
  if (device_.has_twins()) {
    add_slice(logits, 0);
    std::vector<double> found = values();
    if (gradient) gradient_slice(logits, 0);
    return found;
  }
  const int64_t vocabulary = logits.size(2);
  return member_values(logits.scalar_type() == at::kDouble
                           ? whole_here(logits.data_ptr<double>(), vocabulary, gradient)
                           : whole_here(logits.data_ptr<float>(), vocabulary, gradient));
}

template <typename Real>
std::vector<double> TokenLosses::whole_here(Real* logits, int64_t vocabulary, bool gradient) {
  std::vector<double> token(batch_.targets.size(), 0.0);
  each_row(rows(), vocabulary, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      const int64_t target = batch_.targets[static_cast<size_t>(row)];
      Real* row_logits = logits + row * vocabulary;
      double& loss = token[static_cast<size_t>(row)];
      if (target >= 0 && gradient) {
        const double weight = batch_.weights[static_cast<size_t>(row / batch_.positions)];
        loss = kernels::cross_entropy_backward(row_logits, vocabulary, target, weight);
      } else if (target >= 0) {
        loss = kernels::cross_entropy<Real>(row_logits, vocabulary, target);
      } else if (gradient) {
        std::fill_n(row_logits, vocabulary, Real{0});
      }
    }
  });
  return token;
}

void TokenLosses::add_slice(const at::Tensor& logits, int64_t first) {
  const bool fp64 = logits.scalar_type() == at::kDouble;
  const int64_t n = logits.size(2);
  if (!device_.has_twins()) {
    fp64 ? add_here(logits.const_data_ptr<double>(), n, first)
         : add_here(logits.const_data_ptr<float>(), n, first);
    return;
  }
  const auto add = [&]<typename Real>(const Real* values) {
    twins::add_slice<Real>({.logits = values,
                            .rows = rows(),
                            .n = n,
                            .first = first,
                            .targets = targets_there_.const_data_ptr<int64_t>()},
                           sums_of(totals_there_), chosen_there_.data_ptr<double>(),
                           device_.stream());
  };
  fp64 ? add(logits.const_data_ptr<double>()) : add(logits.const_data_ptr<float>());
}

template <typename Real>
void TokenLosses::add_here(const Real* logits, int64_t n, int64_t first) {
  each_row(rows(), n, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const auto i = static_cast<size_t>(row);
      if (batch_.targets[i] < 0) continue;
      const Real* values = logits + row * n;
      const int64_t target = within(batch_.targets[i], first, n);
      if (target >= 0) chosen_[i] = static_cast<double>(values[target]);
      kernels::add_slice(values, n, totals_[i]);
    }
  });
}

std::vector<double> TokenLosses::values() const {
  std::vector<double> token(batch_.targets.size(), 0.0);
  const SoftmaxSum* totals = totals_.data();
  const double* chosen = chosen_.data();
  at::Tensor totals_here, chosen_here;
  if (device_.has_twins()) {
    totals_here = device_.download(totals_there_);
    chosen_here = device_.download(chosen_there_);
    device_.synchronize();
    totals = sums_of(totals_here);
    chosen = chosen_here.const_data_ptr<double>();
  }
  for (size_t i = 0; i < token.size(); ++i) {
    if (batch_.targets[i] >= 0) token[i] = totals[i].logarithm() - chosen[i];
  }
  return member_values(token);
}

at::Tensor TokenLosses::log_sums() const {
  at::Tensor sums = at::zeros({batch_.size(), batch_.positions}, at::kDouble);
  const at::Tensor there = device_.has_twins() ? device_.download(totals_there_) : at::Tensor();
  if (device_.has_twins()) device_.synchronize();
  const SoftmaxSum* totals = device_.has_twins() ? sums_of(there) : totals_.data();
  for (size_t i = 0; i < batch_.targets.size(); ++i) {
    if (batch_.targets[i] >= 0) sums.data_ptr<double>()[i] = totals[i].logarithm();
  }
  return device_.upload(sums);
}

void TokenLosses::gradient_slice(at::Tensor& logits, int64_t first) const {
  const bool fp64 = logits.scalar_type() == at::kDouble;
  const int64_t n = logits.size(2);
  if (!device_.has_twins()) {
    fp64 ? gradient_here(logits.data_ptr<double>(), n, first)
         : gradient_here(logits.data_ptr<float>(), n, first);
    return;
  }
  const auto form = [&]<typename Real>(Real* values) {
    twins::softmax_gradient<Real>({.logits = values,
                                   .rows = rows(),
                                   .n = n,
                                   .first = first,
                                   .targets = targets_there_.const_data_ptr<int64_t>()},
                                  sums_of(totals_there_), scales_there_.const_data_ptr<double>(),
                                  device_.stream());
  };
  fp64 ? form(logits.data_ptr<double>()) : form(logits.data_ptr<float>());
}

template <typename Real>
void TokenLosses::gradient_here(Real* logits, int64_t n, int64_t first) const {
  each_row(rows(), n, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const auto i = static_cast<size_t>(row);
      Real* values = logits + row * n;
      if (batch_.targets[i] < 0) {
        std::fill_n(values, n, Real{0});
      } else {
        kernels::softmax_gradient(values, n, totals_[i], within(batch_.targets[i], first, n),
                                  batch_.weights[static_cast<size_t>(row / batch_.positions)]);
      }
    }
  });
}

}  // namespace explaind
