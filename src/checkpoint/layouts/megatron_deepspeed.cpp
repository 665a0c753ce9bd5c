#include "checkpoint/layouts/megatron_deepspeed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/error.hpp"

namespace explaind {
namespace {

/// "12.mlp.dense_4h_to_h.weight"
struct PipelineName {
  int64_t layer = 0;
  std::string rest;
};

std::optional<PipelineName> pipeline_name(const std::string& name) {
  PipelineName found;
  const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), found.layer);
  if (code != std::errc{} || end == name.data() + name.size() || *end != '.') return std::nullopt;
  found.rest = std::string(end + 1, name.data() + name.size());
  return found;
}

bool is_embedding(const std::string& name) { return name.ends_with("word_embeddings.weight"); }

}  // namespace

bool MegatronDeepSpeed::wrote(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    const auto found = pipeline_name(name);
    return found && found->rest.starts_with("self_attention.");
  });
}

MegatronDeepSpeed::MegatronDeepSpeed(const std::vector<std::string>& names,
                                     const PlainData* arguments, const PlainData* version,
                                     std::string where)
    : arguments_(arguments), where_(std::move(where)) {
  for (const std::string& name : names) {
    const auto found = pipeline_name(name);
    if (found && found->rest.starts_with("self_attention.")) layers_.emplace(found->layer, 0);
  }
  int64_t next = 0;
  for (auto& [number, layer] : layers_) {
    layer = next++;
    if (number != layers_.begin()->first + layer) {
      refuse(fmt::format("has no layer {} of the pipeline", layers_.begin()->first + layer));
    }
  }
  if (arguments_ == nullptr) refuse("does not say the arguments that it was trained with (args)");
  const auto* order = version == nullptr ? nullptr : version->as<double>();
  constexpr double known = 2.0;
  if (order == nullptr || *order < known) {
    refuse("does not say a checkpoint_version of 2 or later, which decides the order of its heads");
  }
  if (!flag("swiglu")) refuse("is no Llama: its MLP has no gate (swiglu)");
  heads_ = argument("num_attention_heads");
  const auto groups = number("num_key_value_heads");
  key_value_heads_ = groups ? static_cast<int64_t>(*groups) : heads_;
  const auto channels = number("kv_channels");
  constexpr int64_t most_heads = 1 << 16;
  if (heads_ < 1 || key_value_heads_ < 1 || heads_ > most_heads || heads_ % key_value_heads_ != 0) {
    refuse("has impossible numbers of heads");
  }
  head_dim_ = channels ? static_cast<int64_t>(*channels) : argument("hidden_size") / heads_;
  ffn_ = argument("ffn_hidden_size");
  if (argument("num_layers") != static_cast<int64_t>(layers_.size())) {
    refuse(fmt::format("has {} layers, and was trained with {}", layers_.size(),
                       argument("num_layers")));
  }
  for (const std::string& name : names) static_cast<void>(parts_of(name));
}

std::vector<MegatronDeepSpeed::Part> MegatronDeepSpeed::parts_of(const std::string& name) const {
  if (is_embedding(name)) return {{"model.embed_tokens.weight", {}}};
  const auto found = pipeline_name(name);
  if (!found) refuse("has the tensor " + name + ", which no Llama has");
  if (!layers_.contains(found->layer)) {
    const bool behind = found->layer > layers_.rbegin()->first;
    if (behind && found->rest == "weight") return {{"model.norm.weight", {}}};
    if (behind && found->rest == "lm_head.weight") return {{"lm_head.weight", {}}};
    refuse("has the tensor " + name + ", which no Llama has");
  }
  const std::string layer = fmt::format("model.layers.{}.", layers_.at(found->layer));
  const std::string& rest = found->rest;
  if (rest == "input_layernorm.weight" || rest == "post_attention_layernorm.weight") {
    return {{layer + rest, {}}};
  }
  if (rest == "self_attention.dense.weight") return {{layer + "self_attn.o_proj.weight", {}}};
  if (rest == "self_attention.query.weight") return {{layer + "self_attn.q_proj.weight", {}}};
  if (rest == "mlp.dense_4h_to_h.weight") return {{layer + "mlp.down_proj.weight", {}}};
  if (rest == "mlp.dense_h_to_4h.weight") {
    return {{layer + "mlp.gate_proj.weight", {{0, ffn_}}},
            {layer + "mlp.up_proj.weight", {{ffn_, ffn_}}}};
  }
  // Of each group of heads its queries, then its key, then its value.
  const bool queries = rest == "self_attention.query_key_value.weight";
  if (!queries && rest != "self_attention.key_value.weight") {
    refuse("has the tensor " + name + ", which no Llama has");
  }
  const int64_t of_group = queries ? heads_ / key_value_heads_ : 0;
  Part query{layer + "self_attn.q_proj.weight", {}}, key{layer + "self_attn.k_proj.weight", {}},
      value{layer + "self_attn.v_proj.weight", {}};
  for (int64_t group = 0; group < key_value_heads_; ++group) {
    const int64_t first = group * (of_group + 2) * head_dim_;
    query.rows.push_back({first, of_group * head_dim_});
    key.rows.push_back({first + of_group * head_dim_, head_dim_});
    value.rows.push_back({first + (of_group + 1) * head_dim_, head_dim_});
  }
  if (queries) return {query, key, value};
  return {key, value};
}

