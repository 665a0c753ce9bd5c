// The ranks of a group that share a unit: what each has of the others is what one rank alone would
// have computed, to the bit. Run on one rank and on several.

#include "sweeps/share.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/decoder.hpp"
#include "parameters/resident_parameters.hpp"
#include "solver/dense_solver.hpp"
#include "sweeps/node_major_sweep.hpp"
#include "unit/tiny_models/tiny.hpp"

namespace explaind::testing {
namespace {

const Communicator& world() {
  static const Communicator made(MPI_COMM_WORLD);
  return made;
}

TEST(Share, EveryRankHasEveryRowInItsPlace) {
  ParameterInfo first, second;
  first.name = "a";
  first.shape = {2, 2};
  second.name = "b";
  second.shape = {3};
  const ComponentTable table(Granularity::tensor, {first, second});
  // Micro-batches of samples 0–1, 2–3, …, 8; two outputs a sample. Asks in another order.
  const ChunkBatches chunk{
      .batches = std::vector<MicroBatch>(5), .first = {0, 2, 4, 6, 8}, .outputs = 2, .begin = 0};
  std::vector<Ask> asks(2);
  asks[0].samples = {17, 4, 0, 9, 12, 1};
  asks[1].samples = {16, 5, 7};
  asks[1].value_only = true;
  ScoreAccumulator sink(table, {.samples = 18});
  sink.begin_round(asks);
  const auto number = [&](size_t ask, size_t row) {
    return static_cast<double>(100 * ask) + static_cast<double>(asks[ask].samples[row]);
  };
  const auto each_row = [&](auto&& act) {
    for (size_t i = 0; i < asks.size(); ++i) {
      for (size_t row = 0; row < asks[i].samples.size(); ++row) act(i, row, sink.row(i, row));
    }
  };
  each_row([&](size_t ask, size_t row, const RoundRow& into) {
    // Every size-th micro-batch is this rank's; what others have is unknown here.
    const bool own = asks[ask].samples[row] / 2 / 2 % world().size() == world().rank();
    *into.functional = own ? number(ask, row) : std::numeric_limits<double>::quiet_NaN();
    for (size_t i = 0; i < into.values.size(); ++i) {
      into.values[i] = *into.functional + 0.25 * static_cast<double>(i + 1);
    }
  });
  exchange_values(world(), chunk, asks, sink);
  each_row([&](size_t ask, size_t row, const RoundRow& found) {
    EXPECT_EQ(*found.functional, number(ask, row));
    ASSERT_EQ(found.values.size(), ask == 0 ? 2U : 0U);
    for (size_t i = 0; i < found.values.size(); ++i) {
      EXPECT_EQ(found.values[i], number(ask, row) + 0.25 * static_cast<double>(i + 1));
    }
  });
}

/// Scores of a unit's rows, and of single scalars by (row, tensor, place).
struct Found {
  ScoreTile tile;
  std::map<std::pair<int64_t, int64_t>, std::vector<double>> scalars;
};

class SharedUnit : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] Found solve(const Communicator* group) const {
    const MemoryTrajectory path({from, to});
    SolverOptions options;
    parse_quadrature("gauss:3", options.quadrature);
    options.micro_batch = 2;
    options.axes.sample = GetParam();
    const Model& model = network;
    ResidentParameters parameters(model, path, {.type = at::kDouble, .products = at::kDouble});
    const ComponentTable table(Granularity::tensor, network.parameters());
    const Share share = group == nullptr ? Share{} : Share{group->rank(), group->size()};
    NodeMajorSweep sweep(network, parameters, table, share);
    NetworkPass pass(network, Functional::loss(), parameters);
    const Groups groups = group_samples(samples);
    const UnitSolver solver(table, samples, groups, options, group);
    const Unit unit{.sample_end = static_cast<int64_t>(samples.size())};
    std::vector<SampleNodes> nodes(1);
    Found found;
    parameters.load(0);
    found.tile = solver.solve(unit, sweep, &nodes[0]);
    const DenseSolver dense({model, samples, groups, options, parameters, pass}, {.at_once = 1}, {},
                            group);
    dense.solve({0, 1}, nodes, found.tile, [&](const DenseSlice& slice) {
      auto& into = found.scalars[{slice.row, slice.tensor}];
      const auto& shape = network.parameters()[static_cast<size_t>(slice.tensor)].shape;
      size_t row_size = 1;
      for (size_t i = 1; i < shape.size(); ++i) row_size *= static_cast<size_t>(shape[i]);
      into.resize(static_cast<size_t>(shape[0]) * row_size,
                  std::numeric_limits<double>::infinity());
      std::copy(slice.scores.begin(), slice.scores.end(),
                into.begin() + slice.first * static_cast<int64_t>(row_size));
    });
    return found;
  }
  Decoder network{tiny_config()};
  std::vector<at::Tensor> from = random_point(network, 1), to = moved(network, from, 2, 0.05);
  std::vector<Sample> samples = random_samples({7, 3, 11, 2, 5, 6, 9, 4, 8}, 37);
};

TEST_P(SharedUnit, LeavesTheBitsOfOneRankAlone) {
  const Found alone = solve(nullptr), shared = solve(&world());
  const auto tensors = static_cast<int64_t>(network.parameters().size());
  std::vector<double> expected, expected_size;
  for (const RowRange& range : shared.tile.held) {
    for (int64_t i = range.first * tensors; i < range.last * tensors; ++i) {
      expected.push_back(alone.tile.psi[static_cast<size_t>(i)]);
      expected_size.push_back(alone.tile.psi_abs[static_cast<size_t>(i)]);
    }
  }
  EXPECT_EQ(shared.tile.psi, expected);
  EXPECT_EQ(shared.tile.psi_abs, expected_size);
  EXPECT_EQ(shared.tile.value_from, alone.tile.value_from);
  EXPECT_EQ(shared.tile.value_to, alone.tile.value_to);
  EXPECT_EQ(shared.tile.residual, alone.tile.residual);
  int64_t kept = 0;
  for (const auto& [place, scalars] : shared.scalars) {
    const std::vector<double>& whole = alone.scalars.at(place);
    ASSERT_EQ(scalars.size(), whole.size());
    for (size_t i = 0; i < scalars.size(); ++i) {
      if (scalars[i] == std::numeric_limits<double>::infinity()) continue;  // another rank's
      ++kept;
      ASSERT_EQ(scalars[i], whole[i]) << "row " << place.first << ", tensor " << place.second;
    }
  }
  int64_t all = 0, wanted = 0;
  MPI_Allreduce(&kept, &all, 1, MPI_INT64_T, MPI_SUM, world().get());
  for (const auto& [place, scalars] : alone.scalars) wanted += static_cast<int64_t>(scalars.size());
  EXPECT_EQ(all, wanted) << "every scalar on one rank";
}

INSTANTIATE_TEST_SUITE_P(Samples, SharedUnit, ::testing::Bool(), [](const auto& tested) {
  return std::string(tested.param ? "Kept" : "Summed");
});

}  // namespace
}  // namespace explaind::testing
