#include "runs/run_description.hpp"

#include <fmt/format.h>

#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

#include "core/error.hpp"

namespace explaind {
namespace {

/// Typed access to an object of run.json, with the path of its keys in messages.
class Object {
 public:
  Object(const nlohmann::json& json, std::string where, std::string path)
      : json_(json), where_(std::move(where)), path_(std::move(path)) {
    if (!json.is_object()) fail(path_, "is not a JSON object");
  }

  [[nodiscard]] const nlohmann::json& at(const std::string& key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) fail(name(key), "is missing");
    return *found;
  }
  [[nodiscard]] std::string text(const std::string& key) const {
    if (!at(key).is_string()) fail(name(key), "is not a text");
    return at(key).get<std::string>();
  }
  [[nodiscard]] int64_t count(const std::string& key, int64_t least) const {
    const nlohmann::json& value = at(key);
    if (!value.is_number_integer() || value.get<int64_t>() < least) {
      fail(name(key), fmt::format("is {}, not a whole number of at least {}", value.dump(), least));
    }
    return value.get<int64_t>();
  }
  [[nodiscard]] const nlohmann::json& list(const std::string& key) const {
    if (!at(key).is_array()) fail(name(key), "is not a list");
    return at(key);
  }
  [[nodiscard]] Object object(const std::string& key) const { return {at(key), where_, name(key)}; }
  [[nodiscard]] Object item(const std::string& key, size_t index) const {
    return {list(key)[index], where_, fmt::format("{}[{}]", name(key), index)};
  }
  [[noreturn]] void fail(const std::string& key, const std::string& problem) const {
    throw DataError(where_, key + " " + problem, "src/runs/recorded_run.md describes the format");
  }

 private:
  [[nodiscard]] std::string name(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }
  const nlohmann::json& json_;
  std::string where_, path_;
};

Dtype parse_run_dtype(const Object& run) {
  const std::string word = run.text("dtype");
  if (word == "f32") return Dtype::f32;
  if (word == "f64") return Dtype::f64;
  run.fail("dtype", "is '" + word + "', neither f32 nor f64");
}

std::vector<int64_t> parse_shape(const Object& parameter) {
  std::vector<int64_t> shape;
  for (const nlohmann::json& length : parameter.list("shape")) {
    if (!length.is_number_integer() || length.get<int64_t>() < 1) {
      parameter.fail("shape", "holds " + length.dump());
    }
    shape.push_back(length.get<int64_t>());
  }
  return shape;
}

void require_possible(const Object& optimizer, size_t group, const std::string& key,
                      const nlohmann::json& value) {
  const std::string name = fmt::format("optimizer.groups[{}].{}", group, key);
  if (!value.is_number()) optimizer.fail(name, "is not a number");
  const auto number = value.get<double>();
  const bool below_one = key == "beta1" || key == "beta2";
  if (!std::isfinite(number) || number < 0 || (below_one && number >= 1)) {
    optimizer.fail(name, "is " + value.dump() + (below_one ? ", not in [0, 1)" : ", below 0"));
  }
}

void parse_groups(const Object& optimizer, RunDescription& run) {
  for (size_t i = 0; i < optimizer.list("groups").size(); ++i) {
    const Object group = optimizer.item("groups", i);
    const nlohmann::json& json = optimizer.list("groups")[i];
    for (const std::string& key : hyperparameter_keys(run.optimizer)) {
      if (json.contains(key)) require_possible(optimizer, i, key, json[key]);
    }
    if (run.optimizer == OptimizerKind::sgd && !group.at("nesterov").is_boolean()) {
      optimizer.fail(fmt::format("optimizer.groups[{}].nesterov", i), "is not true or false");
    }
    run.groups.push_back(json);
  }
  if (run.groups.empty()) optimizer.fail("optimizer.groups", "is empty");
}

void parse_parameters(const Object& json, RunDescription& run) {
  std::set<std::string> names;
  for (size_t i = 0; i < json.list("parameters").size(); ++i) {
    const Object item = json.item("parameters", i);
    RunParameter parameter{item.text("name"), parse_shape(item), item.count("group", 0)};
    if (!names.insert(parameter.name).second) {
      json.fail("parameters", "holds " + parameter.name + " twice");
    }
    if (parameter.group >= static_cast<int64_t>(run.groups.size())) {
      json.fail(parameter.name, fmt::format("is of group {}, but there are {}", parameter.group,
                                            run.groups.size()));
    }
    run.parameters.push_back(std::move(parameter));
  }
  if (run.parameters.empty()) json.fail("parameters", "is empty");
}

void parse_stored(const Object& json, RunDescription& run) {
  for (const nlohmann::json& item : json.list("stored")) {
    const auto word = item.is_string() ? item.get<std::string>() : item.dump();
    if (word == "second_moment") {
      run.second_moments = true;
    } else if (word == "gradient") {
      run.gradients = true;
    } else if (word == "flip") {
      run.flips = true;
    } else {
      json.fail("stored", "holds '" + word + "': second_moment, gradient and flip are known");
    }
  }
  if (run.second_moments && run.optimizer == OptimizerKind::sgd) {
    json.fail("stored", "holds second_moment, which sgd has not");
  }
}

}  // namespace

OptimizerKind parse_optimizer(const std::string& word, const std::string& where) {
  for (const OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::adam, OptimizerKind::sgd}) {
    if (to_string(kind) == word) return kind;
  }
  throw DataError(where, "optimizer '" + word + "' is not known", "Known: adamw, adam, sgd");
}

std::string to_string(OptimizerKind kind) {
  return kind == OptimizerKind::adamw ? "adamw" : kind == OptimizerKind::adam ? "adam" : "sgd";
}

std::vector<std::string> hyperparameter_keys(OptimizerKind kind) {
  if (kind == OptimizerKind::sgd) return {"weight_decay", "momentum", "dampening"};
  return {"weight_decay", "beta1", "beta2", "epsilon"};
}

double& hyperparameter(Hyperparameters& of, const std::string& key) {
  if (key == "learning_rate") return of.learning_rate;
  if (key == "weight_decay") return of.weight_decay;
  if (key == "beta1") return of.beta1;
  if (key == "beta2") return of.beta2;
  if (key == "epsilon") return of.epsilon;
  if (key == "momentum") return of.momentum;
  if (key == "dampening") return of.dampening;
  throw std::invalid_argument("no hyper-parameter " + key);
}

RunDescription parse_run_description(nlohmann::json json, const std::string& where) {
  RunDescription run;
  run.json = std::move(json);
  const Object top(run.json, where, "");
  if (top.text("format") != "explaind-recorded-run") {
    top.fail("format", "is not explaind-recorded-run");
  }
  if (top.count("version", 1) != 1) {
    top.fail("version", "is " + top.at("version").dump() + "; this program reads version 1");
  }
  run.dtype = parse_run_dtype(top);
  const Object optimizer = top.object("optimizer");
  run.optimizer = parse_optimizer(optimizer.text("name"), where);
  parse_groups(optimizer, run);
  parse_parameters(top, run);
  run.samples = top.object("data").count("samples", 1);
  static_cast<void>(top.object("model").text("name"));
  parse_stored(top, run);
  return run;
}

}  // namespace explaind
