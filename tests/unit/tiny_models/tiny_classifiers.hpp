#pragma once
// Tiny classifiers with data to predict, and their decomposition.

#include <ATen/ATen.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "solver/unit_solver.hpp"
#include "sweeps/classifier_sweep.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {

inline constexpr int64_t samples = 5;
inline constexpr int64_t classes = 3;

/// A model, two points not far from each other, and data to predict.
struct Problem {
  std::string name;
  std::unique_ptr<Model> model;
  std::vector<at::Tensor> from, to;
  PredictionData data;
};

/// One of a registered model, its weights and data drawn by a fixed seed.
Problem problem(const std::string& name, const nlohmann::json& config);

/// grokking_transformer, cnn, resnet9.
std::vector<Problem> problems();

/// All samples on the whole segment, weights resident.
ScoreTile decompose_classes(const Problem& given, const ComponentTable& table,
                            const std::string& functional, const std::string& rule,
                            const Precision& precision = {.type = at::kDouble,
                                                          .products = at::kDouble},
                            const Device& device = Device::cpu());

}  // namespace explaind::testing
