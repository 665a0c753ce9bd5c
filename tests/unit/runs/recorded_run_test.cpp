// A run that was written is read back, every value in its place.

#include "runs/recorded_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/error.hpp"
#include "unit/runs/small_run.hpp"

namespace explaind::testing {
namespace {

namespace fs = std::filesystem;

void expect_values(const TensorView& tensor, int64_t s, size_t p, float sign) {
  ASSERT_EQ(tensor.elements(), p == 0 ? 6 : 2);
  for (size_t i = 0; i < static_cast<size_t>(tensor.elements()); ++i) {
    float value = 0;
    std::memcpy(&value, tensor.data + i * sizeof(float), sizeof value);
    EXPECT_EQ(value, sign * small_value(s, p, i)) << "s " << s << " p " << p << " i " << i;
  }
}

TEST(RecordedRun, EveryValueIsReadFromItsPlace) {
  const TemporaryFolder folder;
  write_small_run(folder / "run");
  const RecordedRun run = RecordedRun::open(folder / "run");
  ASSERT_EQ(run.steps(), 5);
  EXPECT_EQ(run.blocks(), 3U);
  EXPECT_TRUE(run.complete());
  EXPECT_EQ(run.ending()["validation"]["loss"], 0.5);
  for (int64_t s = 0; s <= 5; ++s) {
    for (const size_t p : {0U, 1U}) expect_values(run.parameter(s, p), s, p, 1);
  }
  for (int64_t s = 0; s < 5; ++s) {
    for (const size_t p : {0U, 1U}) expect_values(run.second_moment(s, p), s + 1, p, -1);
    EXPECT_EQ(run.clip(s), 1 / static_cast<double>(s + 1));
    EXPECT_EQ(run.loss(s), 5 - static_cast<double>(s));
    const RunBatch batch = run.batch(s);
    ASSERT_EQ(static_cast<int64_t>(batch.samples.size()), small_batch_size(s));
    for (int64_t j = 0; j < small_batch_size(s); ++j) {
      EXPECT_EQ(batch.samples[static_cast<size_t>(j)], small_sample(s, j));
      EXPECT_EQ(batch.flips[static_cast<size_t>(j)], (s + j) % 2);
    }
  }
  EXPECT_EQ(run.parameter(3, 0).shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(run.parameter(3, 0).name, "a");
}

TEST(RecordedRun, HyperparametersAreOfGroupAndStep) {
  const TemporaryFolder folder;
  write_small_run(folder / "run");
  const RecordedRun run = RecordedRun::open(folder / "run");
  EXPECT_EQ(run.hyperparameters(3, 0).learning_rate, 0.1 * 3.0);
  EXPECT_EQ(run.hyperparameters(3, 1).learning_rate, 0.2);
  EXPECT_EQ(run.hyperparameters(3, 0).weight_decay, 0.1);
  EXPECT_EQ(run.hyperparameters(3, 1).weight_decay, 0.0);
  EXPECT_EQ(run.hyperparameters(0, 0).beta2, 0.99);
}

TEST(RecordedRun, AStepWithoutGradientIsNotCounted) {
  const TemporaryFolder folder;
  write_small_run(folder / "run");
  const RecordedRun run = RecordedRun::open(folder / "run");
  EXPECT_FALSE(run.stepped(1, 1));
  EXPECT_EQ(run.update_count(4, 0), 5);
  EXPECT_EQ(run.update_count(4, 1), 4);
  EXPECT_EQ(run.update_count(0, 1), 1);
}

TEST(RunWriter, ResumesAfterItsLastStateAndRemovesWhatCameAfter) {
  const TemporaryFolder folder;
  write_small_run(folder / "whole");
  write_small_run(folder / "run");
  // As if killed after the block of steps 2 and 3, before its state was written: the state is that
  // of steps 0 and 1.
  const fs::path run = folder / "run";
  fs::remove(run / "complete.json");
  fs::remove(run / "blocks/00000004-00000004.safetensors");
  {
    RunWriter writer = RunWriter::create(folder / "two", small_run_json(), {}, {}, 1 << 20);
    for (int64_t s = 0; s < 2; ++s) add_small_step(writer, s);
    write_small_block(writer);
  }
  fs::copy_file(folder / "two/state.safetensors", run / "state.safetensors",
                fs::copy_options::overwrite_existing);
  RunWriter writer = RunWriter::resume(run, small_run_json(), 1 << 20);
  EXPECT_EQ(writer.next_step(), 2);
  EXPECT_NE(writer.state(), nullptr);
  EXPECT_FALSE(fs::exists(run / "blocks/00000002-00000003.safetensors"));
  EXPECT_TRUE(fs::exists(run / "blocks/00000000-00000001.safetensors"));
  for (int64_t s = 2; s < 5; ++s) {
    add_small_step(writer, s);
    if (s == 3) write_small_block(writer);
  }
  write_small_block(writer);
  writer.complete({{"validation", {{"loss", 0.5}}}});
  EXPECT_EQ(RecordedRun::open(run).steps(), 5);
}

TEST(RunWriter, ResumesOnlyWithTheSameOptionsAndBeforeTheEnd) {
  const TemporaryFolder folder;
  write_small_run(folder / "run");
  EXPECT_THAT([&] { RunWriter::resume(folder / "run", small_run_json(), 1 << 20); },
              ::testing::ThrowsMessage<DataError>(::testing::HasSubstr("has ended")));
  fs::remove(folder / "run/complete.json");
  nlohmann::json other = small_run_json();
  other["optimizer"]["groups"][0]["beta1"] = 0.8;
  other["extra"] = 1;
  EXPECT_THAT([&] { RunWriter::resume(folder / "run", other, 1 << 20); },
              ::testing::ThrowsMessage<DataError>(::testing::HasSubstr("extra, optimizer")));
}

TEST(RunWriter, ABlockIsDueWhenTheNextStepWouldMakeItTooLarge) {
  const TemporaryFolder folder;
  RunWriter writer = RunWriter::create(folder / "run", small_run_json(), {}, {}, 300);
  EXPECT_FALSE(writer.full());
  add_small_step(writer, 0);  // 24 + 8 bytes twice, 5 doubles or integers, 3 indices, 5 bytes: 133
  EXPECT_FALSE(writer.full());
  add_small_step(writer, 1);
  EXPECT_TRUE(writer.full());
}

TEST(RunWriter, RefusesStepsThatDoNotFit) {
  const TemporaryFolder folder;
  RunWriter writer = RunWriter::create(folder / "run", small_run_json(), {}, {}, 1 << 20);
  EXPECT_THROW(writer.add({.learning_rates = {0.1}, .stepped = {1, 1}}), std::invalid_argument);
  EXPECT_THROW(writer.add({.learning_rates = {0.1, 0.1}, .stepped = {1, 1}}),
               std::invalid_argument);
}

}  // namespace
}  // namespace explaind::testing
