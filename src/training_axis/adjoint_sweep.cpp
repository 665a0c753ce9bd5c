#include "training_axis/adjoint_sweep.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "engines/component_sums.hpp"
#include "training/batch_pass.hpp"
#include "training/tensor_of.hpp"

namespace explaind {

/// A and C of all rows, per parameter; undefined tensors are zero.
class AdjointSweep::Recursion {
 public:
  Recursion(int64_t rows, const ComponentTable& table, at::ScalarType type)
      : table_(table),
        type_(type),
        carried_(static_cast<size_t>(rows), std::vector<at::Tensor>(table.parameters().size())) {}

  /// Goes back over one step: sets all of its scores but data's. Returns γ A of every row, in the
  /// run's type. weights: θ of the step.
  std::vector<Direction> back(UpdateRules& updates, const RowIntegrals& integrals,
                              const std::vector<at::Tensor>& weights, StepScores& scores) {
    const RecordedUpdate& update = updates.of_step(scores.step);
    std::vector<Direction> directions(carried_.size(), Direction(weights.size()));
    for (at::Tensor* part : {&scores.decay, &scores.momentum, &scores.rounding}) {
      *part = at::zeros({static_cast<int64_t>(carried_.size()), table_.size()}, at::kDouble);
    }
    for (size_t r = 0; r < carried_.size(); ++r) {
      for (size_t i = 0; i < weights.size(); ++i) {
        const UpdateRule& rule = update.rules[i];
        const at::Tensor integral = integrals.gradient[r][i].to(at::kDouble);
        const at::Tensor a = adjoint(carried_[r][i], rule, integral);
        if (a.defined()) directions[r][i] = (a * rule.clip).to(type_);
        add(decay_scores(rule, a, integral, weights[i]), r, i, scores.decay);
        if (!update.rounding.empty()) {
          add(integral * update.rounding[i].to(at::kDouble), r, i, scores.rounding);
        }
        if (rule.remembered == 0) continue;
        add(rule.scale * integral * updates.past(i) * -rule.remembered, r, i, scores.momentum);
      }
    }
    return directions;
  }

 private:
  /// Adds scores of a parameter's elements, if there are any, to the components of a row.
  void add(const at::Tensor& scores, size_t row, size_t parameter, at::Tensor& sums) const {
    if (!scores.defined()) return;
    const ParameterRows all{
        .parameter = static_cast<ParameterId>(parameter), .first = 0, .count = scores.size(0)};
    at::Tensor of_row = sums.narrow(0, static_cast<int64_t>(row), 1);
    add_to_components(table_, all, scores.unsqueeze(0), of_row);
  }

  /// A of one parameter; turns C of the step after into C of this one.
  static at::Tensor adjoint(at::Tensor& carried, const UpdateRule& rule,
                            const at::Tensor& integral) {
    at::Tensor q, a;
    if (rule.stepped) q = rule.scale * integral * -1;
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
    if (rule.decoupled_decay != 0) return integral * weight * -rule.decoupled_decay;
    return {};
  }

  const ComponentTable& table_;
  at::ScalarType type_;
  std::vector<std::vector<at::Tensor>> carried_;  ///< C: row, parameter; fp64
};

AdjointSweep::AdjointSweep(const TrainedModel& trained, const ComponentTable& table,
                           const AxisOptions& options)
    : trained_(trained),
      table_(table),
      options_(options),
      gradients_(trained.model, trained.run, trained.data),
      type_(scalar_type_of(trained.run.description().dtype, trained.run.directory().string())) {}

void AdjointSweep::run(const FunctionalSums& functionals,
                       const std::function<void(const StepScores&)>& keep) {
  const RecordedRun& run = trained_.run;
  const int64_t end = options_.end(run);
  UpdateRules updates(run, gradients_, options_.first, end, options_.memory, options_.rounding);
  Recursion recursion(functionals.rows, table_, type_);
  passes_ = {};
  Segment segment{.from = {}, .to = weights_at(run, end)};
  for (int64_t step = end - 1; step >= options_.first; --step) {
    segment.from = weights_at(run, step);
    RowIntegrals integrals =
        integrate_rows(trained_.model, segment, table_, functionals, options_.quadrature);
    const RunBatch batch = run.batch(step);
    StepScores scores;
    scores.step = step;
    scores.samples = batch.samples;
    scores.total = integrals.total;
    scores.sums = std::move(integrals.sums);
    scores.verdicts = std::move(integrals.verdicts);
    scores.data =
        score_batch(batch, segment.from, recursion.back(updates, integrals, segment.from, scores));
    keep(scores);
    ++passes_.scores;
    segment.to = std::exchange(segment.from, {});
  }
  passes_.rules = updates.gradients_made();
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
