#include "unit/quadrature/solve.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

namespace explaind {
namespace {

constexpr double unread = std::numeric_limits<double>::quiet_NaN();

void check_shapes(const std::vector<Ask>& asks, int accumulators, size_t samples) {
  for (size_t i = 0; i < asks.size(); ++i) {
    const Ask& ask = asks[i];
    if (i > 0) {
      EXPECT_LT(asks[i - 1].t, ask.t);
    }
    EXPECT_FALSE(ask.samples.empty());
    EXPECT_TRUE(std::is_sorted(ask.samples.begin(), ask.samples.end()));
    EXPECT_LT(ask.samples.back(), static_cast<int64_t>(samples));
    EXPECT_EQ(ask.accumulators, accumulators);
    EXPECT_EQ(ask.weights.size(), ask.samples.size() * static_cast<size_t>(accumulators));
  }
}

/// The round's sums from zero in ascending t, then added.
void accumulate(const std::vector<Ask>& asks, const std::vector<Problem>& problems,
                std::vector<std::vector<std::vector<double>>>& kept) {
  auto round = kept;
  for (auto& sample : round) {
    for (auto& sums : sample) std::fill(sums.begin(), sums.end(), 0.0);
  }
  for (const Ask& ask : asks) {
    if (ask.value_only) continue;
    for (size_t row = 0; row < ask.samples.size(); ++row) {
      const auto sample = static_cast<size_t>(ask.samples[row]);
      const auto weights = ask.weights_of(static_cast<int64_t>(row));
      const std::vector<double> value = problems[sample].integrand(ask.t);
      for (size_t a = 0; a < weights.size(); ++a) {
        for (size_t c = 0; c < value.size(); ++c) round[sample][a][c] += weights[a] * value[c];
      }
    }
  }
  for (size_t s = 0; s < kept.size(); ++s) {
    for (size_t a = 0; a < kept[s].size(); ++a) {
      for (size_t c = 0; c < kept[s][a].size(); ++c) kept[s][a][c] += round[s][a][c];
    }
  }
}

}  // namespace

Solved solve(const QuadratureOptions& options, const std::vector<Problem>& problems,
             bool scores_follow_tensors) {
  const size_t tensors = problems.front().integrand(0.5).size();
  const auto plan = make_plan(options, static_cast<int64_t>(problems.size()),
                              static_cast<int64_t>(tensors), scores_follow_tensors);
  Solved solved;
  solved.accumulators = plan->accumulators();
  const std::vector<std::vector<double>> zeros(static_cast<size_t>(solved.accumulators),
                                               std::vector<double>(tensors, 0.0));
  solved.kept.assign(problems.size(), zeros);
  std::vector<std::set<double>> nodes(problems.size());
  while (!plan->done()) {
    const std::vector<Ask> asks = plan->next();
    check_shapes(asks, solved.accumulators, problems.size());
    EXPECT_FALSE(solved.replayed) << "a replay is the last round";
    solved.replayed = plan->replaying();
    accumulate(asks, problems, solved.kept);
    solved.rounds.push_back(asks);
    if (solved.replayed) {
      plan->tell({}, {});
      continue;
    }
    std::vector<std::vector<double>> functionals(asks.size()), values(asks.size());
    for (size_t i = 0; i < asks.size(); ++i) {
      const double t = asks[i].t;
      for (const int64_t sample : asks[i].samples) {
        const Problem& problem = problems[static_cast<size_t>(sample)];
        functionals[i].push_back(t == 0 ? problem.from : t == 1 ? problem.to : unread);
        if (asks[i].value_only) continue;
        EXPECT_TRUE(nodes[static_cast<size_t>(sample)].insert(t).second) << "asked twice: " << t;
        const std::vector<double> value = problem.integrand(t);
        values[i].insert(values[i].end(), value.begin(), value.end());
      }
    }
    plan->tell(functionals, values);
  }
  for (size_t s = 0; s < problems.size(); ++s) {
    solved.verdicts.push_back(plan->verdict(static_cast<int64_t>(s)));
    solved.nodes.emplace_back(nodes[s].begin(), nodes[s].end());
  }
  return solved;
}

}  // namespace explaind
