#include "doctor/weight_pass.hpp"

#include "checkpoint/sha256.hpp"
#include "doctor/check_series.hpp"
#include "unit/checkpoint/written_files.hpp"
#include "unit/doctor/hand_made.hpp"

namespace explaind {
namespace {

using Kind = Finding::Kind;
using testing::At;
using ::testing::ElementsAre;
using testing::FindingOf;
using ::testing::IsEmpty;
using testing::one_vector;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_checkpoint;

TEST(Pass, HashesFilesAndComparesTensorsWithTheTwoBefore) {
  const TemporaryFolder folder;
  std::vector<SeriesEntry> entries;
  // More elements than one range has.
  const size_t n = static_cast<size_t>(pass_range) + 5;
  for (int i = 0; i < 3; ++i) {
    write_checkpoint(folder / std::to_string(i),
                     one_vector("w", std::vector<float>(n, static_cast<float>(i * i))));
    entries.push_back({.step = i, .directory = folder / std::to_string(i)});
  }
  Examined examined = examine(entries, {});
  Listener silent;
  const PassTable table = pass_over_weights(examined.checkpoints, Communicator::self(), silent);
  const std::string bytes = read_bytes(folder / "2/model.safetensors");
  Sha256 sum;
  sum.add(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(examined.checkpoints[2].files[0].sha256, sum.digits());
  EXPECT_EQ(table.files, 3);
  EXPECT_EQ(table.bytes, 3 * static_cast<int64_t>(bytes.size()));
  const auto& sums = table.tensors.at("w");
  EXPECT_FALSE(sums[0]->has_before);
  EXPECT_TRUE(sums[1]->has_before && !sums[1]->has_earlier && sums[2]->has_earlier);
  const auto count = static_cast<double>(n);
  EXPECT_EQ(sums[2]->squares, 16 * count);
  EXPECT_EQ(sums[2]->change_squares, 9 * count);
  EXPECT_EQ(sums[2]->turn, 3 * count);
  EXPECT_EQ(sums[2]->changed, static_cast<int64_t>(n));
  EXPECT_NE(sums[1]->fingerprint, sums[2]->fingerprint);
}

TEST(Pass, ComparesNothingOfAnotherShape) {
  const TemporaryFolder folder;
  write_checkpoint(folder / "0", one_vector("w", {1, 2}));
  write_checkpoint(folder / "1", one_vector("w", {1, 2, 3}));
  Examined examined =
      examine({{.step = 0, .directory = folder / "0"}, {.step = 1, .directory = folder / "1"}}, {});
  Listener silent;
  const PassTable table = pass_over_weights(examined.checkpoints, Communicator::self(), silent);
  EXPECT_FALSE(table.tensors.at("w")[1]->has_before);
}

TEST(Check, ReportsFindingsInTheOrderOfCheckpoints) {
  const TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) {
    write_checkpoint(folder / ("step-" + std::to_string(i)),
                     one_vector("w", {1, i == 4 ? std::nanf("") : static_cast<float>(i)}));
  }
  Listener silent;
  CheckReport report = check_series(folder.path(), {}, Communicator::self(), silent);
  EXPECT_THAT(report.findings, ElementsAre(FindingOf(Kind::not_finite, At{4})));
  EXPECT_EQ(report.checkpoints[4].step, 4);
  EXPECT_EQ(report.checkpoints[4].files[0].sha256.size(), 64U);
  EXPECT_EQ(report.files, 5);
  std::filesystem::remove(folder / "step-1/config.json");
  report = check_series(folder.path(), {}, Communicator::self(), silent);
  EXPECT_THAT(report.findings,
              ElementsAre(FindingOf(Kind::unreadable, At{1}), FindingOf(Kind::not_finite, At{4})));
}

}  // namespace
}  // namespace explaind
