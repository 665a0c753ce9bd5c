#include "study/exactness.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "training/replay_ranks.hpp"

// S samples, K outputs of each, R rules.

namespace explaind {
namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// What one step adds: of every rule its change of the outputs, and what it took.
struct StepResult {
  struct OfRule {
    at::Tensor change;  ///< S K
    double evaluations = 0, seconds = 0, missed = 0;
  };
  std::vector<OfRule> rules;
  at::Tensor rounding;  ///< S K
};

void put(std::vector<double>& numbers, const at::Tensor& tensor) {
  const at::Tensor whole = tensor.contiguous();
  const double* first = whole.const_data_ptr<double>();
  numbers.insert(numbers.end(), first, first + whole.numel());
}

/// Reads what was put, in its order.
class Taken {
 public:
  explicit Taken(const std::vector<double>& numbers) : next_(numbers.data()) {}
  double number() { return *next_++; }
  at::Tensor tensor(at::IntArrayRef shape) {
    at::Tensor made = at::empty(shape, at::kDouble);
    std::copy_n(next_, made.numel(), made.data_ptr<double>());
    next_ += made.numel();
    return made;
  }

 private:
  const double* next_;
};

std::vector<double> pack(const StepResult& result) {
  std::vector<double> numbers;
  for (const StepResult::OfRule& each : result.rules) {
    put(numbers, each.change);
    numbers.insert(numbers.end(), {each.evaluations, each.seconds, each.missed});
  }
  put(numbers, result.rounding);
  return numbers;
}

StepResult unpack(const std::vector<double>& numbers, size_t rules, at::IntArrayRef shape) {
  Taken from(numbers);
  StepResult result;
  for (size_t r = 0; r < rules; ++r) {
    StepResult::OfRule each;
    each.change = from.tensor(shape);
    each.evaluations = from.number();
    each.seconds = from.number();
    each.missed = from.number();
    result.rules.push_back(std::move(each));
  }
  result.rounding = from.tensor(shape);
  return result;
}

std::vector<at::Tensor> in_double(std::vector<at::Tensor> tensors) {
  for (at::Tensor& tensor : tensors) tensor = tensor.to(at::kDouble);
  return tensors;
}

/// The line of the step that the replay has just taken, and the rounding beside it.
struct Parted {
  StepLine line;
  std::vector<at::Tensor> rounding;
};

Parted parted(const RecordedRun& run, int64_t step, const OptimizerReplay& replay) {
  Parted made;
  made.line.from = in_double(weights_at(run, step));
  made.line.to = in_double(weights_at(run, step + 1));
  for (size_t p = 0; p < made.line.from.size(); ++p) {
    const SplitUpdate parts = replay.parts(p);
    made.line.along.push_back(parts.data + parts.decay);
    made.rounding.push_back(parts.rounding);
  }
  return made;
}

StepResult work_on(const Model& model, const Followed& followed, const RecordedRun& run,
                   const ExactnessOptions& options, int64_t step, const OptimizerReplay& replay) {
  StepResult result;
  const Parted parts = parted(run, step, replay);
  result.rounding = derivative_at(model, followed, parts.line, parts.rounding, 0.5);
  for (const NamedRule& each : options.rules) {
    const auto start = std::chrono::steady_clock::now();
    const StepIntegral found =
        integrate_step(model, followed, parts.line, result.rounding, each.rule);
    result.rules.push_back({.change = found.change,
                            .evaluations = found.evaluations,
                            .seconds = seconds_since(start),
                            .missed = static_cast<double>(found.missed)});
  }
  return result;
}

std::set<int64_t> report_steps(const ExactnessOptions& options) {
  std::set<int64_t> steps{options.steps};
  for (int64_t i = 1; i < options.reports; ++i) steps.insert(options.steps * i / options.reports);
  steps.erase(0);
  return steps;
}

}  // namespace

Exactness study_exactness(const FollowedRun& subject, const ExactnessOptions& options,
                          const Communicator& world, const StopFlag& stop,
                          const std::function<void(int64_t step)>& finished) {
  const Model& model = subject.model;
  const RecordedRun& run = subject.run;
  const Followed& followed = subject.followed;
  const auto outputs_after = [&](int64_t step) {
    return outputs_at(model, followed, in_double(weights_at(run, step)));
  };
  const at::Tensor start = outputs_after(0);
  const std::vector<int64_t> flat{start.size(0), start.numel() / start.size(0)};
  Exactness study;
  std::vector<at::Tensor> reconstructed(options.rules.size());
  for (at::Tensor& each : reconstructed) each = start.clone();
  std::vector<ExactnessLine> totals(options.rules.size());
  at::Tensor rounding = at::zeros(flat, at::kDouble);
  std::vector<at::Tensor> changes;
  const std::set<int64_t> reports = report_steps(options);

  const auto fold = [&](int64_t step, const std::vector<double>& packed) {
    const StepResult result = unpack(packed, options.rules.size(), flat);
    for (size_t r = 0; r < options.rules.size(); ++r) {
      const StepResult::OfRule& of_rule = result.rules[r];
      reconstructed[r] += of_rule.change.view(start.sizes());
      totals[r].evaluations += of_rule.evaluations;
      totals[r].seconds += of_rule.seconds;
      totals[r].missed += static_cast<int64_t>(of_rule.missed);
    }
    rounding += result.rounding;
    if (!options.kept_shares.empty()) changes.push_back(result.rules.back().change);
    const int64_t done = step + 1;
    if (reports.contains(done)) {
      const at::Tensor now = outputs_after(done);
      for (size_t r = 0; r < options.rules.size(); ++r) {
        ExactnessLine line = totals[r];
        line.steps = done;
        line.rule = options.rules[r].name;
        line.evaluations /= static_cast<double>(done);
        line.agreement = agreement(now, reconstructed[r]);
        study.lines.push_back(std::move(line));
      }
    }
    if (world.rank() == 0) finished(step);
  };
  const ReplayRanks ranks(run, subject.gradients, world, stop);
  ranks.run(
      options.steps,
      [&](int64_t step, const OptimizerReplay& replay) {
        return pack(work_on(model, followed, run, options, step, replay));
      },
      fold);
  study.largest_rounding = rounding.abs().max().item<double>();
  if (!options.kept_shares.empty()) {
    study.sparsity =
        sparse_reconstructions(start, outputs_after(options.steps), changes, options.kept_shares);
  }
  return study;
}

}  // namespace explaind
