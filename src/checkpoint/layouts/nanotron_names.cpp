#include "checkpoint/layouts/nanotron_names.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/error.hpp"

namespace explaind {
namespace {

using nlohmann::json;

bool is_set(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && !found->is_null();
}

}  // namespace

NanotronNames::NanotronNames(json model, std::string where)
    : model_(std::move(model)), where_(std::move(where)) {
  const bool llama = model_.value("is_llama_config", json(false)) == true;
  if (!llama && model_.value("is_qwen2_config", json(false)) != true) {
    refuse("is of another model than Llama's and its like");
  }
  if (is_set(model_, "moe_config")) refuse("is of a mixture of experts, which is not read");
  heads_ = size("num_attention_heads");
  key_value_heads_ = is_set(model_, "num_key_value_heads") ? size("num_key_value_heads") : heads_;
  const int64_t width = size("hidden_size");
  if (heads_ == 0 || key_value_heads_ == 0 || width % heads_ != 0) {
    refuse("has impossible numbers of heads");
  }
  head_dim_ = width / heads_;
  inner_ = size("intermediate_size");
  // The key came when there was a choice.
  interleaved_ = model_.value("rope_interleaved", json(true)) == true;
  if (interleaved_ && head_dim_ % 2 != 0) refuse("has heads of an odd size");
}

std::vector<NanotronNames::Part> NanotronNames::parts_of(const std::string& name) const {
  if (name == "model.token_position_embeddings.pp_block.token_embedding.weight") {
    return {{"model.embed_tokens.weight"}};
  }
  if (name == "model.lm_head.pp_block.weight") return {{"lm_head.weight"}};
  if (name == "model.final_layer_norm.pp_block.weight") return {{"model.norm.weight"}};
  const std::string decoder = "model.decoder.", block = ".pp_block.";
  const size_t at = name.find(block);
  if (!name.starts_with(decoder) || at == std::string::npos) {
    refuse("has the tensor " + name + ", which no Llama has");
  }
  const std::string layer =
      "model.layers." + name.substr(decoder.size(), at - decoder.size()) + ".";
  const std::string rest = name.substr(at + block.size());
  const int64_t queries = heads_ * head_dim_, keys = key_value_heads_ * head_dim_;
  for (const std::string kind : {".weight", ".bias"}) {
    if (rest != "attn.qkv_proj" + kind) continue;
    return {{layer + "self_attn.q_proj" + kind, 0, queries, interleaved_},
            {layer + "self_attn.k_proj" + kind, queries, keys, interleaved_},
            {layer + "self_attn.v_proj" + kind, queries + keys, keys, false}};
  }
  if (rest == "mlp.gate_up_proj.weight") {
    return {{layer + "mlp.gate_proj.weight", 0, inner_},
            {layer + "mlp.up_proj.weight", inner_, inner_}};
  }
  if (rest == "attn.o_proj.weight") return {{layer + "self_attn.o_proj.weight"}};
  if (rest == "mlp.down_proj.weight") return {{layer + "mlp.down_proj.weight"}};
  if (rest == "input_layernorm.weight" || rest == "post_attention_layernorm.weight") {
    return {{layer + rest}};
  }
  refuse("has the tensor " + name + ", which no Llama has");
}

void NanotronNames::add(Assembly& to, const TensorView& tensor, const std::string& end) const {
  const std::vector<Part> parts = parts_of(tensor.name);
  int64_t rows = 0;
  for (const Part& part : parts) rows += part.count;
  if (parts.size() > 1 && (tensor.shape.empty() || tensor.shape[0] != rows)) {
    refuse(fmt::format("{} is {}, and model_config.json makes it {} rows", tensor.name,
                       shape_to_string(tensor.shape), rows));
  }
  for (const Part& part : parts) {
    TensorView own = part.count < 0 ? tensor : tensor.rows(part.first, part.count);
    own.name = part.name + end;
    if (!part.turned) {
      to.add(std::move(own));
      continue;
    }
    // The first half of a head's rows are those of even number, the second half the odd ones.
    const int64_t width = own.elements() / part.count;
    std::vector<Piece> pieces;
    for (int64_t row = 0; row < part.count; ++row) {
      const int64_t head = row / head_dim_, in_head = row % head_dim_;
      const int64_t half = head_dim_ / 2;
      const int64_t from = in_head < half ? 2 * in_head : 2 * (in_head - half) + 1;
      pieces.push_back(
          piece_of(own, (head * head_dim_ + from) * width, width, row * width, where_));
    }
    to.add(own.name, own.dtype, own.shape, std::move(pieces));
  }
}

std::vector<std::string> NanotronNames::parts(const std::string& name) const {
  std::vector<std::string> names;
  for (const Part& part : parts_of(name)) names.push_back(part.name);
  return names;
}

std::optional<json> NanotronNames::config() const {
  const bool qwen = model_.value("is_qwen2_config", json(false)) == true;
  const bool skips = is_set(model_, "no_rope_layer");
  const bool bias = model_.value("attention_bias", json(false)) == true;
  if (is_set(model_, "sliding_window_size") || (skips && bias) || (bias && !qwen)) {
    return std::nullopt;
  }
  json config{{"hidden_size", size("hidden_size")},
              {"intermediate_size", inner_},
              {"num_hidden_layers", size("num_hidden_layers")},
              {"num_attention_heads", heads_},
              {"num_key_value_heads", key_value_heads_},
              {"vocab_size", size("vocab_size")},
              {"max_position_embeddings", size("max_position_embeddings")},
              {"rope_theta", model_.value("rope_theta", json(10000.0))},
              {"attention_bias", bias}};
  for (const char* key : {"hidden_act", "rms_norm_eps", "tie_word_embeddings", "bos_token_id",
                          "eos_token_id", "pad_token_id", "rope_scaling"}) {
    if (is_set(model_, key)) config[key] = model_[key];
  }
  if (skips) {
    const int64_t interval = size("no_rope_layer");
    if (interval == 0) return std::nullopt;
    json layers = json::array();
    for (int64_t layer = 0; layer < size("num_hidden_layers"); ++layer) {
      layers.push_back((layer + 1) % interval != 0 ? 1 : 0);
    }
    config.update({{"architectures", {"SmolLM3ForCausalLM"}},
                   {"model_type", "smollm3"},
                   {"no_rope_layer_interval", interval},
                   {"no_rope_layers", layers}});
    return config;
  }
  const bool qwen2 = qwen && bias;
  config.update({{"architectures", {qwen2 ? "Qwen2ForCausalLM" : "LlamaForCausalLM"}},
                 {"model_type", qwen2 ? "qwen2" : "llama"}});
  return config;
}

std::optional<double> NanotronNames::z_loss() const {
  if (model_.value("z_loss_enabled", json(false)) != true) return std::nullopt;
  const json weight = model_.value("z_loss_coefficient", json(1e-4));
  return weight.is_number() ? weight.get<double>() : 1e-4;
}

int64_t NanotronNames::size(const char* key) const {
  const auto found = model_.find(key);
  constexpr int64_t most = int64_t{1} << 40;
  if (found == model_.end() || !found->is_number_integer() || found->get<int64_t>() < 0 ||
      found->get<int64_t>() > most) {
    refuse(std::string("does not say ") + key);
  }
  return found->get<int64_t>();
}

void NanotronNames::refuse(const std::string& problem) const {
  throw DataError(where_, problem, "Convert it with nanotron's convert_nanotron_to_hf.py");
}

}  // namespace explaind
