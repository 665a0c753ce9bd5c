#include "job/possible.hpp"

#include "core/error.hpp"
#include "samples/batch.hpp"

namespace explaind {
namespace {

/// Axes that this path, or this functional, does not have.
void require_axes(const Problem& problem) {
  const Axes& axes = problem.solver.axes;
  const bool steps = problem.subject.optimizer_steps();
  if (problem.subject.series() && !steps && (axes.train_sample || axes.train_group)) {
    throw UsageError("--axes",
                     "a series of weights does not say which training sample moved what: the "
                     "optimizer had summed over them before a checkpoint was written",
                     "Leave out train_sample and train_group, or decompose the optimizer's steps "
                     "at the checkpoints (--source steps), which their state allows");
  }
  if (problem.question.by_step_applied && !(problem.run() && problem.question.keeps_training())) {
    throw UsageError("--step-index", "numbers the training axis of a recorded run",
                     "Keep train_sample or train_group of a run, or leave it out");
  }
  const bool every_class = problem.solver.functional->every_output();
  if (axes.output && !every_class) {
    throw UsageError("--axes",
                     "output is an axis where F is the logit of every class, or every coordinate "
                     "of a layer",
                     "Leave it out, or give --functional logit");
  }
  if (every_class && !axes.output) {
    throw UsageError("--functional",
                     "the logits of all classes, or a layer's coordinates, are an "
                     "output each",
                     "Keep the axis output, or give one class as in logit:3");
  }
  if (problem.solver.functional->of_pairs() && axes.position) {
    throw UsageError("--axes",
                     "a minimal pair has no positions: its two sentences have each their own",
                     "Leave position out, or give the sentences as samples of their own (text)");
  }
  if (problem.solver.functional->of_pairs() && problem.run() && problem.question.keeps_training()) {
    throw UsageError("--axes",
                     "training samples of a recorded run explain F of single sentences, not of "
                     "minimal pairs",
                     "Leave out the training axis, or give the sentences as samples of their own "
                     "(text)");
  }
  if (problem.layer_output && (axes.train_sample || axes.train_group)) {
    throw UsageError("--axes", "training samples of a classifier explain its logits and its loss",
                     "Leave out the training axis, or use another --functional");
  }
}

}  // namespace

void require_possible(const Problem& problem) {
  require_axes(problem);
  const Functional& functional = problem.solver.functional;
  if (problem.network() != nullptr) {
    const int64_t width = problem.model()
                              .parameters()[static_cast<size_t>(problem.network()->unembedding())]
                              .shape.at(1);
    functional->require_of_language_model(problem.network()->vocabulary(),
                                          problem.network()->blocks(), width);
    for (const Sample& sample : problem.samples) {  // before a store is made: it has that position
      if (functional->position()) static_cast<void>(make_micro_batch({&sample, 1}, functional));
    }
    return;
  }
  functional->require_of_classifier(problem.data->classes);
  if (problem.solver.axes.position) {
    throw UsageError("--axes", "position is an axis of language models", "Leave it out");
  }
  if (parse_source(problem.question.written.parameters).value_or(Source::resident) !=
      Source::resident) {
    throw UsageError("--parameters", "a classifier's are resident: it is no chain of blocks",
                     "Leave it out");
  }
  if (problem.question.written.product_form == "split") {
    throw UsageError("--product-form", "products are split in chains of blocks only", "Use formed");
  }
}

void require_stageable(const Problem& problem) {
  const Question& question = problem.question;
  if (problem.subject.stage() == nullptr) return;
  const bool needs_f =
      question.steps.kind == StepSelection::Kind::top ||
      (question.steps.kind != StepSelection::Kind::all && question.step_policy == StepPolicy::drop);
  if (!needs_f) return;
  throw UsageError("--stage",
                   "brings each checkpoint once, and this choice of --steps needs F at "
                   "all of them before it begins",
                   "Use every:N, list or range, with --step-policy merge or sum");
}

}  // namespace explaind
