#include "app/closing_table.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/byte_size.hpp"
#include "core/counted.hpp"

namespace explaind {
namespace {

constexpr size_t listed = 20;
constexpr size_t most_rows = 40;  ///< of more segments several share a row

/// Everything about (segment, sample) pairs, read at once; F and residual of every output of them.
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
        seconds(store.has("seconds") ? store.read("seconds") : std::vector<double>()) {}

  /// ΔF of a pair, its outputs added.
  [[nodiscard]] double change(size_t pair) const {
    double sum = 0;
    for (size_t i = pair * outputs(); i < (pair + 1) * outputs(); ++i) sum += end[i] - start[i];
    return sum;
  }
  /// |residual| of a pair's worst output.
  [[nodiscard]] double worst(size_t pair) const {
    double most = 0;
    for (size_t i = pair * outputs(); i < (pair + 1) * outputs(); ++i) {
      most = std::max(most, std::abs(residual[i]));
    }
    return most;
  }
  /// False where F or a score of some output overflowed, or was computed from what is no number.
  [[nodiscard]] bool finite(size_t pair) const {
    for (size_t i = pair * outputs(); i < (pair + 1) * outputs(); ++i) {
      if (!std::isfinite(start[i]) || !std::isfinite(end[i]) || !std::isfinite(residual[i])) {
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] size_t outputs() const { return start.size() / met.size(); }

  std::vector<int64_t> from, to;
  std::vector<std::string> ids;
  std::vector<double> start, end, residual, error, nodes, met, limited, seconds;
};

std::string described(const Pairs& pairs, size_t pair) {
  const size_t segment = pair / pairs.ids.size();
  return fmt::format("{} → {}  {:<16} ΔF {:+.3e}  |residual| {:.1e}  error {:.1e}  {:.0f} nodes",
                     pairs.from[segment], pairs.to[segment], pairs.ids[pair % pairs.ids.size()],
                     pairs.change(pair), pairs.worst(pair), pairs.error[pair], pairs.nodes[pair]);
}

std::string share(const Pairs& pairs, const std::vector<size_t>& which) {
  return fmt::format("{} of {}", which.size(), counted(pairs.met.size(), "(segment, sample) pair"));
}

/// Those that are to be looked at one by one, under a heading.
void print_each(const Pairs& pairs, const std::vector<size_t>& which, const char* heading,
                std::ostream& out) {
  if (which.empty()) return;
  fmt::print(out, "\n{}: {}\n", heading, share(pairs, which));
  for (size_t i = 0; i < std::min(listed, which.size()); ++i) {
    fmt::print(out, "  {}\n", described(pairs, which[i]));
  }
  if (which.size() > listed) fmt::print(out, "  … and {} more\n", which.size() - listed);
}

/// Nothing is to be done about these; how far off is the worst?
void print_limited(const Pairs& pairs, const std::vector<size_t>& which, std::ostream& out) {
  if (which.empty()) return;
  const size_t worst = *std::max_element(which.begin(), which.end(), [&](size_t a, size_t b) {
    return pairs.worst(a) < pairs.worst(b);
  });
  fmt::print(
      out, "\nLimited by precision (more nodes would not help): {}; the largest residual:\n  {}\n",
      share(pairs, which), described(pairs, worst));
}

/// Segments [first, last) as one row.
void print_row(const Pairs& pairs, size_t first, size_t last, std::ostream& out) {
  const size_t samples = pairs.ids.size(), units = pairs.seconds.size() / pairs.from.size();
  double change = 0, residual = 0, error = 0, nodes = 0, seconds = 0;
  for (size_t i = first * samples; i < last * samples; ++i) {
    change += pairs.change(i) / static_cast<double>(samples);
    residual = std::max(residual, pairs.worst(i));
    error = std::isnan(pairs.error[i]) ? pairs.error[i] : std::max(error, pairs.error[i]);
    nodes += pairs.nodes[i] / static_cast<double>(samples * (last - first));
  }
  for (size_t u = first * units; u < last * units; ++u) seconds += pairs.seconds[u];
  fmt::print(out, "{:>10} {:>10}  {:>+11.4e}  {:>11.1e}  {:>11.1e}  {:>7.1f}  {:>9}\n",
             pairs.from[first], pairs.to[last - 1], change, residual, error, nodes,
             pairs.seconds.empty() ? "?" : format_duration(seconds));
}

}  // namespace

Certificates print_closing_table(const StoreReader& store, std::ostream& out) {
  const Pairs pairs(store);
  const size_t segments = pairs.from.size(), rows = std::min(most_rows, segments);
  fmt::print(out, "\n{:>10} {:>10}  {:>11}  {:>11}  {:>11}  {:>7}  {:>9}\n", "step from", "step to",
             "mean ΔF", "|residual|", "quad. error", "nodes", "time");
  for (size_t row = 0; row < rows; ++row) {
    print_row(pairs, row * segments / rows, (row + 1) * segments / rows, out);
  }
  fmt::print(out,
             "ΔF in {}{}; residual and error: largest over {}samples; nodes: mean gradient "
             "evaluations a sample{}; time: over ranks\n",
             store.unit("value_from") == "nat" ? "nats" : "the activation's unit",
             pairs.outputs() > 1 ? ", outputs added" : "", segments > rows ? "segments and " : "",
             segments > rows ? " and segment" : "");
  std::vector<size_t> missed, limited, infinite;
  for (size_t i = 0; i < pairs.met.size(); ++i) {
    if (!pairs.finite(i)) {
      infinite.push_back(i);
    } else if (pairs.limited[i] != 0) {
      limited.push_back(i);
    } else if (pairs.met[i] == 0 && !std::isnan(pairs.error[i])) {
      missed.push_back(i);
    }
  }
  print_each(
      pairs, infinite,
      "Not finite, and of no use (something overflowed: try --precision fp64; or an input is "
      "no number: leave the sample out)",
      out);
  print_each(pairs, missed, "Missed the tolerance", out);
  print_limited(pairs, limited, out);
  return {static_cast<int64_t>(pairs.met.size()),
          static_cast<int64_t>(missed.size() + infinite.size()),
          static_cast<int64_t>(limited.size())};
}

}  // namespace explaind
