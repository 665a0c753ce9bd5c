// Every family's config.json: what it describes is read, layer by layer, and what belongs to
// another family is refused in its name.

#include "families/family.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "core/error.hpp"
#include "families/config_keys.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using testing::data_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

TEST(Families, ReadWhatTheyDescribe) {
  for (const Family* family : families()) {
    SCOPED_TRACE(family->title);
    const Json described = family->describe({.hidden = 24,
                                             .intermediate = 40,
                                             .layers = 3,
                                             .heads = 3,
                                             .key_value_heads = 3,
                                             .vocabulary = 64,
                                             .positions = 128,
                                             .window = 5,
                                             .tied = true});
    const DecoderConfig model = read_decoder_config(described, "x");
    EXPECT_EQ(model.architecture, family->architecture);
    EXPECT_EQ(model.hidden_size, 24);
    EXPECT_EQ(model.intermediate_size, 40);
    EXPECT_EQ(model.layers, 3);
    EXPECT_EQ(model.heads, 3);
    EXPECT_EQ(model.key_value_heads, 3);
    EXPECT_EQ(model.head_dim, 8);
    EXPECT_EQ(model.vocabulary, 64);
    EXPECT_EQ(model.max_positions, 128);
    EXPECT_TRUE(model.tied);
    EXPECT_THAT(unknown_config_keys(described), IsEmpty());
    // By model_type alone, as transformers goes.
    Json unlisted = described;
    unlisted.erase("architectures");
    EXPECT_EQ(read_decoder_config(unlisted, "x"), model);
    EXPECT_EQ(family_named(family->model_type).title, family->title);
  }
}

TEST(Families, AreNamedWhereOneIsNotKnown) { EXPECT_THROW(family_named("bloom"), UsageError); }

/// A family's config.json with changes.
DecoderConfig changed(const Family& family, const char* patch) {
  Json config = family.describe({.hidden = 24,
                                 .intermediate = 40,
                                 .layers = 4,
                                 .heads = 4,
                                 .key_value_heads = 2,
                                 .vocabulary = 64,
                                 .positions = 128,
                                 .window = 5});
  config.merge_patch(Json::parse(patch));
  return read_decoder_config(config, "x");
}

std::vector<int64_t> windows(const DecoderConfig& model) {
  std::vector<int64_t> found;
  for (int64_t i = 0; i < model.layers; ++i) found.push_back(model.attention_of(i).window);
  return found;
}

std::vector<int> ropes(const DecoderConfig& model) {
  std::vector<int> found;
  for (int64_t i = 0; i < model.layers; ++i) found.push_back(model.attention_of(i).rope);
  return found;
}

