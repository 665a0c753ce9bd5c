#include "app/closing_table.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/byte_size.hpp"

namespace explaind {
namespace {

constexpr size_t listed = 20;

/// Everything about (segment, sample) pairs, read at once: eight numbers a pair.
struct Pairs {
  explicit Pairs(const StoreReader& store)
      : from(store.numbers("step_from")),
        to(store.numbers("step_to")),
        ids(store.texts("id")),
        start(store.read("value_from")),
        end(store.read("value_to")),
        residual(store.read("residual")),
        error(store.read("quadrature_error")),
        nodes(store.read("node_count")),
        met(store.read("tolerance_met")),
        limited(store.read("limited_by_precision")),
        seconds(store.read("seconds")) {}

  std::vector<int64_t> from, to;
  std::vector<std::string> ids;
  std::vector<double> start, end, residual, error, nodes, met, limited, seconds;
};

void print_pairs(const Pairs& pairs, const std::vector<size_t>& which, const std::string& title,
                 std::ostream& out) {
  if (which.empty()) return;
  fmt::print(out, "\n{}: {} of {} (segment, sample) pairs\n", title, which.size(),
             pairs.residual.size());
  for (size_t i = 0; i < std::min(listed, which.size()); ++i) {
    const size_t pair = which[i], segment = pair / pairs.ids.size();
    fmt::print(out, "  {} → {}  {:<16} ΔF {:+.3e}  residual {:.1e}  error {:.1e}  {:.0f} nodes\n",
               pairs.from[segment], pairs.to[segment], pairs.ids[pair % pairs.ids.size()],
               pairs.end[pair] - pairs.start[pair], pairs.residual[pair], pairs.error[pair],
               pairs.nodes[pair]);
  }
  if (which.size() > listed) fmt::print(out, "  … and {} more\n", which.size() - listed);
}

}  // namespace

Certificates print_closing_table(const StoreReader& store, std::ostream& out) {
  const Pairs pairs(store);
  const size_t samples = pairs.ids.size(), segments = pairs.from.size();
  const size_t units = pairs.seconds.size() / segments;
  fmt::print(out, "\n{:>10} {:>10}  {:>11}  {:>11}  {:>11}  {:>7}  {:>9}\n", "step from", "step to",
             "mean ΔF", "|residual|", "quad. error", "nodes", "time");
  for (size_t s = 0; s < segments; ++s) {
    double change = 0, residual = 0, error = 0, nodes = 0, seconds = 0;
    for (size_t i = s * samples; i < (s + 1) * samples; ++i) {
      change += (pairs.end[i] - pairs.start[i]) / static_cast<double>(samples);
      residual = std::max(residual, std::abs(pairs.residual[i]));
      error = std::isnan(pairs.error[i]) ? pairs.error[i] : std::max(error, pairs.error[i]);
      nodes += pairs.nodes[i] / static_cast<double>(samples);
    }
    for (size_t u = s * units; u < (s + 1) * units; ++u) seconds += pairs.seconds[u];
    fmt::print(out, "{:>10} {:>10}  {:>+11.4e}  {:>11.1e}  {:>11.1e}  {:>7.1f}  {:>9}\n",
               pairs.from[s], pairs.to[s], change, residual, error, nodes,
               format_duration(seconds));
  }
  fmt::print(out,
             "ΔF in nats; residual and error: largest over samples; nodes: mean gradient "
             "evaluations a sample; time: over ranks\n");
  std::vector<size_t> missed, limited;
  for (size_t i = 0; i < pairs.met.size(); ++i) {
    if (pairs.limited[i] != 0) {
      limited.push_back(i);
    } else if (pairs.met[i] == 0 && !std::isnan(pairs.error[i])) {
      missed.push_back(i);
    }
  }
  print_pairs(pairs, missed, "Missed the tolerance", out);
  print_pairs(pairs, limited, "Limited by precision (more nodes would not help)", out);
  return {static_cast<int64_t>(pairs.met.size()), static_cast<int64_t>(missed.size()),
          static_cast<int64_t>(limited.size())};
}

}  // namespace explaind
