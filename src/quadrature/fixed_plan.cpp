#include "quadrature/fixed_plan.hpp"

#include <limits>
#include <numeric>

namespace explaind {
namespace {

class FixedPlan final : public QuadraturePlan {
 public:
  FixedPlan(const FixedRule& rule, int64_t samples, IntegrandShape shape, SampleVerdict::End end)
      : shape_(shape), verdicts_(static_cast<size_t>(samples)) {
    const auto add = [&](double t, bool value_only, double weight) {
      Ask ask{.t = t, .samples = {}, .value_only = value_only, .accumulators = 1, .weights = {}};
      ask.samples.resize(static_cast<size_t>(samples));
      std::iota(ask.samples.begin(), ask.samples.end(), int64_t{0});
      ask.weights.assign(ask.samples.size(), weight);
      asks_.push_back(std::move(ask));
    };
    add(0, true, 0);
    for (size_t q = 0; q < rule.nodes.size(); ++q) add(rule.nodes[q], false, rule.weights[q]);
    add(1, true, 0);
    for (SampleVerdict& verdict : verdicts_) {
      verdict.end = end;
      verdict.error =
          end == SampleVerdict::End::fixed ? std::numeric_limits<double>::quiet_NaN() : 0;
      verdict.evaluations = static_cast<int>(rule.nodes.size());
      verdict.integrals.assign(shape_.size(), 0.0);
    }
  }

  [[nodiscard]] bool done() const override { return done_; }
  [[nodiscard]] const std::vector<Ask>& next() const override { return asks_; }
  [[nodiscard]] int accumulators() const override { return 1; }
  [[nodiscard]] bool replaying() const override { return false; }
  [[nodiscard]] const SampleVerdict& verdict(int64_t sample) const override {
    return verdicts_[static_cast<size_t>(sample)];
  }

  void tell(const std::vector<std::vector<double>>& functionals,
            const std::vector<std::vector<double>>& values) override {
    for (size_t s = 0; s < verdicts_.size(); ++s) {
      verdicts_[s].value_from = functionals.front()[s * shape_.outputs];
      verdicts_[s].value_to = functionals.back()[s * shape_.outputs];
      for (size_t i = 1; i + 1 < asks_.size(); ++i) {
        const double weight = asks_[i].weights[s];
        for (size_t c = 0; c < shape_.size(); ++c) {
          verdicts_[s].integrals[c] += weight * values[i][s * shape_.size() + c];
        }
      }
    }
    done_ = true;
  }

 private:
  IntegrandShape shape_;
  std::vector<SampleVerdict> verdicts_;
  std::vector<Ask> asks_;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<QuadraturePlan> make_fixed_plan(const FixedRule& rule, int64_t samples,
                                                IntegrandShape shape, SampleVerdict::End end) {
  return std::make_unique<FixedPlan>(rule, samples, shape, end);
}

}  // namespace explaind
