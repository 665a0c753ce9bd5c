#pragma once
// The path of a series of which no more than two checkpoints are there.

#include <memory>
#include <string>
#include <vector>

#include "model/model.hpp"
#include "path/path.hpp"
#include "staging/stage.hpp"

namespace explaind {

/// Views of points that are not there have type and shape and no data: enough for plans.
/// Stage::bring is called before they are read.
class StagedPath final : public Path {
 public:
  StagedPath(std::shared_ptr<const Stage> stage, CheckpointPath described,
             const std::vector<ParameterInfo>& parameters);

  [[nodiscard]] size_t size() const override { return described_.size(); }
  [[nodiscard]] int64_t step(size_t point) const override { return described_.step(point); }
  [[nodiscard]] TensorView tensor(size_t point, ParameterId parameter) const override;
  [[nodiscard]] std::string describe(size_t point) const override;

 private:
  std::shared_ptr<const Stage> stage_;
  CheckpointPath described_;
  std::vector<std::string> names_;  ///< per parameter
};

}  // namespace explaind
