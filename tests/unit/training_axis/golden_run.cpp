#include "unit/training_axis/golden_run.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "model/registry.hpp"
#include "training/run_gradients.hpp"
#include "training/tensor_of.hpp"

namespace explaind::testing {
namespace {

const std::filesystem::path root = EXPLAIND_TEST_DATA "/training_axis";

}  // namespace

std::vector<std::string> golden_runs() {
  return {"adamw", "adamw_full_batch", "adam", "sgd", "nesterov", "varying_adamw", "varying_sgd"};
}

GoldenRun::GoldenRun(const std::string& name)
    : file_(root / name / "gamma.safetensors"),
      run_(RecordedRun::open(root / name / "run")),
      model_(build_model(run_.description().json["model"], name)),
      data_(load_run_data(run_)) {
  for (int64_t x = 0; x < data_.validation.size(); ++x) {
    Predictions of_sample{
        .inputs = network_inputs(data_.validation, data_.transform, {x}, {}, at::kDouble),
        .functionals = {}};
    for (int64_t j = 0; j < data_.classes; ++j) {
      at::Tensor one = at::zeros({1, data_.classes}, at::kDouble);
      one[0][j] = 1;
      of_sample.functionals.push_back(weighted_outputs(one));
    }
    predictions_.push_back(std::move(of_sample));
  }
}

AxisOptions GoldenRun::options(bool range) const {
  AxisOptions options;
  parse_quadrature("gauss:" + file_.metadata().at("nodes"), options.quadrature);
  if (range) {
    const std::string text = file_.metadata().at("range");
    options.first = std::stoll(text);
    options.last = std::stoll(text.substr(text.find(' ')));
  }
  return options;
}

at::Tensor GoldenRun::tensor(const std::string& name) const {
  for (const TensorView& view : file_.tensors()) {
    if (view.name == name) return tensor_of(view);
  }
  throw std::runtime_error("no tensor " + name + " in " + file_.file().path().string());
}

at::Tensor GoldenRun::gamma(int64_t functional) const {
  return tensor("update") * tensor("gradient").select(0, functional).unsqueeze(1);
}

int64_t GoldenRun::offset(size_t parameter) const {
  int64_t offset = 0;
  for (size_t i = 0; i < parameter; ++i) {
    int64_t elements = 1;
    for (const int64_t size : model_->parameters()[i].shape) elements *= size;
    offset += elements;
  }
  return offset;
}

Segment GoldenRun::segment(int64_t step) const {
  return {.from = weights_at(run_, step), .to = weights_at(run_, step + 1)};
}

void expect_equal_elements(const at::Tensor& actual, const at::Tensor& expected, double relative,
                           const std::string& what) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << what;
  const at::Tensor error = (actual - expected).abs();
  const double largest = expected.abs().max().item<double>();
  EXPECT_GT(largest, 1e-7) << what << " says nothing";
  const at::Tensor excess = error - (expected.abs() * relative + 1e-14 * largest);
  EXPECT_LE(excess.max().item<double>(), 0)
      << what << ": " << excess.gt(0).sum().item<int64_t>() << " of " << excess.numel()
      << " elements are off, by up to " << error.max().item<double>() << " beside " << largest;
}

}  // namespace explaind::testing
