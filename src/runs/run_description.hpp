#pragma once
// What run.json says of a recorded run (recorded_run.md).

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/tensor_view.hpp"

namespace explaind {

enum class OptimizerKind { adamw, adam, sgd };

/// "adamw", "adam" (coupled L2), "sgd"; throws DataError naming `where` for another word.
OptimizerKind parse_optimizer(const std::string& word, const std::string& where);
std::string to_string(OptimizerKind kind);

/// What the update of one parameter group uses at one step (method.md §2); of another kind of
/// optimizer: 0.
struct Hyperparameters {
  double learning_rate = 0, weight_decay = 0;
  double beta1 = 0, beta2 = 0, epsilon = 0;  ///< adamw, adam
  double momentum = 0, dampening = 0;        ///< sgd
  bool nesterov = false;                     ///< sgd
};

/// The keys of a group of that optimizer that are numbers, learning_rate aside.
std::vector<std::string> hyperparameter_keys(OptimizerKind kind);
double& hyperparameter(Hyperparameters& of, const std::string& key);

struct RunParameter {
  std::string name;
  std::vector<int64_t> shape;
  int64_t group = 0;
};

struct RunDescription {
  nlohmann::json json;  ///< all of run.json: model, data, schedule, seed, revision …
  Dtype dtype = Dtype::f32;
  OptimizerKind optimizer = OptimizerKind::adamw;
  /// Per group, what stays the same; a key that is given step by step in the blocks may be missing.
  std::vector<nlohmann::json> groups;
  std::vector<RunParameter> parameters;
  int64_t samples = 0;  ///< of the training data: batch indices are below it
  bool second_moments = false, gradients = false;  ///< stored in the blocks
  bool flips = false;
};

/// Throws DataError naming `where` and the key: another format or version, a key missing or of
/// another type, a parameter given twice or of no group, a group with an impossible value.
RunDescription parse_run_description(nlohmann::json json, const std::string& where);

}  // namespace explaind
