#pragma once
// Prediction samples out of a recorded run's own data.

#include <optional>
#include <string>
#include <vector>

#include "datasets/dataset.hpp"
#include "samples/sample.hpp"

namespace explaind {

/// --samples of a recorded run: "validation" or "train", all of it or its samples FIRST to LAST,
/// counted from 0: "validation:0-99".
struct SampleChoice {
  std::string part;
  int64_t first = 0, last = -1;  ///< last −1: to the end
};

/// Nothing where `text` is no such choice: a file then. Throws UsageError for a broken range.
std::optional<SampleChoice> parse_sample_choice(const std::string& text);

/// Ids "validation/17", groups the labels' numbers. A classifier's sample is its place in the data;
/// one of a language model has its tokens and the one that follows the last. Throws DataError where
/// the range is beyond the data.
std::vector<Sample> choose_samples(const SampleChoice& choice, const Dataset& data);

}  // namespace explaind
