// Both spellings of config.json, the defaults of transformers, and what is refused.

#include "families/decoder_config.hpp"

#include <gmock/gmock.h>

#include "families/config_keys.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using testing::data_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::small_config;
using Json = nlohmann::json;

/// EuroLLM-1.7B's published config.json (transformers 4).
const char* const eurollm = R"({
  "architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
  "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 2048,
  "initializer_range": 0.02, "intermediate_size": 5632, "max_position_embeddings": 4096,
  "mlp_bias": false, "model_type": "llama", "num_attention_heads": 16, "num_hidden_layers": 24,
  "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": null,
  "rope_theta": 10000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
  "transformers_version": "4.44.1", "use_cache": false, "vocab_size": 128000})";

/// What LlamaConfig of transformers 5.3.0 writes.
const char* const transformers5 = R"({
  "architectures": ["LlamaForCausalLM"], "attention_bias": true, "attention_dropout": 0.0,
  "bos_token_id": 1, "dtype": "bfloat16", "eos_token_id": 2, "head_dim": 4, "hidden_act": "silu",
  "hidden_size": 24, "id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "initializer_range": 0.02,
  "intermediate_size": 40, "max_position_embeddings": 512, "mlp_bias": false,
  "model_type": "llama", "num_attention_heads": 4, "num_hidden_layers": 3,
  "num_key_value_heads": 2, "pad_token_id": null, "pretraining_tp": 1, "rms_norm_eps": 1e-06,
  "rope_parameters": {"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
    "original_max_position_embeddings": 128, "rope_theta": 500000.0, "rope_type": "llama3"},
  "tie_word_embeddings": true, "transformers_version": "5.3.0", "use_cache": true,
  "vocab_size": 32})";

TEST(DecoderConfig, ReadsThePublishedSpelling) {
  const DecoderConfig model = read_decoder_config(Json::parse(eurollm), "config.json");
  EXPECT_EQ(model.architecture, "LlamaForCausalLM");
  EXPECT_EQ(model.hidden_size, 2048);
  EXPECT_EQ(model.intermediate_size, 5632);
  EXPECT_EQ(model.layers, 24);
  EXPECT_EQ(model.heads, 16);
  EXPECT_EQ(model.key_value_heads, 8);
  EXPECT_EQ(model.head_dim, 128);
  EXPECT_EQ(model.vocabulary, 128000);
  EXPECT_EQ(model.max_positions, 4096);
  EXPECT_EQ(model.norm_epsilon, 1e-5);
  EXPECT_FALSE(model.tied || model.query_bias || model.output_bias || model.mlp_bias);
  EXPECT_EQ(model.ropes, std::vector{RopeConfig{}});
}

TEST(DecoderConfig, ReadsTheSpellingOfTransformers5) {
  const DecoderConfig model = read_decoder_config(Json::parse(transformers5), "config.json");
  EXPECT_EQ(model.hidden_size, 24);
  EXPECT_EQ(model.head_dim, 4);  // not 24 / 4
  EXPECT_EQ(model.layers, 3);
  EXPECT_TRUE(model.tied);
  EXPECT_TRUE(model.query_bias && model.output_bias);
  EXPECT_EQ(model.ropes[0].type, RopeType::llama3);
  EXPECT_EQ(model.ropes[0].theta, 500000);
  EXPECT_EQ(model.ropes[0].factor, 8);
  EXPECT_EQ(model.ropes[0].low_freq_factor, 1);
  EXPECT_EQ(model.ropes[0].high_freq_factor, 4);
  EXPECT_EQ(model.ropes[0].original_max_position_embeddings, 128);
}

TEST(DecoderConfig, BothSpellingsMeanTheSame) {
  Json older = Json::parse(transformers5);
  older["rope_scaling"] = older["rope_parameters"];
  older["rope_scaling"].erase("rope_theta");
  older["rope_theta"] = 500000.0;
  older.erase("rope_parameters");
  EXPECT_EQ(read_decoder_config(older, "x"), read_decoder_config(Json::parse(transformers5), "x"));
  older["rope_scaling"]["type"] = older["rope_scaling"]["rope_type"];
  older["rope_scaling"].erase("rope_type");
  EXPECT_EQ(read_decoder_config(older, "x"), read_decoder_config(Json::parse(transformers5), "x"));
}

