#include "job/decay_assumptions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "training/decayed_parameters.hpp"

namespace explaind {
namespace {

using Shape = Schedule::Shape;

/// The schedule's end is at a step that has to be known.
bool ends(Shape shape) { return shape != Shape::constant; }
bool has_minimum(Shape shape) { return shape == Shape::cosine || shape == Shape::wsd; }

void require_all(const DecayOptions& options, Shape shape) {
  std::vector<std::string> missing;
  const auto need = [&](bool given, const char* option) {
    if (!given) missing.emplace_back(option);
  };
  need(options.weight_decay.has_value(), "--weight-decay");
  need(options.decay_on.has_value(), "--decay-on");
  need(options.learning_rate.has_value(), "--learning-rate");
  need(options.schedule.has_value(), "--schedule");
  need(options.warmup.has_value(), "--warmup");
  if (options.schedule) {
    need(!ends(shape) || options.max_steps, "--max-steps");
    need(!has_minimum(shape) || options.minimum_learning_rate, "--minimum-learning-rate");
    need(shape != Shape::wsd || options.decay_steps, "--decay-steps");
  }
  if (missing.empty()) return;
  throw UsageError(
      "--parts decay",
      fmt::format("of a series of weights needs the training's weight decay, its mask and its "
                  "learning rates; missing: {}",
                  fmt::join(missing, ", ")),
      "Give them as record names them, or --config with the training's INI file");
}

std::string words_of(const DecayOptions& options, const Schedule& schedule) {
  std::string words = fmt::format(
      "AdamW's decoupled decay along the straight path at an even pace, R = weight_decay * sum of "
      "learning_rate(r) * theta(t_r); weight-decay {:g}, decay-on {}, schedule {}, learning-rate "
      "{:g}, warmup {}",
      *options.weight_decay, *options.decay_on, *options.schedule, schedule.peak, schedule.warmup);
  if (ends(schedule.shape)) words += fmt::format(", max-steps {}", schedule.steps);
  if (has_minimum(schedule.shape)) {
    words += fmt::format(", minimum-learning-rate {:g}", schedule.minimum_ratio);
  }
  if (schedule.shape == Shape::wsd) words += fmt::format(", decay-steps {}", schedule.decay);
  return words;
}

}  // namespace

DecayAssumptions decay_assumptions(const DecayOptions& options, const Model& model,
                                   const Path& path) {
  const Shape shape = options.schedule ? parse_schedule(*options.schedule) : Shape::constant;
  require_all(options, shape);
  DecayAssumptions assumed;
  assumed.schedule = {.shape = shape,
                      .peak = *options.learning_rate,
                      .minimum_ratio = options.minimum_learning_rate.value_or(0),
                      .warmup = *options.warmup,
                      .decay = options.decay_steps.value_or(0),
                      .steps = options.max_steps.value_or(1)};
  const DecayedParameters decayed = decayed_parameters(*options.decay_on, model);
  const int64_t last = path.step(path.size() - 1);
  if (ends(shape) && last > assumed.schedule.steps) {
    throw UsageError("--max-steps",
                     fmt::format("the training has {}, and the last checkpoint is of step {}",
                                 counted(assumed.schedule.steps, "step"), last),
                     "Give the number of optimizer steps that the schedule was made for");
  }
  for (const bool decays : decayed.decays) {
    assumed.decays.push_back(decays ? *options.weight_decay : 0);
  }
  assumed.taken = decayed.words;
  assumed.words = words_of(options, assumed.schedule);
  return assumed;
}

}  // namespace explaind
