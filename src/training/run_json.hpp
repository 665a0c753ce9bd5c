#pragma once
// run.json of a recorded training.

#include <nlohmann/json.hpp>

#include "training/recorded_training.hpp"

namespace explaind {

/// given: "model", "revision" and whatever else the caller has to say. groups: of the optimizer.
nlohmann::json run_json(const nlohmann::json& given, const Model& model, const TrainingData& data,
                        const RecordedTrainingOptions& options,
                        const std::vector<ParameterGroup>& groups);

}  // namespace explaind
