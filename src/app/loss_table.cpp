#include "app/loss_table.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "app/csv_field.hpp"
#include "checkpoint/new_file.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

constexpr size_t most_groups = 8;  ///< that still make a table

/// Mean over the samples of a group, at one checkpoint.
double group_mean(const CheckpointValues& values, const Groups& groups, size_t checkpoint,
                  size_t group) {
  double sum = 0;
  int count = 0;
  for (size_t s = 0; s < values.samples; ++s) {
    if (groups.of_sample[s] != static_cast<int64_t>(group)) continue;
    sum += values.at(checkpoint, s);
    ++count;
  }
  return sum / count;
}

double mean(const CheckpointValues& values, size_t checkpoint) {
  double sum = 0;
  for (size_t s = 0; s < values.samples; ++s) sum += values.at(checkpoint, s);
  return sum / static_cast<double>(values.samples);
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : ".";
}

}  // namespace

void print_losses(const CheckpointValues& values, const Problem& problem) {
  const std::vector<double> changes = values.changes();
  double total = 0;
  for (const double each : changes) total += each;
  const bool by_group =
      problem.groups.names.size() > 1 && problem.groups.names.size() <= most_groups;
  const std::vector<std::string> groups =
      by_group ? problem.groups.names : std::vector<std::string>{};
  fmt::print("\n{:>10}  {:>11}  {:>11}  {:>8}", "step", "mean F", "mean |ΔF|", "share");
  for (const std::string& name : groups) fmt::print("  {:>11}", name.empty() ? "(none)" : name);
  fmt::print("\n");
  for (size_t i = 0; i < values.steps.size(); ++i) {
    fmt::print("{:>10}  {:>11.6f}", values.steps[i], mean(values, i));
    if (i == 0) {
      fmt::print("  {:>11}  {:>8}", "", "");
    } else {
      const double change = changes[i - 1];
      fmt::print("  {:>11.4e}  {:>6.1f} %", change / static_cast<double>(values.samples),
                 total > 0 ? 100 * change / total : 0);
    }
    for (size_t g = 0; g < groups.size(); ++g) {
      fmt::print("  {:>11.6f}", group_mean(values, problem.groups, i, g));
    }
    fmt::print("\n");
  }
  fmt::print(
      "F in {}, means over samples; |ΔF| since the checkpoint before, and its share of all\n",
      problem.solver.functional->unit() == "nat" ? "nats" : "the activation's unit");
}

void require_writable(const std::filesystem::path& file) {
  const std::filesystem::path folder = folder_of(file);
  if (!std::filesystem::is_directory(folder)) {
    throw DataError(folder.string(), "no such directory", "Create it, or change --losses-file");
  }
  if (std::filesystem::is_directory(file) || access(folder.c_str(), W_OK) != 0) {
    throw DataError(file.string(), "cannot be written", "Change --losses-file");
  }
}

void write_losses(const CheckpointValues& values, const Problem& problem,
                  const std::filesystem::path& file) {
  std::string text = "step,sample,group,value\n";
  for (size_t i = 0; i < values.steps.size(); ++i) {
    for (size_t s = 0; s < values.samples; ++s) {
      text += fmt::format("{},{},{},{}\n", values.steps[i], csv_field(problem.samples[s].id),
                          csv_field(problem.samples[s].group), values.at(i, s));
    }
  }
  write_text_file(file, text);
}

}  // namespace explaind
