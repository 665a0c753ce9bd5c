#pragma once
// The sweep of models that are no chain of blocks.

#include <cstdint>
#include <vector>

#include "datasets/dataset.hpp"
#include "engines/class_outputs.hpp"
#include "model/model.hpp"
#include "parameters/parameter_source.hpp"
#include "sweeps/sweep.hpp"

namespace explaind {

/// The data that prediction samples of a classifier are places in.
struct PredictionData {
  Dataset data;
  ImageTransform transform;
  int64_t classes = 0;
};

/// How a classifier's scores are formed, chosen by what is kept (method.md §5).
enum class ClassifierEngine {
  backward,  ///< A: a forward pass with a graph, and a backward pass for every output
  forward    ///< C: a forward pass with a tangent for every tensor, all outputs at once
};

/// Per node and output a backward pass forms two products a weight, per node and tensor a tangent
/// forms one: forward where whole tensors are kept and twice the outputs are more than the tensors.
/// Parts of Δ are scored by A, which contracts them in the same passes. Follows from shapes and
/// options alone, since the bits differ.
ClassifierEngine choose_engine(const ComponentTable& table, const Precision& precision,
                               int64_t outputs, int64_t directions = 0);

struct ClassifierSweepOptions {
  Share share = {};
  int64_t directions = 0;  ///< of the trajectory behind the parameters
};

/// Nodes outermost, all samples of a micro-batch and all their outputs together. The whole model is
/// open at once.
class ClassifierSweep final : public Sweep {
 public:
  /// The one token of a sample is its place in `data`. All references must outlive the sweep.
  ClassifierSweep(const Model& model, const PredictionData& data, const Functional& functional,
                  ParameterSource& parameters, const ComponentTable& table,
                  const ClassifierSweepOptions& options = {});

  /// Where there are several outputs the asks are of sample · outputs + output.
  void run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
           ScoreAccumulator& sink) override;
  [[nodiscard]] bool moves() const override { return parameters_.moves(); }
  [[nodiscard]] const Device& device() const override { return parameters_.device(); }

 private:
  void evaluate(const Evaluation& evaluation, const std::vector<Ask>& asks, ScoreAccumulator& sink);
  void evaluate_backward(const Evaluation& evaluation, const std::vector<Ask>& asks,
                         const at::Tensor& input, const at::Tensor& labels, ScoreAccumulator& sink);
  void evaluate_forward(const Evaluation& evaluation, const std::vector<Ask>& asks,
                        const at::Tensor& input, ScoreAccumulator& sink);
  /// Who asks for that output of an evaluation's samples.
  [[nodiscard]] Members members_of(const Evaluation& evaluation, const std::vector<Ask>& asks,
                                   int64_t output) const;

  const Model& model_;
  const PredictionData& data_;
  ClassOutputs outputs_;
  int64_t output_count_;
  ClassifierEngine engine_;
  ParameterSource& parameters_;
  std::vector<ParameterRows> whole_;
  const ComponentTable& table_;
  Share share_;
};

}  // namespace explaind
