#pragma once
// A question put to a subject: everything that units are computed from.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "comm/collectives.hpp"
#include "job/question.hpp"
#include "job/step_batches.hpp"
#include "job/subject.hpp"
#include "optimizer_steps/run_directions.hpp"
#include "path/trajectory.hpp"
#include "planner/computation.hpp"
#include "planner/workspace.hpp"
#include "scores/step_curve.hpp"
#include "store/influence_store.hpp"
#include "sweeps/classifier_sweep.hpp"

namespace explaind {

/// Alike on every rank. The subject must outlive it.
struct Problem {
  /// Opens the samples. Its segments are those between neighbouring points, or an optimizer's
  /// steps, not formed yet. Throws DataError as load_samples and load_run_data do, and UsageError
  /// where subject, question and device do not go together. Not collective.
  Problem(const Subject& of, Question asked, const Device& device);

  const Subject& subject;
  Question question;
  std::vector<std::string> notes;  ///< what of the samples' files is not used, or used otherwise
  std::unique_ptr<Model> layer_output;  ///< of a classifier whose activation is explained
  std::optional<PredictionData> data;   ///< of a classifier
  std::optional<StepBatches> steps;
  std::shared_ptr<const PathDirections> parts;    ///< that are told apart; null where none
  std::shared_ptr<RunDirections> run_directions;  ///< the same of a recorded run
  std::vector<KeptPart> kept_parts;               ///< what a store says of them
  std::vector<Sample> samples;
  Groups groups;
  std::unique_ptr<Trajectory> trajectory;
  std::vector<PieceRange> pieces;  ///< per segment of the units: of the trajectory
  ComponentTable components;
  SolverOptions solver;
  UnitGrid units;
  Computation computation;
  std::vector<double>
      left_out;     ///< per sample and output: ΔF of segments left out; empty where none
  StepCurve curve;  ///< of the whole path; empty where F was not needed

  /// Per segment of the units and sample: what a change of config alone does to F where the segment
  /// begins; empty where nothing is bridged.
  std::vector<double> config_change;

  [[nodiscard]] const Model& model() const { return subject.model(); }
  [[nodiscard]] const Network* network() const { return subject.network(); }
  [[nodiscard]] const std::optional<RecordedRun>& run() const { return subject.run(); }
  [[nodiscard]] const Path& path() const { return subject.path(); }
  /// What F is of: the model, or a layer of it.
  [[nodiscard]] const Model& explained() const { return layer_output ? *layer_output : model(); }
  /// Rows of scores that a store has: samples, groups, or one.
  [[nodiscard]] int64_t rows() const;
  /// The row that a sample's scores are added to.
  [[nodiscard]] int64_t row_of(int64_t sample) const;
  /// The network that a segment of a trajectory over the path's points is scored under: that of its
  /// end.
  [[nodiscard]] size_t network_of(const Trajectory& along, int64_t segment) const {
    return subject.network_of(static_cast<size_t>(along.point(segment, true)));
  }
  /// From where to where the units' segments go: points of the path. Not of an optimizer's steps.
  [[nodiscard]] std::vector<PointPair> pairs() const;
  /// The trajectory and the units of these segments, each straight or, with `piecewise`, along all
  /// the points between. They are cut where the network changes, unless that is bridged. Throws
  /// UsageError where nothing is left of them.
  void set_segments(const std::vector<PointPair>& chosen, bool piecewise = false);
  /// The trajectory and the units of an optimizer's steps, which are not formed yet.
  void set_steps();
};

/// The words of the question with what was chosen for "auto" where that decides the numbers.
DecomposeOptions decided(const Problem& problem);

/// What computes the problem along a trajectory. network_of: the place in Subject::networks() of
/// the network that a segment is of; as Problem::network_of has it where it is empty. @collective
/// over `group` where it gathers parameters
Workspace workspace_of(const Problem& problem, const Trajectory& trajectory,
                       const MemoryPlan& memory, Collectives& group,
                       const std::function<size_t(int64_t)>& network_of = {});

/// The store's layout, without provenance, of tensors' scores.
StoreSchema schema_of(const Problem& problem);

}  // namespace explaind
