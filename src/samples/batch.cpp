#include "samples/batch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {

int64_t position_in(int64_t length, const Functional& functional) {
  const int64_t position = functional->position().value();
  return position < 0 ? length + position : position;
}

namespace {

/// Positions are those of language models; classifiers give none.
void require_position(const Sample& sample, const Functional& functional) {
  if (!functional->position()) return;
  const auto length = static_cast<int64_t>(sample.input_ids.size());
  const int64_t position = position_in(length, functional);
  if (position >= 0 && position < length) return;
  throw DataError(
      "sample " + sample.id,
      fmt::format("has {} and no position {}", counted(length, "token"), *functional->position()),
      "Give another --functional, or leave the sample out");
}

}  // namespace

int64_t padded_tokens(std::span<const Sample> samples) {
  size_t longest = 0, sequences = 0;
  for (const Sample& each : samples) {
    longest = std::max(longest, each.input_ids.size());
    for (const Sample& other : each.against) longest = std::max(longest, other.input_ids.size());
    sequences += 1 + each.against.size();
  }
  return static_cast<int64_t>(sequences * longest);
}

int64_t largest_micro_batch(std::span<const Sample> samples, int64_t size) {
  int64_t largest = 0;
  const auto step = static_cast<size_t>(size);
  for (size_t first = 0; first < samples.size(); first += step) {
    const auto members = samples.subspan(first, std::min(step, samples.size() - first));
    largest = std::max(largest, padded_tokens(members));
  }
  return largest;
}

int64_t most_position_pairs(std::span<const Sample> samples, int64_t size) {
  int64_t most = 0;
  const auto step = static_cast<size_t>(size);
  for (size_t first = 0; first < samples.size(); first += step) {
    const auto members = samples.subspan(first, std::min(step, samples.size() - first));
    int64_t sequences = 0;
    for (const Sample& sample : members) {
      sequences += 1 + static_cast<int64_t>(sample.against.size());
    }
    const int64_t tokens = padded_tokens(members);
    most = std::max(most, tokens * (tokens / sequences));
  }
  return most;
}

MicroBatch make_micro_batch(std::span<const Sample> samples, const Functional& functional) {
  MicroBatch batch;
  if (!samples.empty()) {
    batch.of_sample = 1 + static_cast<int64_t>(samples.front().against.size());
    batch.positions =
        padded_tokens(samples) / (batch.of_sample * static_cast<int64_t>(samples.size()));
  }
  const auto add = [&](const Sample& sequence, double sign) {
    require_position(sequence, functional);
    const auto length = static_cast<int64_t>(sequence.input_ids.size());
    for (int64_t t = 0; t < batch.positions; ++t) {
      const auto i = static_cast<size_t>(t);
      batch.input_ids.push_back(t < length ? sequence.input_ids[i] : 0);
      batch.targets.push_back(functional->predicted_at(sequence, t));
    }
    batch.lengths.push_back(length);
    batch.weights.push_back(sign * functional->weight(sequence));
  };
  for (const Sample& sample : samples) {
    add(sample, 1);
    for (const Sample& other : sample.against) add(other, -1);
  }
  return batch;
}

MicroBatch MicroBatch::subset(std::span<const int64_t> members) const {
  MicroBatch part;
  part.positions = positions;
  part.of_sample = of_sample;
  for (const int64_t member : members) {
    const int64_t first = member * of_sample, last = first + of_sample;  // its sequences
    const auto row = static_cast<std::ptrdiff_t>(first * positions);
    const auto end = static_cast<std::ptrdiff_t>(last * positions);
    part.input_ids.insert(part.input_ids.end(), input_ids.begin() + row, input_ids.begin() + end);
    part.targets.insert(part.targets.end(), targets.begin() + row, targets.begin() + end);
    part.lengths.insert(part.lengths.end(), lengths.begin() + first, lengths.begin() + last);
    part.weights.insert(part.weights.end(), weights.begin() + first, weights.begin() + last);
  }
  return part;
}

void MicroBatch::append(const MicroBatch& more) {
  input_ids.insert(input_ids.end(), more.input_ids.begin(), more.input_ids.end());
  targets.insert(targets.end(), more.targets.begin(), more.targets.end());
  lengths.insert(lengths.end(), more.lengths.begin(), more.lengths.end());
  weights.insert(weights.end(), more.weights.begin(), more.weights.end());
}

}  // namespace explaind
