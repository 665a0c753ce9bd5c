// Clusters of samples by their trajectories: divided in two along principal axes for as long as the
// gap is clear.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/counted.hpp"
#include "discovery/permutation.hpp"
#include "discovery/searches.hpp"
#include "discovery/split.hpp"

namespace explaind {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using nlohmann::ordered_json;

constexpr size_t fewest_in_cluster = 5;
constexpr size_t most_samples = 1000;  // a matrix of all pairs is decomposed
constexpr int stability_drawings = 100;
constexpr double least_stability = 0.6;
constexpr size_t ids_named = 4;

/// Products of the samples' trajectories, (segment, part) as one row each.
MatrixXd gram_of(const Trajectories& trajectories) {
  const auto n = static_cast<Index>(trajectories.ids.size()),
             parts = static_cast<Index>(trajectories.parts.size());
  MatrixXd gram = MatrixXd::Zero(n, n);
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  for (size_t s = 0; s < trajectories.segments(); ++s) {
    const double* first = &trajectories.values[s * static_cast<size_t>(n * parts)];
    MatrixXd rows = Eigen::Map<const RowMajor>(first, n, parts);
    // What all samples have in common would only cost digits.
    rows.rowwise() -= rows.colwise().mean().eval();
    gram.noalias() += rows * rows.transpose();
  }
  return gram;
}

MatrixXd among(const MatrixXd& gram, const std::vector<size_t>& samples) {
  const auto n = static_cast<Index>(samples.size());
  MatrixXd some(n, n);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      some(i, j) = gram(static_cast<Index>(samples[static_cast<size_t>(i)]),
                        static_cast<Index>(samples[static_cast<size_t>(j)]));
    }
  }
  return some;
}

/// Where every sample lies along an axis that some of them gave.
Eigen::VectorXd projected(const MatrixXd& gram, const std::vector<size_t>& from,
                          const Eigen::VectorXd& weights) {
  Eigen::VectorXd place = Eigen::VectorXd::Zero(gram.rows());
  double mean = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    // The weights add up to 0, so that the axis needs no centring; the origin does.
    place += weights[static_cast<Index>(i)] * gram.col(static_cast<Index>(from[i]));
  }
  for (const size_t i : from) mean += place[static_cast<Index>(i)];
  return place.array() - mean / static_cast<double>(from.size());
}

/// Clusters of all samples by rules that some of them gave: so many, always the clearest split
/// next.
std::vector<size_t> clusters_by(const MatrixXd& gram, const std::vector<size_t>& some,
                                size_t clusters, size_t least) {
  std::vector<size_t> labels(static_cast<size_t>(gram.rows()), 0);
  std::vector<std::vector<size_t>> members{some};
  while (members.size() < clusters) {
    std::optional<Split> best;
    size_t at = 0;
    Eigen::VectorXd weights;
    for (size_t c = 0; c < members.size(); ++c) {
      if (members[c].size() < 2 * least) continue;
      const PrincipalAxes axes = principal_axes(among(gram, members[c]));
      const std::optional<Split> split = best_split(axes.scores, least);
      if (!split || (best && split->separation.value <= best->separation.value)) continue;
      best = split, at = c, weights = axes.weights * split->direction;
    }
    if (!best) break;
    const Eigen::VectorXd place = projected(gram, members[at], weights);
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == at && place[static_cast<Index>(i)] > best->separation.cut) {
        labels[i] = members.size();
      }
    }
    std::vector<size_t> lower, upper;
    for (const size_t i : members[at]) (labels[i] == at ? lower : upper).push_back(i);
    members[at] = std::move(lower);
    members.push_back(std::move(upper));
  }
  return labels;
}

/// Mean adjusted Rand index of the clusters by rules from both halves of the samples.
double stability_of(const MatrixXd& gram, size_t clusters, size_t least, SplitMix64 random) {
  std::vector<size_t> order = identity_order(static_cast<size_t>(gram.rows()));
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
  const size_t least_of_half = std::max<size_t>(2, least / 2);
  double sum = 0;
  for (int k = 0; k < stability_drawings; ++k) {
    shuffle(order, random);
    std::vector<size_t> first(order.begin(), middle), second(middle, order.end());
    std::sort(first.begin(), first.end());
    std::sort(second.begin(), second.end());
    sum += adjusted_rand(clusters_by(gram, first, clusters, least_of_half),
                         clusters_by(gram, second, clusters, least_of_half));
  }
  return sum / stability_drawings;
}

/// A cluster, and the p-value of the split that made it.
struct Cluster {
  std::vector<size_t> samples;
  double p = 1;
};

