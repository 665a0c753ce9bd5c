#include "doctor/segment_lengths.hpp"

#include "unit/doctor/hand_made.hpp"

namespace explaind {
namespace {

using testing::HandMade;

TEST(Median, IsOfWhatIsFinite) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_EQ(median({5, std::nan(""), 7, 6}), 6);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(Movers, SayHowFarATensorWent) {
  HandMade series({0, 1, 2});
  // Every element by 1, then by −2.
  series.add("a.3.w", "f", [](size_t i, int64_t) { return i == 0 ? 0. : i == 1 ? 1. : -1.; });
  std::vector<std::string> files;
  const PassTable table = series.table();
  const std::vector<Mover> movers = movers_of(series.checkpoints, table, files);
  ASSERT_EQ(movers.size(), 1U);
  const Mover& mover = movers[0];
  EXPECT_EQ(mover.kind, "a.#.w");
  EXPECT_EQ(mover.layer, "a.3");
  EXPECT_TRUE(std::isnan(mover.length[0]));
  EXPECT_EQ(mover.length[1], 32);
  EXPECT_EQ(mover.length[2], 64);
  EXPECT_EQ(mover.share[2], 1);
  EXPECT_DOUBLE_EQ(mover.cosine[1], -1);
  EXPECT_DOUBLE_EQ(mover.ratio[1], std::log(32.) - std::log(64.));
  EXPECT_TRUE(std::isnan(mover.ratio[0]) && std::isnan(mover.ratio[2]));
  EXPECT_EQ(files, std::vector<std::string>{"f"});
}

TEST(Movers, AreMatricesThatAreLargeEnough) {
  HandMade series({0, 1, 2});
  const auto values = [](size_t i, int64_t) { return static_cast<double>(i); };
  series.add("vector", "f", values, {}, {testing::hand_made_elements});
  series.add("small", "f", values, {}, {2, 2});
  series.add("matrix", "g", values);
  std::vector<std::string> files;
  const PassTable table = series.table();
  const std::vector<Mover> movers = movers_of(series.checkpoints, table, files);
  ASSERT_EQ(movers.size(), 1U);
  EXPECT_EQ(movers[0].name, "matrix");
  EXPECT_EQ(movers[0].layer, "");
  EXPECT_EQ(files[static_cast<size_t>(movers[0].file[0])], "g");
}

TEST(Movers, SayNothingWhereFewNumbersChanged) {
  HandMade series({0, 1, 2, 3});
  // Into 2 only 50 elements change.
  series.add("w.1", "f", [](size_t i, int64_t e) {
    return i < 2 || (i == 2 && e >= 50) ? static_cast<double>(i > 0) : 2. * static_cast<double>(i);
  });
  // Missing at 2: neither the way there nor the one from there is of neighbours.
  series.add("w.2", "f", [](size_t i, int64_t) { return static_cast<double>(i); }, {0, 1, 3});
  std::vector<std::string> files;
  const PassTable table = series.table();
  const std::vector<Mover> movers = movers_of(series.checkpoints, table, files);
  EXPECT_NEAR(movers[0].share[2], 50. / 1024, 1e-12);
  EXPECT_TRUE(std::isnan(movers[0].ratio[1]) && std::isnan(movers[0].ratio[2]));
  EXPECT_EQ(movers[1].file[2], -1);
  EXPECT_TRUE(std::isnan(movers[1].length[2]) && std::isnan(movers[1].length[3]));
}

}  // namespace
}  // namespace explaind
