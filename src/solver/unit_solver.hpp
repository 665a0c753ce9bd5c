#pragma once
// One unit of work from start to finish: its chunks of samples, their quadrature, and the tile they
// leave.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "quadrature/node_record.hpp"
#include "quadrature/plan.hpp"
#include "samples/sample.hpp"
#include "scores/component.hpp"
#include "scores/tile.hpp"
#include "sweeps/sweep.hpp"

namespace explaind {

/// Where the scores of a direction of the trajectory go.
struct DirectionPlace {
  Part part = Part::data;
  int64_t train = 0;  ///< place along the training axis, of data
};

/// What decides the scores of a unit besides the model and the samples (identity keys).
struct SolverOptions {
  QuadratureOptions quadrature;
  Functional functional = {};
  Axes axes;
  GroupReduce group_reduce = GroupReduce::mean;
  int64_t chunk = 64;
  int64_t micro_batch = 8;
  int64_t positions = 0;                        ///< longest sample of the run
  int64_t outputs = 1;                          ///< J of F
  std::vector<DirectionPlace> directions = {};  ///< of the trajectory, in its order
  int64_t trains = 1;                           ///< K: length of psi_data's training axis
  int64_t tiles = 1;  ///< of a unit, there at once: 2 where pieces' tiles are added up
};

/// Computes Ψ of method.md §2 and its certificates for one unit. Self-contained: the result depends
/// on the unit and the options alone.
class UnitSolver {
 public:
  /// All references must outlive the solver. groups: index of each sample's group, `group_count` of
  /// them (where axes.group). group: ranks that share a unit and whose sweeps do their shares; null
  /// where this one is alone.
  UnitSolver(const ComponentTable& table, const std::vector<Sample>& samples, const Groups& groups,
             const SolverOptions& options, const Communicator* group = nullptr);

  /// The parameters behind `sweep` must be loaded for the unit's segment. @collective over the
  /// group: where `sample` is kept each rank holds the rows of its own micro-batches, else the
  /// first one holds all. nodes: takes the rule of every sample of the unit, on every rank; only
  /// where the scores are whole tensors'
  [[nodiscard]] ScoreTile solve(const Unit& unit, Sweep& sweep, SampleNodes* nodes = nullptr) const;

  /// F of every sample, S J, at one end of the segment that is loaded: forward passes alone.
  /// failed: told of this rank's error before the others hear of it, which all of them then throw;
  /// they may be waiting in a gather. @collective over the group
  [[nodiscard]] std::vector<double> values(
      bool to, Sweep& sweep, const std::function<void(const std::string&)>& failed = {}) const;

 private:
  [[nodiscard]] ChunkBatches batches(int64_t begin, int64_t end) const;
  void solve_chunk(int64_t begin, int64_t end, Sweep& sweep, SampleNodes* nodes,
                   ScoreTile& tile) const;
  /// P C scores of one output of a sample; `pair`: sample of the chunk · J + output.
  [[nodiscard]] std::vector<double> scores_of(const SampleVerdict& verdict,
                                              const ScoreAccumulator& sink, int64_t pair) const;
  /// One output of a sample whose quadrature is done.
  struct SolvedPair {
    const SampleVerdict& verdict;
    int64_t pair = 0;    ///< sample of the chunk · J + output
    int64_t sample = 0;  ///< of the run
  };
  /// Where along a variable's training axis, of that length, something is added.
  struct TrainPlace {
    int64_t train = 0, count = 1;
  };
  /// Adds P C scores to a variable of the tile: Σ or mean over a group's samples happens in file
  /// order.
  void add_scores(const std::vector<double>& scores, const SolvedPair& solved,
                  const ScoreTile& tile, const TrainPlace& place, std::vector<double>& into) const;
  /// Adds the scores of every direction. Collective over the group unless `mine`, which says that
  /// this rank has the sample's scores and alone keeps them.
  void add_directions(const SolvedPair& solved, const ScoreAccumulator& sink,
                      const ChunkBatches& chunk, bool mine, ScoreTile& tile) const;
  [[nodiscard]] int64_t trains_of(Part part) const {
    return part == Part::data ? options_.trains : 1;
  }
  /// Zeros where something is added.
  [[nodiscard]] ScoreTile empty_tile(const Unit& unit) const;
  [[nodiscard]] int64_t sample_rows(const Unit& unit) const;
  /// Rows of psi that this rank adds to.
  [[nodiscard]] std::vector<RowRange> held_rows(const Unit& unit) const;
  /// Each rank keeps the scores of its own samples, and no other rank sees them.
  [[nodiscard]] bool divides_rows() const {
    return options_.axes.sample && group_ != nullptr && group_->size() > 1;
  }
  /// scores_of, on every rank, from the one that has them.
  [[nodiscard]] std::vector<double> shared_scores(const SampleVerdict& verdict,
                                                  const ScoreAccumulator& sink,
                                                  const ChunkBatches& chunk, int64_t pair) const;

  const ComponentTable& table_;
  const std::vector<Sample>& samples_;
  const Groups& groups_;
  SolverOptions options_;
  bool scores_follow_tensors_;
  int64_t stride_;  ///< P C
  std::vector<int64_t> group_sizes_;
  const Communicator* group_;
};

}  // namespace explaind
