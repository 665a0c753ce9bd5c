#include "doctor/turns.hpp"

#include "unit/doctor/hand_made.hpp"

namespace explaind {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Four tensors of one kind, two in each of files 0 and 1; seven checkpoints on an even way. Those
/// that `is` says go away and back at checkpoint 3, with ways `longer` times as long.
std::vector<Mover> turning_at_3(const std::function<bool(int)>& is, double longer) {
  std::vector<Mover> movers;
  for (int t = 0; t < 4; ++t) {
    Mover mover{.name = std::to_string(t),
                .kind = "w",
                .layer = std::to_string(t),
                .file = std::vector<int>(7, t / 2),
                .length = std::vector<double>(7, 1),
                .share = std::vector<double>(7, 1),
                .cosine = std::vector<double>(7, .3),
                .ratio = std::vector<double>(7, 0)};
    mover.length[0] = nothing;
    if (is(t)) {
      mover.cosine[3] = -.9;
      mover.length[3] = mover.length[4] = longer;
    }
    movers.push_back(mover);
  }
  return movers;
}

std::vector<Suspect> turned_in(const std::vector<Mover>& movers) {
  const KindRatios ratios(movers, 7);
  return turned_back(ratios, ExcessLengths(ratios));
}

TEST(Turns, OfAFile) {
  const std::vector<Suspect> found = turned_in(turning_at_3([](int t) { return t >= 2; }, 3));
  ASSERT_FALSE(found.empty());
  EXPECT_TRUE(found[0].tensor.empty() && found[0].back);
  EXPECT_EQ(found[0].file, 1);
  EXPECT_EQ(found[0].checkpoint, 3U);
}

TEST(Turns, OfATensor) {
  const std::vector<Suspect> found = turned_in(turning_at_3([](int t) { return t == 1; }, 8));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].tensor, "1");
  EXPECT_EQ(found[0].checkpoint, 3U);
}

TEST(Turns, NotOfWhatSwingsWithoutGoingFar) {
  EXPECT_THAT(turned_in(turning_at_3([](int t) { return t >= 2; }, 1)), IsEmpty());
  EXPECT_THAT(turned_in(turning_at_3([](int t) { return t == 1; }, 1)), IsEmpty());
}

TEST(Turns, OfACheckpointWhereAllOfItDoes) {
  const auto turning = [](const std::function<bool(int)>& is) {
    return turning_checkpoints(turning_at_3(is, 3), 7);
  };
  EXPECT_THAT(turning([](int) { return true; }), ElementsAre(3U));
  EXPECT_THAT(turning([](int t) { return t > 0; }), IsEmpty());
}

}  // namespace
}  // namespace explaind
