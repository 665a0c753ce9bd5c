#include "training/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "core/error.hpp"

namespace explaind {

double CosineSchedule::learning_rate(int64_t step) const {
  if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const auto span = static_cast<double>(std::max<int64_t>(1, steps - 1 - warmup));
  const double progress = std::min(1.0, static_cast<double>(step - warmup) / span);
  const double wave = 0.5 * (1 + std::cos(std::numbers::pi * progress));
  return peak * (minimum_ratio + (1 - minimum_ratio) * wave);
}

std::vector<int64_t> log_spaced_steps(int64_t steps, int64_t count) {
  if (count < 2 || count > steps + 1) {
    throw UsageError("--checkpoints",
                     std::to_string(count) + " checkpoints of " + std::to_string(steps) +
                         " steps are not possible",
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
