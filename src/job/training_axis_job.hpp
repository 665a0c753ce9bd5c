#pragma once
// Units of a recorded run with the axis of its training samples (engine D, or per-sample momentum).

#include <memory>
#include <optional>
#include <vector>

#include "job/training_axis.hpp"
#include "job/unit_job.hpp"

namespace explaind {

class TrainingAxisJob final : public UnitJob {
 public:
  using UnitJob::UnitJob;
  void prepare(const StoreClaim& claim, const Control& control) override;
  [[nodiscard]] StoreSchema schema() const override;
  [[nodiscard]] JobCost cost(const CostOptions& options) const override;
  /// A rank is handed chunks, each with its units of all steps, which are written one by one: a
  /// stop ends it between two of them.
  [[nodiscard]] JobEnd run(const std::vector<int64_t>& todo, ScoreSink& sink,
                           const Control& control) const override;

 protected:
  [[nodiscard]] MemoryPlan plan_memory(int shards) const override;

 private:
  std::optional<TrainingAxis> axis_;
};

}  // namespace explaind
