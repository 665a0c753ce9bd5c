#include "training_axis/applied_scores.hpp"

#include <ATen/ATen.h>

#include "decomposition/component_sums.hpp"
#include "training_axis/sample_updates.hpp"

namespace explaind {
namespace {

/// Contracts a block's update with G of every functional.
AppliedScores contract(const BlockUpdate& update, const std::vector<ParameterRows>& block,
                       const std::vector<IntegratedGradient>& integrals,
                       const ComponentTable& table) {
  const auto functionals = static_cast<int64_t>(integrals.size());
  const int64_t samples = update.data.front().size(0);
  AppliedScores scores{.step = update.step, .data = {}, .decay = {}};
  scores.data = at::zeros({functionals, samples, table.size()}, at::kDouble);
  scores.decay = at::zeros({functionals, table.size()}, at::kDouble);
  for (int64_t f = 0; f < functionals; ++f) {
    at::Tensor data = scores.data.select(0, f), decay = scores.decay.narrow(0, f, 1);
    for (size_t i = 0; i < block.size(); ++i) {
      const ParameterRows& rows = block[i];
      const at::Tensor g = integrals[static_cast<size_t>(f)]
                               .gradient[static_cast<size_t>(rows.parameter)]
                               .narrow(0, rows.first, rows.count)
                               .to(at::kDouble);
      add_to_components(table, rows, update.data[i] * g, data);
      add_to_components(table, rows, (update.decay[i] * g).unsqueeze(0), decay);
    }
  }
  return scores;
}

}  // namespace

void applied_scores(const TrainedModel& trained, const std::vector<Predictions>& functionals,
                    const ComponentTable& table, const AxisOptions& options,
                    const std::function<void(const AppliedScores&)>& add) {
  const int64_t end = options.end(trained.run);
  const SampleUpdates updates(trained);
  const auto blocks =
      parameter_blocks(trained.model, trained.run.description().samples, options.memory);
  for (const std::vector<ParameterRows>& block : blocks) {
    updates.run(block, end, [&](const BlockUpdate& update) {
      if (update.step < options.first) return;
      const Segment segment{.from = weights_at(trained.run, update.step),
                            .to = weights_at(trained.run, update.step + 1)};
      add(contract(update, block,
                   integrate_gradients(trained.model, segment, functionals, options.quadrature),
                   table));
    });
  }
}

}  // namespace explaind
