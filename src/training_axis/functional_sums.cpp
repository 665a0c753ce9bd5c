#include "training_axis/functional_sums.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "engines/component_sums.hpp"

namespace explaind {
namespace {

/// Ψ of every component: Δ ⊙ G, formed in double (Δ of fp32 weights is exact there).
at::Tensor total_of(const Segment& segment, const std::vector<at::Tensor>& gradient,
                    const ComponentTable& table) {
  std::vector<at::Tensor> scores;
  for (size_t i = 0; i < gradient.size(); ++i) {
    const at::Tensor delta = segment.to[i].to(at::kDouble) - segment.from[i].to(at::kDouble);
    scores.push_back(delta * gradient[i].to(at::kDouble));
  }
  return component_scores(table, scores);
}

/// sum += weight · G. A row's first functional of weight 1 is kept as it is.
void add(std::vector<at::Tensor>& sum, std::vector<at::Tensor>& gradient, double weight) {
  if (sum.empty() && weight == 1) {
    sum = std::move(gradient);
    return;
  }
  const bool first = sum.empty();
  sum.resize(gradient.size());
  for (size_t i = 0; i < gradient.size(); ++i) {
    const at::Tensor g = gradient[i].to(at::kDouble);
    sum[i] = first ? g * weight : sum[i].to(at::kDouble).add_(g, weight);
  }
}

}  // namespace

FunctionalSums FunctionalSums::each(std::vector<Predictions> predictions) {
  FunctionalSums sums;
  sums.rows = functional_count(predictions);
  sums.at_once = std::max<int64_t>(1, static_cast<int64_t>(predictions.size()));
  sums.predictions = std::move(predictions);
  for (int64_t row = 0; row < sums.rows; ++row) sums.places.push_back({.row = row, .weight = 1});
  return sums;
}

RowIntegrals integrate_rows(const Model& model, const Segment& segment, const ComponentTable& table,
                            const FunctionalSums& functionals, const QuadratureOptions& options) {
  RowIntegrals rows{
      .gradient = std::vector<std::vector<at::Tensor>>(static_cast<size_t>(functionals.rows)),
      .total = at::zeros({functionals.rows, table.size()}, at::kDouble),
      .sums = {},
      .verdicts = {}};
  size_t f = 0;
  const auto count = static_cast<int64_t>(functionals.predictions.size());
  for (int64_t first = 0; first < count; first += functionals.at_once) {
    const int64_t last = std::min(first + functionals.at_once, count);
    const std::vector<Predictions> some(functionals.predictions.begin() + first,
                                        functionals.predictions.begin() + last);
    for (IntegratedGradient& integral : integrate_predictions(model, segment, some, options)) {
      const FunctionalSums::Place& place = functionals.places.at(f++);
      const at::Tensor total = total_of(segment, integral.gradient, table);
      rows.sums.push_back(total.sum().item<double>());
      rows.total.select(0, place.row).add_(total, place.weight);
      add(rows.gradient[static_cast<size_t>(place.row)], integral.gradient, place.weight);
      rows.verdicts.push_back(std::move(integral.verdict));
    }
  }
  return rows;
}

}  // namespace explaind
