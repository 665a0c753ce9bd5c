#include "training_axis/adjoint_sweep.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "decomposition/component_sums.hpp"
#include "training/batch_pass.hpp"
#include "training/tensor_of.hpp"

namespace explaind {

/// A and C of all functionals, per parameter; undefined tensors are zero.
class AdjointSweep::Recursion {
 public:
  struct Step {
    std::vector<Direction> directions;  ///< γ A, in the run's type
    at::Tensor decay;                   ///< F C
  };

  Recursion(size_t functionals, const ComponentTable& table, at::ScalarType type)
      : table_(table),
        type_(type),
        carried_(functionals, std::vector<at::Tensor>(table.parameters().size())) {}

  /// Goes back over one step. integrals: G of every functional; none outside the attributed
  /// updates. weights: θ of the step.
  Step back(const std::vector<UpdateRule>& rules, const std::vector<IntegratedGradient>& integrals,
            const std::vector<at::Tensor>& weights) {
    const auto count = static_cast<int64_t>(carried_.size());
    Step step{.directions = std::vector<Direction>(carried_.size(), Direction(weights.size())),
              .decay = at::zeros({count, table_.size()}, at::kDouble)};
    for (size_t f = 0; f < carried_.size(); ++f) {
      at::Tensor sums = step.decay.narrow(0, static_cast<int64_t>(f), 1);
      for (size_t i = 0; i < weights.size(); ++i) {
        const at::Tensor integral =
            integrals.empty() ? at::Tensor() : integrals[f].gradient[i].to(at::kDouble);
        const at::Tensor a = adjoint(carried_[f][i], rules[i], integral);
        if (a.defined()) step.directions[f][i] = (a * rules[i].clip).to(type_);
        const at::Tensor decay = decay_scores(rules[i], a, integral, weights[i]);
        if (!decay.defined()) continue;
        const ParameterRows all{
            .parameter = static_cast<ParameterId>(i), .first = 0, .count = decay.size(0)};
        add_to_components(table_, all, decay.unsqueeze(0), sums);
      }
    }
    return step;
  }

  /// Earlier steps may still contribute.
  [[nodiscard]] bool open() const {
    return std::any_of(carried_.begin(), carried_.end(), [](const auto& of_functional) {
      return std::any_of(of_functional.begin(), of_functional.end(),
                         [](const at::Tensor& carried) { return carried.defined(); });
    });
  }

 private:
  /// A of one parameter; turns C of the step after into C of this one.
  static at::Tensor adjoint(at::Tensor& carried, const UpdateRule& rule,
                            const at::Tensor& integral) {
    at::Tensor q, a;
    if (integral.defined() && rule.stepped) q = rule.scale * integral * -1;
    if (q.defined() && rule.through != 0) {
      carried = carried.defined() ? carried.add_(q, rule.through) : q * rule.through;
    }
    if (carried.defined() && rule.entering != 0) a = carried * rule.entering;
    if (q.defined() && rule.direct != 0) {
      a = a.defined() ? a.add_(q, rule.direct) : q * rule.direct;
    }
    if (carried.defined()) carried.mul_(rule.carried);
    return a;
  }

  static at::Tensor decay_scores(const UpdateRule& rule, const at::Tensor& a,
                                 const at::Tensor& integral, const at::Tensor& weight) {
    if (rule.coupled_decay && a.defined()) return a * weight * rule.weight_decay;
    if (rule.decoupled_decay != 0 && integral.defined()) {
      return integral * weight * -rule.decoupled_decay;
    }
    return {};
  }

  const ComponentTable& table_;
  at::ScalarType type_;
  std::vector<std::vector<at::Tensor>> carried_;  ///< C: functional, parameter; fp64
};

AdjointSweep::AdjointSweep(const TrainedModel& trained, const ComponentTable& table,
                           const AxisOptions& options)
    : trained_(trained),
      table_(table),
      options_(options),
      gradients_(trained.model, trained.run, trained.data),
      type_(scalar_type_of(trained.run.description().dtype, trained.run.directory().string())) {}

void AdjointSweep::run(const std::vector<Predictions>& functionals,
                       const std::function<void(const OriginScores&)>& keep) {
  const RecordedRun& run = trained_.run;
  const int64_t end = options_.end(run);
  UpdateRules rules(run, gradients_, end, options_.memory);
  Recursion recursion(static_cast<size_t>(functional_count(functionals)), table_, type_);
  passes_ = {};
  Segment segment{.from = {}, .to = weights_at(run, end)};
  for (int64_t step = end - 1; step >= 0; --step) {
    const bool attributed = step >= options_.first;
    if (!attributed && !recursion.open()) break;  // nothing before the range reaches into it
    segment.from = weights_at(run, step);
    std::vector<IntegratedGradient> integrals;
    if (attributed) {
      integrals = integrate_gradients(trained_.model, segment, functionals, options_.quadrature);
    }
    const Recursion::Step back = recursion.back(rules.of_step(step), integrals, segment.from);
    const RunBatch batch = run.batch(step);
    keep({.step = step,
          .samples = batch.samples,
          .data = score_batch(batch, segment.from, back.directions),
          .decay = back.decay});
    ++passes_.scores;
    segment.to = std::exchange(segment.from, {});
  }
  passes_.rules = rules.gradients_made();
}

at::Tensor AdjointSweep::score_batch(const RunBatch& batch, const std::vector<at::Tensor>& weights,
                                     const std::vector<Direction>& directions) const {
  at::Tensor scores = at::zeros({static_cast<int64_t>(directions.size()),
                                 static_cast<int64_t>(batch.samples.size()), table_.size()},
                                at::kDouble);
  DirectionalOps ops(weights, directions, table_, scores);
  // The mean over the batch brings |B|⁻¹.
  batch_pass(trained_.model, trained_.data.train, trained_.data.transform, batch, type_, ops)
      .loss.backward();
  return scores;
}

}  // namespace explaind
