#pragma once
// A language model of decoder blocks as data: what a Hugging Face config.json of any supported
// family says, in one form.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "families/rope_config.hpp"

namespace explaind {

/// x / √(mean x² + ε) ⊙ (offset + gain), with LayerNorm of x less its mean, plus a bias.
enum class NormKind { rms, layer };

/// Which norm queries and keys pass before they are turned: none, one over each head (gain: d), one
/// over the whole projection (gain: heads · d).
enum class QueryKeyNorm { none, head, whole };

/// How queries, keys and values lie in one matrix: not; head after head, each with its q, k and v
/// (GPT-NeoX); all q, then all k, then all v (GPT-2).
enum class FusedProjection { none, by_head, by_part };

/// What lies between the two products of an MLP. xielu has two parameters of its own.
enum class MlpActivation { silu, gelu, gelu_tanh, relu, xielu };

/// What may differ between the layers' attention.
struct LayerAttention {
  int64_t window = 0;  ///< a position sees itself and window − 1 before it; 0: all before it
  int rope = 0;        ///< of DecoderConfig::ropes; −1: nothing is turned

  bool operator==(const LayerAttention&) const = default;
};

/// Modules by the names that the checkpoint's files give them. Those of a layer stand after
/// `layer`, the layer's number and a dot.
struct DecoderNames {
  std::string embedding = "model.embed_tokens", positions;
  std::string layer = "model.layers.";
  std::string before_attention = "input_layernorm", after_attention;
  std::string query = "self_attn.q_proj", key = "self_attn.k_proj", value = "self_attn.v_proj",
              output = "self_attn.o_proj", fused;
  std::string query_norm = "self_attn.q_norm", key_norm = "self_attn.k_norm";
  std::string before_mlp = "post_attention_layernorm", after_mlp;
  std::string gate = "mlp.gate_proj", up = "mlp.up_proj", down = "mlp.down_proj";
  std::string activation = "mlp.act_fn";  ///< of xielu: .alpha_p, .alpha_n
  std::string final_norm = "model.norm", unembedding = "lm_head";
  /// What transformers puts before the names of the model without its head, "model.".
  std::string base = "model.";

  bool operator==(const DecoderNames&) const = default;
};

/// What is not given is as in Llama.
struct DecoderConfig {
  std::string architecture;  ///< "LlamaForCausalLM"
  std::string family;        ///< as messages call it, "Llama"
  int64_t hidden_size = 0, intermediate_size = 0, layers = 0, heads = 0, key_value_heads = 0,
          head_dim = 0;
  int64_t vocabulary = 0;
  int64_t max_positions = 0;   ///< longest sample; the network itself does not use it …
  bool positions_end = false;  ///< … unless nothing is defined beyond it
  bool tied = false;

  NormKind norm = NormKind::rms;
  double norm_epsilon = 1e-6, norm_offset = 0;
  bool norm_gain = true, norm_bias = false;
  /// Where the norms of a block are: x + after(f(before(x))).
  bool norm_before = true, norm_after = false;
  bool parallel = false;  ///< attention and MLP both read the block's input, each with its norm

  bool query_bias = false, output_bias = false, mlp_bias = false;
  QueryKeyNorm query_key_norm = QueryKeyNorm::none;
  FusedProjection fused = FusedProjection::none;
  bool columns_are_outputs = false;  ///< matrices of the blocks are stored in out (Conv1D)
  double query_clip = 0;             ///< |q|, |k|, |v| are cut at it; 0: not
  double attention_scale = 0;        ///< of q kᵀ; 0: 1/√d
  double attention_cap = 0;          ///< c tanh(· / c) of what goes into the softmax; 0: not
  bool learned_positions = false;    ///< a table of vectors is added to the embedding
  std::vector<RopeConfig> ropes{RopeConfig{}};
  std::vector<LayerAttention> attention;  ///< per layer; empty: all before it, turned by ropes[0]

  bool gated = true;  ///< down(f(gate x) ⊙ up x), else down(f(up x))
  MlpActivation activation = MlpActivation::silu;
  double embedding_scale = 1;
  double logit_cap = 0;  ///< c tanh(logits / c); 0: not

  DecoderNames names;

  bool operator==(const DecoderConfig&) const = default;
  [[nodiscard]] LayerAttention attention_of(int64_t layer) const {
    return attention.empty() ? LayerAttention{} : attention[static_cast<size_t>(layer)];
  }
};

/// `where` names the file in messages. Keys that transformers lets default do so here with the same
/// value; the sizes must be given. Both spellings of rotary and dtype keys are read (transformers
/// 5, and before).
///
/// Throws DataError for an architecture, activation or rope type we do not support (named),
/// quantised weights, a key that asks for another network (config_keys.hpp), a missing key, a value
/// of the wrong type, or impossible sizes.
DecoderConfig read_decoder_config(const nlohmann::json& config, const std::string& where);

/// The names that a config.json's family gives its tensors; Llama's, where read_decoder_config
/// would throw.
DecoderNames names_in(const nlohmann::json& config);

/// True for a tensor that a checkpoint may hold although the network does not use it: a tied
/// matrix's second copy, and tables and masks, which old versions of transformers wrote.
bool is_unused(const DecoderConfig& model, const std::string& tensor);

/// "hidden_size: 64 here, 32 there" for every key in which the networks of `a` and `b` differ, in
/// Hugging Face's names; empty where they are the same. The longest position is no difference.
std::vector<std::string> config_differences(const DecoderConfig& a, const DecoderConfig& b);

/// Whether a tensor that both networks have is the same thing in both: sizes, heads, and how
/// matrices are named, fused and stored agree. One may have tensors that the other has not (norms
/// of queries and keys, an unembedding of its own), and compute otherwise.
bool share_tensors(const DecoderConfig& a, const DecoderConfig& b);

}  // namespace explaind
