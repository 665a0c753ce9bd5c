// Divergences: parts in which two groups of samples differ most.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <optional>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/nearest_name.hpp"
#include "discovery/permutation.hpp"
#include "discovery/searches.hpp"

namespace explaind {
namespace {

using Eigen::Index;
using nlohmann::ordered_json;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Row = Eigen::RowVectorXd;

struct Group {
  std::string name;
  std::vector<size_t> samples;
};

std::vector<Group> groups_of(const Trajectories& trajectories) {
  std::vector<Group> groups;
  for (size_t i = 0; i < trajectories.groups.size(); ++i) {
    const std::string& name = trajectories.groups[i];
    const auto known = std::find_if(groups.begin(), groups.end(),
                                    [&](const Group& each) { return each.name == name; });
    if (known != groups.end()) {
      known->samples.push_back(i);
    } else {
      groups.push_back({name, {i}});
    }
  }
  return groups;
}

/// Those named, in that order; all where none is.
std::vector<Group> chosen_groups(const Trajectories& trajectories,
                                 const std::vector<std::string>& names) {
  std::vector<Group> groups = groups_of(trajectories);
  if (names.empty()) return groups;
  const auto place = [&](const Group& group) {
    return std::find(names.begin(), names.end(), group.name) - names.begin();
  };
  std::erase_if(groups, [&](const Group& each) { return place(each) == std::ssize(names); });
  std::sort(groups.begin(), groups.end(),
            [&](const Group& a, const Group& b) { return place(a) < place(b); });
  return groups;
}

/// Totals over segments: sample, part.
Matrix totals_of(const Trajectories& trajectories, const std::vector<size_t>& samples) {
  Matrix totals = Matrix::Zero(static_cast<Index>(samples.size()),
                               static_cast<Index>(trajectories.parts.size()));
  for (size_t s = 0; s < trajectories.segments(); ++s) {
    for (size_t i = 0; i < samples.size(); ++i) {
      for (size_t p = 0; p < trajectories.parts.size(); ++p) {
        totals(static_cast<Index>(i), static_cast<Index>(p)) += trajectories.at(s, samples[i], p);
      }
    }
  }
  return totals;
}

/// Welch's t of every part, the rows `first` against the others.
class Welch {
 public:
  explicit Welch(Matrix totals) : centred_(std::move(totals)) {
    centred_.rowwise() -= centred_.colwise().mean().eval();
    squares_ = centred_.array().square();
    sum_ = centred_.colwise().sum();
    sum_squares_ = squares_.colwise().sum();
  }
  [[nodiscard]] Row t(const std::vector<size_t>& first) const {
    Row sum = Row::Zero(sum_.size()), squares = sum;
    for (const size_t i : first) {
      sum += centred_.row(static_cast<Index>(i));
      squares += squares_.row(static_cast<Index>(i));
    }
    const auto a = static_cast<double>(first.size()), b = static_cast<double>(centred_.rows()) - a;
    const Row rest = sum_ - sum, rest_squares = sum_squares_ - squares;
    // What rounding leaves of a variance of nothing counts as so small a spread.
    const Eigen::ArrayXXd least = sum_squares_.array() * 1e-14;
    const Eigen::ArrayXXd of_a = (squares.array() - sum.array().square() / a).max(least),
                          of_b = (rest_squares.array() - rest.array().square() / b).max(least);
    const Eigen::ArrayXXd error = (of_a / (a * (a - 1)) + of_b / (b * (b - 1))).sqrt();
    return (error > 0).select((sum.array() / a - rest.array() / b) / error, 0.0);
  }

