#include "model/activation.hpp"

#include <array>
#include <utility>

namespace explaind {
namespace {

constexpr std::array<std::pair<const char*, Activation>, 6> activations{
    {{"relu", Activation::relu},
     {"gelu", Activation::gelu},
     {"silu", Activation::silu},
     {"gelu_tanh", Activation::gelu_tanh},
     {"tanh", Activation::tanh},
     {"sigmoid", Activation::sigmoid}}};

}  // namespace

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const auto& each : activations) names.emplace_back(each.first);
  return names;
}

std::optional<Activation> activation_named(const std::string& name) {
  for (const auto& [word, function] : activations) {
    if (name == word) return function;
  }
  return std::nullopt;
}

}  // namespace explaind
