#include "doctor/kind_ratios.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "doctor/thresholds.hpp"

namespace explaind {
namespace {

/// Of one kind and layer, in one file, with a ratio for each of three checkpoints.
Mover mover(const std::string& kind, int layer, int file, const std::vector<double>& ratio) {
  const std::string prefix = "layer." + std::to_string(layer);
  return {.name = prefix + "." + kind,
          .kind = kind,
          .layer = prefix,
          .file = std::vector<int>(ratio.size(), file),
          .length = {},
          .share = {},
          .cosine = {},
          .ratio = ratio};
}

TEST(KindRatios, AreAgainstThoseOfTheFileWhereItHasThree) {
  std::vector<Mover> movers;
  for (const double each : {.1, .2, .3}) {
    movers.push_back(mover("q", static_cast<int>(movers.size()), 0, {0, each, 0}));
  }
  for (const double each : {1.1, 1.5}) {
    movers.push_back(mover("q", static_cast<int>(movers.size()), 1, {0, each, 0}));
  }
  movers.push_back(mover("v", 0, 0, {0, 7, 0}));
  const KindRatios ratios(movers, 3);
  EXPECT_NEAR(ratios.residual(2, 1), .3 - .2, 1e-12);   // of three in its file
  EXPECT_NEAR(ratios.residual(4, 1), 1.5 - .3, 1e-12);  // of all five
  EXPECT_TRUE(std::isnan(ratios.residual(5, 1)));       // alone
}

TEST(KindRatios, ScaleIsTheLargestAroundInsideOrOutside) {
  std::vector<Mover> movers;
  for (int k = 0; k < 4; ++k) {
    movers.push_back(mover("q", k, 0, {0, .001 * k, 0}));
    movers.push_back(mover("q", k + 4, 1, {0, 0, .5 * (k % 2)}));
  }
  const KindRatios ratios(movers, 3);
  // Deviations ±.25 · √(4/3) at checkpoint 2, outside file 0.
  EXPECT_NEAR(ratios.scale(1, 0), 1.4826 * .25 * std::sqrt(4. / 3), 1e-12);
  const std::vector<Mover> few(movers.begin(), movers.begin() + 1);
  EXPECT_EQ(KindRatios(few, 3).scale(1, 0), scale_of_few);
  std::vector<Mover> alike;
  for (int k = 0; k < 4; ++k) alike.push_back(mover("q", k, 0, {0, 0, 0}));
  EXPECT_EQ(KindRatios(alike, 3).scale(1, -1), smallest_scale);
}

TEST(KindRatios, UnitGrowsWithTheRestOfTheLayer) {
  std::vector<Mover> movers;
  for (int k = 0; k < 5; ++k) {
    movers.push_back(mover("q", k, 0, {0, k == 2 ? .8 : .0, 0}));
    movers.push_back(mover("k", k, 0, {0, k == 2 ? .6 : .0, 0}));
  }
  const KindRatios ratios(movers, 3);
  EXPECT_NEAR(ratios.unit_of(4, 1), .3, 1e-12);  // layer 2's q: its k differs by .6
  movers[5].ratio[1] = 0;
  const KindRatios alone(movers, 3);
  EXPECT_NEAR(alone.unit_of(4, 1), scale_of_few, 1e-12);
}

}  // namespace
}  // namespace explaind
