#pragma once
// From the description of a model, as a recorded run holds it, to the model.

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/model.hpp"

namespace explaind {

/// The names that build_model knows.
std::vector<std::string> model_names();

/// description: {"name": NAME, "config": {…}} with
/// - grokking_transformer: vocabulary, width, heads, inner, positions;
/// - cnn: channels, height, width, filters1, filters2, hidden, classes;
/// - resnet9: channels, width, classes;
///   all three may have activation: relu (where it is missing), or another of activation_names();
/// - sequential: input, layers (model/sequential.hpp);
/// - llama: what a Hugging Face config.json holds.
/// `where` names the file in messages. Throws DataError: an unknown name, a key missing, of
/// another type or below 1, heads that do not divide the width.
std::unique_ptr<Model> build_model(const nlohmann::json& description, const std::string& where);

}  // namespace explaind
