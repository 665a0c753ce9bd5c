// Whole decompositions through the kernels for devices against the processor's: on a device
// (SKIPPED where there is none), with these kernels run as ordinary functions on the host
// (EXPLAIND_KERNELS_ON_HOST), and on a device that is not there (EXPLAIND_STAND_IN).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "engines/vocabulary_head.hpp"
#include "model/decoder.hpp"
#include "planner/computation.hpp"
#include "tensors/upload.hpp"
#include "unit/engines/stand_in_device.hpp"
#include "unit/tiny_models/tiny.hpp"
#include "unit/tiny_models/tiny_classifiers.hpp"

namespace explaind::testing {
namespace {

#ifdef EXPLAIND_STAND_IN
Device tested_device() { return stand_in_device(); }
#elif defined(EXPLAIND_KERNELS_ON_HOST)
Device tested_device() { return Device::twins_on_host(); }
#else
Device tested_device() { return Device::cuda(0); }
#endif

void skip_where_none_is() {
#if !defined(EXPLAIND_KERNELS_ON_HOST) && !defined(EXPLAIND_STAND_IN)
  if (!kernels::device::built()) GTEST_SKIP() << "built without CUDA";
  if (kernels::device::devices() == 0) GTEST_SKIP() << "no CUDA device";
#endif
}

struct Case {
  const char* name;
  Granularity granularity;
  bool positions;
  bool tied;
  bool slices;  ///< a vocabulary of several
  ProductForm form;
  at::ScalarType type, products;
};

class OnADevice : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override { skip_where_none_is(); }
};

/// Largest distance, relative to the largest value.
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0, apart = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i]));
    apart = std::max(apart, std::abs(a[i] - b[i]));
  }
  return apart / largest;
}

TEST_P(OnADevice, ScoresAreTheProcessorsToRounding) {
  const Case& tested = GetParam();
  DecoderConfig config = tiny_config();
  config.tied = tested.tied;
  config.query_bias = config.output_bias = true;
  if (tested.slices) config.vocabulary = vocabulary_slice + 77;
  const Decoder network(config);
  const std::vector<at::Tensor> from = random_point(network, 1), to = moved(network, from, 2, 0.1);
  std::vector<std::vector<at::Tensor>> points(2);
  for (const at::Tensor& tensor : from) points[0].push_back(tensor.to(at::kBFloat16));
  for (const at::Tensor& tensor : to) points[1].push_back(tensor.to(at::kFloat));  // mixed types
  const MemoryTrajectory path(points);
  const std::vector<Sample> samples = random_samples({5, 3, 4}, config.vocabulary);
  RunOptions options = fixed_rule("gauss:2");
  options.granularity = tested.granularity;
  options.solver.axes.position = tested.positions;
  options.solver.micro_batch = 2;
  options.form = tested.form;
  options.type = tested.type;
  options.products = tested.products;
  const ScoreTile here = decompose(network, path, samples, options);
  options.device = tested_device();
  const double rounding = tested.products == at::kDouble  ? 1e-12
                          : tested.products == at::kFloat ? 2e-5
                                                          : 2e-2;
  for (const bool streamed : {false, true}) {
    options.streamed = streamed;
    const ScoreTile there = decompose(network, path, samples, options);
    EXPECT_LT(distance(here.psi, there.psi), rounding) << (streamed ? "streamed" : "resident");
    EXPECT_LT(distance(here.value_from, there.value_from), rounding);
    EXPECT_LT(distance(here.value_to, there.value_to), rounding);
    EXPECT_EQ(here.node_count, there.node_count);
    if (!streamed) {
      EXPECT_EQ(there.psi, decompose(network, path, samples, options).psi) << "repeats to the bit";
    }
  }
}

constexpr auto formed = ProductForm::formed, split = ProductForm::split;

