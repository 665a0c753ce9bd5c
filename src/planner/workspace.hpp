#pragma once
// What a rank computes with: a parameter source and the schedule that suits it.

#include <memory>
#include <utility>

#include "comm/collectives.hpp"
#include "parameters/parameter_source.hpp"
#include "planner/memory_plan.hpp"
#include "sweeps/classifier_sweep.hpp"
#include "sweeps/sweep.hpp"

namespace explaind {

/// What is computed along a trajectory: F, and its change by components.
struct Explained {
  const Functional& functional;
  const Trajectory& trajectory;
  const ComponentTable& table;
};

struct Workspace {
  /// Resident parameters are visited node by node unless products are split, all others block by
  /// block. The ranks of `group` share units; for gathered parameters memory.activations must be
  /// the same on all of them. All references must outlive this. Not collective.
  Workspace(const Network& network, const Explained& explained, const Computation& computation,
            const MemoryPlan& memory, Collectives& group);

  /// For a classifier, whose parameters are resident.
  Workspace(const Model& model, const PredictionData& data, const Explained& explained,
            const Computation& computation, Share share);

  /// Of parts that were made elsewhere (switched_workspace.hpp).
  Workspace(std::unique_ptr<ParameterSource> source, std::unique_ptr<Sweep> schedule)
      : parameters(std::move(source)), sweep(std::move(schedule)) {}

  std::unique_ptr<ParameterSource> parameters;
  std::unique_ptr<Sweep> sweep;
};

}  // namespace explaind
