// Tensors of Meta's Llama, as torchtitan names them. Their queries and keys turn pairs of
// neighbouring elements, those of Hugging Face an element of the first half of a head with one of
// the second: rows change their places.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "checkpoint/layouts/tensor_naming.hpp"
#include "checkpoint/tensor_view.hpp"
#include "core/elements.hpp"
#include "core/error.hpp"
#include "families/decoder_config.hpp"

namespace explaind {
namespace {

bool is_meta(const SavedShapes& saved) {
  return std::any_of(saved.begin(), saved.end(), [](const auto& each) {
    return each.first.starts_with("layers.") &&
           (each.first.find(".attention.w") != std::string::npos ||
            each.first.find(".feed_forward.w") != std::string::npos);
  });
}

struct MetaName {
  std::string_view saved, own;
};

constexpr std::array<MetaName, 3> meta_model{
    {{"tok_embeddings.weight", "model.embed_tokens.weight"},
     {"norm.weight", "model.norm.weight"},
     {"output.weight", "lm_head.weight"}}};
constexpr std::array<MetaName, 9> meta_layer{
    {{"attention.wq.weight", "self_attn.q_proj.weight"},
     {"attention.wk.weight", "self_attn.k_proj.weight"},
     {"attention.wv.weight", "self_attn.v_proj.weight"},
     {"attention.wo.weight", "self_attn.o_proj.weight"},
     {"feed_forward.w1.weight", "mlp.gate_proj.weight"},
     {"feed_forward.w2.weight", "mlp.down_proj.weight"},
     {"feed_forward.w3.weight", "mlp.up_proj.weight"},
     {"attention_norm.weight", "input_layernorm.weight"},
     {"ffn_norm.weight", "post_attention_layernorm.weight"}}};

/// Empty where there is none.
std::string meta_own_name(const std::string& name) {
  for (const MetaName& pair : meta_model) {
    if (name == pair.saved) return std::string(pair.own);
  }
  constexpr std::string_view layers = "layers.";
  const size_t dot = name.find('.', layers.size());
  if (!name.starts_with(layers) || dot == std::string::npos) return "";
  for (const MetaName& pair : meta_layer) {
    if (std::string_view(name).substr(dot + 1) == pair.saved) {
      return "model." + name.substr(0, dot + 1) + std::string(pair.own);
    }
  }
  return "";
}

/// Row j of the first half of a head is the head's row 2j, of the second 2j + 1.
std::vector<ElementRun> halves_of_pairs(const std::string& source,
                                        const std::vector<int64_t>& shape, int64_t head_dim) {
  const int64_t row = shape[1];
  std::vector<ElementRun> runs;
  for (int64_t head = 0; head < shape[0] / head_dim; ++head) {
    for (int64_t j = 0; j < head_dim; ++j) {
      const int64_t pair = j < head_dim / 2 ? 2 * j : 2 * (j - head_dim / 2) + 1;
      runs.push_back({.source = source, .first = (head * head_dim + pair) * row, .count = row});
    }
  }
  return runs;
}

Naming name_meta(const SavedShapes& saved, const ConfigOf& config, const std::string& where) {
  const DecoderConfig model = read_decoder_config(config(), where);
  if (model.architecture != "LlamaForCausalLM") {
    throw DataError(where,
                    fmt::format("has the names of Meta's Llama, and config.json is of a {} model",
                                model.family),
                    "Put the config.json of this model beside the checkpoints");
  }
  Naming naming;
  for (const auto& [name, shape] : saved) {
    if (name == "freqs_cis") continue;  // a table that config.json says too
    TensorPlan plan{.name = meta_own_name(name),
                    .shape = shape,
                    .runs = {{.source = name, .count = elements(shape)}}};
    if (plan.name.empty()) {
      throw DataError(where, fmt::format("the tensor {} has no place in a Llama model", name),
                      "Mixtures of experts and the like are not read");
    }
    if (name.ends_with(".wq.weight") || name.ends_with(".wk.weight")) {
      if (shape.size() != 2 || shape[0] % model.head_dim != 0) {
        throw DataError(where, fmt::format("{} is {}, and a head has {} rows", name,
                                           shape_to_string(shape), model.head_dim));
      }
      plan.runs = halves_of_pairs(name, shape, model.head_dim);
    }
    naming.tensors.push_back(std::move(plan));
  }
  naming.notes.emplace_back(
      "rows of queries and keys were put in the order of Hugging Face's rotary embedding");
  return naming;
}

}  // namespace

const NamingScheme& meta_naming() {
  static const NamingScheme scheme{"Meta's Llama", &is_meta, &name_meta};
  return scheme;
}

}  // namespace explaind
