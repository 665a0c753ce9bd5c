// Names of folders and revisions: the steps of those that public series have, and doubt about
// others.

#include "checkpoint/step_name.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "checkpoint/step_pattern.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

using ::testing::HasSubstr;

struct Read {
  const char* name;
  int64_t step;
};

class NamesOfSeries : public ::testing::TestWithParam<Read> {};

TEST_P(NamesOfSeries, SayTheirStep) {
  const StepName read = read_step_name(GetParam().name);
  EXPECT_EQ(read.step, GetParam().step) << GetParam().name << ": " << read.doubt;
}

INSTANTIATE_TEST_SUITE_P(
    Public, NamesOfSeries,
    ::testing::Values(
        Read{"step3000", 3000}, Read{"step0", 0}, Read{"checkpoint-500", 500},
        Read{"checkpoint_0005000", 5000}, Read{"ckpt_005", 5}, Read{"ckpt-359", 359},
        Read{"iter_0001000", 1000}, Read{"step-001000-2BT", 1000}, Read{"step-125000", 125000},
        Read{"stage1-step1000-tokens5B", 1000}, Read{"stage2-ingredient3-step2000-tokens9B", 2000},
        Read{"step-0334000_tokens-0700B-phase1", 334000}, Read{"step50000-tokens210B", 50000},
        Read{"step69369-seed-default", 69369}, Read{"extension_step0001220", 1220},
        Read{"TinyLlama-1.1B-intermediate-step-240k-503b", 240000},
        Read{"step-480k-token-1007B", 480000}, Read{"step-1431k-3T", 1431000},
        Read{"global_step1000", 1000}, Read{"global_step1000_universal", 1000},
        Read{"epoch=1-step=1000", 1000}, Read{"lc-4k-to-32k-step-4000", 4000}, Read{"1000", 1000},
        Read{"0001000", 1000}, Read{"Step-7", 7}, Read{"STEP_7", 7},
        Read{"my-run-3-checkpoint-20", 20}, Read{"step1000-hf", 1000},
        Read{"iter-001000-ckpt", 1000}, Read{"step1000-unsharded", 1000},
        Read{"checkpoint-100-step-100", 100}, Read{"step1000-tokens_4194304000", 1000},
        Read{"step-1m", 1000000}, Read{"update-12", 12}, Read{"step-100-epoch-2", 100},
        Read{"step1000-tokens1.5B", 1000}, Read{"stage1step1000", 1000},
        Read{"lc-32k-to-64k-step-20000", 20000}, Read{"step001000", 1000}, Read{"ckpt_000", 0},
        Read{"stage1-step-40000", 40000}, Read{"seed1/step1000", 1000},
        Read{"stage2/step-1000-hf", 1000}, Read{"step69369-seed-small-aux-2", 69369},
        Read{"CrystalCoder_phase2_checkpoint_021500", 21500}, Read{"ep0-ba12000", 12000},
        Read{"batch-512-step-1000", 1000}, Read{"hf_iter_0001000", 1000},
        Read{"step1000-5B-tokens", 1000}, Read{"globalstep77", 77}));

struct Doubt {
  const char* name;
  const char* words;  ///< of the doubt; empty: the name holds no number
};

class NamesInDoubt : public ::testing::TestWithParam<Doubt> {};

TEST_P(NamesInDoubt, SayNoStep) {
  const StepName read = read_step_name(GetParam().name);
  EXPECT_FALSE(read.step) << GetParam().name << " was read as " << read.step.value_or(-1);
  EXPECT_THAT(read.doubt, HasSubstr(GetParam().words));
  EXPECT_EQ(read.doubt.empty(), *GetParam().words == '\0');
}