 private:
  Matrix centred_, squares_;
  Row sum_, sum_squares_;
};

/// Ways to choose a of n, or `most` where there are more.
double choices(size_t n, size_t a, double most) {
  double count = 1;
  for (size_t i = 1; i <= a && count < most; ++i) {
    count = std::round(count * static_cast<double>(n - a + i) / static_cast<double>(i));
  }
  return std::min(count, most);
}

/// The next choice of so many of n in lexical order; false after the last.
bool next_choice(std::vector<size_t>& chosen, size_t n) {
  for (size_t i = chosen.size(); i-- > 0;) {
    if (chosen[i] == n - chosen.size() + i) continue;
    ++chosen[i];
    for (size_t j = i + 1; j < chosen.size(); ++j) chosen[j] = chosen[j - 1] + 1;
    return true;
  }
  return false;
}

/// Two groups' samples, one after the other, and what is found in them.
struct Pair {
  const Group *a = nullptr, *b = nullptr;
  bool all_ways = false;  ///< every way to divide the samples was tried
  int64_t drawn = 0;
  Row t;
  std::vector<double> p;  ///< per part: adjusted for the number of parts
};

/// Westfall and Young 1993, step-down: in each drawing a part is compared with the largest |t| of
/// those that are no clearer than itself.
class StepDown {
 public:
  explicit StepDown(const Row& observed) : observed_(observed.cwiseAbs()) {
    order_ = identity_order(static_cast<size_t>(observed.size()));
    std::stable_sort(order_.begin(), order_.end(), [&](size_t x, size_t y) {
      return observed_[static_cast<Index>(x)] > observed_[static_cast<Index>(y)];
    });
    reached_.assign(order_.size(), 0);
  }
  void add(const Row& drawn) {
    double largest = 0;
    for (size_t k = order_.size(); k-- > 0;) {
      const auto p = static_cast<Index>(order_[k]);
      largest = std::max(largest, std::abs(drawn[p]));
      if (reaches(largest, observed_[p])) ++reached_[k];
    }
  }
  /// all: the drawings were all there are, the observation among them.
  [[nodiscard]] std::vector<double> p_values(int64_t drawings, bool all) const {
    std::vector<double> p(order_.size());
    double least = 0;
    for (size_t k = 0; k < order_.size(); ++k) {
      const double own = all ? static_cast<double>(reached_[k]) / static_cast<double>(drawings)
                             : p_value(reached_[k], drawings);
      p[order_[k]] = least = std::max(least, own);
    }
    return p;
  }

