#include "engines/component_sums.hpp"

#include <ATen/ATen.h>

namespace explaind {

void add_to_components(const ComponentTable& table, const ParameterRows& rows,
                       const at::Tensor& scores, at::Tensor& sums) {
  const ParameterSlot& slot = table.slot(rows.parameter);
  const ParameterInfo& parameter = table.parameters()[static_cast<size_t>(rows.parameter)];
  // L rows columns, whatever the parameter's shape.
  const at::Tensor x = scores.to(at::kDouble).reshape({scores.size(0), rows.count, -1});
  if (slot.division == Division::whole) {
    sums.select(1, slot.first).add_(x.sum({1, 2}));
    return;
  }
  const bool by_output = slot.division != Division::column_blocks;
  if (by_output == parameter.columns_are_outputs) {  // by all of the columns
    sums.narrow(1, slot.first, slot.count).add_(x.sum(1).view({x.size(0), slot.count, -1}).sum(2));
    return;
  }
  const int64_t rows_of_each = parameter.shape[0] / slot.count;
  if (rows_of_each == 1) {
    sums.narrow(1, slot.first + rows.first, rows.count).add_(x.sum(2));
    return;
  }
  const at::Tensor row = at::arange(rows.first, rows.first + rows.count, at::kLong);
  sums.index_add_(1, at::floor_divide(row, rows_of_each) + slot.first, x.sum(2));
}

at::Tensor component_scores(const ComponentTable& table, const std::vector<at::Tensor>& scores) {
  at::Tensor sums = at::zeros({1, table.size()}, at::kDouble);
  for (size_t i = 0; i < scores.size(); ++i) {
    const ParameterRows all{.parameter = static_cast<ParameterId>(i),
                            .first = 0,
                            .count = table.parameters()[i].shape[0]};
    add_to_components(table, all, scores[i].unsqueeze(0), sums);
  }
  return sums.select(0, 0);
}

}  // namespace explaind
