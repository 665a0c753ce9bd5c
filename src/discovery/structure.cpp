// Low-rank structure: the singular values of the array's three unfoldings (HOSVD; De Lathauwer, De
// Moor, Vandewalle 2000).

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "discovery/searches.hpp"
#include "discovery/step_test.hpp"

namespace explaind {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using nlohmann::ordered_json;

constexpr size_t most_of_gram = 1500;  // whose eigenvalues take seconds
constexpr size_t shares_kept = 10, shares_shown = 3, entries_named = 3;

struct Mode {
  std::string name;
  std::vector<std::string> labels;
  size_t size = 0, stride = 0;  ///< of the axis in the array
};

/// The mode's axis in rows, all else in columns.
Series unfolded(const Trajectories& trajectories, const Mode& mode) {
  const size_t others = trajectories.values.size() / mode.size;
  Series rows(static_cast<Index>(mode.size), static_cast<Index>(others));
  for (size_t i = 0; i < mode.size; ++i) {
    for (size_t k = 0; k < others; ++k) {
      const size_t outer = k / mode.stride, inner = k % mode.stride;
      rows(static_cast<Index>(i), static_cast<Index>(k)) =
          trajectories.values[(outer * mode.size + i) * mode.stride + inner];
    }
  }
  return rows;
}

struct Patterns {
  std::vector<double> shares;  ///< of the sum of squares, the largest first
  Eigen::VectorXd first;       ///< the first pattern along the mode, of length 1
};

Patterns patterns_of(const Series& rows) {
  const bool wide = rows.cols() >= rows.rows();
  const MatrixXd gram =
      wide ? MatrixXd(rows * rows.transpose()) : MatrixXd(rows.transpose() * rows);
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(gram);
  const double whole = std::max(solver.eigenvalues().cwiseMax(0).sum(), 1e-300);
  Patterns patterns;
  for (Index k = gram.rows(); k-- > 0;) {
    patterns.shares.push_back(std::max(solver.eigenvalues()[k], 0.0) / whole);
  }
  const Eigen::VectorXd top = solver.eigenvectors().col(gram.rows() - 1);
  patterns.first = wide ? top : Eigen::VectorXd(rows * top).normalized();
  Index largest = 0;
  patterns.first.cwiseAbs().maxCoeff(&largest);
  if (patterns.first[largest] < 0) patterns.first = -patterns.first;
  return patterns;
}

size_t needed_for(const std::vector<double>& shares, double wanted) {
  double sum = 0;
  size_t count = 0;
  while (count < shares.size() && sum < wanted - 1e-12) sum += shares[count++];
  return count;
}

/// The entries of the first pattern that have most of it.
std::string words_of(const Mode& mode, const Eigen::VectorXd& pattern) {
  std::vector<size_t> order(mode.size);
  for (size_t i = 0; i < mode.size; ++i) order[i] = i;
  const auto size = [&](size_t i) { return std::abs(pattern[static_cast<Index>(i)]); };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return size(a) > size(b); });
  std::string words;
  for (size_t k = 0; k < std::min(entries_named, order.size()); ++k) {
    words += fmt::format("{}{} {:+.2f}", k == 0 ? "" : ", ", mode.labels[order[k]],
                         pattern[static_cast<Index>(order[k])]);
  }
  return words;
}

ordered_json row_of(const Trajectories& trajectories, const Mode& mode) {
  const Patterns patterns = patterns_of(unfolded(trajectories, mode));
  std::string shares;
  for (size_t k = 0; k < std::min(shares_shown, patterns.shares.size()); ++k) {
    shares += fmt::format("{}{:.1f} %", k == 0 ? "" : ", ", 100 * patterns.shares[k]);
  }
  ordered_json kept = ordered_json::array(), first = ordered_json::array();
  for (size_t k = 0; k < std::min(shares_kept, patterns.shares.size()); ++k) {
    kept.push_back(patterns.shares[k]);
  }
  for (size_t i = 0; i < mode.size; ++i) {
    first.push_back({{"of", mode.labels[i]}, {"value", patterns.first[static_cast<Index>(i)]}});
  }
  return {{"mode", mode.name},
          {"length", mode.size},
          {"explained", shares},
          {"patterns_for_90_percent", needed_for(patterns.shares, 0.9)},
          {"patterns_for_99_percent", needed_for(patterns.shares, 0.99)},
          {"first_pattern", words_of(mode, patterns.first)},
          {"shares", kept},
          {"first", first}};
}

std::vector<Mode> modes_of(const Trajectories& trajectories) {
  const size_t parts = trajectories.parts.size(), rows = trajectories.ids.size();
  std::vector<std::string> steps;
  for (size_t s = 0; s < trajectories.segments(); ++s) {
    steps.push_back(fmt::format("step {}", trajectories.step_to[s]));
  }
  std::vector<Mode> modes{{"segment", steps, trajectories.segments(), rows * parts},
                          {trajectories.part, trajectories.parts, parts, 1}};
  if (trajectories.rows != Trajectories::Rows::together) {
    const bool groups = trajectories.rows == Trajectories::Rows::groups;
    modes.push_back({groups ? "group" : "sample", trajectories.ids, rows, parts});
  }
  return modes;
}

}  // namespace

SearchResult describe_structure(const Trajectories& trajectories) {
  SearchResult finding;
  finding.name = "structure";
  finding.what = "how few patterns make up all contributions";
  const std::vector<Mode> modes = modes_of(trajectories);
  for (const Mode& mode : modes) {
    const size_t others = trajectories.values.size() / mode.size;
    if (std::min(mode.size, others) > most_of_gram) {
      finding.said.push_back(
          fmt::format("The axis {} is left out: more than {} entries.", mode.name, most_of_gram));
      continue;
    }
    finding.rows.push_back(row_of(trajectories, mode));
  }
  finding.statistic =
      "shares of the sum of squares that patterns along each axis explain: squared singular values "
      "of the unfolding (HOSVD), without centring";
  finding.said.emplace_back("This is a description, not a test.");
  finding.shown = {"mode", "length", "explained", "patterns_for_90_percent", "first_pattern"};
  return finding;
}

}  // namespace explaind
