#pragma once
// How much memory a rank's work takes, and which parameter source fits the budget.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/network.hpp"
#include "path/trajectory.hpp"
#include "planner/computation.hpp"
#include "samples/sample.hpp"
#include "solver/unit_solver.hpp"

namespace explaind {

enum class Source { resident, gathered, streamed };

/// "resident", "gathered", "streamed", and nothing for "auto"; throws UsageError on any other word.
std::optional<Source> parse_source(const std::string& word);
std::string to_string(Source source);

/// Bytes a rank may take, and what takes some of them whatever is computed.
struct MemoryBudget {
  int64_t host = 0;
  int64_t device = 0;   ///< of its device, where it computes on one
  int64_t threads = 1;  ///< that share its work, each with buffers
  std::string limit;    ///< what makes `host` no larger, for messages; may be empty
  // NOLINTNEXTLINE(google-explicit-constructor): most budgets are of the host alone.
  MemoryBudget(int64_t on_host, int64_t on_device = 0, int64_t sharing = 1)
      : host(on_host), device(on_device), threads(sharing) {}
};

/// Memory of one rank in bytes: anonymous memory of the host, mapped files aside, and where the
/// rank computes on a device that device's: estimates that should not be less than
/// what is measured (tests/benchmarks/plan_table.py).
struct MemoryPlan {
  Source source = Source::resident;
  bool on_device = false;  ///< where parameters, endpoints, graph and activations are
  int64_t base = 0;        ///< program, LibTorch, and buffers of threads that share products
  int64_t parameters = 0;  ///< W(t), Δ and its directions: the model's, or of the largest part
                           ///< opened at once
  int64_t endpoints = 0;   ///< as stored. Gathered on the host: this rank's share, what is open and
                           ///< what comes next; on a device: the model's, or those of two parts
  int64_t graph = 0;       ///< of what runs at once: the model's, or one block's
  int64_t accumulators = 0;   ///< scores of one chunk, and of the unit's tile; on the host
  int64_t dense = 0;          ///< gradients and scores of scalars; where there are any, matrices of
                              ///< which rows are looked up are resident too
  int64_t activations = 0;    ///< one a block boundary and evaluation, at most; where blocks are
                              ///< outermost
  int64_t activation = 0;     ///< of these, one evaluation's: not added to the total
  int64_t value_weights = 0;  ///< of the largest part opened, where F at checkpoints has a
                              ///< precision of its own
  int64_t value_graph = 0;    ///< what its forward passes hold; not beside `graph`
  int64_t device_base = 0;    ///< CUDA's own
  int64_t shares = 0;         ///< on a device, gathered: this rank's share, on the host
  /// Each activation kept holds this much: with the block's output, its gradient, and gaps between.
  static constexpr double held_per_activation = 2;
  [[nodiscard]] static int64_t held(int64_t kept) {
    return static_cast<int64_t>(held_per_activation * static_cast<double>(kept));
  }
  /// Activations of these forward passes may always take so much.
  static constexpr int64_t value_activations = int64_t{4} << 20;
  /// W(t), Δ, and weights at checkpoints.
  [[nodiscard]] int64_t weights() const { return parameters + value_weights; }
  /// Bytes of the host's memory.
  [[nodiscard]] int64_t total() const {
    return base + accumulators + dense + (on_device ? shares : computing());
  }
  [[nodiscard]] int64_t device_total() const { return on_device ? device_base + computing() : 0; }
  [[nodiscard]] bool fits(const MemoryBudget& budget) const {
    return total() <= budget.host && device_total() <= budget.device;
  }

 private:
  [[nodiscard]] int64_t computing() const {
    return weights() + endpoints + std::max(graph + held(activations), value_graph);
  }
};

/// Scores that a rank has of one unit, in fp64, beside those that are still being integrated: its
/// rows of the tiles, and two of one sample that are on their way there.
///
/// directions: parts of Δ with scores of their own. shards: ranks that share the unit.
int64_t tile_bytes(const SolverOptions& solver, const std::vector<Sample>& samples,
                   const ComponentTable& table, int64_t directions, int shards);

/// What is to be fitted.
struct MemoryDemand {
  const Network& network;
  const Trajectory& trajectory;
  const std::vector<Sample>& samples;
  const ComponentTable& table;
  const SolverOptions& solver;
  Computation computation;
  int shards = 1;
};

/// Buffers of all threads but one while they share the largest product of `rows` rows with these
/// parameters.
int64_t thread_bytes(const std::vector<ParameterInfo>& parameters, int64_t rows, int64_t threads);

/// The longest micro-batch of the samples decides. budget: the same on all ranks of a group. Where
/// no source is chosen: resident where it fits, else gathered where there are shards, else
/// streamed. Throws DataError that says what would fit where the choice does not.
MemoryPlan plan_memory(const MemoryDemand& demand, std::optional<Source> choice,
                       const MemoryBudget& budget);

/// Whether a source fits the budget with demand's shards.
bool fits_memory(Source source, const MemoryDemand& demand, const MemoryBudget& budget);

}  // namespace explaind
