#include "training/run_json.hpp"

#include <span>
#include <string>

#include "checkpoint/sha256.hpp"
#include "runs/run_files.hpp"

namespace explaind {
namespace {

nlohmann::json groups_json(OptimizerKind kind, const std::vector<ParameterGroup>& groups) {
  nlohmann::json list = nlohmann::json::array();
  for (const ParameterGroup& group : groups) {
    Hyperparameters values = group.hyperparameters;
    nlohmann::json entry;
    for (const std::string& key : hyperparameter_keys(kind)) {
      entry[key] = hyperparameter(values, key);
    }
    if (kind == OptimizerKind::sgd) entry["nesterov"] = values.nesterov;
    list.push_back(std::move(entry));
  }
  return list;
}

nlohmann::json parameters_json(const Model& model, const std::vector<ParameterGroup>& groups) {
  std::vector<size_t> group_of(model.parameters().size());
  for (size_t g = 0; g < groups.size(); ++g) {
    for (const size_t i : groups[g].parameters) group_of[i] = g;
  }
  nlohmann::json list = nlohmann::json::array();
  for (size_t i = 0; i < group_of.size(); ++i) {
    const ParameterInfo& parameter = model.parameters()[i];
    list.push_back({{"name", parameter.name}, {"shape", parameter.shape}, {"group", group_of[i]}});
  }
  return list;
}

nlohmann::json data_json(const TrainingData& data) {
  const auto sha256 = [](const at::Tensor& tensor) {
    return sha256_of({static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()});
  };
  nlohmann::json json = {{"file", run_files::data},
                         {"samples", data.train.size()},
                         {"validation_samples", data.validation.size()},
                         {"classes", data.classes},
                         {"source", data.description},
                         {"sha256",
                          {{"train/inputs", sha256(data.train.inputs)},
                           {"train/labels", sha256(data.train.labels)},
                           {"validation/inputs", sha256(data.validation.inputs)},
                           {"validation/labels", sha256(data.validation.labels)}}}};
  if (data.train.images()) {
    json["transform"] = {{"mean", data.transform.mean}, {"deviation", data.transform.deviation}};
  }
  return json;
}

std::string schedule_name(Schedule::Shape shape) {
  switch (shape) {
    case Schedule::Shape::constant:
      return "constant";
    case Schedule::Shape::triangle:
      return "triangle";
    case Schedule::Shape::wsd:
      return "wsd";
    default:
      return "cosine";
  }
}

}  // namespace

nlohmann::json run_json(const nlohmann::json& given, const Model& model, const TrainingData& data,
                        const RecordedTrainingOptions& options,
                        const std::vector<ParameterGroup>& groups) {
  nlohmann::json run = given;
  run["format"] = "explaind-recorded-run";
  run["version"] = 1;
  run["dtype"] = options.type == at::kDouble ? "f64" : "f32";
  run["loss"] = "mean cross-entropy over the batch";
  run["optimizer"] = {{"name", to_string(options.optimizer)},
                      {"max_gradient_norm", options.max_gradient_norm},
                      {"groups", groups_json(options.optimizer, groups)}};
  run["parameters"] = parameters_json(model, groups);
  run["data"] = data_json(data);
  const Schedule& schedule = options.schedule;
  run["schedule"] = {{"name", schedule_name(schedule.shape)},
                     {"learning_rate", schedule.peak},
                     {"minimum_ratio", schedule.minimum_ratio},
                     {"warmup", schedule.warmup},
                     {"decay", schedule.decay},
                     {"steps", schedule.steps}};
  run["steps"] = options.steps;
  run["batches"] = {{"batch", options.batch},
                    {"shuffle", options.shuffle},
                    {"drop_last", options.drop_last},
                    {"stop_accuracy", options.stop_accuracy}};
  run["seed"] = options.seed;
  run["stored"] = nlohmann::json::array();
  if (options.keep_second_moments) run["stored"].push_back("second_moment");
  if (options.keep_gradients) run["stored"].push_back("gradient");
  if (options.flips) run["stored"].push_back("flip");
  return run;
}

}  // namespace explaind
