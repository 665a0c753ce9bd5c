#include "app/inspect_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/listening.hpp"
#include "checkpoint/series.hpp"
#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/progress.hpp"
#include "doctor/check_series.hpp"

namespace explaind {
namespace {

/// The findings that a checkpoint is among.
std::vector<size_t> findings_of(const CheckReport& report, size_t checkpoint) {
  std::vector<size_t> numbers;
  for (size_t i = 0; i < report.findings.size(); ++i) {
    const std::vector<size_t>& of = report.findings[i].checkpoints;
    if (std::find(of.begin(), of.end(), checkpoint) != of.end()) numbers.push_back(i);
  }
  return numbers;
}

void print_table(const CheckReport& report, const std::string& path, double seconds) {
  fmt::print("{}: {}, {} of {} read in {}\n", path,
             counted(report.checkpoints.size(), "checkpoint"), counted(report.files, "weight file"),
             format_bytes(static_cast<double>(report.bytes)), format_duration(seconds));
  for (const std::string& note : report.notes) fmt::print("  note        {}\n", note);
  fmt::print("\n{:>10}  verdict\n", "step");
  size_t doubtful = 0;
  for (size_t i = 0; i < report.checkpoints.size(); ++i) {
    const std::vector<size_t> numbers = findings_of(report, i);
    fmt::print("{:>10}  {}\n", report.checkpoints[i].step, numbers.empty() ? "ok" : "in doubt");
    doubtful += numbers.empty() ? 0 : 1;
    for (const size_t number : numbers) fmt::print("{:>12}{}\n", "", report.findings[number].text);
  }
  if (report.findings.empty()) {
    fmt::print("\nNothing was found\n");
  } else {
    fmt::print("\n{}: {} of {} in doubt\n", counted(report.findings.size(), "finding"), doubtful,
               counted(report.checkpoints.size(), "checkpoint"));
  }
}

void print_json(const CheckReport& report, const std::string& path) {
  nlohmann::ordered_json all{{"series", path},
                             {"ok", report.findings.empty()},
                             {"files", report.files},
                             {"bytes", report.bytes},
                             {"notes", report.notes}};
  all["checkpoints"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < report.checkpoints.size(); ++i) {
    const CheckReport::Seen& seen = report.checkpoints[i];
    const std::vector<size_t> numbers = findings_of(report, i);
    nlohmann::ordered_json files = nlohmann::ordered_json::array();
    for (const CheckReport::File& file : seen.files) {
      files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
    }
    all["checkpoints"].push_back({{"step", seen.step},
                                  {"path", seen.directory},
                                  {"verdict", numbers.empty() ? "ok" : "in doubt"},
                                  {"findings", numbers},
                                  {"files", files}});
  }
  all["findings"] = nlohmann::ordered_json::array();
  for (const Finding& each : report.findings) {
    std::vector<int64_t> steps;
    for (const size_t at : each.checkpoints) steps.push_back(report.checkpoints[at].step);
    all["findings"].push_back({{"kind", word_of(each.kind)},
                               {"steps", steps},
                               {"where", each.where},
                               {"text", each.text}});
  }
  fmt::print("{}\n", all.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

int inspect_check(const InspectOptions& options, const Communicator& world) {
  const NameRules rules = name_rules(options.phases, options.series_seed, options.step_pattern);
  const auto start = std::chrono::steady_clock::now();
  TerminalListener listener;
  const CheckReport report = check_series(options.path, rules, world, listener);
  if (world.rank() == 0) {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (options.json) {
      print_json(report, options.path);
    } else {
      print_table(report, options.path, seconds.count());
    }
  }
  return static_cast<int>(report.findings.empty() ? ExitCode::done : ExitCode::failure);
}

}  // namespace explaind
