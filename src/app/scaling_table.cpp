#include "app/scaling_table.hpp"

#include <fmt/format.h>

#include "core/byte_size.hpp"
#include "core/counted.hpp"

namespace explaind {
namespace {

std::string bytes(int64_t count) { return format_bytes(static_cast<double>(count)); }

}  // namespace

void print_scaling(const std::vector<ScalingRow>& rows, const PlannedNodes& nodes, int measuring) {
  fmt::print("\n{:>7}{:>7}{:>14}{:>12}{:>11}{:>10}{:>10}{:>15}  {}\n", "ranks", "nodes", "time",
             "efficiency", "a rank", "a node", "read", "between nodes", "limited by");
  for (const ScalingRow& row : rows) {
    fmt::print("{:>7}{:>7}{:>14}{:>10.0f} %{:>11}{:>10}{:>10}{:>15}{}\n", row.ranks, row.nodes,
               format_duration(row.seconds), 100 * row.efficiency, bytes(row.memory),
               bytes(row.memory_of_node), format_bytes(row.bytes_read),
               format_bytes(row.bytes_between), row.limit.empty() ? "" : "  " + row.limit);
  }
  fmt::print(
      "A simulation of the dispatcher with {} on a node, measured by {} at once. A node reads {} a "
      "second of the series, each checkpoint once (--read-rate), and gets {} a second from others "
      "(--network-rate).\n",
      counted(nodes.ranks_of_node, "rank"), counted(measuring, "rank"),
      format_bytes(nodes.read_rate), format_bytes(nodes.network_rate));
}

}  // namespace explaind
