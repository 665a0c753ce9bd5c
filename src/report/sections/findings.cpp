// What `explaind find` finds in the store, with fewer drawings, since a page should not be waited
// for.

#include "core/error.hpp"
#include "discovery/find.hpp"
#include "report/section.hpp"

namespace explaind {
namespace {

using nlohmann::json;

constexpr int64_t drawings = 999;
constexpr size_t most_of_steps = 50000;  // segments × parts, whose orders are drawn
constexpr int64_t most_clustered = 300;  // samples, of whose halves many are divided
constexpr size_t most_rows_of_search = 40;

/// Searches that take a page's time at most, and those that are left to `find`.
std::pair<std::vector<std::string>, std::vector<std::string>> searches_for(
    const ReportSource& source) {
  const auto parts = static_cast<size_t>(source.axis("component")->size);
  const bool long_paths = source.segments() * std::min(parts, size_t{1000}) > most_of_steps;
  const bool many_samples = source.samples() > static_cast<size_t>(most_clustered);
  std::vector<std::string> now{"phases"}, later;
  (many_samples ? later : now).emplace_back("clusters");
  now.emplace_back("divergences");
  (long_paths ? later : now).emplace_back("handovers");
  return {now, later};
}

/// Cells of the columns that a table shows; of samples without their ids where the page has none.
json rows_of(const SearchResult& finding, const std::vector<std::string>& shown) {
  json rows = json::array();
  for (const auto& row : finding.rows) {
    if (rows.size() == most_rows_of_search) break;
    json cells = json::array();
    for (const std::string& key : shown) cells.push_back(json(row.at(key)));
    rows.push_back(std::move(cells));
  }
  return rows;
}

json section_of(const SearchResult& finding, bool anonymous) {
  json section{{"name", finding.name}, {"what", finding.what}};
  if (!finding.why_not.empty()) {
    section["why_not"] = finding.why_not;
    return section;
  }
  std::vector<std::string> shown = finding.shown;
  if (anonymous) std::erase(shown, "some");
  section["columns"] = shown;
  section["found"] = finding.rows.size();
  section["rows"] = rows_of(finding, shown);
  section["said"] = finding.said;
  section["statistic"] = finding.statistic;
  section["test"] = finding.test;
  section["correction"] = finding.correction;
  if (finding.smallest_p) section["smallest_p"] = *finding.smallest_p;
  return section;
}

/// A message about the store, which the page is about anyway; its path may be nobody's business.
std::string without_path(const std::string& message, const std::string& path) {
  const std::string where = path + ": ";
  return message.starts_with(where) ? message.substr(where.size()) : message;
}

}  // namespace

json findings_section(const ReportSource& source) {
  const auto [now, later] = searches_for(source);
  FindRequest request{.searches = now,
                      .over = "kind",
                      .groups = {},
                      .select = source.selections(),
                      .level = 0.05,
                      .permutations = drawings,
                      .seed = 1};
  try {
    const Findings findings = find(source.store(), request);
    json section{{"level", request.level},
                 {"level_of_each", request.level / static_cast<double>(findings.tested)},
                 {"permutations", request.permutations},
                 {"seed", request.seed},
                 {"notes", findings.notes},
                 {"left_to_find", later},
                 {"searches", json::array()}};
    for (const SearchResult& each : findings.all) {
      section["searches"].push_back(section_of(each, source.anonymous()));
    }
    return section;
  } catch (const Error& error) {
    // A store of which too little is there for that, or without kinds: the page says so.
    return {{"why_not", without_path(error.what(), source.store().path())}};
  }
}

}  // namespace explaind