/// Splits for as long as they are significant, the first ones first; after each all clusters.
std::vector<std::vector<Cluster>> significant_splits(const MatrixXd& gram, size_t least,
                                                     const TestSettings& settings,
                                                     SearchResult& finding) {
  const auto n = static_cast<size_t>(gram.rows());
  std::vector<std::vector<Cluster>> stages{{{identity_order(n), 0}}};
  std::vector<bool> looked_at{false};
  for (size_t c = 0; c < looked_at.size();) {
    if (looked_at[c]) {
      ++c;
      continue;
    }
    looked_at[c] = true;
    const Cluster cluster = stages.back()[c];
    if (cluster.samples.size() < 2 * least) continue;
    const PrincipalAxes axes = principal_axes(among(gram, cluster.samples));
    const std::optional<Split> split = best_split(axes.scores, least);
    ++finding.tests;
    if (!split) continue;
    const double share = static_cast<double>(cluster.samples.size()) / static_cast<double>(n);
    const double own = split_p_value(*split, axes.scores, least, settings.permutations,
                                     random_of(settings.seed, "clusters", stages.size() * n + c));
    const double p = std::max(cluster.p, std::min(1.0, own / share));
    finding.smallest_p = std::min(finding.smallest_p.value_or(1), p);
    finding.more["splits"].push_back(
        {{"samples", cluster.samples.size()},
         {"direction", std::vector<double>(split->direction.begin(), split->direction.end())},
         {"statistic", split->separation.value},
         {"smaller_side", split->separation.smaller},
         {"p_adjusted", p}});
    if (p > settings.level) continue;
    Cluster lower{{}, p}, upper{{}, p};
    for (size_t i = 0; i < cluster.samples.size(); ++i) {
      (split->upper[i] ? upper : lower).samples.push_back(cluster.samples[i]);
    }
    std::vector<Cluster> next = stages.back();
    next[c] = std::move(lower);
    next.push_back(std::move(upper));
    stages.push_back(std::move(next));
    looked_at[c] = false;
    looked_at.push_back(false);
  }
  return stages;
}

/// Samples that these are of each group: "de 5 of 5".
std::string composition(const Trajectories& trajectories, const std::vector<size_t>& samples) {
  std::map<std::string, std::pair<int, int>> counts;
  for (const std::string& group : trajectories.groups) ++counts[group].second;
  for (const size_t i : samples) ++counts[trajectories.groups[i]].first;
  std::string words;
  for (const auto& [group, count] : counts) {
    if (count.first == 0) continue;
    words += fmt::format("{}{} {} of {}", words.empty() ? "" : ", ",
                         group.empty() ? "(no group)" : group, count.first, count.second);
  }
  return words;
}

/// A part's mean over samples, summed over segments, or in one.
double mean_of(const Trajectories& trajectories, const std::vector<size_t>& samples, size_t part,
               size_t segment) {
  double sum = 0;
  for (const size_t i : samples) sum += trajectories.at(segment, i, part);
  return sum / static_cast<double>(samples.size());
}

/// Parts by the distance of the cluster's mean trajectory from that of all others.
ordered_json separating_parts(const Trajectories& trajectories, const std::vector<size_t>& inside) {
  std::vector<size_t> outside;
  for (size_t i = 0; i < trajectories.ids.size(); ++i) {
    if (std::find(inside.begin(), inside.end(), i) == inside.end()) outside.push_back(i);
  }
  struct Apart {
    size_t part = 0, segment = 0;
    double distance = 0, inside = 0, outside = 0, largest = 0;
  };
  std::vector<Apart> all;
  double whole = 0;
  for (size_t p = 0; p < trajectories.parts.size(); ++p) {
    Apart each{.part = p};
    for (size_t s = 0; s < trajectories.segments(); ++s) {
      const double in = mean_of(trajectories, inside, p, s),
                   out = mean_of(trajectories, outside, p, s);
      each.distance += (in - out) * (in - out);
      each.inside += in;
      each.outside += out;
      if (std::abs(in - out) > each.largest) {
        each.largest = std::abs(in - out);
        each.segment = s;
      }
    }
    whole += each.distance;
    all.push_back(each);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Apart& a, const Apart& b) { return a.distance > b.distance; });
  ordered_json parts = ordered_json::array();
  for (size_t k = 0; k < std::min(all.size(), parts_named); ++k) {
    const Apart& each = all[k];
    parts.push_back({{trajectories.part, trajectories.parts[each.part]},
                     {"share_of_distance", whole > 0 ? each.distance / whole : 0},
                     {"mean_inside", each.inside},
                     {"mean_outside", each.outside},
                     {"most_from", trajectories.step_from[each.segment]},
                     {"most_to", trajectories.step_to[each.segment]}});
  }
  return parts;
}