TEST(DecoderConfig, DefaultsAreThoseOfTransformers) {
  Json config = small_config();
  config["head_dim"] = nullptr;
  const DecoderConfig model = read_decoder_config(config, "x");
  EXPECT_EQ(model.key_value_heads, 2);
  EXPECT_EQ(model.head_dim, 4);
  EXPECT_EQ(model.norm_epsilon, 1e-6);
  EXPECT_EQ(model.max_positions, 2048);
  EXPECT_EQ(model.ropes, std::vector{RopeConfig{}});
  config.erase("architectures");
  config["model_type"] = "llama";
  EXPECT_EQ(read_decoder_config(config, "x"), model);
}

TEST(DecoderConfig, ReadsLinearScaling) {
  Json config = small_config();
  config["rope_scaling"] = {{"type", "linear"}, {"factor", 2}};
  const RopeConfig rope = read_decoder_config(config, "x").ropes[0];
  EXPECT_EQ(rope.type, RopeType::linear);
  EXPECT_EQ(rope.factor, 2);
  EXPECT_EQ(rope.theta, 10000);
}

struct Refused {
  const char* name;
  const char* change;  ///< merged into small_config(); null removes the key
  const char* message;
};

class RefusedConfig : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedConfig, WithItsOwnMessage) {
  Json config = small_config();
  config.merge_patch(Json::parse(GetParam().change));
  EXPECT_THAT(data_error([&] { read_decoder_config(config, "some/config.json"); }),
              HasSubstr(std::string("some/config.json: ") + GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Each, RefusedConfig,
    ::testing::Values(
        Refused{"Architecture", R"({"architectures": ["BloomForCausalLM"]})",
                "the architecture \"BloomForCausalLM\" is not supported. Supported are: Llama"},
        Refused{"Experts", R"({"architectures": ["MixtralForCausalLM"]})",
                "the architecture \"MixtralForCausalLM\", a mixture of experts, is not supported"},
        Refused{
            "Recurrent", R"({"architectures": ["MambaForCausalLM"]})",
            "the architecture \"MambaForCausalLM\", a recurrent or state-space network, is not"},
        Refused{"ModelType", R"({"architectures": null, "model_type": "bloom"})",
                "the architecture \"bloom\" is not supported"},
        Refused{"NoArchitecture", R"({"architectures": null})", "the key architectures is missing"},
        Refused{"TwoArchitectures", R"({"architectures": ["LlamaForCausalLM", "B"]})",
                "architectures must be a list of one name"},
        Refused{"ArchitectureString", R"({"architectures": "LlamaForCausalLM"})",
                "architectures must be a list of one name"},
        Refused{"Quantised", R"({"quantization_config": {"bits": 4}})",
                "quantised weights (quantization_config) are not supported"},
        Refused{"Activation", R"({"hidden_act": "quick_gelu"})",
                "the activation \"quick_gelu\" (hidden_act) is not supported. Supported are: silu"},
        Refused{"ActivationNumber", R"({"hidden_act": 1})", "hidden_act must be a string, not 1"},
        Refused{"NoHiddenSize", R"({"hidden_size": null})", "the key hidden_size is missing"},
        Refused{"NoIntermediateSize", R"({"intermediate_size": null})",
                "the key intermediate_size is missing"},
        Refused{"NoLayers", R"({"num_hidden_layers": null})",
                "the key num_hidden_layers is missing"},
        Refused{"NoHeads", R"({"num_attention_heads": null})",
                "the key num_attention_heads is missing"},
        Refused{"NoVocabulary", R"({"vocab_size": null})", "the key vocab_size is missing"},
        Refused{"ZeroSize", R"({"hidden_size": 0})",
                "hidden_size must be a positive 32-bit integer, not 0"},
        Refused{"NegativeSize", R"({"num_hidden_layers": -1})",
                "num_hidden_layers must be a positive 32-bit integer, not -1"},
        Refused{"FractionalSize", R"({"vocab_size": 32.5})",
                "vocab_size must be a positive 32-bit integer, not 32.5"},
        Refused{"HugeSize", R"({"vocab_size": 4294967296})",
                "vocab_size must be a positive 32-bit integer, not 4294967296"},
        Refused{"StringSize", R"({"hidden_size": "8"})",
                "hidden_size must be a positive 32-bit integer, not \"8\""},
        Refused{"HeadsDoNotDivide", R"({"num_attention_heads": 3})",
                "hidden_size (8) must be a multiple of num_attention_heads (3), or head_dim be"},
        Refused{"KeyValueHeads", R"({"num_attention_heads": 4, "num_key_value_heads": 3})",
                "num_attention_heads (4) must be a multiple of num_key_value_heads (3)"},
        Refused{"OddHead", R"({"head_dim": 3})", "head_dim (3) must be even"},
        Refused{"Epsilon", R"({"rms_norm_eps": 0})",
                "rms_norm_eps must be a positive number, not 0"},
        Refused{"EpsilonString", R"({"rms_norm_eps": "1e-5"})",
                "rms_norm_eps must be a positive number, not \"1e-5\""},
        Refused{"Tied", R"({"tie_word_embeddings": 1})",
                "tie_word_embeddings must be true or false, not 1"},
        Refused{"Theta", R"({"rope_theta": -1})", "rope_theta must be a positive number, not -1"},
        Refused{"RopeType", R"({"rope_scaling": {"rope_type": "longrope", "factor": 2}})",
                "the rope type \"longrope\" (rope_scaling.rope_type) is not supported. Supported "
                "are: default, linear, dynamic, yarn, llama3"},
        Refused{"RopeYarn", R"({"rope_parameters": {"type": "yarn", "factor": 2}})",
                "the key rope_parameters.original_max_position_embeddings is missing"},
        Refused{"RopeYarnBand",
                R"({"rope_parameters": {"type": "yarn", "factor": 2, "beta_fast": 1, "beta_slow": 2,
                    "original_max_position_embeddings": 8}})",
                "rope_parameters.beta_fast must not be smaller than beta_slow"},
        Refused{"RopeString", R"({"rope_scaling": "linear"})",
                "rope_scaling must be an object, not \"linear\""},
        Refused{"RopeFactor", R"({"rope_scaling": {"type": "linear"}})",
                "the key rope_scaling.factor is missing"},
        Refused{"RopeLlama3",
                R"({"rope_parameters": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1,
                    "high_freq_factor": 4}})",
                "the key rope_parameters.original_max_position_embeddings is missing"},
        Refused{"RopeBand",
                R"({"rope_parameters": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 4,
                    "high_freq_factor": 4, "original_max_position_embeddings": 8}})",
                "rope_parameters.high_freq_factor must be larger than low_freq_factor"},
        Refused{"RopePerLayerKind",
                R"({"rope_parameters": {"full_attention": {"rope_type": "default"}}})",
                "rope_parameters.full_attention is an object"},
        Refused{"RopeTwice",
                R"({"rope_parameters": {"rope_type": "default"},
                    "rope_scaling": {"type": "linear", "factor": 2}})",
                "rope_scaling and rope_parameters differ"},
        Refused{"PartialRotary", R"({"partial_rotary_factor": 0.25})",
                "1 of a head's 4 coordinates would be turned"},
        Refused{"PartialRotaryInside", R"({"rope_parameters": {"partial_rotary_factor": 1.5}})",
                "partial_rotary_factor must not be larger than 1"},
        Refused{"ThetaTwice",
                R"({"rope_theta": 10000.0, "rope_parameters": {"rope_theta": 500000.0}})",
                "rope_theta is 10000 and rope_parameters.rope_theta 500000"},
        Refused{"OtherModelType", R"({"model_type": "mistral"})",
                "architectures says LlamaForCausalLM and model_type \"mistral\""}),
    [](const auto& test) { return test.param.name; });

