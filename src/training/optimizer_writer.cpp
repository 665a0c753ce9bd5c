#include "training/optimizer_writer.hpp"

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>

#include "checkpoint/new_file.hpp"
#include "checkpoint/safetensors_writer.hpp"
#include "training/tensor_view_of.hpp"

namespace explaind {

void write_optimizer(const std::filesystem::path& directory, const Model& model,
                     const std::vector<at::Tensor>& weights, Optimizer& optimizer) {
  std::vector<at::Tensor> moments;  // keeps the bytes alive that the views show
  std::vector<TensorView> views;
  nlohmann::ordered_json groups = nlohmann::ordered_json::array();
  for (const ParameterGroup& group : optimizer.groups()) {
    nlohmann::ordered_json names = nlohmann::ordered_json::array();
    int64_t updates = 0;
    for (const size_t i : group.parameters) {
      const std::string& name = model.parameters()[i].name;
      const OptimizerState& state = optimizer.states()[i];
      updates = state.updates;  // the same for all: every weight has a gradient at every step
      names.push_back(name);
      const auto keep = [&](const char* key, const at::Tensor& moment) {
        moments.push_back(moment.defined() ? moment.contiguous() : at::zeros_like(weights[i]));
        views.push_back(view_of(name + "." + key, moments.back()));
      };
      keep("exp_avg", state.first_moment);
      keep("exp_avg_sq", state.second_moment);
    }
    const Hyperparameters& h = group.hyperparameters;
    groups.push_back({{"parameters", names},
                      {"updates", updates},
                      {"learning_rate", h.learning_rate},
                      {"beta1", h.beta1},
                      {"beta2", h.beta2},
                      {"epsilon", h.epsilon},
                      {"weight_decay", h.weight_decay}});
  }
  write_safetensors(directory / "optimizer.safetensors", views);
  const std::filesystem::path path = directory / "optimizer.json";
  const nlohmann::ordered_json description = {{"optimizer", "adamw"}, {"groups", groups}};
  write_text_file(path, description.dump(2) + "\n");
}

}  // namespace explaind