 private:
  Row observed_;
  std::vector<size_t> order_;
  std::vector<int64_t> reached_;
};

void test_pair(const Trajectories& trajectories, const TestSettings& settings, uint64_t number,
               Pair& pair) {
  std::vector<size_t> samples = pair.a->samples;
  samples.insert(samples.end(), pair.b->samples.begin(), pair.b->samples.end());
  const size_t n = samples.size(), a = pair.a->samples.size();
  const Welch welch(totals_of(trajectories, samples));
  std::vector<size_t> first = identity_order(a);
  pair.t = welch.t(first);
  StepDown down(pair.t);
  pair.all_ways = choices(n, a, 1e18) <= static_cast<double>(settings.permutations);
  if (pair.all_ways) {
    do {
      down.add(welch.t(first));
      ++pair.drawn;
    } while (next_choice(first, n));
  } else {
    SplitMix64 random = random_of(settings.seed, "divergences", number);
    std::vector<size_t> order = identity_order(n);
    for (; pair.drawn < settings.permutations; ++pair.drawn) {
      shuffle(order, random);
      std::copy_n(order.begin(), a, first.begin());
      down.add(welch.t(first));
    }
  }
  pair.p = down.p_values(pair.drawn, pair.all_ways);
}

double mean_of(const Trajectories& trajectories, const Group& group, size_t part,
               std::optional<size_t> segment = std::nullopt) {
  double sum = 0;
  for (size_t s = 0; s < trajectories.segments(); ++s) {
    if (segment && *segment != s) continue;
    for (const size_t i : group.samples) sum += trajectories.at(s, i, part);
  }
  return sum / static_cast<double>(group.samples.size());
}

ordered_json row_of(const Trajectories& trajectories, const Pair& pair, size_t part, double p) {
  const double of_a = mean_of(trajectories, *pair.a, part),
               of_b = mean_of(trajectories, *pair.b, part);
  size_t most = 0;
  double largest = -1;
  for (size_t s = 0; s < trajectories.segments(); ++s) {
    const double apart =
        std::abs(mean_of(trajectories, *pair.a, part, s) - mean_of(trajectories, *pair.b, part, s));
    if (apart > largest) most = s, largest = apart;
  }
  return {{trajectories.part, trajectories.parts[part]},
          {"group", pair.a->name},
          {"other", pair.b->name},
          {"mean", of_a},
          {"other_mean", of_b},
          {"difference", of_a - of_b},
          {"t", pair.t[static_cast<Index>(part)]},
          {"p_adjusted", p},
          {"most_from", trajectories.step_from[most]},
          {"most_to", trajectories.step_to[most]}};
}

/// Pairs with enough samples; of the others one line says why not.
std::vector<Pair> pairs_of(const std::vector<Group>& groups, SearchResult& finding) {
  std::vector<Pair> pairs;
  std::vector<std::string> single;
  for (const Group& each : groups) {
    if (each.samples.size() < 2) single.push_back("'" + each.name + "'");
  }
  if (!single.empty()) {
    finding.said.push_back(
        fmt::format("Left out for having one sample: {}.", fmt::join(single, ", ")));
  }
  for (size_t a = 0; a < groups.size(); ++a) {
    for (size_t b = a + 1; b < groups.size(); ++b) {
      if (groups[a].samples.size() < 2 || groups[b].samples.size() < 2) continue;
      Pair& pair = pairs.emplace_back();
      pair.a = &groups[a];
      pair.b = &groups[b];
    }
  }
  return pairs;
}

/// What no difference could fall below, however large: so many ways there are, and both of equal
/// groups look the same.
double smallest_possible(const Pair& pair, double pairs) {
  const size_t a = pair.a->samples.size(), b = pair.b->samples.size();
  return pairs * (pair.all_ways ? (a == b ? 2.0 : 1.0) / static_cast<double>(pair.drawn)
                                : 1.0 / static_cast<double>(pair.drawn + 1));
}

}  // namespace

void require_groups(const Trajectories& trajectories, const std::vector<std::string>& names) {
  if (names.empty() || trajectories.rows != Trajectories::Rows::samples) return;
  std::vector<std::string> known;
  for (const Group& each : groups_of(trajectories)) known.push_back(each.name);
  for (const std::string& name : names) {
    if (std::count(names.begin(), names.end(), name) > 1) {
      throw UsageError("--groups", fmt::format("'{}' is named twice", name),
                       "Name each group once");
    }
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw UsageError("--groups", fmt::format("there is no group '{}'", name),
                     suggestion(name, known,
                                fmt::format("There {} {}", known.size() == 1 ? "is" : "are",
                                            fmt::join(known, ", "))));
  }
  if (names.size() == 1) {
    throw UsageError("--groups", "names one group, and two are compared",
                     "Name another one, or leave it out: then every pair is compared");
  }
}

SearchResult find_divergences(const Trajectories& trajectories,
                              const std::vector<std::string>& names, const TestSettings& settings) {
  SearchResult finding;
  finding.name = "divergences";
  finding.what = fmt::format("{}s in which two groups differ most", trajectories.part);
  finding.why_not = trajectories.without_samples(4);
  if (!finding.why_not.empty()) return finding;
  const std::vector<Group> groups = chosen_groups(trajectories, names);
  if (groups.size() < 2) {
    finding.why_not = "it takes two groups, and there is one";
    return finding;
  }
  std::vector<Pair> pairs = pairs_of(groups, finding);
  if (pairs.empty()) {
    finding.why_not = "it takes two groups with two samples each";
    return finding;
  }
  finding.statistic = "Welch's t of the samples' totals over segments";
  finding.test = "groups' names in random order within a pair; in all orders where these are few";
  finding.correction =
      fmt::format("Westfall and Young (step-down maxT) over {}{}",
                  counted(trajectories.parts.size(), trajectories.part),
                  pairs.size() > 1 ? fmt::format(", Bonferroni over {} pairs", pairs.size()) : "");
  finding.permutations = settings.permutations;
  finding.level = settings.level;
  finding.tests = static_cast<int64_t>(pairs.size() * trajectories.parts.size());
  const auto count = static_cast<double>(pairs.size());
  size_t too_few = 0;
  finding.smallest_p = 1;
  finding.more["pairs"] = ordered_json::array();
  for (size_t k = 0; k < pairs.size(); ++k) {
    Pair& pair = pairs[k];
    test_pair(trajectories, settings, k, pair);
    if (smallest_possible(pair, count) > settings.level) ++too_few;
    finding.more["pairs"].push_back({{"group", pair.a->name},
                                     {"other", pair.b->name},
                                     {"drawn", pair.drawn},
                                     {"all_ways", pair.all_ways},
                                     {"smallest_possible_p", smallest_possible(pair, count)}});
    for (size_t p = 0; p < trajectories.parts.size(); ++p) {
      const double adjusted = std::min(1.0, pair.p[p] * count);
      finding.smallest_p = std::min(*finding.smallest_p, adjusted);
      if (adjusted <= settings.level) {
        finding.rows.push_back(row_of(trajectories, pair, p, adjusted));
      }
    }
  }
  std::stable_sort(finding.rows.begin(), finding.rows.end(),
                   [](const ordered_json& x, const ordered_json& y) {
                     return std::abs(x["t"].get<double>()) > std::abs(y["t"].get<double>());
                   });
  if (too_few > 0) {
    finding.said.push_back(
        fmt::format("In {} no difference could be found: so few samples, or permutations for so "
                    "many pairs, leave every p above the level. Name two groups (--groups), or "
                    "raise --permutations.",
                    counted(too_few, "pair")));
  }
  finding.shown = {trajectories.part, "group", "other",      "mean",
                   "other_mean",      "t",     "p_adjusted", "most_to"};
  return finding;
}

}  // namespace explaind