struct OtherNetwork {
  const char* name;
  const char* change;  ///< asks for another network
  const char* quote;
};

class KeysOfOtherNetworks : public ::testing::TestWithParam<OtherNetwork> {};

TEST_P(KeysOfOtherNetworks, AreRefusedByName) {
  Json config = small_config();
  config.merge_patch(Json::parse(GetParam().change));
  EXPECT_THAT(data_error([&] { read_decoder_config(config, "some/config.json"); }),
              HasSubstr(std::string("some/config.json: ") + GetParam().quote +
                        " asks for a network other than Llama's"));
}

INSTANTIATE_TEST_SUITE_P(
    Each, KeysOfOtherNetworks,
    ::testing::Values(
        OtherNetwork{"Window", R"({"sliding_window": 4, "max_position_embeddings": 64})",
                     "sliding_window: 4"},
        OtherNetwork{"WindowAlone", R"({"sliding_window": 4096})", "sliding_window: 4096"},
        OtherNetwork{"WindowedLayers", R"({"layer_types": ["sliding_attention"]})",
                     "layer_types: [\"sliding_attention\"]"},
        OtherNetwork{"UsesWindow", R"({"use_sliding_window": true})", "use_sliding_window: true"},
        OtherNetwork{"LogitScale", R"({"logit_scale": 0.0625})", "logit_scale: 0.0625"},
        OtherNetwork{"LogitsScaling", R"({"logits_scaling": 8})", "logits_scaling: 8"},
        OtherNetwork{"EmbeddingScale", R"({"scale_emb": 12})", "scale_emb: 12"},
        OtherNetwork{"Residual", R"({"residual_multiplier": 0.25})", "residual_multiplier: 0.25"},
        OtherNetwork{"Attention", R"({"attention_multiplier": 0.5})", "attention_multiplier: 0.5"},
        OtherNetwork{"SoftCap", R"({"final_logit_softcapping": 30})",
                     "final_logit_softcapping: 30"},
        OtherNetwork{"QueryNorm", R"({"use_qk_norm": true})", "use_qk_norm: true"},
        OtherNetwork{"Clip", R"({"clip_qkv": 8})", "clip_qkv: 8"},
        OtherNetwork{"Biases", R"({"qkv_bias": true})", "qkv_bias: true"},
        OtherNetwork{"Experts", R"({"num_local_experts": 8})", "num_local_experts: 8"},
        OtherNetwork{"Alibi", R"({"alibi": true})", "alibi: true"},
        OtherNetwork{"Interleaved", R"({"rope_interleaved": true})", "rope_interleaved: true"},
        OtherNetwork{"PartRotary", R"({"rotary_pct": 0.25})", "rotary_pct: 0.25"},
        OtherNetwork{"NoRotary", R"({"no_rope_layers": [1, 0]})", "no_rope_layers: [1,0]"},
        OtherNetwork{"Activation", R"({"hidden_activation": "gelu"})",
                     "hidden_activation: \"gelu\""},
        OtherNetwork{"Epsilon", R"({"norm_eps": 0.5})", "norm_eps: 0.5"},
        OtherNetwork{"Parallel", R"({"use_parallel_residual": true})",
                     "use_parallel_residual: true"},
        OtherNetwork{"Decoder", R"({"is_encoder_decoder": true})", "is_encoder_decoder: true"},
        OtherNetwork{"PrunedHeads", R"({"pruned_heads": {"0": [1]}})",
                     "pruned_heads: {\"0\":[1]}"}),
    [](const auto& test) { return test.param.name; });

