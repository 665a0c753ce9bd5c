#include "optimizer_steps/training_batch.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"

namespace explaind {

BatchMean parse_batch_mean(const std::string& word) {
  if (word == "tokens") return BatchMean::tokens;
  if (word == "samples") return BatchMean::samples;
  throw UsageError("--batch-mean", "'" + word + "' is neither tokens nor samples",
                   "tokens: the loss is the mean over all predicted tokens of the batch; samples: "
                   "the mean over samples of their means");
}

TrainingBatch::TrainingBatch(std::vector<Sample> all, BatchMean mean, Axis axis,
                             std::vector<std::string> groups)
    : samples(std::move(all)), group_names(std::move(groups)) {
  const auto count = static_cast<double>(samples.size());
  double tokens = 0;
  for (const Sample& sample : samples) tokens += static_cast<double>(sample.predicted());
  for (const Sample& sample : samples) {
    const auto own = static_cast<double>(sample.predicted());
    weights.push_back(mean == BatchMean::tokens ? 1 / tokens : 1 / (count * own));
  }
  if (group_names.empty()) group_names = group_samples(samples).names;
  const size_t number = axis == Axis::none    ? 1
                        : axis == Axis::group ? group_names.size()
                                              : samples.size();
  parts.resize(number);
  const auto place_of = [&](const std::string& group) {
    return static_cast<size_t>(std::find(group_names.begin(), group_names.end(), group) -
                               group_names.begin());
  };
  for (size_t i = 0; i < samples.size(); ++i) {
    const size_t part = axis == Axis::none    ? 0
                        : axis == Axis::group ? place_of(samples[i].group)
                                              : i;
    parts[part].push_back(static_cast<int64_t>(i));
  }
}

}  // namespace explaind
