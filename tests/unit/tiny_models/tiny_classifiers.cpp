#include "unit/tiny_models/tiny_classifiers.hpp"

#include <utility>

#include "model/registry.hpp"
#include "parameters/resident_parameters.hpp"

namespace explaind::testing {

Problem problem(const std::string& name, const nlohmann::json& config) {
  at::manual_seed(7);
  Problem made;
  made.name = name;
  made.model = build_model({{"name", name}, {"config", config}}, "test");
  for (const ParameterInfo& parameter : made.model->parameters()) {
    made.from.push_back(0.3 * at::randn(parameter.shape, at::kDouble));
    made.to.push_back(made.from.back() + 0.01 * at::randn(parameter.shape, at::kDouble));
  }
  const at::Tensor labels = at::tensor({0, 2, 1, 1, 0}, at::kLong);
  if (name == "grokking_transformer") {
    made.data.data = {at::randint(0, classes, {samples, 4}, at::kLong), labels};
  } else {
    made.data.data = {at::randint(0, 256, {samples, 1, 12, 12}, at::kByte), labels};
    made.data.transform = {{0.4}, {0.3}};
  }
  made.data.classes = classes;
  return made;
}

std::vector<Problem> problems() {
  std::vector<Problem> all;
  all.push_back(problem(
      "grokking_transformer",
      {{"vocabulary", classes}, {"width", 8}, {"heads", 2}, {"inner", 6}, {"positions", 10}}));
  all.push_back(problem("cnn", {{"channels", 1},
                                {"height", 12},
                                {"width", 12},
                                {"filters1", 2},
                                {"filters2", 3},
                                {"hidden", 5},
                                {"classes", classes}}));
  all.push_back(problem("resnet9", {{"channels", 1}, {"width", 2}, {"classes", classes}}));
  return all;
}

ScoreTile decompose_classes(const Problem& given, const ComponentTable& table,
                            const std::string& functional, const std::string& rule,
                            const Precision& precision, const Device& device) {
  SolverOptions options;
  parse_quadrature(rule, options.quadrature);
  options.functional = parse_functional(functional);
  options.outputs = ClassOutputs::count(options.functional, classes);
  options.chunk = 4;
  options.micro_batch = 3;
  std::vector<Sample> places;
  for (int64_t i = 0; i < samples; ++i) {
    places.push_back({.id = std::to_string(i), .group = "", .input_ids = {i}, .labels = {0}});
  }
  const Groups groups = group_samples(places);
  const MemoryTrajectory trajectory{{given.from, given.to}};
  ResidentParameters parameters(*given.model, trajectory, precision, device);
  ClassifierSweep sweep(*given.model, given.data, options.functional, parameters, table);
  parameters.load(0);
  const UnitSolver solver(table, places, groups, options);
  return solver.solve({.index = 0, .segment = 0, .sample_begin = 0, .sample_end = samples}, sweep);
}

}  // namespace explaind::testing
