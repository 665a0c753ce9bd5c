#include "checkpoint/series_summary.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using testing::f32_bytes;
using testing::one_vector;
using testing::safetensors;
using testing::TemporaryFolder;
using testing::write_checkpoint;

TEST(Summary, CountsParametersTypesAndBytes) {
  const TemporaryFolder directory;
  const std::string bytes =
      safetensors(R"({"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},)"
                  R"("b":{"dtype":"F32","shape":[5],"data_offsets":[12,32]},)"
                  R"("c":{"dtype":"BF16","shape":[],"data_offsets":[32,34]},)"
                  R"("n":{"dtype":"I64","shape":[1],"data_offsets":[34,42]}})",
                  std::string(42, '\0'));
  write_checkpoint(directory.path(), bytes);
  const CheckpointSummary summary = summarize(Checkpoint::open(directory.path()));
  EXPECT_EQ(summary.parameters, 6 + 5 + 1);
  EXPECT_EQ(summary.files, 1);
  EXPECT_EQ(summary.file_bytes, static_cast<int64_t>(bytes.size()));
  ASSERT_EQ(summary.dtypes.size(), 3U);
  EXPECT_EQ(summary.dtypes[0].dtype, Dtype::f32);
  EXPECT_EQ(summary.dtypes[0].bytes, 20);
  EXPECT_EQ(summary.dtypes[1].dtype, Dtype::bf16);
  EXPECT_EQ(summary.dtypes[1].tensors, 2);
  EXPECT_EQ(summary.dtypes[1].elements, 7);
  EXPECT_EQ(summary.dtypes[1].bytes, 14);
  EXPECT_EQ(summary.dtypes[2].dtype, Dtype::i64);
}

/// A series of F32 vectors "w", steps 0, 1, …
CheckpointSeries series_of(const TemporaryFolder& directory,
                           const std::vector<std::vector<float>>& checkpoints) {
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    write_checkpoint(directory / ("step-" + std::to_string(i)), one_vector("w", checkpoints[i]));
  }
  return CheckpointSeries::open(directory.path());
}

TEST(Difference, OfNeighbours) {
  const TemporaryFolder directory;
  const CheckpointSeries series = series_of(directory, {{3, 4, 0, 0}, {3, 2, 0, 1}, {3, 2, 0, 1}});
  const CheckpointDifference first = difference(series, 0);
  EXPECT_EQ(first.step_from, 0);
  EXPECT_EQ(first.step_to, 1);
  EXPECT_DOUBLE_EQ(first.relative_change, std::sqrt(4.0 + 1.0) / 5.0);
  EXPECT_EQ(first.largest_change, 2);
  EXPECT_EQ(first.changed_share, 0.5);
  EXPECT_EQ(first.not_finite, 0);
  const CheckpointDifference second = difference(series, 1);
  EXPECT_EQ(second.step_from, 1);
  EXPECT_EQ(second.relative_change, 0);
  EXPECT_EQ(second.changed_share, 0);
  EXPECT_THROW(difference(series, 2), std::out_of_range);
}

TEST(Difference, CoversEveryElementOfLongTensors) {
  const TemporaryFolder directory;
  std::vector<float> from(10001, 1.0F), to = from;
  to[0] = 2;
  to[4096] = 3;
  to[10000] = -3;
  const CheckpointDifference found = difference(series_of(directory, {from, to}), 0);
  EXPECT_DOUBLE_EQ(found.relative_change, std::sqrt((1.0 + 4.0 + 16.0) / 10001.0));
  EXPECT_EQ(found.largest_change, 4);
  EXPECT_DOUBLE_EQ(found.changed_share, 3.0 / 10001.0);
}

TEST(Difference, NotFiniteElementsAreCountedAndLeftOut) {
  const TemporaryFolder directory;
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const CheckpointDifference found =
      difference(series_of(directory, {{nan, 1, infinity, 2, 1}, {1, nan, infinity, 2, 2}}), 0);
  EXPECT_EQ(found.not_finite, 3);
  EXPECT_EQ(found.largest_change, 1);
  EXPECT_EQ(found.changed_share, 0.5);
  EXPECT_DOUBLE_EQ(found.relative_change, 1 / std::sqrt(5.0));
}

TEST(Difference, FromZeroIsInfinitelyLarge) {
  const TemporaryFolder directory;
  EXPECT_TRUE(std::isinf(difference(series_of(directory, {{0}, {1}}), 0).relative_change));
}

TEST(Difference, AcrossStoredTypesIntegersLeftOut) {
  const TemporaryFolder directory;
  const std::string header = R"({"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},)"
                             R"("n":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}})";
  const std::string wide = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                           R"("n":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}})";
  // 1 and −2 in bf16: 0x3f80, 0xc000
  write_checkpoint(directory / "1", safetensors(header, std::string("\x80\x3f\x00\xc0\x01", 5)));
  write_checkpoint(directory / "2", safetensors(wide, f32_bytes({1, -2.5F}) + "\x09"));
  const CheckpointDifference found = difference(CheckpointSeries::open(directory.path()), 0);
  EXPECT_EQ(found.largest_change, 0.5);
  EXPECT_EQ(found.changed_share, 0.5);
}

}  // namespace
}  // namespace explaind
