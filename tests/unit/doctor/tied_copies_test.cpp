#include "doctor/tied_copies.hpp"

#include "unit/checkpoint/written_files.hpp"
#include "unit/doctor/hand_made.hpp"

namespace explaind {
namespace {

using Kind = Finding::Kind;
using testing::At;
using ::testing::ElementsAre;
using testing::FindingOf;
using testing::HandMade;
using ::testing::IsEmpty;

/// Embedding and head, which differ at checkpoint 1.
std::vector<Finding> untied_in(const std::string& embedding, const std::string& head,
                               const nlohmann::json& config) {
  HandMade series({0, 1});
  series.add(embedding, "f", [](size_t i, int64_t e) { return double(i) + double(e); });
  series.add(head, "f", [](size_t i, int64_t e) { return 2 * double(i) + double(e); });
  for (ExaminedCheckpoint& each : series.checkpoints) each.config = config;
  return find_untied_copies(series.checkpoints, series.table());
}

nlohmann::json tied(nlohmann::json config, bool is) {
  config["tie_word_embeddings"] = is;
  return config;
}

TEST(TiedCopies, OfLlamaWhereItSaysSo) {
  const nlohmann::json config = testing::small_config();
  const auto find = [](const nlohmann::json& each) {
    return untied_in("model.embed_tokens.weight", "lm_head.weight", each);
  };
  EXPECT_THAT(find(tied(config, true)), ElementsAre(FindingOf(Kind::tied_copies, At{1})));
  EXPECT_THAT(find(tied(config, false)), IsEmpty());
  EXPECT_THAT(find(config), IsEmpty());
  EXPECT_THAT(find(nlohmann::json()), IsEmpty());
}

TEST(TiedCopies, OfAFamilyByItsOwnNames) {
  const nlohmann::json neox{{"architectures", {"GPTNeoXForCausalLM"}},
                            {"model_type", "gpt_neox"},
                            {"hidden_act", "gelu"},
                            {"rotary_pct", 0.5},
                            {"hidden_size", 8},
                            {"intermediate_size", 16},
                            {"num_hidden_layers", 1},
                            {"num_attention_heads", 2},
                            {"vocab_size", 32},
                            {"max_position_embeddings", 8}};
  EXPECT_THAT(untied_in("gpt_neox.embed_in.weight", "embed_out.weight", tied(neox, true)),
              ElementsAre(FindingOf(Kind::tied_copies, At{1})));
  EXPECT_THAT(untied_in("model.embed_tokens.weight", "lm_head.weight", tied(neox, true)),
              IsEmpty());
  // GPT-2 is tied where its config does not say.
  const nlohmann::json gpt2{{"architectures", {"GPT2LMHeadModel"}},
                            {"model_type", "gpt2"},
                            {"n_embd", 8},
                            {"n_layer", 1},
                            {"n_head", 2},
                            {"n_positions", 8},
                            {"vocab_size", 32}};
  EXPECT_THAT(untied_in("transformer.wte.weight", "lm_head.weight", gpt2),
              ElementsAre(FindingOf(Kind::tied_copies, At{1})));
}

TEST(TiedCopies, OfAFamilyThatIsNotKnown) {
  nlohmann::json config = testing::small_config();
  config["architectures"] = {"OtherForCausalLM"};
  EXPECT_THAT(untied_in("model.embed_tokens.weight", "lm_head.weight", tied(config, true)),
              ElementsAre(FindingOf(Kind::tied_copies, At{1})));
}

}  // namespace
}  // namespace explaind
