#pragma once
// Units of tensors' scores with a score for every scalar of the model beside them (engine B).

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "job/unit_job.hpp"
#include "sweeps/dense_pass.hpp"

namespace explaind {

class ScalarJob final : public UnitJob {
 public:
  using UnitJob::UnitJob;
  /// With `balance` where decay can be told apart for every scalar: of a run of AdamW whose pieces
  /// are steps.
  [[nodiscard]] StoreSchema schema() const override;

 protected:
  [[nodiscard]] GridChoice choose_grid(int64_t ranks, const MemoryBudget& least) const override;
  /// More rows at once where they fit. Throws UsageError that says what to do where one row does
  /// not.
  [[nodiscard]] MemoryPlan plan_memory(int shards) const override;
  void solve(const UnitTools& tools, const std::vector<int64_t>& todo, ScoreSink& sink,
             const std::function<void(const ScoreTile&)>& keep) const override;
  [[nodiscard]] double more_seconds(double evaluations) const override;
  [[nodiscard]] std::string also_engine() const override;
};

/// Engine B of the problem's model over weights that are resident. References must outlive it.
std::unique_ptr<DensePass> dense_pass_of(const Problem& problem, ParameterSource& parameters);

}  // namespace explaind
