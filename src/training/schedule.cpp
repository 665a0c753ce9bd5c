#include "training/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {

double Schedule::learning_rate(int64_t step) const {
  const auto ratio = [](int64_t a, int64_t b) {
    return static_cast<double>(a) / static_cast<double>(b);
  };
  if (shape == Shape::triangle) {
    if (step < warmup) return peak * ratio(step, warmup);
    return peak * ratio(steps - step, std::max<int64_t>(1, steps - warmup));
  }
  if (step < warmup) return peak * ratio(step + 1, warmup);
  if (shape == Shape::constant) return peak;
  // The step at which the rate begins to fall, and how far the fall is, from 0 to 1.
  const int64_t begin = shape == Shape::cosine ? warmup : std::max(warmup, steps - 1 - decay);
  if (step <= begin) return peak;
  const double progress =
      std::min(1.0, ratio(step - begin, std::max<int64_t>(1, steps - 1 - begin)));
  const double left =
      shape == Shape::cosine ? 0.5 * (1 + std::cos(std::numbers::pi * progress)) : 1 - progress;
  return peak * (minimum_ratio + (1 - minimum_ratio) * left);
}

Schedule::Shape parse_schedule(const std::string& word) {
  if (word == "constant") return Schedule::Shape::constant;
  if (word == "cosine") return Schedule::Shape::cosine;
  if (word == "triangle") return Schedule::Shape::triangle;
  if (word == "wsd") return Schedule::Shape::wsd;
  throw UsageError("--schedule", "unknown value '" + word + "'",
                   "Use constant, cosine, triangle or wsd");
}

std::vector<int64_t> log_spaced_steps(int64_t steps, int64_t count) {
  if (count < 2 || count > steps + 1) {
    throw UsageError("--checkpoints",
                     counted(count, "checkpoint") + " of " + counted(steps, "step") +
                         (count == 1 ? " is" : " are") + " not possible",
                     "Use a number from 2 to steps + 1");
  }
  std::vector<int64_t> chosen{0};
  for (int64_t i = 1; i < count; ++i) {
    // What is left of the geometric progression, re-aimed at each point: early ones are pushed
    // apart to whole steps.
    const auto last = static_cast<double>(std::max<int64_t>(chosen.back(), 1));
    const auto left = static_cast<double>(count - i);
    const double ideal =
        chosen.back() == 0 ? 1 : last * std::pow(static_cast<double>(steps) / last, 1 / left);
    const auto rounded = static_cast<int64_t>(std::llround(ideal));
    chosen.push_back(std::min(std::max(chosen.back() + 1, rounded), steps - (count - 1 - i)));
  }
  chosen.back() = steps;
  return chosen;
}

}  // namespace explaind
