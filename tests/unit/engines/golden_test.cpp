// Scores of real checkpoint files against dense float64 autograd, losses against Hugging Face
// (tests/goldens/llama, F = the mean loss).

#include "unit/golden.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "path/trajectory.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

constexpr const char* fine = "gauss:40";  // the goldens took 16 or 32 nodes

double largest(const std::vector<double>& values, size_t begin, size_t count) {
  double size = 0;
  for (size_t i = begin; i < begin + count; ++i) size = std::max(size, std::abs(values[i]));
  return size;
}

class Goldens : public ::testing::TestWithParam<std::string> {
 protected:
  Golden golden{GetParam()};
  PathTrajectory trajectory{std::make_shared<CheckpointPath>(
      CheckpointSeries::open(golden.series()), golden.network().parameters())};
  size_t samples = golden.samples().size();

  ScoreTile solve(int64_t segment, RunOptions options) {
    options.segment = segment;
    return decompose(golden.network(), trajectory, golden.samples(), options);
  }

  /// A golden's tensor with its last axis, that of the parameters, in the network's order.
  [[nodiscard]] GoldenTensor in_order(const std::string& name) const {
    const GoldenTensor stored = golden.tensor(name);
    GoldenTensor ordered = stored;
    const std::vector<size_t>& order = golden.order();
    for (size_t i = 0; i < ordered.values.size(); ++i) {
      ordered.values[i] = stored.values[i / order.size() * order.size() + order[i % order.size()]];
    }
    return ordered;
  }

  /// Scores of one tile against one segment of a golden: `tolerance` times the sample's largest.
  void expect_scores(const std::vector<double>& psi, const GoldenTensor& expected, int64_t segment,
                     double tolerance) const {
    const size_t row = psi.size() / samples;
    ASSERT_EQ(psi.size() * static_cast<size_t>(trajectory.segments()), expected.values.size());
    const size_t offset = static_cast<size_t>(segment) * psi.size();
    for (size_t i = 0; i < psi.size(); ++i) {
      const size_t sample = i / row;
      const double scale = largest(expected.values, offset + sample * row, row);
      ASSERT_NEAR(psi[i], expected.values[offset + i], tolerance * scale)
          << "sample " << sample << ", place " << i % row << ", segment " << segment;
    }
  }
};

TEST_P(Goldens, LossesAreThoseOfHuggingFaceInSinglePrecision) {
  for (const char* functional : {"loss", "loss_sum"}) {
    RunOptions options = fixed_rule("gauss:1");
    options.type = at::kFloat;
    options.solver.functional = parse_functional(functional);
    const std::vector<double> losses = golden.tensor(functional).values;
    for (int64_t segment = 0; segment < trajectory.segments(); ++segment) {
      const ScoreTile tile = solve(segment, options);
      for (size_t s = 0; s < samples; ++s) {
        const double from = losses[static_cast<size_t>(segment) * samples + s];
        const double to = losses[static_cast<size_t>(segment + 1) * samples + s];
        EXPECT_NEAR(tile.value_from[s], from, 1e-5 * from);
        EXPECT_NEAR(tile.value_to[s], to, 1e-5 * to);
      }
    }
  }
}

TEST_P(Goldens, TensorScoresInDouble) {
  const std::vector<double> from = golden.tensor("value_from").values;
  for (int64_t segment = 0; segment < trajectory.segments(); ++segment) {
    const ScoreTile tile = solve(segment, fixed_rule(fine));
    expect_scores(tile.psi, in_order("psi"), segment, 1e-8);
    for (size_t s = 0; s < samples; ++s) {
      const double value = from[static_cast<size_t>(segment) * samples + s];
      EXPECT_NEAR(tile.value_from[s], value, 1e-12 * value);
      if (golden.kinks()) continue;
      EXPECT_NEAR(tile.residual[s], 0, 1e-9);
    }
  }
}

TEST_P(Goldens, TensorScoresInSinglePrecision) {
  RunOptions options = fixed_rule(fine);
  options.type = at::kFloat;
  for (int64_t segment = 0; segment < trajectory.segments(); ++segment) {
    expect_scores(solve(segment, options).psi, in_order("psi"), segment, 1e-4);
  }
}

TEST_P(Goldens, TheAdaptiveRuleMeetsItsTolerance) {
  if (golden.kinks()) GTEST_SKIP() << "the golden itself is not resolved so far";
  const GoldenTensor expected = in_order("psi");
  for (int64_t segment = 0; segment < trajectory.segments(); ++segment) {
    const ScoreTile tile = solve(segment, adaptive(1e-6));
    const size_t tensors = tile.psi.size() / samples;
    for (size_t i = 0; i < tile.psi.size(); ++i) {
      const size_t s = i / tensors;
      const double change = std::abs(tile.value_to[s] - tile.value_from[s]);
      EXPECT_EQ(tile.tolerance_met[s], 1);
      EXPECT_NEAR(tile.psi[i], expected.values[static_cast<size_t>(segment) * tile.psi.size() + i],
                  1e-6 * change + 1e-12);
    }
  }
}

TEST_P(Goldens, PositionsInDouble) {
  RunOptions options = fixed_rule(fine);
  options.solver.axes.position = true;
  for (int64_t segment = 0; segment < trajectory.segments(); ++segment) {
    expect_scores(solve(segment, options).psi, in_order("positions"), segment, 1e-8);
  }
}

