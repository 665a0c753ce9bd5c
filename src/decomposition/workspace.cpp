#include "decomposition/workspace.hpp"

#include <utility>

#include "decomposition/block_major_sweep.hpp"
#include "decomposition/block_parameters.hpp"
#include "decomposition/node_major_sweep.hpp"
#include "decomposition/resident_parameters.hpp"

namespace explaind {

Workspace::Workspace(const Network& network, const Functional& functional,
                     const Trajectory& trajectory, const ComponentTable& table,
                     const Computation& computation, const MemoryPlan& memory, Collectives& group) {
  const Share share{group.rank(), group.size()};
  const auto& [precision, form, device] = computation;
  if (memory.source == Source::resident) {
    const Model& all = network;
    parameters = memory.dense > 0
                     ? std::make_unique<ResidentParameters>(all, trajectory, precision, device)
                     : std::make_unique<ResidentParameters>(network, trajectory, precision, device);
  } else {
    std::unique_ptr<EndpointReader> reader;
    if (memory.source == Source::gathered) {
      reader = std::make_unique<GatheredEndpoints>(trajectory, group, device);
    } else {
      reader = std::make_unique<MappedEndpoints>(trajectory);
    }
    if (device.has_twins() && !(memory.source == Source::gathered && group.on_device())) {
      reader = std::make_unique<UploadedEndpoints>(std::move(reader), device);
    }
    parameters = std::make_unique<BlockParameters>(network, trajectory, precision,
                                                   std::move(reader), device);
  }
  if (memory.source == Source::resident && form == ProductForm::formed) {
    sweep = std::make_unique<NodeMajorSweep>(network, *parameters, table, share, functional);
  } else {
    sweep = std::make_unique<BlockMajorSweep>(network, *parameters, table, memory.activations,
                                              share, form, functional);
  }
}

Workspace::Workspace(const Model& model, const PredictionData& data, const Functional& functional,
                     const Trajectory& trajectory, const ComponentTable& table,
                     const Computation& computation, Share share)
    : parameters(std::make_unique<ResidentParameters>(model, trajectory, computation.precision,
                                                      computation.device)),
      sweep(std::make_unique<ClassifierSweep>(model, data, functional, *parameters, table, share,
                                              trajectory.directions())) {}

}  // namespace explaind
