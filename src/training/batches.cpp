#include "training/batches.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <numeric>

namespace explaind {
namespace {

enum class Stream : uint64_t { order = 1, flips = 2 };

/// A generator of its own for every epoch or step: seeds that differ little give streams that have
/// nothing to do with each other (splitmix64).
at::Generator generator_of(uint64_t seed, Stream stream, int64_t number) {
  uint64_t x = seed;
  for (const uint64_t part : {static_cast<uint64_t>(stream), static_cast<uint64_t>(number)}) {
    x += 0x9e3779b97f4a7c15U + part;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    x ^= x >> 31U;
  }
  return at::detail::createCPUGenerator(x);
}

}  // namespace

BatchPlan::BatchPlan(int64_t samples, int64_t batch, bool shuffle, bool drop_last, uint64_t seed)
    : samples_(samples),
      batch_(std::min(batch, samples)),
      steps_per_epoch_(drop_last ? samples / batch_ : (samples + batch_ - 1) / batch_),
      shuffle_(shuffle),
      seed_(seed) {}

const std::vector<int64_t>& BatchPlan::samples(int64_t step) {
  const int64_t epoch = step / steps_per_epoch_;
  if (epoch != epoch_) {
    epoch_ = epoch;
    order_.resize(static_cast<size_t>(samples_));
    if (shuffle_) {
      const at::Tensor order = at::randperm(samples_, generator_of(seed_, Stream::order, epoch),
                                            at::TensorOptions(at::kLong));
      std::copy_n(order.const_data_ptr<int64_t>(), samples_, order_.begin());
    } else {
      std::iota(order_.begin(), order_.end(), 0);
    }
  }
  const int64_t begin = step % steps_per_epoch_ * batch_;
  const int64_t end = std::min(begin + batch_, samples_);
  current_.assign(order_.begin() + begin, order_.begin() + end);
  return current_;
}

std::vector<uint8_t> BatchPlan::flips(int64_t step) {
  const auto count = static_cast<int64_t>(samples(step).size());
  const at::Tensor drawn = at::randint(0, 2, {count}, generator_of(seed_, Stream::flips, step),
                                       at::TensorOptions(at::kByte));
  const auto* data = drawn.const_data_ptr<uint8_t>();
  return {data, data + count};
}

}  // namespace explaind
