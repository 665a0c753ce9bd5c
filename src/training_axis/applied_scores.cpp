#include "training_axis/applied_scores.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "engines/component_sums.hpp"
#include "training/tensor_of.hpp"
#include "training_axis/sample_updates.hpp"

namespace explaind {
namespace {

/// What a block takes, with the run's largest batch.
int64_t bytes_of_element(const TrainedModel& trained, const Groups& groups) {
  int64_t batch = 0;
  for (int64_t step = 0; step < trained.run.steps(); ++step) {
    batch = std::max(batch, static_cast<int64_t>(trained.run.batch(step).samples.size()));
  }
  const at::ScalarType type =
      scalar_type_of(trained.run.description().dtype, trained.run.directory().string());
  const auto size = static_cast<int64_t>(at::elementSize(type));
  return element_bytes(static_cast<int64_t>(groups.names.size()), batch, size);
}

/// Bytes for momentum: all of it, or what the scores that wait leave.
int64_t for_blocks(const TrainedModel& trained, int64_t of_element, int64_t waiting,
                   int64_t memory) {
  const bool one = parameter_blocks(trained.model, of_element, memory).size() == 1;
  return one ? memory : memory - waiting;
}

/// Adds a block's update, contracted with G of every row.
void contract(const BlockUpdate& update, const std::vector<ParameterRows>& block,
              const RowIntegrals& integrals, const ComponentTable& table, StepScores& scores) {
  for (int64_t r = 0; r < scores.data.size(0); ++r) {
    at::Tensor data = scores.data.select(0, r);
    for (size_t i = 0; i < block.size(); ++i) {
      const ParameterRows& rows = block[i];
      const at::Tensor g = integrals.gradient[static_cast<size_t>(r)]
                               .at(static_cast<size_t>(rows.parameter))
                               .narrow(0, rows.first, rows.count)
                               .to(at::kDouble);
      add_to_components(table, rows, update.data[i] * g, data);
      const SplitUpdate& parts = update.parts[i];
      const std::pair<const at::Tensor&, at::Tensor&> others[]{{parts.decay, scores.decay},
                                                               {parts.momentum, scores.momentum},
                                                               {parts.rounding, scores.rounding}};
      for (const auto& [part, sums] : others) {
        at::Tensor of_row = sums.narrow(0, r, 1);
        add_to_components(table, rows, (part * g).unsqueeze(0), of_row);
      }
    }
  }
}

StepScores empty_scores(int64_t step, int64_t rows, int64_t groups, int64_t components) {
  StepScores scores;
  scores.step = step;
  scores.data = at::zeros({rows, groups, components}, at::kDouble);
  for (at::Tensor* part : {&scores.decay, &scores.momentum, &scores.rounding}) {
    *part = at::zeros({rows, components}, at::kDouble);
  }
  return scores;
}

}  // namespace

AppliedMemory applied_memory(const TrainedModel& trained, const Groups& groups, int64_t steps,
                             int64_t scores, int64_t memory) {
  const int64_t of_element = bytes_of_element(trained, groups);
  const int64_t left = for_blocks(trained, of_element, steps * scores, memory);
  const auto blocks = parameter_blocks(trained.model, of_element, left);
  const auto count = static_cast<int64_t>(blocks.size());
  const int64_t waiting = count > 1 ? steps * scores : 0;
  const int64_t least = largest_piece(trained.model) * of_element;
  const int64_t largest =
      count > 1 ? std::max(left, least) : parameter_count(trained.model) * of_element;
  return {.blocks = count, .bytes = waiting + largest};
}

void applied_scores(const TrainedModel& trained, const FunctionalSums& functionals,
                    const ComponentTable& table, const Groups& groups, const AxisOptions& options,
                    const std::function<void(const StepScores&)>& keep) {
  const int64_t end = options.end(trained.run), first = options.first;
  const auto count = static_cast<int64_t>(groups.names.size());
  const int64_t of_element = bytes_of_element(trained, groups);
  const int64_t waiting =
      (end - first) * functionals.rows * count * table.size() * int64_t{sizeof(double)};
  const auto blocks = parameter_blocks(trained.model, of_element,
                                       for_blocks(trained, of_element, waiting, options.memory));
  const SampleUpdates updates(trained, groups, first);
  std::vector<StepScores> held(static_cast<size_t>(end - first));
  for (size_t b = 0; b < blocks.size(); ++b) {
    updates.run(blocks[b], end, [&](const BlockUpdate& update) {
      const Segment segment{.from = weights_at(trained.run, update.step),
                            .to = weights_at(trained.run, update.step + 1)};
      RowIntegrals integrals =
          integrate_rows(trained.model, segment, table, functionals, options.quadrature);
      StepScores& scores = held[static_cast<size_t>(update.step - first)];
      if (b == 0) scores = empty_scores(update.step, functionals.rows, count, table.size());
      contract(update, blocks[b], integrals, table, scores);
      if (b + 1 < blocks.size()) return;
      scores.total = integrals.total;
      scores.sums = std::move(integrals.sums);
      scores.verdicts = std::move(integrals.verdicts);
      keep(scores);
      scores = {};
    });
  }
}

}  // namespace explaind
