#include "job/config_changes.hpp"

#include <fmt/format.h>

#include <string>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {

std::vector<size_t> network_changes(const Subject& subject) {
  std::vector<size_t> points;
  for (size_t i = 1; subject.series() && i < subject.series()->stretches().size(); ++i) {
    points.push_back(subject.series()->stretches()[i].first);
  }
  return points;
}

void require_bridges(const Problem& problem) {
  if (!problem.question.bridges_configs) return;
  const Subject& subject = problem.subject;
  const std::vector<size_t> points = network_changes(subject);
  if (points.empty()) {
    throw UsageError("--bridge config",
                     "all checkpoints have one config: there is nothing to bridge", "Leave it out");
  }
  for (size_t i = 0; i < points.size(); ++i) {
    const auto& before = subject.series()->checkpoint(points[i] - 1).tensors();
    const Network& network = *subject.networks()[i + 1];
    std::vector<std::string> missing;
    for (const auto& [name, tensor] : subject.series()->checkpoint(points[i]).tensors()) {
      if (!before.contains(name) && !network.ignores(name)) missing.push_back(name);
    }
    if (missing.empty()) continue;
    throw UsageError("--bridge config",
                     fmt::format("the network gets {} at step {} that earlier checkpoints do not "
                                 "hold: {}{}",
                                 counted(missing.size(), "tensor"), subject.path().step(points[i]),
                                 missing.front(), missing.size() > 1 ? ", …" : ""),
                     "Leave it out: the series is cut there");
  }
}

void say_cuts(Problem& problem) {
  const std::vector<size_t> points = network_changes(problem.subject);
  if (points.empty() || problem.steps) return;
  std::string segments;
  for (const size_t point : points) {
    segments += fmt::format("{}{} → {}", segments.empty() ? "" : ", ",
                            problem.path().step(point - 1), problem.path().step(point));
  }
  problem.notes.push_back(
      problem.question.bridges_configs
          ? fmt::format(
                "config.json changes within {}: scored under the later config, and what the "
                "change of config alone does is config_change in the store",
                segments)
          : fmt::format("config.json changes within {}, which is left out: the series is cut there "
                        "(--bridge config keeps it, where both configs have the same tensors)",
                        segments));
}

std::vector<double> changes_across_cuts(const Problem& problem,
                                        const std::vector<PointPair>& chosen,
                                        const MemoryPlan& memory, const Ranks& ranks,
                                        const Control& control) {
  std::vector<PointOfNetwork> points;
  for (const PointPair& pair : chosen) {
    for (size_t point = pair.from + 1; point <= pair.to; ++point) {
      const size_t before = problem.subject.network_of(point - 1),
                   network = problem.subject.network_of(point);
      if (problem.question.bridges_configs || before == network) continue;
      points.insert(points.end(), {{point - 1, before}, {point, network}});
    }
  }
  if (points.empty()) return {};
  const std::vector<double> values = values_at(problem, points, memory, ranks, control);
  const size_t row = values.size() / points.size();
  std::vector<double> sums(row, 0.0);
  for (size_t i = 0; i < values.size(); ++i) {
    sums[i % row] += i / row % 2 == 0 ? -values[i] : values[i];
  }
  return sums;
}

std::vector<double> changes_of_configs(const Problem& problem, const MemoryPlan& memory,
                                       const Ranks& ranks, const Control& control) {
  std::vector<PointOfNetwork> points;
  std::vector<size_t> segments;  // of each two points
  for (size_t segment = 0; segment < problem.pieces.size(); ++segment) {
    const PieceRange& pieces = problem.pieces[segment];
    for (int64_t piece = pieces.first; piece < pieces.last; ++piece) {
      const auto from = static_cast<size_t>(problem.trajectory->point(piece, false));
      const size_t own = problem.subject.network_of(from);
      const size_t later = problem.network_of(*problem.trajectory, piece);
      if (own == later) continue;
      points.insert(points.end(), {{from, own}, {from, later}});
      segments.push_back(segment);
    }
  }
  if (points.empty()) return {};
  const std::vector<double> values = values_at(problem, points, memory, ranks, control);
  const size_t row = values.size() / points.size();
  std::vector<double> changes(problem.pieces.size() * row, 0.0);
  for (size_t i = 0; i < segments.size(); ++i) {
    for (size_t sample = 0; sample < row; ++sample) {
      changes[segments[i] * row + sample] +=
          values[(2 * i + 1) * row + sample] - values[2 * i * row + sample];
    }
  }
  return changes;
}

}  // namespace explaind
