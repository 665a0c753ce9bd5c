#pragma once
// Everything that `decompose` computes its units from, made of the options.

#include <memory>
#include <utility>
#include <vector>

#include "checkpoint/series.hpp"
#include "config/decompose_options.hpp"
#include "decomposition/computation.hpp"
#include "decomposition/trajectory.hpp"
#include "decomposition/unit_solver.hpp"
#include "model/network.hpp"
#include "store/influence_store.hpp"

namespace explaind {

/// The same on every rank.
struct DecomposeJob {
  explicit DecomposeJob(CheckpointSeries opened) : series(std::move(opened)) {}

  CheckpointSeries series;
  std::unique_ptr<Network> network;
  std::vector<Sample> samples;
  Groups groups;
  std::unique_ptr<Trajectory> trajectory;
  ComponentTable components;
  SolverOptions solver;
  UnitGrid units;
  Computation computation;
  std::vector<double> left_out;  ///< per sample: ΔF of segments left out; empty where none could be
  StepCurve curve;               ///< of the whole series; empty where F was not needed
};

/// The options that decide a unit's scores. Throws UsageError for words it does not know.
SolverOptions solver_options(const DecomposeOptions& options);

/// Opens series, network and samples; `device` is where it will compute. Throws DataError as they
/// do, and UsageError for a precision that the device does not have. Not collective.
DecomposeJob prepare_job(const DecomposeOptions& options, const Device& device);

/// The options with what was chosen for "auto" where that decides the numbers.
DecomposeOptions decided(const DecomposeOptions& options, const DecomposeJob& job);

/// The store's layout, without provenance.
StoreSchema schema_of(const DecomposeJob& job, const DecomposeOptions& options);

}  // namespace explaind
