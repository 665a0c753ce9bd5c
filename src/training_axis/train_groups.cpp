#include "training_axis/train_groups.hpp"

#include <ATen/ATen.h>

#include <map>

#include "core/error.hpp"

namespace explaind {

Groups class_groups(const Dataset& data) {
  if (data.labels.dim() != 1) {
    throw UsageError("train_group", "the training samples have no classes, but a label a position",
                     "Attribute to single samples");
  }
  std::map<int64_t, int64_t> number;  // of every class
  const int64_t* label = data.labels.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < data.size(); ++i) number[label[i]] = 0;
  Groups groups;
  for (auto& [value, place] : number) {
    place = static_cast<int64_t>(groups.names.size());
    groups.names.push_back("class." + std::to_string(value));
  }
  for (int64_t i = 0; i < data.size(); ++i) groups.of_sample.push_back(number[label[i]]);
  return groups;
}

at::Tensor sum_groups(const at::Tensor& scores, const std::vector<int64_t>& samples,
                      const Groups& groups) {
  std::vector<int64_t> group;
  for (const int64_t sample : samples) {
    group.push_back(groups.of_sample.at(static_cast<size_t>(sample)));
  }
  const auto count = static_cast<int64_t>(groups.names.size());
  return at::zeros({scores.size(0), count, scores.size(2)}, scores.options())
      .index_add_(1, at::tensor(group, at::kLong), scores);
}

}  // namespace explaind
