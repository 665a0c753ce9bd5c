#pragma once
// How much memory the decomposition of a classifier takes.

#include "planner/memory_plan.hpp"
#include "sweeps/classifier_sweep.hpp"

namespace explaind {

/// A decomposition of a classifier; `shards` ranks share a unit.
struct ClassifierDemand {
  const Model& model;
  const PredictionData& data;
  const std::vector<Sample>& samples;
  const ComponentTable& table;
  const SolverOptions& solver;
  const Computation& computation;
  int shards = 1;
};

/// Parameters are resident: these models are small. The graph is counted by a forward pass over one
/// sample, whose operations' outputs are added up. Throws DataError where that does not fit.
MemoryPlan plan_classifier_memory(const ClassifierDemand& demand, const MemoryBudget& budget);

}  // namespace explaind
