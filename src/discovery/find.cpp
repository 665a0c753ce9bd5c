#include "discovery/find.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/nearest_name.hpp"
#include "discovery/searches.hpp"
#include "store/reduction.hpp"

namespace explaind {
namespace {

/// Everything that a search may look at.
struct Material {
  const StoreReader& store;
  const FindRequest& asked;
  const Trajectories &parts, &mix;
  TestSettings settings;
};

struct Search {
  const char* name;
  bool tests;  ///< it may find what is not there, and has its share of the level
  SearchResult (*look)(const Material& material);
};

const std::vector<Search>& searches() {
  static const std::vector<Search> all{
      {"phases", true, [](const Material& m) { return find_phases(m.mix, m.settings); }},
      {"clusters", true, [](const Material& m) { return find_clusters(m.parts, m.settings); }},
      {"divergences", true,
       [](const Material& m) { return find_divergences(m.parts, m.asked.groups, m.settings); }},
      {"handovers", true, [](const Material& m) { return find_hand_overs(m.parts, m.settings); }},
      {"structure", false, [](const Material& m) { return describe_structure(m.parts); }},
      {"training", false,
       [](const Material& m) { return describe_training(m.store, m.asked.select); }},
  };
  return all;
}

bool asked_for(const FindRequest& request, const char* name) {
  const auto& names = request.searches;
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

void require_known(const FindRequest& request) {
  const std::vector<std::string> known = search_names();
  for (const std::string& name : request.searches) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw UsageError("--what", fmt::format("there is no search '{}'", name),
                     suggestion(name, known, fmt::format("There are {}", fmt::join(known, ", "))));
  }
  if (!request.groups.empty() && !asked_for(request, "divergences")) {
    throw UsageError("--groups", "is of divergences, which are not among --what",
                     "Add divergences to --what, or leave --groups out");
  }
}

const char* word_of(Trajectories::Rows rows) {
  return rows == Trajectories::Rows::samples  ? "sample"
         : rows == Trajectories::Rows::groups ? "group"
                                              : "all samples together";
}

}  // namespace

std::vector<std::string> search_names() {
  std::vector<std::string> names;
  for (const Search& each : searches()) names.emplace_back(each.name);
  return names;
}

Findings find(const StoreReader& store, const FindRequest& request) {
  require_known(request);
  const Trajectories parts = read_trajectories(store, "component", request.select);
  require_groups(parts, request.groups);
  const Trajectories mix =
      request.over == "component" ? parts : read_trajectories(store, request.over, request.select);
  Findings findings{.store = store.path(),
                    .unit = parts.unit,
                    .sign = sign_of(store, "psi"),
                    .notes = parts.notes,
                    .asked = request,
                    .segments = parts.segments(),
                    .rows = parts.ids.size(),
                    .rows_are = word_of(parts.rows),
                    .part = parts.part,
                    .parts = parts.parts.size(),
                    .all = {}};
  if (parts.joined > 0) {
    findings.notes.push_back(fmt::format("{} are joined to {}: more cannot be compared at once",
                                         counted(parts.joined, "component"),
                                         counted(parts.parts.size(), parts.part)));
  }
  for (const Search& each : searches()) {
    if (each.tests && asked_for(request, each.name)) ++findings.tested;
  }
  const TestSettings settings{
      .level = request.level / static_cast<double>(std::max<size_t>(1, findings.tested)),
      .permutations = request.permutations,
      .seed = request.seed};
  const Material material{store, request, parts, mix, settings};
  for (const Search& each : searches()) {
    if (asked_for(request, each.name)) findings.all.push_back(each.look(material));
  }
  return findings;
}

}  // namespace explaind
