#include "model/network.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "core/error.hpp"
#include "families/decoder_config.hpp"
#include "model/decoder.hpp"

namespace explaind {

at::Tensor Network::forward(const at::Tensor& input, Ops& ops) const {
  at::Tensor activation = input;
  for (int64_t index = 0; index < blocks(); ++index) activation = block(index, activation, ops);
  const at::Tensor logits = ops.linear(activation, {unembedding()});
  return logit_cap() > 0 ? ops.soft_cap(logits, logit_cap()) : logits;
}

InitialValue Network::initial_value(ParameterId id) const {
  constexpr double deviation = 0.02;
  const ParameterInfo& parameter = parameters()[static_cast<size_t>(id)];
  if (parameter.shape.size() > 1) return {InitialValue::Distribution::normal, deviation};
  return {InitialValue::Distribution::constant, parameter.kind == "norm" ? 1.0 : 0.0};
}

std::unique_ptr<Network> build_network(const nlohmann::json& config, const std::string& where) {
  return std::make_unique<Decoder>(read_decoder_config(config, where));
}

void require_agreement(const Network& network, const std::map<std::string, TensorView>& tensors,
                       const std::string& where) {
  for (const auto& [name, tensor] : tensors) {
    if (!network.ignores(name)) continue;
    const std::string said = network.contradiction(tensor, tensors);
    if (!said.empty()) throw DataError(where, said);
  }
}

void require_parameters(const Network& network, const std::map<std::string, TensorView>& tensors,
                        const std::string& where) {
  std::vector<std::string> problems;
  std::set<std::string> wanted;
  for (const ParameterInfo& parameter : network.parameters()) {
    wanted.insert(parameter.name);
    const auto found = tensors.find(parameter.name);
    if (found == tensors.end()) {
      problems.push_back("tensor " + parameter.name + " is missing");
    } else if (found->second.shape != parameter.shape) {
      problems.push_back(fmt::format("tensor {} has shape [{}], the config says [{}]",
                                     parameter.name, fmt::join(found->second.shape, ", "),
                                     fmt::join(parameter.shape, ", ")));
    } else if (!is_floating(found->second.dtype)) {
      problems.push_back(fmt::format("tensor {} has dtype {}, which is not a floating-point type",
                                     parameter.name, to_string(found->second.dtype)));
    }
  }
  for (const auto& [name, tensor] : tensors) {
    if (!wanted.contains(name) && !network.ignores(name)) {
      problems.push_back("tensor " + name + " is not part of the architecture");
    }
  }
  if (problems.empty()) return;
  constexpr size_t shown = 10;
  std::string text;
  for (size_t i = 0; i < std::min(shown, problems.size()); ++i) {
    text += (i == 0 ? "" : "; ") + problems[i];
  }
  if (problems.size() > shown) text += fmt::format("; and {} more", problems.size() - shown);
  throw DataError(where, text, "The weights must match config.json");
}

}  // namespace explaind