INSTANTIATE_TEST_SUITE_P(
    Each, NamesInDoubt,
    ::testing::Values(
        Doubt{"8f1c2e7ab94d60f35c1d2e3f4a5b6c7d8e9f0a17", "no step is in it"},
        Doubt{"b7d0a1c2e3f4a5b6c7d8e9f0a1b2c3d4e5f60a03", "no step is in it"},
        Doubt{"run_2026-01-20", "no step is in it"}, Doubt{"20260120", "a date"},
        Doubt{"20260120153000", "a date"}, Doubt{"checkpoint-20260120", "a date"},
        Doubt{"checkpoint-2026-01-20", "understood is step 2026, but not \"-01-20\""},
        Doubt{"ckpt_20260120_153000", "a date"}, Doubt{"checkpoint-1769000000", "a time"},
        Doubt{"checkpoint-1000-v2", "understood is step 1000, but not \"-v2\" after it"},
        Doubt{"step-1000-bf16", "understood is step 1000, but not \"-bf16\""},
        Doubt{"step-1000-fp32", "\"-fp32\""}, Doubt{"step-1000.old", "\".old\""},
        Doubt{"step-1000-copy", "\"-copy\""}, Doubt{"step-1000 (2)", "\" (2)\""},
        Doubt{"step-1000~", "\"~\""}, Doubt{"step-1.5", "\".5\""}, Doubt{"step-1.5k", "\".5k\""},
        Doubt{"step-1_000_000", "understood is step 1, but not \"_000_000\""},
        Doubt{"step-1e5", "understood is step 1, but not \"e5\""},
        Doubt{"checkpoint-3-step-1000", "two numbers that may be the step, 3 and 1000"},
        Doubt{"checkpoint-500-1000", "\"-1000\""}, Doubt{"model-7", "no step is in it"},
        Doubt{"llama-2", "no step is in it"}, Doubt{"epoch-3", "no step is in it"},
        Doubt{"tokens-5B", "no step is in it"}, Doubt{"step--5", "no step is in it"},
        Doubt{"substep3", "no step is in it"}, Doubt{"1000-steps", "no step is in it"},
        Doubt{"step-99999999999999999999", "64 bits"},
        Doubt{"step-9223372036854775807k", "64 bits"}, Doubt{"99999999999999999999", "64 bits"},
        Doubt{"step-100-seed-", "\"-seed-\""}, Doubt{"step-100-phase", "\"-phase\""},
        Doubt{"step1000-tokens5B-7B", "two counts of tokens, 5000000000 and 7000000000"},
        Doubt{"step1000-tokens99999999T", "count of tokens does not fit 64 bits"},
        Doubt{"240b_tokens", "no step is in it"}, Doubt{"step1000-9q", "\"-9q\""},
        Doubt{"main", ""}, Doubt{"final", ""}, Doubt{"step", ""}, Doubt{"", ""}));

TEST(StepNames, SayTheLikelyStepOnlyWhereItsNumberIsWhole) {
  // It becomes the line of a list that a message proposes, and is copied.
  for (const char* name :
       {"step-1000-v2", "step-1000-bf16", "step-1000.old", "checkpoint-1000-final"}) {
    EXPECT_EQ(read_step_name(name).likely, 1000) << name;
  }
  for (const char* name : {"step-1.5k", "step-1,000", "step-1_000", "checkpoint-1e3", "ckpt-1e5",
                           "checkpoint-2026-01-20", "checkpoint-3-step-1000", "run-7"}) {
    EXPECT_FALSE(read_step_name(name).likely) << name;
  }
}

TEST(StepNames, KeepWhatIsNotTheStepAsTheirPart) {
  const auto part = [](const char* name) { return read_step_name(name).part; };
  // What grows with the step is not of the part, …
  EXPECT_EQ(part("step-001000-2BT"), part("step-002000-4BT"));
  EXPECT_EQ(part("stage1-step1000-tokens5B"), part("stage1-step2000-tokens9B"));
  EXPECT_EQ(part("epoch=1-step=1000"), part("epoch=2-step=2000"));
  EXPECT_EQ(part("step-1431k-3T"), part("step-480k-1007B"));
  EXPECT_EQ(part("step-100"), part("checkpoint-9"));
  EXPECT_EQ(part("Step-100"), part("step_0200"));
  // … and what may set another series apart is.
  EXPECT_NE(part("stage1-step1000"), part("stage2-step1000"));
  EXPECT_NE(part("step1000"), part("extension_step1000"));
  EXPECT_NE(part("step1000-phase1"), part("step1000-phase2"));
  EXPECT_EQ(part("step1000-seed-1"), part("step1000-seed-2"));  // a seed is told apart
  EXPECT_NE(part("llama-1B-step-100"), part("llama-7B-step-200"));
  EXPECT_NE(part("runA-step-100"), part("runB-step-200"));
}

