// A run replayed by one rank or by several: every step's work is done once, on the state that one
// rank alone has there, and its results come back in the order of the steps.

#include "training/replay_ranks.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "model/registry.hpp"
#include "training/run_data.hpp"
#include "unit/training/small_training.hpp"

namespace explaind {
namespace {

TEST(ReplayRanks, EveryStepOnceInOrderAndOnTheStateOfOneRankAlone) {
  const Communicator world(MPI_COMM_WORLD);
  const testing::TemporaryFolder folder;
  const RecordedRun run = testing::record(folder, {.name = "sums", .kind = OptimizerKind::adamw},
                                          [](RecordedTrainingOptions&) {});
  const auto model = build_model(run.description().json["model"], "test");
  const TrainingData data = load_run_data(run);
  const RunGradients gradients(*model, run, data);
  const auto packed = [&](int64_t step, const OptimizerReplay& replay) {
    std::vector<double> numbers{static_cast<double>(step)};
    for (size_t p = 0; p < model->parameters().size(); ++p) {
      const at::Tensor part = replay.parts(p).data.contiguous();
      const double* first = part.const_data_ptr<double>();
      numbers.insert(numbers.end(), first, first + part.numel());
    }
    return numbers;
  };
  std::vector<std::vector<double>> alone;
  OptimizerReplay replay(run);
  for (int64_t step = 0; step < run.steps(); ++step) {
    replay.advance(gradients.of_step(step));
    alone.push_back(packed(step, replay));
  }
  std::vector<int64_t> worked, folded;
  std::vector<std::vector<double>> found;
  const StopFlag stop;
  ReplayRanks(run, gradients, world, stop)
      .run(
          run.steps(),
          [&](int64_t step, const OptimizerReplay& state) {
            worked.push_back(step);
            return packed(step, state);
          },
          [&](int64_t step, const std::vector<double>& numbers) {
            folded.push_back(step);
            found.push_back(numbers);
          });
  std::vector<int64_t> all(static_cast<size_t>(run.steps())), own;
  std::iota(all.begin(), all.end(), 0);
  for (int64_t step = world.rank(); step < run.steps(); step += world.size()) own.push_back(step);
  EXPECT_EQ(worked, own);
  EXPECT_EQ(folded, all);
  for (size_t step = 0; step < alone.size(); ++step) {
    EXPECT_TRUE(found.at(step) == alone[step]) << "step " << step;
  }
}

}  // namespace
}  // namespace explaind
