// Small versions of the exactness table: predictions follow from replayed optimizer states alone.

#include "study/exactness.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <numeric>

#include "model/registry.hpp"
#include "training/run_data.hpp"
#include "unit/training/small_training.hpp"

namespace explaind {
namespace {

using testing::TemporaryFolder;

NamedRule rule(const std::string& name, double relative, double absolute, int first = 3) {
  NamedRule made{.name = name, .rule = {}};
  parse_quadrature(name, made.rule);
  made.rule.relative = relative;
  made.rule.absolute = absolute;
  made.rule.first_nodes = first;
  return made;
}

Exactness study(const RecordedRun& run, std::vector<NamedRule> rules, bool sparsity = false) {
  const auto model = build_model(run.description().json["model"], "test");
  const TrainingData data = load_run_data(run);
  const RunGradients gradients(*model, run, data);
  std::vector<int64_t> samples(static_cast<size_t>(data.validation.size()));
  std::iota(samples.begin(), samples.end(), 0);
  const Followed followed{
      .inputs = network_inputs(data.validation, data.transform, samples, {}, at::kDouble),
      .micro_batch = 4};
  ExactnessOptions options{
      .rules = std::move(rules), .steps = run.steps(), .reports = 2, .kept_shares = {}};
  if (sparsity) options.kept_shares = {0.5, 1.0};
  int64_t finished = 0;
  const Exactness found =
      study_exactness({*model, run, gradients, followed}, options, Communicator::self(), StopFlag(),
                      [&](int64_t) { ++finished; });
  EXPECT_EQ(finished, run.steps());
  return found;
}

class StudyTest : public ::testing::TestWithParam<OptimizerKind> {
 public:
  static void SetUpTestSuite() {
    int initialised = 0;
    MPI_Initialized(&initialised);
    if (initialised == 0) MPI_Init(nullptr, nullptr);
  }
};

TEST_P(StudyTest, ASmoothModelNeedsFiveNodes) {
  const TemporaryFolder folder;
  nlohmann::json smooth = testing::small_transformer_json();
  smooth["config"]["activation"] = "gelu";
  RecordedTrainingOptions options = testing::small_options(GetParam());
  options.schedule = {.shape = Schedule::Shape::constant, .peak = 5e-3, .steps = 12};
  const RecordedRun run = testing::record(folder, smooth, testing::small_sums(), options);
  const Exactness found =
      study(run, {rule("adaptive", 1e-7, 1e-8), rule("midpoint:10", 0, 0)}, true);
  ASSERT_EQ(found.lines.size(), 4U);
  EXPECT_EQ(found.lines[0].steps, 6);
  const ExactnessLine& end = found.lines[2];
  EXPECT_EQ(end.steps, 12);
  EXPECT_EQ(end.agreement.accuracy, 1);
  EXPECT_LT(end.agreement.divergence, 1e-12);
  EXPECT_LE(end.evaluations, 5);
  EXPECT_EQ(end.missed, 0);
  EXPECT_EQ(found.lines[3].evaluations, 10);
  EXPECT_LT(found.largest_rounding, 1e-12);
  // All steps kept: the reconstruction of the last rule, whose sums are the same.
  ASSERT_EQ(found.sparsity.size(), 2U);
  EXPECT_EQ(found.sparsity[0].steps, 6);
  EXPECT_NEAR(found.sparsity[1].agreement.largest_error, found.lines[3].agreement.largest_error,
              1e-13);
}

TEST_P(StudyTest, KinksAreBisected) {
  const TemporaryFolder folder;
  RecordedTrainingOptions options = testing::small_options(GetParam());
  options.type = at::kFloat;
  const RecordedRun run =
      testing::record(folder, testing::small_cnn_json(), testing::small_images(), options);
  const Exactness found = study(run, {rule("midpoint:10", 0, 0), rule("adaptive", 1e-4, 1e-5)});
  const ExactnessLine& end = found.lines[3];
  EXPECT_EQ(end.rule, "adaptive");
  EXPECT_EQ(end.agreement.accuracy, 1);
  EXPECT_LT(end.agreement.divergence, 1e-6);
  EXPECT_LT(end.agreement.largest_error, 12 * 1e-3);
  EXPECT_EQ(end.missed, 0);
  EXPECT_GT(found.largest_rounding, 0);
  EXPECT_LT(found.largest_rounding, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Optimizers, StudyTest,
                         ::testing::Values(OptimizerKind::adamw, OptimizerKind::adam,
                                           OptimizerKind::sgd),
                         [](const auto& test) { return to_string(test.param); });

}  // namespace
}  // namespace explaind