TEST(StepNames, TellTokensSeedsAndParts) {
  struct Case {
    const char* name;
    int64_t tokens;  ///< −1: none
    const char *seed, *part;
  };
  for (const Case& each : std::vector<Case>{
           {"step-001000-2BT", 2000000000, "", ""},
           {"stage1-step1000-tokens5B", 5000000000, "", "stage1"},
           {"stage2-ingredient3-step2000-tokens9B", 9000000000, "", "stage2-ingredient3"},
           {"step-480k-token-1007B", 1007000000000, "", ""},
           {"TinyLlama-1.1B-intermediate-step-1431k-3T", 3000000000000, "",
            "tinyllama-1.1b-intermediate"},
           {"step1000-tokens_4194304000", 4194304000, "", ""},
           {"step1000-tokens1.5B", 1500000000, "", ""},
           {"step1000-5B-tokens", 5000000000, "", ""},
           {"tokens-5B_step1000", 5000000000, "", ""},
           {"step69369-seed-default", -1, "default", ""},
           {"step69369-seed-small-aux-2", -1, "small-aux-2", ""},
           {"step100-seed-default-2BT-hf", 2000000000, "default", "hf"},
           {"pythia-14m-seed3/step1000", -1, "3", "pythia-14m"},
           {"seed1-stage2-step1000", -1, "1", "stage2"},
           {"step-0334000_tokens-0700B-phase1", 700000000000, "", "phase1"},
           {"lc-32k-to-64k-step-20000", -1, "", "lc-32k-to-64k"},
           {"extension_step0001220", -1, "", "extension"},
           {"stage2/step-1000-hf", -1, "", "stage2/hf"},
           {"epoch=1-step=1000", -1, "", ""},
           {"iter_0001000", -1, "", ""}}) {
    const StepName read = read_step_name(each.name);
    EXPECT_EQ(read.tokens.value_or(-1), each.tokens) << each.name;
    EXPECT_EQ(read.seed, each.seed) << each.name;
    EXPECT_EQ(read.part, each.part) << each.name;
  }
}

TEST(StepNames, CountTokens) {
  EXPECT_EQ(parse_tokens("5B"), 5000000000);
  EXPECT_EQ(parse_tokens("1.5tt"), 1500000000000);
  EXPECT_EQ(parse_tokens("12"), 12);
  EXPECT_EQ(parse_tokens("500k"), 500000);
  for (const char* text : {"", "B", "5x", ".5B", "5.B", "1.2.3B", "99999999999T"}) {
    EXPECT_FALSE(parse_tokens(text)) << text;
  }
  EXPECT_EQ(parse_short_step("480k"), 480000);
  EXPECT_FALSE(parse_short_step("9223372036854775807k"));
}

TEST(StepPatterns, ReadNamedGroupsOfWholeNames) {
  const StepPattern pattern(
      R"((?:run|try)-(?P<seed>\w+)-s(?<stage>\d)-([a(]+)-(?<step>\d+k?)(?:-(?<tokens>\w+))?-v2)");
  const StepName read = pattern.read("try-Blue-s3-a(-12k-5B-v2");
  EXPECT_EQ(read.step, 12000) << read.doubt;
  EXPECT_EQ(read.seed, "blue");
  EXPECT_EQ(read.part, "stage3");
  EXPECT_EQ(read.tokens, 5000000000);
  EXPECT_FALSE(pattern.read("try-Blue-s3-a-12-v2").tokens);
  EXPECT_THAT(pattern.read("try-Blue-s3-a-12-5q-v2").doubt, HasSubstr("holds \"5q\" there"));
  EXPECT_THAT(pattern.read("try-Blue-s3-a-12-v2-x").doubt, HasSubstr("does not fit"));
  EXPECT_THAT(StepPattern("(?<step>.*)").read("one").doubt, HasSubstr("holds \"one\" there"));
  EXPECT_EQ(StepPattern("(?<phase>[a-z]+)(?<step>.*)").read("warm7").part, "warm");
  const auto refused = [](const char* text) {
    try {
      static_cast<void>(StepPattern(text));
      return std::string("it was read");
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
  };
  EXPECT_THAT(refused("step(\\d+)"), HasSubstr("has no group (?<step>"));
  EXPECT_THAT(refused("(?<step>a)(?<step>b)"), HasSubstr("two groups 'step'"));
  EXPECT_THAT(refused("(?<step>a)(?<loss>b)"), HasSubstr("no group 'loss'"));
  EXPECT_THAT(refused("(?<step>a"), HasSubstr("is no regular expression"));
}

TEST(StepNames, OfferTheLikelyStep) {
  EXPECT_EQ(read_step_name("step-1000-bf16").likely, 1000);
  EXPECT_EQ(read_step_name("20260120").likely, 20260120);
  EXPECT_FALSE(read_step_name("run_2026-01-20").likely);
}

}  // namespace
}  // namespace explaind