INSTANTIATE_TEST_SUITE_P(
    Cases, OnADevice,
    ::testing::Values(
        Case{"tensors", Granularity::tensor, false, false, false, formed, at::kDouble, at::kDouble},
        Case{"rows_tied", Granularity::row, false, true, false, formed, at::kDouble, at::kDouble},
        Case{"heads_split", Granularity::head, false, false, false, split, at::kDouble,
             at::kDouble},
        Case{"positions_of_heads", Granularity::head, true, true, false, formed, at::kDouble,
             at::kDouble},
        Case{"positions_of_rows", Granularity::row, true, false, false, formed, at::kFloat,
             at::kFloat},
        Case{"slices", Granularity::tensor, true, true, true, formed, at::kDouble, at::kDouble},
        Case{"rows_of_slices", Granularity::row, false, false, true, split, at::kFloat, at::kFloat},
        Case{"bf16", Granularity::tensor, false, false, false, formed, at::kFloat, at::kBFloat16}),
    [](const auto& tested) { return tested.param.name; });

class ClassifiersOnADevice : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { skip_where_none_is(); }
};

// Single functionals take engine A, all outputs at once engine C where tensors are kept.
TEST_P(ClassifiersOnADevice, ScoresAreTheProcessorsToRounding) {
  for (const Problem& given : problems()) {
    for (const Granularity granularity :
         {Granularity::tensor, Granularity::head, Granularity::row}) {
      const ComponentTable table(granularity, given.model->parameters());
      for (const char* precision : {"fp64", "fp32"}) {
        const Precision types = parse_precision(precision);
        const ScoreTile here = decompose_classes(given, table, GetParam(), "gauss:3", types),
                        there = decompose_classes(given, table, GetParam(), "gauss:3", types,
                                                  tested_device());
        const double rounding = types.type == at::kDouble ? 1e-12 : 5e-5;
        EXPECT_LT(distance(here.psi, there.psi), rounding) << given.name << ", " << precision;
        EXPECT_LT(distance(here.value_from, there.value_from), rounding) << given.name;
        EXPECT_LT(distance(here.value_to, there.value_to), rounding) << given.name;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Functionals, ClassifiersOnADevice,
                         ::testing::Values("loss", "logit", "logit:2", "logit_diff:label:1",
                                           "logprob:label"));

#ifdef EXPLAIND_STAND_IN
TEST(StandInDevice, RefusesWhatADeviceWould) {
  const Device device = stand_in_device();
  const at::Tensor here = at::ones({3}), there = device.upload(here);
  EXPECT_THROW(static_cast<void>(there + here), std::exception) << "tensors of two places";
  const volatile float* inside = there.const_data_ptr<float>();  // read, whoever wants the value
  EXPECT_DEATH(static_cast<void>(*inside), "") << "the host in its memory";
  EXPECT_EQ(device.download(there).sum().item<float>(), 3);
  const at::Tensor image = device.upload(at::rand({1, 1, 4, 4})).requires_grad_();
  EXPECT_THROW(at::max_pool2d(image, {2, 2}).sum().backward(), std::exception)
      << "sums in no fixed order";
}

TEST(StandInDevice, KnowsWhoDidNotWait) {
  const Device device = stand_in_device();
  Upload upload(device);
  const std::vector<float> values(64, 1);
  const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
  at::Tensor there = at::zeros({256}, device.options(at::kByte));  // queued, and not waited for
  EXPECT_THROW(upload.copy(bytes, 256, there, 0), std::exception);
  upload.begin(upload.mark());
  upload.copy(bytes, 256, there, 0);
  EXPECT_THROW(static_cast<void>(there + 1), std::exception) << "the copy may be on its way";
  upload.end();
  EXPECT_NO_THROW(static_cast<void>(there + 1));
}
#endif

TEST(ChooseDevice, SaysWhyThereIsNone) {
  EXPECT_FALSE(choose_device("cpu", 0).device.has_twins());
  if (kernels::device::devices() > 0) GTEST_SKIP() << "a CUDA device is here";
  EXPECT_FALSE(choose_device("auto", 3).device.is_cuda());
  try {
    choose_device("cuda", 0);
    FAIL() << "no device, and nothing said";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), ::testing::AllOf(::testing::HasSubstr("--device cuda"),
                                               ::testing::HasSubstr("--device cpu")));
  }
  EXPECT_THAT([] { choose_device("gpu", 0); },
              ::testing::ThrowsMessage<UsageError>(::testing::HasSubstr("'gpu' is not available")));
  EXPECT_THROW(require_device({.precision = parse_precision("tf32")}), UsageError);
}

}  // namespace
}  // namespace explaind::testing
