// Hand-overs: a part stops helping at the step at which another begins.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "discovery/mix.hpp"
#include "discovery/permutation.hpp"
#include "discovery/searches.hpp"
#include "discovery/step_test.hpp"

namespace explaind {
namespace {

using Eigen::Index;
using nlohmann::ordered_json;
using RowVector = Eigen::RowVectorXd;

/// Every part's help before and after a cut, and how clearly it falls (or, negative, rises): the
/// difference over its standard error within both sides.
struct Sides {
  RowVector before, after, fall;
};

/// help: segment, part. sum: of all segments. first: of those before the cut; whole: Σ (x − x̄)².
Sides sides_of(const Series& help, Index cut, const RowVector& first, const RowVector& sum,
               const RowVector& whole) {
  const auto a = static_cast<double>(cut), b = static_cast<double>(help.rows() - cut);
  Sides sides{.before = first / a, .after = (sum - first) / b, .fall = {}};
  const RowVector moved = sides.before - sides.after;
  const Eigen::RowVectorXd between = moved.array().square() * (a * b / (a + b));
  const Eigen::ArrayXXd within = (whole - between).array().max(whole.array() * 1e-12);
  sides.fall =
      (within > 0).select(moved.array() / (within * (1 / a + 1 / b) / (a + b - 2)).sqrt(), 0.0);
  return sides;
}

bool stops(const Sides& sides, Index p) {
  return sides.before[p] > 0 && sides.after[p] <= sides.before[p] / 2;
}
bool begins(const Sides& sides, Index p) {
  return sides.after[p] > 0 && sides.before[p] <= sides.after[p] / 2;
}

/// Lag-one correlation of what is left of all parts, each of the same size, once both sides' means
/// are taken off; for F's sake as in step_test.hpp.
double autocorrelation(const Series& help, Index cut, const Sides& sides) {
  Series left = help;
  left.topRows(cut).rowwise() -= sides.before;
  left.bottomRows(help.rows() - cut).rowwise() -= sides.after;
  double product = 0, whole = 0;
  for (Index p = 0; p < help.cols(); ++p) {
    const double size = left.col(p).squaredNorm();
    if (size <= 1e-20 * help.col(p).squaredNorm()) continue;
    product += left.col(p).head(help.rows() - 1).dot(left.col(p).tail(help.rows() - 1)) / size;
    whole += 1;
  }
  if (whole == 0) return 0;
  return corrected_autocorrelation(product / whole, help.rows());
}

double slowness(double rho) { return std::sqrt((1 - rho) / (1 + rho)); }

/// Calls `take` with every cut and its sides.
template <typename Take>
void over_cuts(const Series& help, Take take) {
  const RowVector sum = help.colwise().sum();
  const RowVector whole =
      (help.rowwise() - (sum / static_cast<double>(help.rows()))).colwise().squaredNorm();
  RowVector first = help.topRows(fewest_on_a_side - 1).colwise().sum();
  for (Index cut = fewest_on_a_side; cut <= help.rows() - fewest_on_a_side; ++cut) {
    first += help.row(cut - 1);
    take(cut, sides_of(help, cut, first, sum, whole));
  }
}

/// Over cuts and pairs, the largest of the lesser of both changes.
double best_statistic(const Series& help) {
  double best = 0;
  Index at = 0;
  Sides there;
  over_cuts(help, [&](Index cut, Sides sides) {
    double falls = 0, rises = 0;
    for (Index p = 0; p < help.cols(); ++p) {
      if (stops(sides, p)) falls = std::max(falls, sides.fall[p]);
      if (begins(sides, p)) rises = std::max(rises, -sides.fall[p]);
    }
    if (std::min(falls, rises) <= best) return;
    best = std::min(falls, rises);
    at = cut;
    there = std::move(sides);
  });
  return best > 0 ? best * slowness(autocorrelation(help, at, there)) : 0;
}

struct HandOver {
  Index cut = 0, from = 0, to = 0;
  double statistic = 0;
  std::array<double, 4> shares{};  ///< of `from` before and after, of `to` before and after
};

/// Also in contributions as they are: else a part that begins would make the shares of all others
/// fall.
bool also_unscaled(const Series& raw, Index cut, Index from, Index to) {
  const auto before = [&](Index p) { return raw.col(p).head(cut).mean(); };
  const auto after = [&](Index p) { return raw.col(p).tail(raw.rows() - cut).mean(); };
  return before(from) > 0 && after(from) <= before(from) / 2 && after(to) > 0 &&
         after(to) > before(to);
}

/// Of each cut the pairs, the clearest first, no part twice on the same side.
std::vector<HandOver> candidates(const Series& help, const Series& raw) {
  std::vector<HandOver> found;
  over_cuts(help, [&](Index cut, const Sides& sides) {
    std::vector<Index> from, to;
    for (Index p = 0; p < help.cols(); ++p) {
      if (stops(sides, p) && sides.fall[p] > 0) from.push_back(p);
      if (begins(sides, p) && sides.fall[p] < 0) to.push_back(p);
    }
    if (from.empty() || to.empty()) return;
    const double slow = slowness(autocorrelation(help, cut, sides));
    for (const Index a : from) {
      for (const Index b : to) {
        if (!also_unscaled(raw, cut, a, b)) continue;
        found.push_back(
            {.cut = cut,
             .from = a,
             .to = b,
             .statistic = std::min(sides.fall[a], -sides.fall[b]) * slow,
             .shares = {sides.before[a], sides.after[a], sides.before[b], sides.after[b]}});
      }
    }
  });
  std::stable_sort(found.begin(), found.end(),
                   [](const HandOver& a, const HandOver& b) { return a.statistic > b.statistic; });
  return found;
}

/// The best statistics of random orders of the segments, in ascending order.
std::vector<double> drawn_statistics(const Series& help, const TestSettings& settings) {
  SplitMix64 random = random_of(settings.seed, "handovers");
  std::vector<size_t> order = identity_order(static_cast<size_t>(help.rows()));
  std::vector<double> drawn;
  Series shuffled = help;
  for (int64_t k = 0; k < settings.permutations; ++k) {
    shuffle(order, random);
    for (Index t = 0; t < help.rows(); ++t) {
      shuffled.row(t) = help.row(static_cast<Index>(order[static_cast<size_t>(t)]));
    }
    drawn.push_back(best_statistic(shuffled));
  }
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

double p_of(const std::vector<double>& drawn, double observed) {
  const auto reached = std::partition_point(drawn.begin(), drawn.end(),
                                            [&](double each) { return !reaches(each, observed); });
  return p_value(drawn.end() - reached, static_cast<int64_t>(drawn.size()));
}

std::string in_percent(double before, double after) {
  return fmt::format("{:.2g} to {:.2g} %", 100 * before, 100 * after);
}

}  // namespace

SearchResult find_hand_overs(const Trajectories& trajectories, const TestSettings& settings) {
  SearchResult finding;
  finding.name = "handovers";
  finding.what = fmt::format("{}s that stop helping where others begin", trajectories.part);
  if (trajectories.segments() < fewest_segments || trajectories.parts.size() < 2) {
    finding.why_not =
        trajectories.parts.size() < 2
            ? "it takes two parts, and there is one"
            : fmt::format("it takes {} segments, and there {} {}", fewest_segments,
                          trajectories.segments() == 1 ? "is" : "are", trajectories.segments());
    return finding;
  }
  finding.statistic =
      "largest over cuts and pairs: the lesser of both t (one's share of the mix falls to half or "
      "less, the other's comes from half or less), times the root of (1 - r) / (1 + r) for the "
      "residuals' correlation r from one segment to the next";
  finding.test = "segments in random order, the same for all parts";
  finding.correction = "largest statistic over all pairs and cuts (maxT, single step)";
  finding.permutations = settings.permutations;
  finding.level = settings.level;
  const auto parts = static_cast<int64_t>(trajectories.parts.size());
  finding.tests = parts * (parts - 1) *
                  (static_cast<int64_t>(trajectories.segments()) - 2 * fewest_on_a_side + 1);

  const double sign = trajectories.helps_negative ? -1 : 1;
  const std::vector<double> means = trajectories.means();
  const Series help = mixes_of(trajectories) * sign,
               raw = Eigen::Map<const Series>(means.data(), help.rows(), help.cols()) * sign;
  const std::vector<HandOver> found = candidates(help, raw);
  const std::vector<double> drawn = drawn_statistics(help, settings);
  finding.smallest_p = found.empty() ? 1 : p_of(drawn, found.front().statistic);
  std::vector<bool> ended(trajectories.parts.size(), false), begun = ended;
  for (const HandOver& each : found) {
    const double p = p_of(drawn, each.statistic);
    if (p > settings.level) break;
    const auto from = static_cast<size_t>(each.from), to = static_cast<size_t>(each.to);
    if (ended[from] || begun[to]) continue;
    ended[from] = begun[to] = true;
    finding.rows.push_back({{"step", trajectories.step_from[static_cast<size_t>(each.cut)]},
                            {"stops", trajectories.parts[from]},
                            {"begins", trajectories.parts[to]},
                            {"stops_share_before", each.shares[0]},
                            {"stops_share_after", each.shares[1]},
                            {"begins_share_before", each.shares[2]},
                            {"begins_share_after", each.shares[3]},
                            {"falls", in_percent(each.shares[0], each.shares[1])},
                            {"rises", in_percent(each.shares[2], each.shares[3])},
                            {"statistic", each.statistic},
                            {"p_adjusted", p}});
  }
  finding.said.push_back(
      fmt::format("Helping is {} F here; shares are of all contributions' sizes.",
                  trajectories.helps_negative ? "lowering" : "raising"));
  finding.shown = {"step", "stops", "falls", "begins", "rises", "statistic", "p_adjusted"};
  return finding;
}

}  // namespace explaind
