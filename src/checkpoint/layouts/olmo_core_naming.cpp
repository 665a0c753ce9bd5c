// Tensors of OLMo-core's transformer.

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "checkpoint/layouts/tensor_naming.hpp"
#include "core/elements.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

struct OlmoCoreName {
  std::string_view saved, own;
};

constexpr std::array<OlmoCoreName, 3> olmo_core_model{
    {{"embeddings.weight", "model.embed_tokens.weight"},
     {"lm_head.norm.weight", "model.norm.weight"},
     {"lm_head.w_out.weight", "lm_head.weight"}}};

/// Behind "blocks.N." and "model.layers.N.". Where norms stand is the model's family's: OLMo-2 and
/// later norm what attention and MLP give, Llama what they get.
constexpr std::array<OlmoCoreName, 9> olmo_core_block{{{"attention.w_q", "self_attn.q_proj"},
                                                       {"attention.w_k", "self_attn.k_proj"},
                                                       {"attention.w_v", "self_attn.v_proj"},
                                                       {"attention.w_out", "self_attn.o_proj"},
                                                       {"attention.q_norm", "self_attn.q_norm"},
                                                       {"attention.k_norm", "self_attn.k_norm"},
                                                       {"feed_forward.w1", "mlp.gate_proj"},
                                                       {"feed_forward.w2", "mlp.down_proj"},
                                                       {"feed_forward.w3", "mlp.up_proj"}}};

bool is_olmo_core(const SavedShapes& saved) {
  return std::any_of(saved.begin(), saved.end(), [](const auto& each) {
    return each.first.starts_with("blocks.") &&
           (each.first.find(".attention.w_") != std::string::npos ||
            each.first.find(".feed_forward.w") != std::string::npos);
  });
}

/// Empty where there is none.
std::string olmo_core_own_name(const std::string& name, bool norms_before) {
  for (const OlmoCoreName& pair : olmo_core_model) {
    if (name == pair.saved) return std::string(pair.own);
  }
  constexpr std::string_view blocks = "blocks.";
  const size_t dot = name.find('.', blocks.size());
  if (!name.starts_with(blocks) || dot == std::string::npos) return "";
  const std::string block = name.substr(blocks.size(), dot - blocks.size());
  const std::string rest = name.substr(dot + 1);
  const size_t last = rest.rfind('.');
  if (last == std::string::npos) return "";
  const std::string module = rest.substr(0, last), kind = rest.substr(last);
  std::string own;
  for (const OlmoCoreName& pair : olmo_core_block) {
    if (module == pair.saved) own = pair.own;
  }
  if (module == "attention_norm")
    own = norms_before ? "input_layernorm" : "post_attention_layernorm";
  if (module == "feed_forward_norm") {
    own = norms_before ? "post_attention_layernorm" : "post_feedforward_layernorm";
  }
  return own.empty() ? "" : "model.layers." + block + "." + own + kind;
}

Naming name_olmo_core(const SavedShapes& saved, const ConfigOf& config, const std::string& where) {
  const std::string type = config().value("model_type", std::string());
  const bool norms_before = type == "llama" || type == "qwen3" || type == "mistral";
  Naming naming;
  for (const auto& [name, shape] : saved) {
    std::string own = olmo_core_own_name(name, norms_before);
    if (own.empty()) {
      throw DataError(where,
                      fmt::format("the tensor {} of OLMo-core has no place in a {} model", name,
                                  type.empty() ? "Hugging Face" : type),
                      "Mixtures of experts and the like are not read");
    }
    naming.tensors.push_back({.name = std::move(own),
                              .shape = shape,
                              .runs = {{.source = name, .count = elements(shape)}}});
  }
  naming.state_notes.emplace_back(
      "the learning rates in the optimizer's state are those of the step before the checkpoint: "
      "OLMo-core sets them when a step begins, and --source steps takes them for the next one's");
  return naming;
}

}  // namespace

const NamingScheme& olmo_core_naming() {
  static const NamingScheme scheme{"OLMo-core", &is_olmo_core, &name_olmo_core};
  return scheme;
}

}  // namespace explaind
