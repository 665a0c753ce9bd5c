// What a store holds of a problem (problem.hpp).

#include <algorithm>
#include <string>

#include "job/formed_steps.hpp"
#include "job/problem.hpp"

namespace explaind {
namespace {

/// Tokens and phases at the ends of segments, where names say them of every checkpoint.
void describe_ends(const Problem& problem, StoreSchema& schema) {
  const std::optional<CheckpointSeries>& series = problem.subject.series();
  if (!series || problem.subject.optimizer_steps()) return;
  bool tokens = true, phases = false;
  for (size_t i = 0; i < series->size(); ++i) {
    tokens = tokens && series->entry(i).tokens;
    phases = phases || !series->entry(i).phase.empty();
  }
  for (const PieceRange& pieces : problem.pieces) {
    const SeriesEntry &from = series->entry(
                          static_cast<size_t>(problem.trajectory->point(pieces.first, false))),
                      &to = series->entry(
                          static_cast<size_t>(problem.trajectory->point(pieces.last - 1, true)));
    if (tokens) {
      schema.tokens_from.push_back(*from.tokens);
      schema.tokens_to.push_back(*to.tokens);
    }
    if (phases) {
      schema.phase_from.push_back(from.phase);
      schema.phase_to.push_back(to.phase);
    }
  }
}

}  // namespace

StoreSchema schema_of(const Problem& problem) {
  StoreSchema schema;
  for (const PieceRange& pieces : problem.pieces) {
    schema.step_from.push_back(problem.trajectory->step_from(pieces.first));
    schema.step_to.push_back(problem.trajectory->step_to(pieces.last - 1));
  }
  describe_ends(problem, schema);
  for (const Sample& sample : problem.samples) {
    schema.sample_ids.push_back(sample.id);
    schema.sample_groups.push_back(sample.group);
    if (problem.network() != nullptr) {
      schema.sample_lengths.push_back(sample.tokens());
    }
  }
  schema.group_names = problem.groups.names;
  schema.components = problem.components;
  schema.dense = problem.question.scalars;
  schema.sums_of_steps =
      problem.question.scalars &&
      std::any_of(problem.pieces.begin(), problem.pieces.end(),
                  [](const PieceRange& pieces) { return pieces.last > pieces.first + 1; });
  schema.axes = problem.solver.axes;
  for (int64_t i = 0; schema.axes.output && i < problem.solver.outputs; ++i) {
    schema.outputs.push_back(std::to_string(i));
  }
  schema.positions = problem.solver.positions;
  schema.units = problem.units;
  schema.single_precision = problem.question.single_precision;
  schema.parts = problem.kept_parts;
  if (problem.steps) describe_steps(problem, schema);
  if (problem.solver.outputs == 1)
    schema.left_out = problem.left_out;  // of every output: printed alone
  schema.config_change = problem.config_change;
  schema.curve = problem.curve;
  schema.functional = problem.question.written.functional;
  schema.functional_unit = problem.solver.functional->unit();
  return schema;
}

}  // namespace explaind
