// Phase changes: binary segmentation of the mix of contributions.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/counted.hpp"
#include "discovery/mix.hpp"
#include "discovery/permutation.hpp"
#include "discovery/searches.hpp"
#include "discovery/step_test.hpp"

namespace explaind {
namespace {

using Eigen::Index;
using nlohmann::ordered_json;

/// A stretch [begin, end) of segments, and the largest p-value of the cuts that made it.
struct Stretch {
  Index begin, end;
  double p;
};

struct Change {
  Index cut = 0, begin = 0, end = 0;  ///< the segments on both sides: [begin, cut), [cut, end)
  double p = 1, adjusted = 1;
  StepFit fit;
};

/// The parts whose shares moved most, as objects.
ordered_json moved_parts(const Trajectories& trajectories, const Eigen::RowVectorXd& before,
                         const Eigen::RowVectorXd& after) {
  std::vector<size_t> order = identity_order(trajectories.parts.size());
  const auto moved = [&](size_t p) {
    return std::abs(after[static_cast<Index>(p)] - before[static_cast<Index>(p)]);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return moved(a) > moved(b); });
  order.resize(std::min(order.size(), parts_named));
  ordered_json parts = ordered_json::array();
  for (const size_t p : order) {
    parts.push_back({{trajectories.part, trajectories.parts[p]},
                     {"before", before[static_cast<Index>(p)]},
                     {"after", after[static_cast<Index>(p)]}});
  }
  return parts;
}

std::string words_of(const ordered_json& parts, const std::string& part) {
  std::string words;
  for (const ordered_json& each : parts) {
    words += fmt::format("{}{} {:+.2f} to {:+.2f}", words.empty() ? "" : ", ",
                         each[part].get<std::string>(), each["before"].get<double>(),
                         each["after"].get<double>());
  }
  return words;
}

ordered_json row_of(const Trajectories& trajectories, const Series& mixes, const Change& change) {
  const Eigen::RowVectorXd before =
      mixes.middleRows(change.begin, change.cut - change.begin).colwise().mean();
  const Eigen::RowVectorXd after =
      mixes.middleRows(change.cut, change.end - change.cut).colwise().mean();
  const ordered_json parts = moved_parts(trajectories, before, after);
  return {{"step", trajectories.step_from[static_cast<size_t>(change.cut)]},
          {"from_step", trajectories.step_from[static_cast<size_t>(change.begin)]},
          {"to_step", trajectories.step_to[static_cast<size_t>(change.end - 1)]},
          {"distance", (after - before).norm()},
          {"moved", (after - before).cwiseAbs().sum() / 2},
          {"statistic", change.fit.statistic},
          {"p", change.p},
          {"p_adjusted", change.adjusted},
          {"shares", words_of(parts, trajectories.part)},
          {"parts", parts}};
}

}  // namespace

SearchResult find_phases(const Trajectories& trajectories, const TestSettings& settings) {
  SearchResult finding;
  finding.name = "phases";
  finding.what =
      fmt::format("steps at which the mix of contributions over {}s shifts", trajectories.part);
  if (trajectories.segments() < fewest_segments) {
    finding.why_not =
        fmt::format("it takes {} segments, and there {} {}", fewest_segments,
                    trajectories.segments() == 1 ? "is" : "are", trajectories.segments());
    return finding;
  }
  if (trajectories.parts.size() < 2) {
    finding.why_not = "a mix takes two parts, and there is one";
    return finding;
  }
  finding.statistic = fmt::format(
      "largest F of a shift over all cuts that leave {} segments on both sides, beside a straight "
      "drift, in the signed shares of the mean over samples, times (1 - r) / (1 + r) for the "
      "residuals' correlation r from one segment to the next",
      fewest_on_a_side);
  finding.test =
      "segments in random order, without the drift (Freedman and Lane); binary segmentation. A cut "
      "counts only where a drift of the third degree leaves more";
  finding.correction = "a stretch of segments is given its share of the level, by its length";
  finding.permutations = settings.permutations;
  finding.level = settings.level;

  const Series mixes = mixes_of(trajectories), series = compressed(mixes);
  std::vector<Stretch> open{{0, series.rows(), 0}};
  std::vector<Change> changes;
  std::vector<std::string> drifts;
  for (size_t next = 0; next < open.size(); ++next) {
    const auto [begin, end, above] = open[next];
    const Index length = end - begin;
    if (length < static_cast<Index>(fewest_segments)) continue;
    ++finding.tests;
    const Series stretch = series.middleRows(begin, length);
    Change change{.begin = begin, .end = end, .fit = best_step(stretch, fewest_on_a_side)};
    change.cut = begin + change.fit.cut;
    change.p = step_p_value(
        stretch, fewest_on_a_side, settings.permutations,
        random_of(settings.seed, "phases", static_cast<uint64_t>((begin << 20) + end)));
    const double share = static_cast<double>(length) / static_cast<double>(series.rows());
    change.adjusted = std::max(above, std::min(1.0, change.p / share));
    const bool drift = drift_explains(stretch, change.fit);
    finding.smallest_p = std::min(finding.smallest_p.value_or(1), drift ? 1 : change.adjusted);
    if (change.adjusted > settings.level) continue;
    if (drift) {
      finding.said.push_back(fmt::format(
          "Between steps {} and {} the mix drifts: no single step explains it better than a drift.",
          trajectories.step_from[static_cast<size_t>(begin)],
          trajectories.step_to[static_cast<size_t>(end - 1)]));
      continue;
    }
    changes.push_back(change);
    open.push_back({begin, change.cut, change.adjusted});
    open.push_back({change.cut, end, change.adjusted});
  }
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.cut < b.cut; });
  for (const Change& change : changes) {
    finding.rows.push_back(row_of(trajectories, mixes, change));
  }
  finding.shown = {"step", "moved", "statistic", "p_adjusted", "shares"};
  return finding;
}

}  // namespace explaind
