#include "datasets/modular_addition.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

Dataset of_pairs(const std::vector<std::pair<int64_t, int64_t>>& pairs, const at::Tensor& chosen,
                 int64_t p) {
  const int64_t count = chosen.size(0);
  Dataset data{at::empty({count, 4}, at::kLong), at::empty({count}, at::kLong)};
  auto* token = data.inputs.data_ptr<int64_t>();
  auto* label = data.labels.data_ptr<int64_t>();
  const auto* index = chosen.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < count; ++i) {
    const auto [a, b] = pairs[static_cast<size_t>(index[i])];
    *token++ = b;
    *token++ = p;
    *token++ = a;
    *token++ = p + 1;
    *label++ = (a + b) % p;
  }
  return data;
}

}  // namespace

TrainingData modular_addition(int64_t p, int64_t train, int64_t validation, uint64_t seed) {
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (int64_t a = 0; a < p; ++a) {
    for (int64_t b = a; b < p; ++b) pairs.emplace_back(a, b);
  }
  const auto total = static_cast<int64_t>(pairs.size());
  if (train < 1 || validation < 0 || train + validation > total) {
    throw UsageError(
        "--train-samples",
        fmt::format("{} and {} of {} modulo {}", counted(train, "training sample"),
                    counted(validation, "validation sample"), counted(total, "pair"), p),
        "Take fewer, or a larger --modulus");
  }
  const at::Tensor order =
      at::randperm(total, at::detail::createCPUGenerator(seed), at::TensorOptions(at::kLong));
  TrainingData data;
  data.train = of_pairs(pairs, order.narrow(0, 0, train).contiguous(), p);
  data.validation = of_pairs(pairs, order.narrow(0, train, validation).contiguous(), p);
  data.classes = p + 2;
  data.description = {{"kind", "modular_addition"}, {"modulus", p}};
  return data;
}

}  // namespace explaind
