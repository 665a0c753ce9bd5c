#include "job/run_samples.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

/// Digits and nothing else.
std::optional<int64_t> whole_number(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0) {
    return std::nullopt;
  }
  return value;
}

/// T tokens and, shifted inside the loss, the token after each: T + 1 of them.
Sample text_sample(const int64_t* ids, const int64_t* next, int64_t length) {
  Sample sample;
  sample.input_ids.assign(ids, ids + length);
  sample.input_ids.push_back(next[length - 1]);
  sample.labels.push_back(ignored_label);
  sample.labels.insert(sample.labels.end(), next, next + length);
  return sample;
}

}  // namespace

std::optional<SampleChoice> parse_sample_choice(const std::string& text) {
  const size_t colon = text.find(':');
  SampleChoice choice{.part = text.substr(0, colon), .numbers = {}};
  if (choice.part != "validation" && choice.part != "train") return std::nullopt;
  if (colon == std::string::npos) return choice;
  std::string numbers = text.substr(colon + 1);
  const size_t dash = numbers.find('-');
  if (dash != std::string::npos && numbers.find_first_of(":|") == std::string::npos) {
    const auto first = whole_number(numbers.substr(0, dash));
    const auto last = whole_number(numbers.substr(dash + 1));
    if (!first || !last || *last < *first) {
      throw UsageError("--samples", "'" + text + "' is no range of samples",
                       "Give first and last, counted from 0, as in validation:0:99");
    }
    numbers[dash] = ':';
  }
  choice.numbers = Selection(numbers, "--samples", choice.part + " sample ");
  return choice;
}

namespace {

std::vector<bool> chosen_samples(const SampleChoice& choice, int64_t size) {
  if (!choice.numbers) return std::vector<bool>(static_cast<size_t>(size), true);
  std::vector<std::string> numbers;
  for (int64_t i = 0; i < size; ++i) numbers.push_back(std::to_string(i));
  for (const Selection::Alternative& each : choice.numbers->alternatives()) {
    const bool value = !each.range && each.pieces.size() == 1;
    const bool beyond = each.range && each.high && *each.high >= static_cast<double>(size);
    if (beyond || (value && !whole_number(each.pieces.front()).has_value()) ||
        (value && *whole_number(each.pieces.front()) >= size)) {
      throw DataError("--samples",
                      fmt::format("the run has {}, counted from 0, and not {}",
                                  counted(size, choice.part + " sample"), each.written),
                      "Choose among them, as in validation:0:99|200");
    }
  }
  return choice.numbers->among(numbers, true);
}

}  // namespace

std::vector<Sample> choose_samples(const SampleChoice& choice, const Dataset& data) {
  if (data.size() == 0) {
    throw DataError("--samples", fmt::format("the run has no {} samples", choice.part));
  }
  const std::vector<bool> chosen = chosen_samples(choice, data.size());
  const bool texts = data.labels.dim() == 2;
  std::vector<Sample> samples;
  for (int64_t i = 0; i < data.size(); ++i) {
    if (!chosen[static_cast<size_t>(i)]) continue;
    Sample sample;
    const int64_t* label = data.labels.const_data_ptr<int64_t>() + i * data.labels.stride(0);
    if (texts) {
      sample = text_sample(data.inputs.const_data_ptr<int64_t>() + i * data.inputs.stride(0), label,
                           data.inputs.size(1));
    } else {
      sample.input_ids = {i};
      sample.labels = {*label};
      sample.group = std::to_string(*label);
    }
    sample.id = fmt::format("{}/{}", choice.part, i);
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace explaind
