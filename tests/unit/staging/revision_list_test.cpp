// Steps of checkpoints by their names alone.

#include "staging/revision_list.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "core/error.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

class RevisionList : public ::testing::Test {
 protected:
  TemporaryFolder folder;

  std::vector<Revision> read(const std::string& text, const NameRules& rules = {}) {
    const std::filesystem::path path = folder.path() / "list.txt";
    std::ofstream(path) << text;
    return read_revisions(path, rules);
  }
  std::string error(const std::string& text, const NameRules& rules = {}) {
    try {
      read(text, rules);
    } catch (const Error& thrown) {
      return thrown.what();
    }
    return "";
  }
};

TEST_F(RevisionList, NamesSayTheirSteps) {
  const std::vector<Revision> read_ones =
      read("# a comment\nstage1-step2000-tokens5B\n\n  stage1-step1000-tokens2B  \n");
  ASSERT_EQ(read_ones.size(), 2U);
  EXPECT_EQ(read_ones[0].name, "stage1-step1000-tokens2B");
  EXPECT_EQ(read_ones[0].entry.step, 1000);
  EXPECT_EQ(read_ones[0].entry.tokens, 2'000'000'000);
  EXPECT_EQ(read_ones[1].entry.step, 2000);
}

TEST_F(RevisionList, AStepMayStandBeforeAnyName) {
  const std::vector<Revision> revisions = read("20 main\n5 refs/pr/1\n");
  ASSERT_EQ(revisions.size(), 2U);
  EXPECT_EQ(revisions[0].name, "refs/pr/1");
  EXPECT_EQ(revisions[0].entry.step, 5);
  EXPECT_EQ(revisions[1].name, "main");
}

TEST_F(RevisionList, APatternReadsOtherNames) {
  const std::vector<Revision> revisions =
      read("run-30-v2\nrun-4-v2\n", {.pattern = R"(run-(?<step>\d+)-v2)"});
  EXPECT_EQ(revisions[0].entry.step, 4);
  EXPECT_EQ(revisions[1].entry.step, 30);
}

TEST_F(RevisionList, EachFaultHasItsLine) {
  EXPECT_THAT(error("step-1\nfinal\n"), AllOf(HasSubstr("line 2"), HasSubstr("in doubt")));
  EXPECT_THAT(error("step-1\nstep-2-v3\n"), AllOf(HasSubstr("line 2"), HasSubstr("in doubt")));
  EXPECT_THAT(error("step-1\nx step-2\n"), AllOf(HasSubstr("line 2"), HasSubstr("no step")));
  EXPECT_THAT(error("1 a b\n"), AllOf(HasSubstr("line 1"), HasSubstr("STEP REVISION")));
  EXPECT_THAT(error("step-1\n1 a\n"), AllOf(HasSubstr("step 1"), HasSubstr("twice")));
  EXPECT_THAT(error("step-1\n"), HasSubstr("1 checkpoint only"));
  EXPECT_THAT(error("# none\n"), HasSubstr("0 checkpoints"));
  EXPECT_THAT(error("stage1-step1\nstage2-step2\n"), HasSubstr("another part"));
  EXPECT_THAT(error("step1-seed1\nstep2-seed2\n"), HasSubstr("another seed"));
  EXPECT_THAT(error("step-1\nstep-2\n", {.seed = "1"}), HasSubstr("--series-seed"));
}

}  // namespace
}  // namespace explaind
