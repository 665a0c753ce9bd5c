#include "samples/sample.hpp"

#include <algorithm>

namespace explaind {

int64_t Sample::predicted() const {
  if (labels.empty()) return 0;
  return std::count_if(labels.begin() + 1, labels.end(),
                       [](int64_t label) { return label != ignored_label; });
}

int64_t Sample::tokens() const {
  auto count = static_cast<int64_t>(input_ids.size());
  for (const Sample& other : against) count += other.tokens();
  return count;
}

Groups group_samples(const std::vector<Sample>& samples) {
  Groups groups;
  for (const Sample& sample : samples) {
    const auto known = std::find(groups.names.begin(), groups.names.end(), sample.group);
    groups.of_sample.push_back(known - groups.names.begin());
    if (known == groups.names.end()) groups.names.push_back(sample.group);
  }
  return groups;
}

}  // namespace explaind
