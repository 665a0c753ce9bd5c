#pragma once
// What is asked of a subject: plain data, checked as far as it can be alone.

#include <ATen/core/ScalarType.h>

#include <optional>
#include <vector>

#include "config/decompose_options.hpp"
#include "job/subject.hpp"
#include "optimizer_steps/training_batch.hpp"
#include "path/step_selection.hpp"
#include "scores/component.hpp"
#include "scores/part.hpp"
#include "solver/unit_solver.hpp"
#include "tensors/precision.hpp"

namespace explaind {

/// What the steps of an optimizer need besides its state at the checkpoints.
struct StepQuestion {
  BatchMean mean = BatchMean::tokens;      ///< what the training's loss was
  double max_norm = 0;                     ///< of the gradient; 0: the training did not clip
  double z_loss = 0;                       ///< coefficient of the mean of (log Σ exp logits)²
  at::ScalarType arithmetic = at::kFloat;  ///< of the training's own step
};

/// Samples, functional, axes, components, parts, choice of steps, quadrature, precision. Where
/// "auto" stands for something that depends on the subject, the problem decides it (problem.hpp).
struct Question {
  DecomposeOptions written;  ///< as it was asked; what a store says of it
  SolverOptions solver;      ///< without what the samples and the model decide
  Granularity component = Granularity::tensor;
  bool scalars = false;     ///< a score for every scalar, beside those of whole tensors
  std::vector<Part> parts;  ///< of Δ that are told apart
  StepSelection steps;
  StepPolicy step_policy = StepPolicy::merge;
  bool bridges_configs = false;      ///< segments across a change of the network's config are kept
  std::optional<StepQuestion> step;  ///< of an optimizer's steps
  bool by_step_applied = false;      ///< the training axis: the step at which an update was applied
  Precision precision;
  std::optional<Precision> values;  ///< of F at the ends of segments; none: as `precision`
  bool single_precision = false;    ///< scores are stored as f32

  /// Keeps the samples or groups of the training.
  [[nodiscard]] bool keeps_training() const {
    return solver.axes.train_sample || solver.axes.train_group;
  }
};

/// Throws UsageError for what the options alone show to be impossible: an unknown word, two that do
/// not go together, one that is missing. Opens no file.
Question question_of(const DecomposeOptions& options);

/// Where no checkpoint can be brought. Throws UsageError where --stage is given.
void require_no_stage(const DecomposeOptions& options);

/// The subject that the options name. Throws UsageError for words that it does not know.
SubjectName subject_of(const DecomposeOptions& options);

}  // namespace explaind
