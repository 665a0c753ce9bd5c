#include "staging/staged_path.hpp"

#include <utility>

namespace explaind {

StagedPath::StagedPath(std::shared_ptr<const Stage> stage, CheckpointPath described,
                       const std::vector<ParameterInfo>& parameters)
    : stage_(std::move(stage)), described_(std::move(described)) {
  for (const ParameterInfo& parameter : parameters) names_.push_back(parameter.name);
}

TensorView StagedPath::tensor(size_t point, ParameterId parameter) const {
  const Checkpoint* checkpoint = stage_->at(point);
  return checkpoint != nullptr ? checkpoint->tensor(names_[static_cast<size_t>(parameter)])
                               : described_.tensor(point, parameter);
}

std::string StagedPath::describe(size_t point) const { return stage_->name_of(point); }

}  // namespace explaind
