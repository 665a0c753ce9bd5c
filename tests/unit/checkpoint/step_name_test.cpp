// Names of folders and revisions: the steps of those that public series have, and doubt about
// others.

#include "checkpoint/step_name.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

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
        Read{"global_step1000", 1000}, Read{"epoch=1-step=1000", 1000},
        Read{"lc-4k-to-32k-step-4000", 4000}, Read{"1000", 1000}, Read{"0001000", 1000},
        Read{"Step-7", 7}, Read{"STEP_7", 7}, Read{"my-run-3-checkpoint-20", 20},
        Read{"step1000-hf", 1000}, Read{"iter-001000-ckpt", 1000}, Read{"step1000-unsharded", 1000},
        Read{"checkpoint-100-step-100", 100}, Read{"step1000-tokens_4194304000", 1000},
        Read{"step-1m", 1000000}, Read{"update-12", 12}, Read{"step-100-epoch-2", 100},
        Read{"step1000-tokens1.5B", 1000}, Read{"stage1step1000", 1000}));

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

TEST(StepNames, KeepWhatIsNotTheStepAsTheirContext) {
  const auto context = [](const char* name) { return read_step_name(name).context; };
  // What grows with the step is not of the context, …
  EXPECT_EQ(context("step-001000-2BT"), context("step-002000-4BT"));
  EXPECT_EQ(context("stage1-step1000-tokens5B"), context("stage1-step2000-tokens9B"));
  EXPECT_EQ(context("epoch=1-step=1000"), context("epoch=2-step=2000"));
  EXPECT_EQ(context("step-1431k-3T"), context("step-480k-1007B"));
  EXPECT_EQ(context("step-100"), context("checkpoint-9"));
  EXPECT_EQ(context("Step-100"), context("step_0200"));
  // … and what may set another series apart is.
  EXPECT_NE(context("stage1-step1000"), context("stage2-step1000"));
  EXPECT_NE(context("step1000"), context("extension_step1000"));
  EXPECT_NE(context("step1000-phase1"), context("step1000-phase2"));
  EXPECT_NE(context("step1000-seed-1"), context("step1000-seed-2"));
  EXPECT_NE(context("llama-1B-step-100"), context("llama-7B-step-200"));
  EXPECT_NE(context("runA-step-100"), context("runB-step-200"));
}

TEST(StepNames, OfferTheLikelyStep) {
  EXPECT_EQ(read_step_name("step-1000-bf16").likely, 1000);
  EXPECT_EQ(read_step_name("20260120").likely, 20260120);
  EXPECT_FALSE(read_step_name("run_2026-01-20").likely);
}

}  // namespace
}  // namespace explaind
