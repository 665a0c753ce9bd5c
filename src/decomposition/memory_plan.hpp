#pragma once
// How much memory a rank's work takes, and which parameter source fits the budget.

#include <ATen/core/ScalarType.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "decomposition/trajectory.hpp"
#include "decomposition/unit_solver.hpp"
#include "model/network.hpp"
#include "samples/sample.hpp"

namespace explaind {

enum class Source { resident, gathered, streamed };

/// "resident", "gathered", "streamed", and nothing for "auto"; throws UsageError on any other word.
std::optional<Source> parse_source(const std::string& word);
std::string to_string(Source source);

/// Anonymous memory of one rank in bytes, mapped files aside: estimates that should not be less
/// than what is measured (tests/benchmarks/plan_table.py).
struct MemoryPlan {
  Source source = Source::resident;
  int64_t base = 0;          ///< program and LibTorch
  int64_t parameters = 0;    ///< W(t) and Δ of the model, or of the largest part opened at once
  int64_t endpoints = 0;     ///< gathered: this rank's share of both, and what is open
  int64_t graph = 0;         ///< of one micro-batch: the model's, or one block's
  int64_t accumulators = 0;  ///< scores of one chunk
  int64_t activations = 0;   ///< one a block boundary and evaluation, at most; not resident
  int64_t activation = 0;    ///< of these, one evaluation's: not added to the total
  /// Each activation kept holds this much: with the block's output, its gradient, and gaps between.
  static constexpr double held_per_activation = 1.6;
  [[nodiscard]] int64_t held(int64_t kept) const {
    return static_cast<int64_t>(held_per_activation * static_cast<double>(kept));
  }
  [[nodiscard]] int64_t total() const {
    return base + parameters + endpoints + graph + accumulators + held(activations);
  }
};

/// What is to be fitted.
struct MemoryDemand {
  const Network& network;
  const Trajectory& trajectory;
  const std::vector<Sample>& samples;
  const ComponentTable& table;
  const SolverOptions& solver;
  at::ScalarType type;
  int shards = 1;
};

/// The longest micro-batch of the samples decides. budget: bytes a rank may take, the same on all
/// ranks of a group. Where no source is chosen: resident where it fits, else gathered where there
/// are shards, else streamed. Throws DataError that says what would fit where the choice does not.
MemoryPlan plan_memory(const MemoryDemand& demand, std::optional<Source> choice, int64_t budget);

/// Whether a source fits the budget with demand's shards.
bool fits_memory(Source source, const MemoryDemand& demand, int64_t budget);

}  // namespace explaind