/// The scores of one parameter out of all components: S rows.
std::vector<double> part_of(const ScoreTile& tile, const ComponentTable& table, int64_t parameter) {
  const ParameterSlot slot = table.slot(parameter);
  std::vector<double> part;
  for (size_t s = 0; s < tile.residual.size(); ++s) {
    const auto begin = tile.psi.begin() +
                       static_cast<std::ptrdiff_t>(s * static_cast<size_t>(table.size())) +
                       slot.first;
    part.insert(part.end(), begin, begin + slot.count);
  }
  return part;
}

TEST_P(Goldens, RowsInDouble) {
  RunOptions options = fixed_rule(fine);
  options.granularity = Granularity::row;
  const ComponentTable table(Granularity::row, golden.network().parameters());
  for (int64_t segment = 0; segment < trajectory.segments(); ++segment) {
    const ScoreTile tile = solve(segment, options);
    for (size_t p = 0; p < table.parameters().size(); ++p) {
      SCOPED_TRACE(table.parameters()[p].name);
      expect_scores(part_of(tile, table, static_cast<int64_t>(p)),
                    golden.tensor("rows." + table.parameters()[p].name), segment, 1e-8);
    }
  }
}

/// Sums of `width` neighbours: heads out of rows or columns.
GoldenTensor heads_of(const GoldenTensor& lines, int heads) {
  const auto width = static_cast<size_t>(lines.shape.back() / heads);
  GoldenTensor sums{lines.shape, std::vector<double>(lines.values.size() / width, 0.0)};
  sums.shape.back() = heads;
  for (size_t i = 0; i < lines.values.size(); ++i) sums.values[i / width] += lines.values[i];
  return sums;
}

TEST_P(Goldens, HeadsAreRowsOfQueriesKeysAndValuesAndColumnsOfOutputs) {
  RunOptions options = fixed_rule(fine);
  options.granularity = Granularity::head;
  const ComponentTable table(Granularity::head, golden.network().parameters());
  size_t divided = 0;
  for (int64_t segment = 0; segment < trajectory.segments(); ++segment) {
    const ScoreTile tile = solve(segment, options);
    for (size_t p = 0; p < table.parameters().size(); ++p) {
      const ParameterInfo& parameter = table.parameters()[p];
      if (parameter.heads == 0) continue;
      SCOPED_TRACE(parameter.name);
      // By the name, not by the label that is under test.
      const bool outputs = parameter.name.ends_with("o_proj.weight") ||
                           parameter.name.ends_with("attention.dense.weight") ||
                           parameter.name.ends_with("attn.c_proj.weight");
      const std::string lines = outputs ? "columns." : "rows.";
      const int parts = parameter.name.find("query_key_value") != std::string::npos ||
                                parameter.name.find("c_attn") != std::string::npos
                            ? 3
                            : 1;
      expect_scores(part_of(tile, table, static_cast<int64_t>(p)),
                    heads_of(golden.tensor(lines + parameter.name), parts * parameter.heads),
                    segment, 1e-8);
      ++divided;
    }
  }
  EXPECT_GE(divided, 4U);
}

/// Names of the matrices of an MLP, those whose outputs are its units first.
const std::vector<std::pair<const char*, bool>> mlp_matrices{
    {"gate_proj", true},  {"up_proj", true},        {"dense_h_to_4h", true}, {"c_fc", true},
    {"down_proj", false}, {"dense_4h_to_h", false}, {"mlp.c_proj", false}};

TEST_P(Goldens, ANeuronIsItsRowsAndItsColumn) {
  if (!golden.has("columns.model.layers.0.mlp.down_proj.weight") &&
      golden.has("rows.model.layers.0.mlp.down_proj.weight")) {
    GTEST_SKIP() << "the golden has no columns of the MLP";
  }
  RunOptions options = fixed_rule(fine);
  options.granularity = Granularity::neuron;
  const ComponentTable table(Granularity::neuron, golden.network().parameters());
  for (int64_t segment = 0; segment < trajectory.segments(); ++segment) {
    const ScoreTile tile = solve(segment, options);
    const auto width = static_cast<size_t>(table.size());
    std::vector<double> expected(samples * width, 0.0);
    for (size_t c = 0; c < width; ++c) {
      const Component& component = table.components()[c];
      const std::string layer = "." + std::to_string(component.layer) + ".";
      for (const ParameterInfo& parameter : table.parameters()) {
        bool unit = false, by_row = true, is_bias = parameter.name.ends_with(".bias");
        for (const auto& [matrix, rows] : mlp_matrices) {
          if (parameter.name.find(matrix) == std::string::npos) continue;
          unit = rows || !is_bias;
          by_row = rows;
        }
        const bool own = component.tensor.empty()
                             ? unit && parameter.name.find(layer) != std::string::npos
                             : parameter.name == component.tensor;
        if (!own) continue;
        const GoldenTensor lines =
            golden.tensor((unit && !by_row ? "columns." : "rows.") + parameter.name);
        const auto count = static_cast<size_t>(lines.shape.back());
        for (size_t s = 0; s < samples; ++s) {
          const double* row =
              lines.values.data() + (static_cast<size_t>(segment) * samples + s) * count;
          double& sum = expected[s * width + c];
          if (unit) {
            sum += row[component.index];
          } else {
            for (size_t i = 0; i < count; ++i) sum += row[i];
          }
        }
      }
    }
    for (size_t i = 0; i < expected.size(); ++i) {
      const double scale = largest(expected, i / width * width, width);
      ASSERT_NEAR(tile.psi[i], expected[i], 1e-8 * scale)
          << table.components()[i % width].name << ", sample " << i / width;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Llama, Goldens, ::testing::ValuesIn(golden_variants()),
                         [](const auto& variant) { return variant.param; });

}  // namespace
}  // namespace explaind::testing
