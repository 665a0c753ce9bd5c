#pragma once
// Everything that `decompose` computes its units from, made of the options.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/series.hpp"
#include "comm/collectives.hpp"
#include "config/decompose_options.hpp"
#include "model/network.hpp"
#include "optimizer_steps/optimizer_step.hpp"
#include "optimizer_steps/run_parts.hpp"
#include "path/trajectory.hpp"
#include "planner/computation.hpp"
#include "planner/workspace.hpp"
#include "runs/recorded_run.hpp"
#include "solver/unit_solver.hpp"
#include "store/influence_store.hpp"
#include "sweeps/classifier_sweep.hpp"

namespace explaind {

/// What --source steps adds to a series.
struct StepJob {
  TrainingBatch batch;
  StepOptions options;
  std::vector<StoredOptimizer> optimizers;  ///< per checkpoint
};

/// What is to be computed; alike on every rank.
struct DecomposeJob {
  std::optional<CheckpointSeries> series;  ///< what --series names: this,
  std::optional<RecordedRun> run;          ///< or this
  std::vector<std::string> notes;          ///< what of the inputs is not used, or used otherwise
  std::unique_ptr<Model> model;
  const Network* network = nullptr;     ///< the model, where it is a language model
  std::unique_ptr<Model> layer_output;  ///< of a classifier whose activation is explained
  std::optional<PredictionData> data;   ///< of a classifier
  std::optional<StepJob> steps;
  std::shared_ptr<const PathParts> parts;  ///< that --parts keeps; null where none
  std::shared_ptr<RunParts> run_parts;     ///< the same of a recorded run
  std::vector<KeptPart> kept_parts;        ///< what a store says of them
  std::vector<Sample> samples;
  Groups groups;
  std::shared_ptr<const Path> path;
  std::unique_ptr<Trajectory> trajectory;
  std::vector<PieceRange> pieces;  ///< per segment of the units: of the trajectory
  ComponentTable components;
  bool dense = false;  ///< a score for every scalar, beside those of whole tensors
  SolverOptions solver;
  UnitGrid units;
  Computation computation;
  std::vector<double>
      left_out;     ///< per sample and output: ΔF of segments left out; empty where none
  StepCurve curve;  ///< of the whole path; empty where F was not needed

  /// What F is of: the model, or a layer of it.
  [[nodiscard]] const Model& explained() const { return layer_output ? *layer_output : *model; }
  /// The trajectory and the units of these segments, each straight or, with `piecewise`, along all
  /// the points between.
  void set_segments(const std::vector<PointPair>& pairs, bool piecewise = false);
  /// The trajectory and the units of an optimizer's steps, which are not formed yet.
  void set_steps();
};

/// What --tied-head says. Throws UsageError for words it does not know.
TiedHead tied_head_of(const DecomposeOptions& options);

/// Tensors that the network does not use must not say another network (require_agreement). Reads
/// those of a rank's share of the checkpoints; not collective.
void require_unused_agree(const DecomposeJob& job, const DecomposeOptions& options, int rank,
                          int ranks);

/// The options that decide a unit's scores. Throws UsageError for words it does not know.
SolverOptions solver_options(const DecomposeOptions& options);

/// Opens series or run, model and samples; `device` is where it will compute. Throws DataError as
/// they do, and UsageError for a precision that the device does not have. Not collective.
DecomposeJob prepare_job(const DecomposeOptions& options, const Device& device);

/// The options with what was chosen for "auto" where that decides the numbers.
DecomposeOptions decided(const DecomposeOptions& options, const DecomposeJob& job);

/// What computes the job along a trajectory. @collective over `group` where it gathers parameters
Workspace workspace_of(const DecomposeJob& job, const Trajectory& trajectory,
                       const MemoryPlan& memory, Collectives& group);

/// The store's layout, without provenance.
StoreSchema schema_of(const DecomposeJob& job, const DecomposeOptions& options);

}  // namespace explaind
