#pragma once
// How much memory a rank's work takes, and which parameter source fits the budget.

#include <ATen/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <vector>

#include "decomposition/unit_solver.hpp"
#include "model/network.hpp"
#include "samples/sample.hpp"

namespace explaind {

enum class SourceChoice { automatic, resident, streamed };

/// "auto", "resident", "streamed"; throws UsageError on any other word.
SourceChoice parse_source(const std::string& word);

/// Anonymous memory of one rank in bytes, mapped files aside; estimates, upper bounds where shapes
/// decide.
struct MemoryPlan {
  bool resident = true;
  int64_t base = 0;  ///< program and LibTorch
  int64_t parameters =
      0;              ///< W(t) and Δ: of the model, or of the largest part that is open at once
  int64_t graph = 0;  ///< of one micro-batch: the model's, or one block's
  int64_t accumulators = 0;  ///< scores of one chunk
  int64_t activations = 0;   ///< one a block boundary and evaluation; streamed only
  [[nodiscard]] int64_t total() const {
    return base + parameters + graph + accumulators + activations;
  }
};

/// The longest micro-batch of the samples decides. budget: bytes a rank may take. Throws DataError
/// that says what would fit where the choice, or with `automatic` every choice, does not.
MemoryPlan plan_memory(const Network& network, const std::vector<Sample>& samples,
                       const ComponentTable& table, const SolverOptions& solver,
                       at::ScalarType type, SourceChoice choice, int64_t budget);

}  // namespace explaind
