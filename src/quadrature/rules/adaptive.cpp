// Nested Clenshaw–Curtis rules until two levels agree, and bisection by Simpson's rule where the
// integrand has kinks (method.md §4).

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "quadrature/clenshaw_curtis_sample.hpp"
#include "quadrature/rule.hpp"
#include "quadrature/simpson.hpp"

namespace explaind {
namespace {

/// Samples refine on their own; a round asks every open sample what it needs next.
class AdaptivePlan final : public QuadraturePlan {
 public:
  AdaptivePlan(const QuadratureOptions& options, int64_t samples, IntegrandShape shape, bool follow)
      : options_(options),
        levels_(options.max_nodes, options.first_nodes),
        shape_(shape),
        replays_(!follow),
        verdicts_(static_cast<size_t>(samples)),
        from_(verdicts_.size() * shape.outputs),
        to_(from_) {
    for (int64_t s = 0; s < samples; ++s) samples_.emplace_back(levels_, options_, shape_);
    bisections_.resize(static_cast<size_t>(samples));
    open_.assign(static_cast<size_t>(samples), true);
    ask();
  }
  AdaptivePlan(const AdaptivePlan&) = delete;
  AdaptivePlan& operator=(const AdaptivePlan&) = delete;

  [[nodiscard]] bool done() const override { return asks_.empty(); }
  [[nodiscard]] const std::vector<Ask>& next() const override { return asks_; }
  [[nodiscard]] int accumulators() const override {
    return static_cast<int>(levels_.count()) + (replays_ ? 1 : 0);
  }
  [[nodiscard]] bool replaying() const override { return replaying_; }
  [[nodiscard]] const SampleVerdict& verdict(int64_t sample) const override {
    return verdicts_[static_cast<size_t>(sample)];
  }

  void tell(const std::vector<std::vector<double>>& functionals,
            const std::vector<std::vector<double>>& values) override {
    if (replaying_) {
      asks_.clear();
      return;
    }
    std::map<size_t, std::array<std::vector<double>, 2>> halves;  // of bisected samples
    for (size_t i = 0; i < asks_.size(); ++i) {
      for (size_t row = 0; row < asks_[i].samples.size(); ++row) {
        const auto sample = static_cast<size_t>(asks_[i].samples[row]);
        const double* value = values[i].data() + row * shape_.size();
        if (asks_[i].t == 0 || asks_[i].t == 1) {
          std::vector<double>& ends = asks_[i].t == 0 ? from_ : to_;
          std::copy_n(functionals[i].begin() + static_cast<int64_t>(row * shape_.outputs),
                      shape_.outputs, ends.begin() + static_cast<int64_t>(sample * shape_.outputs));
        }
        if (bisections_[sample]) {
          const size_t which = asks_[i].t == bisections_[sample]->asked()[0] ? 0 : 1;
          halves[sample][which].assign(value, value + shape_.size());
        } else {
          samples_[sample].set_value(levels_.index_of(asks_[i].t), value);
        }
      }
    }
    for (size_t sample = 0; sample < samples_.size(); ++sample) {
      if (!open_[sample]) continue;
      if (bisections_[sample]) {
        bisections_[sample]->tell(std::move(halves[sample][0]), std::move(halves[sample][1]));
        if (bisections_[sample]->done()) finish_bisection(sample);
      } else {
        judge(sample);
      }
    }
    ask();
  }

 private:
  void judge(size_t sample) {
    using End = SampleVerdict::End;
    ClenshawCurtisSample& nested = samples_[sample];
    SampleVerdict& verdict = verdicts_[sample];
    std::vector<double> change;
    for (size_t at = sample * shape_.outputs; change.size() < shape_.outputs; ++at) {
      change.push_back(to_[at] - from_[at]);
    }
    verdict.value_from = from_[sample * shape_.outputs];
    verdict.value_to = to_[sample * shape_.outputs];
    const size_t level = nested.level();
    const LevelVerdict judged = nested.judge(change);
    if (judged == LevelVerdict::refine) return;
    if (judged == LevelVerdict::kinks) {
      bisections_[sample].emplace(BisectionStart{.at_zero = nested.shared_value(0.0),
                                                 .at_half = nested.shared_value(0.5),
                                                 .at_one = nested.shared_value(1.0),
                                                 .change = change,
                                                 .tolerances = nested.tolerances(),
                                                 .spent = nested.evaluations()},
                                  options_.max_kink_nodes, options_.epsilon);
      if (bisections_[sample]->done()) finish_bisection(sample);
      return;
    }
    verdict.end = judged == LevelVerdict::met       ? End::met
                  : judged == LevelVerdict::limited ? End::limited
                                                    : End::missed;
    verdict.error = nested.error();
    verdict.evaluations = nested.evaluations();
    verdict.accumulator = static_cast<int>(level);
    verdict.integrals = nested.integrals();
    open_[sample] = false;
  }

