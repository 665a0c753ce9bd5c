#pragma once
// One case of tests/goldens/training_axis: a run that PyTorch trained and recorded, and every
// element of its influence tensor.
//
// Legend: S steps, M training samples, F functionals, D parameters in a row, P tensors.

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/safetensors_file.hpp"
#include "engines/dense_gradient.hpp"
#include "training/run_data.hpp"
#include "training_axis/axis_options.hpp"

namespace explaind::testing {

/// Names of all cases.
std::vector<std::string> golden_runs();

class GoldenRun {
 public:
  explicit GoldenRun(const std::string& name);

  [[nodiscard]] const RecordedRun& run() const { return run_; }
  [[nodiscard]] const Model& model() const { return *model_; }
  [[nodiscard]] TrainedModel trained() const { return {*model_, run_, data_}; }
  /// All outputs of all prediction samples, samples outermost: F functionals.
  [[nodiscard]] const std::vector<Predictions>& predictions() const { return predictions_; }
  /// The rule that the golden was made with, and its range of steps where asked for.
  [[nodiscard]] AxisOptions options(bool range = false) const;
  /// A tensor of gamma.safetensors; the test ends where it is missing.
  [[nodiscard]] at::Tensor tensor(const std::string& name) const;
  /// Γ of one functional, S M D.
  [[nodiscard]] at::Tensor gamma(int64_t functional) const;
  /// Place of a parameter's first element in D.
  [[nodiscard]] int64_t offset(size_t parameter) const;
  [[nodiscard]] Segment segment(int64_t step) const;

 private:
  SafetensorsFile file_;
  RecordedRun run_;
  std::unique_ptr<Model> model_;
  TrainingData data_;
  std::vector<Predictions> predictions_;
};

/// Every element of actual is expected's within `relative` of it, or within 1e-14 of the largest
/// element.
void expect_equal_elements(const at::Tensor& actual, const at::Tensor& expected, double relative,
                           const std::string& what);

}  // namespace explaind::testing
