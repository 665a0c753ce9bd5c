#include "decomposition/workspace.hpp"

#include <utility>

#include "decomposition/block_major_sweep.hpp"
#include "decomposition/block_parameters.hpp"
#include "decomposition/node_major_sweep.hpp"
#include "decomposition/resident_parameters.hpp"

namespace explaind {

Workspace::Workspace(const Network& network, const Trajectory& trajectory,
                     const ComponentTable& table, at::ScalarType type, const MemoryPlan& memory,
                     Collectives& group) {
  const Share share{group.rank(), group.size()};
  if (memory.source == Source::resident) {
    parameters = std::make_unique<ResidentParameters>(network, trajectory, type);
    sweep = std::make_unique<NodeMajorSweep>(network, *parameters, table, share);
    return;
  }
  std::unique_ptr<EndpointReader> reader;
  if (memory.source == Source::gathered) {
    reader = std::make_unique<GatheredEndpoints>(trajectory, group);
  } else {
    reader = std::make_unique<MappedEndpoints>(trajectory);
  }
  parameters = std::make_unique<BlockParameters>(network, trajectory, type, std::move(reader));
  sweep = std::make_unique<BlockMajorSweep>(network, *parameters, table, memory.activations, share);
}

}  // namespace explaind
