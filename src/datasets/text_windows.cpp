#include "datasets/text_windows.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

/// Windows [first, first + count).
Dataset windows(const std::vector<int64_t>& tokens, int64_t length, int64_t first, int64_t count) {
  Dataset data{at::empty({count, length}, at::kLong), at::empty({count, length}, at::kLong)};
  const auto begin = tokens.begin() + first * length;
  std::copy_n(begin, count * length, data.inputs.data_ptr<int64_t>());
  std::copy_n(begin + (count > 0 ? 1 : 0), count * length, data.labels.data_ptr<int64_t>());
  return data;
}

}  // namespace

TrainingData text_windows(const std::vector<int64_t>& tokens, int64_t length, int64_t vocabulary,
                          int64_t train, int64_t validation) {
  const int64_t total = (static_cast<int64_t>(tokens.size()) - 1) / length;
  const int64_t wanted = train > 0 ? train : total - validation;
  if (wanted < 1 || wanted + validation > total) {
    throw DataError("training text",
                    fmt::format("{} are {} of {}; {} to train on and {} to "
                                "validate are asked for",
                                counted(tokens.size(), "token"), counted(total, "sample"),
                                counted(length, "token"), std::max<int64_t>(wanted, 1), validation),
                    "Give more text, or lower --train-samples");
  }
  TrainingData data;
  data.train = windows(tokens, length, 0, wanted);
  data.validation = windows(tokens, length, total - validation, validation);
  data.classes = vocabulary;
  data.description = {{"kind", "text"}, {"length", length}};
  return data;
}

}  // namespace explaind