  void finish_bisection(size_t sample) {
    const SimpsonBisection& bisection = *bisections_[sample];
    SampleVerdict& verdict = verdicts_[sample];
    using End = SampleVerdict::End;
    verdict.end = bisection.met() ? End::kinks : bisection.limited() ? End::limited : End::missed;
    verdict.error = bisection.error();
    verdict.evaluations = bisection.evaluations();
    verdict.accumulator = replays_ ? static_cast<int>(levels_.count()) : -1;
    verdict.integrals = bisection.integrals();
    open_[sample] = false;
  }

  /// Adds a sample to the ask at t; gives its weights, zeros so far. Called in ascending order of
  /// samples.
  double* add(double t, size_t sample, std::map<double, Ask>& asks) const {
    Ask& ask = asks[t];
    ask.t = t;
    ask.accumulators = accumulators();
    ask.samples.push_back(static_cast<int64_t>(sample));
    const auto width = static_cast<size_t>(ask.accumulators);
    ask.weights.resize(ask.samples.size() * width, 0.0);
    return ask.weights.data() + ask.weights.size() - width;
  }

  void ask() {
    std::map<double, Ask> asks;
    for (size_t sample = 0; sample < samples_.size(); ++sample) {
      if (!open_[sample]) continue;
      if (bisections_[sample]) {
        for (const double t : bisections_[sample]->asked()) add(t, sample, asks);
        continue;
      }
      const size_t level = samples_[sample].level();
      for (const size_t index : levels_.new_nodes(level)) {
        double* weights = add(levels_.node(index), sample, asks);
        for (size_t l = level; l < levels_.count(); ++l) weights[l] = levels_.weight(l, index);
      }
    }
    if (asks.empty() && replays_) {
      asks = replay();
      replaying_ = !asks.empty();
    }
    asks_.clear();
    for (auto& [t, each] : asks) asks_.push_back(std::move(each));
  }

  /// The nodes of all bisected samples, with the weights that were not known when they were asked.
  [[nodiscard]] std::map<double, Ask> replay() const {
    std::map<double, Ask> asks;
    for (size_t sample = 0; sample < samples_.size(); ++sample) {
      if (!bisections_[sample]) continue;
      for (const auto& [t, weight] : bisections_[sample]->weights()) {
        add(t, sample, asks)[levels_.count()] = weight;
      }
    }
    return asks;
  }

  QuadratureOptions options_;
  ClenshawCurtisLevels levels_;
  IntegrandShape shape_;
  bool replays_, replaying_ = false;
  std::vector<SampleVerdict> verdicts_;
  std::vector<double> from_, to_;  ///< S O: F at the ends
  std::vector<ClenshawCurtisSample> samples_;
  std::vector<std::optional<SimpsonBisection>> bisections_;
  std::vector<bool> open_;
  std::vector<Ask> asks_;
};

void need_tolerance(const char* option, double value) {
  if (!std::isfinite(value) || value < 0) {
    throw UsageError(option, std::to_string(value) + " is not a tolerance",
                     "Give a finite number that is not negative");
  }
}

class Adaptive final : public QuadratureRule {
 public:
  [[nodiscard]] const char* name() const override { return "adaptive"; }
  void check(const QuadratureOptions& options) const override {
    need_tolerance("--tolerance", options.relative);
    need_tolerance("--absolute-tolerance", options.absolute);
    if (options.first_nodes != 3 && options.first_nodes != 5 && options.first_nodes != 9) {
      throw UsageError("--first-nodes",
                       std::to_string(options.first_nodes) + " is no level to begin with",
                       "Use 3, 5 or 9");
    }
    bool level = false;
    for (int n = 9; n <= 129; n = 2 * n - 1) level = level || n == options.max_nodes;
    if (!level) {
      throw UsageError("--max-nodes",
                       std::to_string(options.max_nodes) + " is not a level of the nested rule",
                       "Use 9, 17, 33, 65 or 129");
    }
    if (options.max_kink_nodes < 17) {
      throw UsageError("--max-kink-nodes",
                       std::to_string(options.max_kink_nodes) +
                           " is less than what is spent before bisection starts",
                       "Use 17 or more");
    }
  }
  [[nodiscard]] std::unique_ptr<QuadraturePlan> plan(const QuadratureOptions& options,
                                                     int64_t samples, IntegrandShape shape,
                                                     bool scores_follow_tensors) const override {
    return std::make_unique<AdaptivePlan>(options, samples, shape, scores_follow_tensors);
  }
};

}  // namespace

const QuadratureRule& adaptive_quadrature() {
  static const Adaptive rule;
  return rule;
}

}  // namespace explaind
