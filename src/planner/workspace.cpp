#include "planner/workspace.hpp"

#include <algorithm>
#include <utility>

#include "parameters/block_parameters.hpp"
#include "parameters/end_weights.hpp"
#include "parameters/resident_parameters.hpp"
#include "sweeps/block_major_sweep.hpp"
#include "sweeps/end_values.hpp"
#include "sweeps/node_major_sweep.hpp"

namespace explaind {

Workspace::Workspace(const Network& network, const Explained& explained,
                     const Computation& computation, const MemoryPlan& memory, Collectives& group) {
  const auto& [functional, trajectory, table] = explained;
  const Share share{group.rank(), group.size()};
  const auto& [precision, form, device, values] = computation;
  std::shared_ptr<EndpointReader> reader;
  if (memory.source == Source::gathered) {
    reader = std::make_shared<GatheredEndpoints>(trajectory, group, device);
  } else {
    reader = std::make_shared<MappedEndpoints>(trajectory);
  }
  if (device.has_twins() && !(memory.source == Source::gathered && group.on_device())) {
    reader = std::make_shared<UploadedEndpoints>(std::move(reader), device);
  }
  if (memory.source == Source::resident) {
    const Model& all = network;
    parameters = memory.dense > 0
                     ? std::make_unique<ResidentParameters>(all, trajectory, precision, device)
                     : std::make_unique<ResidentParameters>(network, trajectory, precision, device);
  } else {
    parameters = std::make_unique<BlockParameters>(network, trajectory, precision, reader, device);
  }
  if (memory.source == Source::resident && form == ProductForm::formed) {
    sweep = std::make_unique<NodeMajorSweep>(network, *parameters, table, share, functional);
  } else {
    sweep =
        std::make_unique<BlockMajorSweep>(network, *parameters, table,
                                          BlockMajorOptions{.activation_bytes = memory.activations,
                                                            .share = share,
                                                            .form = form,
                                                            .functional = functional});
  }
  if (!values) return;
  auto ends = std::make_unique<EndWeights>(network, trajectory, *values, reader, device);
  auto forward = std::make_unique<BlockMajorSweep>(
      network, *ends, table,
      BlockMajorOptions{
          .activation_bytes = std::max(memory.activations, MemoryPlan::value_activations),
          .share = share,
          .functional = functional});
  sweep = std::make_unique<EndValues>(std::move(sweep), *parameters, std::move(forward),
                                      std::move(ends), trajectory, table);
}

Workspace::Workspace(const Model& model, const PredictionData& data, const Explained& explained,
                     const Computation& computation, Share share)
    : parameters(std::make_unique<ResidentParameters>(model, explained.trajectory,
                                                      computation.precision, computation.device)),
      sweep(std::make_unique<ClassifierSweep>(
          model, data, explained.functional, *parameters, explained.table,
          ClassifierSweepOptions{.share = share,
                                 .directions = explained.trajectory.directions()})) {
  if (!computation.values) return;
  const auto& [functional, trajectory, table] = explained;
  const Device& device = computation.device;
  std::shared_ptr<EndpointReader> reader = std::make_shared<MappedEndpoints>(trajectory);
  if (device.has_twins()) reader = std::make_shared<UploadedEndpoints>(std::move(reader), device);
  auto ends = std::make_unique<EndWeights>(model, trajectory, *computation.values, reader, device);
  auto forward = std::make_unique<ClassifierSweep>(model, data, functional, *ends, table,
                                                   ClassifierSweepOptions{.share = share});
  sweep = std::make_unique<EndValues>(std::move(sweep), *parameters, std::move(forward),
                                      std::move(ends), trajectory, table);
}

}  // namespace explaind