TEST(ConfigKeys, ValuesThatChangeNothingPass) {
  Json config = small_config();
  const DecoderConfig plain = read_decoder_config(config, "x");
  config.merge_patch(Json::parse(
      R"({"sliding_window": 4096, "use_sliding_window": false, "logit_scale": 1.0,
          "layer_types": ["full_attention"], "pruned_heads": {}, "num_local_experts": 0,
          "qkv_bias": false, "norm_eps": 1e-6, "rotary_pct": 1.0, "pretraining_tp": 2})"));
  EXPECT_EQ(read_decoder_config(config, "x"), plain);
  config["use_sliding_window"] = true;
  EXPECT_THAT(data_error([&] { read_decoder_config(config, "x"); }), HasSubstr("sliding_window"));
  config.erase("use_sliding_window");
  config["max_position_embeddings"] = 4096;  // a window as long as the positions
  EXPECT_EQ(read_decoder_config(config, "x").hidden_size, plain.hidden_size);
}

TEST(ConfigKeys, WhatNobodyKnowsIsNamed) {
  EXPECT_THAT(unknown_config_keys(Json::parse(eurollm)), IsEmpty());
  EXPECT_THAT(unknown_config_keys(Json::parse(transformers5)), IsEmpty());
  Json config = Json::parse(transformers5);
  config["my_new_trick"] = 3;
  config["off_by_default"] = false;
  config["rope_parameters"]["attention_factor"] = 0.5;
  EXPECT_THAT(unknown_config_keys(config),
              ElementsAre("my_new_trick", "rope_parameters.attention_factor"));
}

