// Classifiers through the sweep against dense gradients times updates, every functional and output.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "model/plain_ops.hpp"
#include "model/registry.hpp"
#include "parameters/resident_parameters.hpp"
#include "solver/unit_solver.hpp"
#include "sweeps/classifier_sweep.hpp"
#include "unit/first_operations.hpp"
#include "unit/tiny_models/tiny.hpp"
#include "unit/tiny_models/tiny_classifiers.hpp"

// S samples, K classes, J outputs, C components.

namespace explaind::testing {
namespace {

/// Chains that begin with each operation in turn.
std::vector<Problem> chains() {
  std::vector<Problem> all;
  for (const FirstOperation& chain : first_operations()) {
    all.push_back(problem("sequential", chain.model["config"]));
    all.back().data.data = numbers_for(chain, samples, 5);
  }
  return all;
}

/// F of one sample from its logits K, written out once more: method.md §1.
at::Tensor value_of(const at::Tensor& logits, int64_t label, const std::string& functional,
                    int64_t output) {
  const at::Tensor normal = (logits - logits.max()).exp().sum().log() + logits.max();
  if (functional == "loss") return normal - logits[label];
  if (functional == "logit") return logits[output];
  if (functional == "logit:2") return logits[2];
  if (functional == "logit_diff:label:1") return logits[label] - logits[1];
  return logits[label] - normal;  // logprob:label
}

/// Σ over components of one sample's dense scores by a Gauss rule.
std::vector<double> expected_scores(const Problem& given, const ComponentTable& table,
                                    int64_t sample, const std::string& functional, int64_t output,
                                    const FixedRule& rule) {
  std::vector<at::Tensor> dense;
  for (const at::Tensor& tensor : given.from) dense.push_back(at::zeros_like(tensor));
  for (size_t q = 0; q < rule.nodes.size(); ++q) {
    std::vector<at::Tensor> weights = between(given.from, given.to, rule.nodes[q]);
    for (at::Tensor& weight : weights) weight = weight.detach().requires_grad_(true);
    PlainOps ops(weights);
    const at::Tensor logits = given.model->forward(
        network_inputs(given.data.data, given.data.transform, {sample}, {}, at::kDouble), ops)[0];
    value_of(logits, given.data.data.labels[sample].item<int64_t>(), functional, output).backward();
    for (size_t i = 0; i < dense.size(); ++i) {
      if (!weights[i].grad().defined()) continue;
      dense[i] += rule.weights[q] * weights[i].grad() * (given.to[i] - given.from[i]);
    }
  }
  return sum_to_components(table, dense);
}

class Classifiers : public ::testing::TestWithParam<std::string> {};

TEST_P(Classifiers, AreScoredAsDenseGradientsTimesUpdates) {
  const std::string functional = GetParam();
  std::vector<Problem> all = problems();
  for (Problem& chain : chains()) all.push_back(std::move(chain));
  for (const Problem& given : all) {
    for (const Granularity granularity :
         {Granularity::tensor, Granularity::head, Granularity::row}) {
      const ComponentTable table(granularity, given.model->parameters());
      const ScoreTile tile = decompose_classes(given, table, functional, "gauss:3");
      const int64_t outputs = functional == "logit" ? classes : 1;
      ASSERT_EQ(static_cast<int64_t>(tile.psi.size()), samples * table.size() * outputs);
      for (int64_t s = 0; s < samples; ++s) {
        for (int64_t j = 0; j < outputs; ++j) {
          const std::vector<double> expected =
              expected_scores(given, table, s, functional, j, gauss_rule(3));
          for (int64_t c = 0; c < table.size(); ++c) {
            ASSERT_NEAR(tile.psi[static_cast<size_t>((s * table.size() + c) * outputs + j)],
                        expected[static_cast<size_t>(c)], 1e-13)
                << table.components()[static_cast<size_t>(c)].name << ", sample " << s
                << ", output " << j;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Functionals, Classifiers,
                         ::testing::Values("loss", "logit", "logit:2", "logit_diff:label:1",
                                           "logprob:label"));

TEST(ClassifierOutputs, ShareNodesAndEachMeetsItsOwnTolerance) {
  std::vector<Problem> quick = problems();
  quick.pop_back();  // ResNet-9 has too many kinks for a short test
  for (const Problem& given : quick) {
    const ComponentTable table(Granularity::tensor, given.model->parameters());
    const ScoreTile all = decompose_classes(given, table, "logit", "adaptive");
    for (int64_t j = 0; j < classes; ++j) {
      const ScoreTile one =
          decompose_classes(given, table, "logit:" + std::to_string(j), "adaptive");
      for (int64_t s = 0; s < samples; ++s) {
        const auto pair = static_cast<size_t>(s * classes + j), row = static_cast<size_t>(s);
        const double change = one.value_to[row] - one.value_from[row];
        EXPECT_NEAR(all.value_to[pair] - all.value_from[pair], change, 1e-13);
        EXPECT_EQ(all.tolerance_met[row], 1);
        EXPECT_LE(std::abs(all.residual[pair]), 1e-5 * std::abs(change) + 1e-12);
      }
    }
  }
}

}  // namespace
}  // namespace explaind::testing
