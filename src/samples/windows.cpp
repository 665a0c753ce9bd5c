#include "samples/windows.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace explaind {

SampleWindows cut_into_windows(const Sample& sample, int64_t window, int64_t stride) {
  SampleWindows cut;
  cut.unpredicted = sample.predicted();
  const auto length = static_cast<int64_t>(sample.input_ids.size());
  for (int64_t k = 0, predicted_to = 0; predicted_to < length; ++k) {
    const int64_t begin = k * stride, end = std::min(begin + window, length);
    Sample part{.id = sample.id + "#" + std::to_string(k),
                .group = sample.group,
                .input_ids = {sample.input_ids.begin() + begin, sample.input_ids.begin() + end},
                .labels = {sample.labels.begin() + begin, sample.labels.begin() + end}};
    std::fill_n(part.labels.begin(), predicted_to - begin, ignored_label);
    // A window's first token has nothing before it that predicts it.
    if (k > 0) part.labels.front() = ignored_label;
    predicted_to = end;
    cut.unpredicted -= part.predicted();
    if (part.predicted() > 0) {
      cut.windows.push_back(std::move(part));
    } else {
      ++cut.left_out;
    }
  }
  return cut;
}

}  // namespace explaind
