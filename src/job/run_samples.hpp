#pragma once
// Prediction samples out of a recorded run's own data.

#include <optional>
#include <string>
#include <vector>

#include "core/selection.hpp"
#include "datasets/dataset.hpp"
#include "samples/sample.hpp"

namespace explaind {

/// --samples of a recorded run: "validation" or "train", all of it or the samples of a selection of
/// their numbers, counted from 0: "validation:0:99|200".
struct SampleChoice {
  std::string part;
  std::optional<Selection> numbers;  ///< nothing: all
};

/// Nothing where `text` is no such choice: a file then. "validation:0-99" is read too, as stores of
/// earlier versions have it. Throws UsageError for a broken range.
std::optional<SampleChoice> parse_sample_choice(const std::string& text);

/// Ids "validation/17", groups the labels' numbers. A classifier's sample is its place in the data;
/// one of a language model has its tokens and the one that follows the last. Throws DataError for a
/// number beyond the data.
std::vector<Sample> choose_samples(const SampleChoice& choice, const Dataset& data);

}  // namespace explaind