TEST(Families, WindowsAreThoseOfTheLayers) {
  EXPECT_THAT(windows(changed(mistral(), R"({})")), ElementsAre(5, 5, 5, 5));
  EXPECT_THAT(windows(changed(qwen2(), R"({"sliding_window": 7, "max_window_layers": 1})")),
              ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(windows(changed(qwen2(), R"({"sliding_window": 7, "max_window_layers": 1,
                                           "use_sliding_window": true})")),
              ElementsAre(0, 7, 7, 7));
  EXPECT_THAT(windows(changed(olmo3(), R"({"layer_types": null})")), ElementsAre(5, 5, 5, 0));
  EXPECT_THAT(windows(changed(gemma2(), R"({"layer_types": null})")), ElementsAre(5, 0, 5, 0));
  EXPECT_THAT(windows(changed(gemma3(), R"({"layer_types": null, "sliding_window_pattern": 3})")),
              ElementsAre(5, 5, 0, 5));
  EXPECT_THAT(data_error([] { changed(gemma2(), R"({"layer_types": ["full_attention"]})"); }),
              HasSubstr("layer_types must be a list of a word for each of 4 layers"));
}

TEST(Families, RopesAreThoseOfTheLayers) {
  EXPECT_THAT(ropes(changed(smollm3(), R"({"no_rope_layers": null})")), ElementsAre(0, 0, 0, -1));
  EXPECT_THAT(ropes(changed(gpt2(), R"({})")), ElementsAre(-1, -1, -1, -1));
  const DecoderConfig scaled = changed(
      olmo3(), R"({"rope_theta": 500000, "rope_scaling": {"rope_type": "yarn", "factor": 8.0,
                   "original_max_position_embeddings": 64}})");
  EXPECT_THAT(ropes(scaled), ElementsAre(1, 0, 1, 0));
  EXPECT_EQ(scaled.ropes[0].type, RopeType::yarn);
  EXPECT_NEAR(scaled.ropes[0].attention_factor, 0.1 * std::log(8) + 1, 1e-15);
  EXPECT_EQ(scaled.ropes[1].type, RopeType::plain);
  EXPECT_EQ(scaled.ropes[1].theta, 500000);  // a window changes no frequency
  const DecoderConfig gemma = changed(gemma3(), R"({"rope_scaling": {"rope_type": "linear",
                                                     "factor": 8.0}})");
  EXPECT_EQ(gemma.ropes[0].factor, 8);
  EXPECT_EQ(gemma.ropes[0].theta, 1000000);
  EXPECT_EQ(gemma.ropes[1], RopeConfig{});
  EXPECT_EQ(changed(apertus(), R"({"rope_scaling": null, "rope_theta": null})").ropes[0].theta,
            12000000);
}

TEST(Families, BothSpellingsOfNeoxMeanTheSame) {
  const DecoderConfig older =
      changed(gpt_neox(), R"({"rotary_pct": 0.34, "rotary_emb_base": 500})");
  const DecoderConfig newer =
      changed(gpt_neox(), R"({"rotary_pct": null, "rotary_emb_base": null, "rope_parameters":
          {"rope_type": "default", "rope_theta": 500, "partial_rotary_factor": 0.34}})");
  EXPECT_EQ(older, newer);
  EXPECT_EQ(older.ropes[0].partial, 0.34);
}

TEST(Families, KeysOfOthersAreRefusedInTheirName) {
  EXPECT_THAT(data_error([] { changed(qwen2(), R"({"attention_bias": true})"); }),
              HasSubstr("attention_bias: true asks for a network other than Qwen-2's"));
  EXPECT_THAT(data_error([] { changed(gpt2(), R"({"scale_attn_by_inverse_layer_idx": true})"); }),
              HasSubstr("asks for a network other than GPT-2's"));
  EXPECT_THAT(data_error([] { changed(gemma3(), R"({"attn_logit_softcapping": 50})"); }),
              HasSubstr("attn_logit_softcapping"));
  EXPECT_THAT(data_error([] { changed(gemma2(), R"({"hidden_act": "silu"})"); }),
              HasSubstr("hidden_act says \"silu\""));
}

TEST(Families, ARopeOfNoKindOfLayerIsRefused) {
  EXPECT_THAT(data_error([] {
                changed(gemma3(), R"({"rope_parameters": {"rope_type": "default",
                                      "rope_theta": 500}})");
              }),
              HasSubstr("says nothing of full_attention and sliding_attention"));
}

TEST(Families, PositionsEndWhereNothingIsDefinedBeyond) {
  EXPECT_TRUE(changed(gpt2(), R"({})").positions_end);
  EXPECT_FALSE(changed(llama(), R"({})").positions_end);
  EXPECT_TRUE(
      changed(llama(), R"({"rope_scaling": {"type": "dynamic", "factor": 2.0}})").positions_end);
}

TEST(Families, MoreLayersThanAnyNetworkHasAreRefused) {
  EXPECT_THAT(data_error([] { changed(llama(), R"({"num_hidden_layers": 2147483647})"); }),
              HasSubstr("2147483647 layers are more than any network has"));
}

}  // namespace
}  // namespace explaind
