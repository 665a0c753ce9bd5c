#include "training_axis/adjoint_sweep.hpp"

#include <ATen/ATen.h>

#include <utility>

#include "decomposition/component_sums.hpp"
#include "training/batch_pass.hpp"
#include "training/tensor_of.hpp"

namespace explaind {

/// The recursion of one functional: C of the step after, per parameter; undefined: zero.
class AdjointSweep::Adjoint {
 public:
  explicit Adjoint(size_t parameters) : carried_(parameters) {}

  /// Goes back over one step. integral: G of the step per parameter, undefined outside the
  /// attributed updates. Returns A; undefined where zero.
  at::Tensor step(size_t parameter, const UpdateRule& rule, const at::Tensor& integral) {
    at::Tensor& carried = carried_[parameter];
    at::Tensor q;
    if (integral.defined() && rule.stepped) q = rule.scale * integral.to(at::kDouble) * -1;
    if (q.defined() && rule.through != 0) {
      carried = carried.defined() ? carried.add_(q, rule.through) : q * rule.through;
    }
    at::Tensor direction;
    if (carried.defined() && rule.entering != 0) direction = carried * rule.entering;
    if (q.defined() && rule.direct != 0) {
      direction = direction.defined() ? direction.add_(q, rule.direct) : q * rule.direct;
    }
    if (carried.defined()) carried.mul_(rule.carried);
    return direction;
  }

  /// Earlier steps may still contribute.
  [[nodiscard]] bool open() const {
    for (const at::Tensor& carried : carried_) {
      if (carried.defined()) return true;
    }
    return false;
  }

 private:
  std::vector<at::Tensor> carried_;
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
  const auto count = static_cast<size_t>(functional_count(functionals));
  const size_t parameters = table_.parameters().size();
  UpdateRules rules(run, gradients_, end, options_.memory);
  std::vector<Adjoint> adjoints(count, Adjoint(parameters));
  passes_ = {};
  Segment segment{.from = {}, .to = weights_at(run, end)};
  for (int64_t step = end - 1; step >= 0; --step) {
    segment.from = weights_at(run, step);
    const bool attributed = step >= options_.first;
    std::vector<IntegratedGradient> integrals(count, {std::vector<at::Tensor>(parameters), {}});
    if (attributed) {
      integrals = integrate_gradients(trained_.model, segment, functionals, options_.quadrature);
    }
    const std::vector<UpdateRule>& of_step = rules.of_step(step);
    const RunBatch batch = run.batch(step);
    OriginScores scores{.step = step, .samples = batch.samples, .data = {}, .decay = {}};
    scores.decay = at::zeros({static_cast<int64_t>(count), table_.size()}, at::kDouble);
    std::vector<Direction> directions(count, Direction(parameters));
    bool open = false;
    for (size_t f = 0; f < count; ++f) {
      at::Tensor decay_sums = scores.decay.narrow(0, static_cast<int64_t>(f), 1);
      for (size_t i = 0; i < parameters; ++i) {
        const UpdateRule& rule = of_step[i];
        const at::Tensor& integral = integrals[f].gradient[i];
        const at::Tensor a = adjoints[f].step(i, rule, integral);
        at::Tensor decay;
        if (a.defined()) {
          directions[f][i] = (a * rule.clip).to(type_);
          if (rule.coupled_decay) decay = a * segment.from[i] * rule.weight_decay;
        }
        if (attributed && rule.decoupled_decay != 0) {
          decay = integral.to(at::kDouble) * segment.from[i] * -rule.decoupled_decay;
        }
        if (!decay.defined()) continue;
        const ParameterRows all{
            .parameter = static_cast<ParameterId>(i), .first = 0, .count = decay.size(0)};
        add_to_components(table_, all, decay.unsqueeze(0), decay_sums);
      }
      open = open || adjoints[f].open();
    }
    scores.data = score_batch(batch, segment.from, directions);
    ++passes_.scores;
    keep(scores);
    segment.to = std::exchange(segment.from, {});
    if (step <= options_.first && !open) break;  // no momentum from before the range
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
