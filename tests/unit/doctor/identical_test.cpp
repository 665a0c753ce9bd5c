#include "doctor/identical.hpp"

#include "unit/doctor/hand_made.hpp"

namespace explaind {
namespace {

using Kind = Finding::Kind;
using testing::along;
using testing::At;
using ::testing::ElementsAre;
using testing::FindingOf;
using testing::HandMade;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Values;

const std::vector<int64_t> six_steps{0, 10, 20, 30, 40, 50};

/// What stands at a checkpoint: the checkpoint that a tensor's values are of.
using SourceOf = std::function<size_t(size_t checkpoint)>;
size_t own(size_t i) { return i; }

/// Steps evenly along a curve.
Values moving(const SourceOf& source, int64_t seed) {
  return along([source](size_t i) { return 10. * static_cast<double>(source(i)); }, seed);
}

std::vector<Finding> found_in(HandMade& series) {
  const PassTable table = series.table();
  std::vector<std::string> files;
  const std::vector<Mover> movers = movers_of(series.checkpoints, table, files);
  return find_identical(series.checkpoints, table, movers);
}

/// Two files of two matrices; the second's are as `source` says.
std::vector<Finding> with_second_file(const SourceOf& source) {
  HandMade series(six_steps);
  series.add("a.0", "one", moving(own, 1));
  series.add("a.1", "one", moving(own, 2));
  series.add("b.0", "two", moving(source, 3));
  series.add("b.1", "two", moving(source, 4));
  return found_in(series);
}

TEST(Identical, NothingWhereAllMoves) { EXPECT_THAT(with_second_file(own), IsEmpty()); }

TEST(Identical, CheckpointsAsAWhole) {
  HandMade series(six_steps);
  const SourceOf late = [](size_t i) { return i == 2 ? 5 : i; };
  series.add("a", "one", moving(late, 1));
  series.add("b", "two", moving(late, 2));
  const std::vector<Finding> found = found_in(series);
  ASSERT_THAT(found, ElementsAre(FindingOf(Kind::identical_checkpoint, At{2, 5})));
  EXPECT_THAT(found[0].text, HasSubstr("steps 20, 50 are byte for byte the same"));
  HandMade start(six_steps);
  start.add("a", "one", moving([](size_t i) { return i < 3 ? 0 : i; }, 1));
  EXPECT_THAT(found_in(start)[0].text, HasSubstr("nothing moved in the first steps"));
}

TEST(Identical, AFileOfAnotherStep) {
  const std::vector<Finding> found = with_second_file([](size_t i) { return i == 2 ? 5 : i; });
  ASSERT_THAT(found, ElementsAre(FindingOf(Kind::identical_file, At{2})));
  EXPECT_EQ(found[0].where, "two");
  EXPECT_THAT(found[0].text, HasSubstr("that of step 50, where it is in line"));
}

TEST(Identical, AFileOfTheStepBefore) {
  EXPECT_THAT(with_second_file([](size_t i) { return i == 3 ? 2 : i; }),
              ElementsAre(FindingOf(Kind::identical_file, At{3})));
}

TEST(Identical, NoFileThatIsFrozen) {
  EXPECT_THAT(with_second_file([](size_t) { return 0; }), IsEmpty());
}

TEST(Identical, NoFilesOfSeveralLayersThatAreAllTheSame) {
  // A file a tensor, as nanotron has it: norms that are ones to begin with, and then move.
  HandMade series(six_steps);
  series.add("a", "a", moving(own, 1));
  const Values ones = [](size_t i, int64_t e) {
    return i == 0 ? 1. : 1 + .01 * double(i) * double(e);
  };
  series.add("norm.0", "norm.0", ones);
  series.add("norm.1", "norm.1", ones);
  EXPECT_THAT(found_in(series), IsEmpty());
}

TEST(Identical, NoFileOfWhichHardlyANumberMoves) {
  HandMade series(six_steps);
  series.add("a", "a", moving(own, 1));
  // A norm stored in few bits: one number moves now and then, there and back.
  series.add("norm", "norm", [](size_t i, int64_t e) { return e == 3 && i % 2 == 1 ? 2. : 1.; }, {},
             {testing::hand_made_elements});
  EXPECT_THAT(found_in(series), IsEmpty());
}

TEST(Identical, OneTensorOfAFile) {
  HandMade series(six_steps);
  series.add("a", "one", moving(own, 1));
  series.add("b", "one", moving([](size_t i) { return i == 3 ? 1 : i; }, 2));
  series.add("still", "one", moving([](size_t) { return 0; }, 3));
  const std::vector<Finding> found = found_in(series);
  ASSERT_THAT(found, ElementsAre(FindingOf(Kind::identical_tensor, At{3})));
  EXPECT_EQ(found[0].where, "b");
  EXPECT_THAT(found[0].text, HasSubstr("steps 10, 30"));
}

TEST(Identical, ATensorThatStandsStillBetweenMoves) {
  HandMade series(six_steps);
  series.add("a", "one", moving(own, 1));
  series.add("b", "one", moving([](size_t i) { return i == 3 ? 2 : i; }, 2));
  EXPECT_THAT(found_in(series), ElementsAre(FindingOf(Kind::identical_tensor, At{3})));
}

}  // namespace
}  // namespace explaind