TEST(DecoderConfig, DifferencesAreNamedOneByOne) {
  const DecoderConfig base = read_decoder_config(Json::parse(transformers5), "x");
  EXPECT_THAT(config_differences(base, base), IsEmpty());
  const auto changed = [&](const char* patch) {
    Json config = Json::parse(transformers5);
    config.merge_patch(Json::parse(patch));
    const DecoderConfig other = read_decoder_config(config, "x");
    EXPECT_NE(other, base);
    return config_differences(other, base);
  };
  EXPECT_THAT(changed(R"({"hidden_size": 28})"), ElementsAre("hidden_size: 28 here, 24 there"));
  EXPECT_THAT(changed(R"({"intermediate_size": 8})"),
              ElementsAre("intermediate_size: 8 here, 40 there"));
  EXPECT_THAT(changed(R"({"num_hidden_layers": 1})"),
              ElementsAre("num_hidden_layers: 1 here, 3 there"));
  EXPECT_THAT(changed(R"({"num_attention_heads": 8})"),
              ElementsAre("num_attention_heads: 8 here, 4 there"));
  EXPECT_THAT(changed(R"({"num_key_value_heads": 1})"),
              ElementsAre("num_key_value_heads: 1 here, 2 there"));
  EXPECT_THAT(changed(R"({"head_dim": 2})"), ElementsAre("head_dim: 2 here, 4 there"));
  EXPECT_THAT(changed(R"({"vocab_size": 33})"), ElementsAre("vocab_size: 33 here, 32 there"));
  EXPECT_THAT(changed(R"({"max_position_embeddings": 8})"), IsEmpty());  // no part of the network
  EXPECT_THAT(changed(R"({"rms_norm_eps": 0.5})"),
              ElementsAre("rms_norm_eps: 0.5 here, 1e-06 there"));
  EXPECT_THAT(changed(R"({"tie_word_embeddings": false})"),
              ElementsAre("tie_word_embeddings: false here, true there"));
  EXPECT_THAT(changed(R"({"attention_bias": false})"),
              ElementsAre("attention_bias: false here, true there"));
  EXPECT_THAT(changed(R"({"mlp_bias": true})"), ElementsAre("mlp_bias: true here, false there"));
  EXPECT_THAT(changed(R"({"rope_parameters": {"rope_theta": 2}})"),
              ElementsAre("rope_theta: 2 here, 500000 there"));
  EXPECT_THAT(changed(R"({"rope_parameters": {"factor": 2}})"),
              ElementsAre("rope factor: 2 here, 8 there"));
  EXPECT_THAT(changed(R"({"rope_parameters": {"low_freq_factor": 2}})"),
              ElementsAre("rope low_freq_factor: 2 here, 1 there"));
  EXPECT_THAT(changed(R"({"rope_parameters": {"high_freq_factor": 2}})"),
              ElementsAre("rope high_freq_factor: 2 here, 4 there"));
  EXPECT_THAT(changed(R"({"rope_parameters": {"original_max_position_embeddings": 2}})"),
              ElementsAre("rope original_max_position_embeddings: 2 here, 128 there"));
  EXPECT_THAT(changed(R"({"rope_parameters": {"rope_type": "linear"}})"),
              ::testing::Contains("rope_type: linear here, llama3 there"));
}

}  // namespace
}  // namespace explaind
