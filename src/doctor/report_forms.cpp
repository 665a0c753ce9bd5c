#include "doctor/report_forms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "core/byte_size.hpp"
#include "core/counted.hpp"
#include "core/progress.hpp"

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

}  // namespace

std::string report_table(const CheckReport& report, const std::string& path, double seconds) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "{}: {}, {} of {} read in {}\n", path,
                 counted(report.checkpoints.size(), "checkpoint"),
                 counted(report.files, "weight file"),
                 format_bytes(static_cast<double>(report.bytes)), format_duration(seconds));
  for (const std::string& note : report.notes) fmt::format_to(out, "  note        {}\n", note);
  fmt::format_to(out, "\n{:>10}  verdict\n", "step");
  size_t doubtful = 0;
  for (size_t i = 0; i < report.checkpoints.size(); ++i) {
    const std::vector<size_t> numbers = findings_of(report, i);
    fmt::format_to(out, "{:>10}  {}\n", report.checkpoints[i].step,
                   numbers.empty() ? "ok" : "in doubt");
    doubtful += numbers.empty() ? 0 : 1;
    for (const size_t number : numbers) {
      fmt::format_to(out, "{:>12}{}\n", "", report.findings[number].text);
    }
  }
  if (report.findings.empty()) {
    fmt::format_to(out, "\nNothing was found\n");
  } else {
    fmt::format_to(out, "\n{}: {} of {} in doubt\n", counted(report.findings.size(), "finding"),
                   doubtful, counted(report.checkpoints.size(), "checkpoint"));
  }
  return text;
}

nlohmann::ordered_json report_json(const CheckReport& report, const std::string& path) {
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
  return all;
}

}  // namespace explaind