std::vector<std::string> MegatronDeepSpeed::parts(const std::string& name) const {
  std::vector<std::string> names;
  for (const Part& part : parts_of(name)) names.push_back(part.name);
  return names;
}

void MegatronDeepSpeed::add(Assembly& to, const TensorView& tensor, const std::string& end) const {
  for (const Part& part : parts_of(tensor.name)) {
    if (part.rows.empty()) {
      TensorView whole = tensor;
      whole.name = part.name + end;
      to.add(std::move(whole));
      continue;
    }
    const int64_t width =
        tensor.shape.empty() || tensor.shape[0] == 0 ? 0 : tensor.elements() / tensor.shape[0];
    std::vector<Piece> pieces;
    std::vector<int64_t> shape = tensor.shape;
    int64_t rows = 0;
    for (const Rows& each : part.rows) {
      pieces.push_back(
          piece_of(tensor, each.first * width, each.count * width, rows * width, where_));
      rows += each.count;
    }
    if (shape.empty()) refuse(tensor.name + " is a single number");
    shape[0] = rows;
    to.add(part.name + end, tensor.dtype, std::move(shape), std::move(pieces));
  }
}

std::optional<nlohmann::json> MegatronDeepSpeed::config(int64_t vocabulary) const {
  const PlainData* norm = arguments_->find("normalization");
  const auto* kind = norm == nullptr ? nullptr : norm->as<std::string_view>();
  const auto theta = number("rope_theta"), epsilon = number("layernorm_epsilon"),
             positions = number("max_position_embeddings");
  if (kind == nullptr || *kind != "rmsnorm" || !theta || !epsilon || !positions ||
      !flag("use_rotary_position_embeddings")) {
    return std::nullopt;
  }
  return nlohmann::json{{"architectures", {"LlamaForCausalLM"}},
                        {"model_type", "llama"},
                        {"hidden_size", argument("hidden_size")},
                        {"intermediate_size", ffn_},
                        {"num_hidden_layers", layers_.size()},
                        {"num_attention_heads", heads_},
                        {"num_key_value_heads", key_value_heads_},
                        {"head_dim", head_dim_},
                        {"hidden_act", "silu"},
                        {"max_position_embeddings", static_cast<int64_t>(*positions)},
                        {"rms_norm_eps", *epsilon},
                        {"rope_theta", *theta},
                        {"tie_word_embeddings", !flag("untie_embeddings_and_output_weights")},
                        {"vocab_size", vocabulary}};
}

std::optional<double> MegatronDeepSpeed::number(const std::string& key) const {
  const PlainData* value = arguments_->find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* whole = value->as<int64_t>()) return static_cast<double>(*whole);
  if (const auto* real = value->as<double>()) return *real;
  return std::nullopt;
}

int64_t MegatronDeepSpeed::argument(const std::string& key) const {
  const auto value = number(key);
  constexpr double most = 1e9;
  if (!value || !(*value >= 0) || *value > most) refuse("does not say " + key + " in its args");
  return static_cast<int64_t>(*value);
}

bool MegatronDeepSpeed::flag(const std::string& key) const {
  const PlainData* value = arguments_->find(key);
  const bool* held = value == nullptr ? nullptr : value->as<bool>();
  return held != nullptr && *held;
}

void MegatronDeepSpeed::refuse(const std::string& problem) const {
  throw DataError(where_, problem,
                  "Take the checkpoint in Hugging Face's form, as the training's converter writes "
                  "it");
}

}  // namespace explaind
