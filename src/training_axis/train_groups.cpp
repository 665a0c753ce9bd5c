#include "training_axis/train_groups.hpp"

#include <ATen/ATen.h>

#include <string>

namespace explaind {

Groups each_sample(int64_t samples) {
  Groups groups;
  for (int64_t i = 0; i < samples; ++i) {
    groups.names.push_back(std::to_string(i));
    groups.of_sample.push_back(i);
  }
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
