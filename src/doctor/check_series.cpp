#include "doctor/check_series.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "checkpoint/series.hpp"
#include "doctor/examined.hpp"
#include "doctor/identical.hpp"
#include "doctor/out_of_line.hpp"
#include "doctor/segment_lengths.hpp"
#include "doctor/stated_changes.hpp"
#include "doctor/tied_copies.hpp"
#include "doctor/weight_pass.hpp"

namespace explaind {
namespace {

void append(std::vector<Finding>& all, std::vector<Finding> more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

}  // namespace

CheckReport check_series(const std::filesystem::path& path, const NameRules& rules,
                         const Communicator& world, Listener& listener) {
  CheckReport report;
  Examined examined;
  agree(world, [&] {
    std::vector<BrokenEntry> broken;
    const std::vector<SeriesEntry> entries = list_series(path, 0, rules, &report.notes, &broken);
    examined = examine(entries, broken);
  });
  std::vector<ExaminedCheckpoint>& checkpoints = examined.checkpoints;
  const PassTable table = pass_over_weights(checkpoints, world, listener);
  std::vector<std::string> files;
  const std::vector<Mover> movers = movers_of(checkpoints, table, files);
  std::vector<Finding>& findings = report.findings;
  findings = std::move(examined.findings);
  append(findings, find_identical(checkpoints, table, movers));
  append(findings, find_out_of_line(checkpoints, movers, files, findings));
  append(findings, find_bad_weights(checkpoints, table));
  append(findings, find_untied_copies(checkpoints, table));
  append(findings, find_changes(checkpoints));
  append(findings, find_gaps(checkpoints));
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return a.checkpoints.front() < b.checkpoints.front();
  });
  for (const ExaminedCheckpoint& each : checkpoints) {
    CheckReport::Seen seen{.step = each.step, .directory = each.directory.string(), .files = {}};
    for (const ExaminedFile& file : each.files) {
      seen.files.push_back({.name = file.name,
                            .sha256 = file.sha256,
                            .bytes = static_cast<int64_t>(file.weights->file().bytes().size())});
    }
    report.checkpoints.push_back(std::move(seen));
  }
  report.files = table.files;
  report.bytes = table.bytes;
  return report;
}

}  // namespace explaind
