#pragma once
// What plan prints of a decomposition.

#include <cstdint>
#include <optional>

#include "app/decompose_job.hpp"
#include "app/plan_classifier.hpp"
#include "app/plan_probe.hpp"
#include "app/plan_target.hpp"
#include "app/plan_train_axis.hpp"
#include "app/train_axis.hpp"
#include "planner/cost_model.hpp"

namespace explaind {

/// Evaluations of gradients a sample and segment, and where they are known from.
struct PlanEvaluations {
  double mean = 12;                ///< assumed where it would take too long to measure
  std::optional<PlanProbe> probe;  ///< was run
  bool given = false;              ///< or the rule is fixed
};

/// Of a language model. scratch: bytes of an optimizer's steps beside the store. threads: that the
/// measurement used.
void print_plan(const DecomposeJob& job, const DecomposeOptions& wanted, const PlanTarget& target,
                const CostEstimate& cost, const Calibration& times,
                const PlanEvaluations& evaluations, int64_t scratch, int threads);

/// Of a classifier. Nothing is streamed or gathered, so there is less to say.
void print_classifier_plan(const DecomposeJob& job, const PlanTarget& target,
                           const ClassifierCost& cost, const PlanEvaluations& evaluations);

/// Of a run with a training axis.
void print_train_axis(const DecomposeJob& job, const TrainAxis& axis, const TrainAxisCost& cost,
                      int64_t ranks);

}  // namespace explaind
