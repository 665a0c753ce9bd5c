#include "doctor/bent_files.hpp"

#include "unit/doctor/hand_made.hpp"

namespace explaind {
namespace {

using ::testing::IsEmpty;

/// Files 0 and 1 of two layers each, seven checkpoints; `ratio` of kind, layer and checkpoint.
std::vector<Suspect> bent(const std::function<double(int, int, size_t)>& ratio) {
  std::vector<Mover> movers;
  std::vector<ExaminedCheckpoint> checkpoints(7);
  for (size_t j = 0; j < 7; ++j) checkpoints[j].step = static_cast<int64_t>(10 * j);
  for (int layer = 0; layer < 4; ++layer) {
    for (int kind = 0; kind < 3; ++kind) {
      std::vector<double> ratios(7, nothing);
      for (size_t j = 1; j < 6; ++j) ratios[j] = ratio(kind, layer, j);
      movers.push_back({.name = "",
                        .kind = std::to_string(kind),
                        .layer = "",
                        .file = std::vector<int>(7, layer / 2),
                        .length = {},
                        .share = {},
                        .cosine = {},
                        .ratio = ratios});
    }
  }
  return bent_files(KindRatios(movers, 7), checkpoints, 2);
}

/// Of file 1 at checkpoint 3.
double foreign(int layer, size_t j, double size) { return layer >= 2 && j == 3 ? size : 0; }

/// Suspects at a checkpoint.
std::vector<Suspect> at(const std::vector<Suspect>& all, size_t j) {
  std::vector<Suspect> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found),
               [j](const Suspect& each) { return each.checkpoint == j; });
  return found;
}

TEST(BentFiles, TheOddOneBendsByItself) {
  const std::vector<Suspect> found =
      at(bent([](int, int layer, size_t j) { return foreign(layer, j, .5); }), 3);
  ASSERT_EQ(found.size(), 2U);  // each bends against the other
  EXPECT_EQ(found[1].file, 1);
  EXPECT_NEAR(found[1].ratio, .5, 1e-12);
  EXPECT_NEAR(found[0].ratio, -.5, 1e-12);
  EXPECT_GT(found[1].jump, found[0].jump + .4);
  EXPECT_EQ(found[1].reach, 2U);
}

TEST(BentFiles, NoneThatBendsALittle) {
  EXPECT_THAT(bent([](int, int layer, size_t j) { return foreign(layer, j, .25); }), IsEmpty());
}

TEST(BentFiles, NoneWhereTheLayersOfAFileDifferAsMuch) {
  const auto scattered = [](int, int layer, size_t j) {
    return foreign(layer, j, .5) + (j == 3 && layer % 2 == 1 ? .6 : 0);
  };
  EXPECT_THAT(at(bent(scattered), 3), IsEmpty());
}

TEST(BentFiles, NoneWhereKindsDoNotAgree) {
  const auto mostly = [](int kind, int layer, size_t j) {
    return foreign(layer, j, kind == 2 ? -.5 : .5);
  };
  EXPECT_THAT(bent(mostly), IsEmpty());
}

TEST(BentFiles, NoneThatGoesAnotherWaySteadily) {
  const auto steady = [](int, int layer, size_t j) {
    return layer >= 2 ? .4 * static_cast<double>(j) : 0;
  };
  for (size_t j = 2; j < 5; ++j) EXPECT_THAT(at(bent(steady), j), IsEmpty()) << j;
}

TEST(BentFiles, NextToAnEndAgainstTheOneNeighbour) {
  const auto first = [](int, int layer, size_t j) { return layer >= 2 && j == 1 ? .5 : 0.; };
  EXPECT_EQ(at(bent(first), 1).size(), 2U);
}

}  // namespace
}  // namespace explaind