ordered_json row_of(const Trajectories& trajectories, size_t number, const Cluster& cluster) {
  std::vector<std::string> ids;
  for (const size_t i : cluster.samples) ids.push_back(trajectories.ids[i]);
  const ordered_json parts = separating_parts(trajectories, cluster.samples);
  const ordered_json& first = parts.front();
  std::string some = fmt::format(
      "{}",
      fmt::join(ids.begin(),
                ids.begin() + static_cast<std::ptrdiff_t>(std::min(ids.size(), ids_named)), ", "));
  if (ids.size() > ids_named) some += ", …";
  return {{"cluster", number},
          {"samples", ids.size()},
          {"groups", composition(trajectories, cluster.samples)},
          {"p_adjusted", cluster.p},
          {"most_apart", fmt::format("{} ({:.0f} %, most at step {})",
                                     first[trajectories.part].get<std::string>(),
                                     100 * first["share_of_distance"].get<double>(),
                                     first["most_to"].get<int64_t>())},
          {"some", some},
          {"parts", parts},
          {"ids", ids}};
}

std::vector<size_t> labels_of(const std::vector<Cluster>& clusters, size_t samples) {
  std::vector<size_t> labels(samples, 0);
  for (size_t c = 0; c < clusters.size(); ++c) {
    for (const size_t i : clusters[c].samples) labels[i] = c;
  }
  return labels;
}

/// How far the clusters are the groups.
double agreement_with_groups(const Trajectories& trajectories, const std::vector<size_t>& labels) {
  std::map<std::string, size_t> known;
  std::vector<size_t> groups;
  for (const std::string& each : trajectories.groups) {
    groups.push_back(known.emplace(each, known.size()).first->second);
  }
  return adjusted_rand(labels, groups);
}

}  // namespace

SearchResult find_clusters(const Trajectories& trajectories, const TestSettings& settings) {
  SearchResult finding;
  finding.name = "clusters";
  finding.what = "samples whose trajectories of contributions part ways";
  finding.why_not = trajectories.without_samples(2 * fewest_in_cluster);
  if (finding.why_not.empty() && trajectories.ids.size() > most_samples) {
    finding.why_not = fmt::format(
        "{} are more than the {} of which all pairs are compared; choose "
        "some with --select",
        counted(trajectories.ids.size(), "sample"), most_samples);
  }
  if (!finding.why_not.empty()) return finding;
  const size_t n = trajectories.ids.size(), least = std::max(fewest_in_cluster, n / 20);
  finding.statistic = fmt::format(
      "along the first {} principal axes of the trajectories, and the lines of 2-means among them, "
      "over all cuts that leave {} samples on both sides: distance of the sides' means over the "
      "sum "
      "of their spreads, times m / (m + 6) for m samples on the smaller side",
      most_axes, least);
  finding.test =
      "the larger p of two references of as many samples: uniform in the box along the axes, and "
      "the "
      "same but for the axis nearest to the split, where all have one value and m a uniform tail";
  finding.correction = "a cluster is divided at its share of the level, by its samples";
  finding.permutations = settings.permutations;
  finding.level = settings.level;
  const MatrixXd gram = gram_of(trajectories);
  std::vector<std::vector<Cluster>> stages = significant_splits(gram, least, settings, finding);
  double stability = 0;
  while (stages.size() > 1) {
    stability = stability_of(gram, stages.back().size(), least,
                             random_of(settings.seed, "stability", stages.back().size()));
    if (stability >= least_stability) break;
    finding.said.push_back(fmt::format(
        "A division into {} clusters is not reported: halves of the samples give others (mean "
        "adjusted Rand index {:.2f}, where {:.1f} is asked for).",
        stages.back().size(), stability, least_stability));
    stages.pop_back();
  }
  if (stages.size() > 1) {
    const std::vector<Cluster>& clusters = stages.back();
    for (size_t c = 0; c < clusters.size(); ++c) {
      finding.rows.push_back(row_of(trajectories, c + 1, clusters[c]));
    }
    const double agreement = agreement_with_groups(trajectories, labels_of(clusters, n));
    finding.more["stability"] = stability;
    finding.more["stability_drawings"] = stability_drawings;
    finding.more["agreement_with_groups"] = agreement;
    finding.said.push_back(fmt::format(
        "Stability: mean adjusted Rand index {:.2f} of the clusters that {} random pairs of halves "
        "give. Agreement with the groups: {:.2f}.",
        stability, stability_drawings, agreement));
    finding.said.emplace_back(
        "Which parts separate them is described, not tested: the clusters come from the same "
        "numbers.");
  }
  finding.shown = {"cluster", "samples", "groups", "p_adjusted", "most_apart", "some"};
  return finding;
}

}  // namespace explaind
