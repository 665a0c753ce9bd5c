#include "checkpoint/series_folder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "checkpoint/folder_kind.hpp"
#include "checkpoint/json_file.hpp"
#include "checkpoint/series_parts.hpp"
#include "checkpoint/step_pattern.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// A line as it would stand in a list.
std::string list_line(const StepName& name, const std::string& path) {
  return fmt::format("{} (here: `{} {}`)", list_form,
                     name.likely ? std::to_string(*name.likely) : "STEP", path);
}

/// A folder whose name says a step and that is no checkpoint.
BrokenEntry incomplete(const fs::path& directory, int64_t step) {
  const std::optional<Instead> instead = foreign_folder(directory);
  return {.step = step,
          .where = directory,
          .problem = "has a step number but holds no config.json" +
                     (instead ? ": it is " + instead->what : ""),
          .remedy = instead ? instead->remedy
                            : std::string("Complete it, move it away, or list the checkpoints "
                                          "(where it is a phase that holds checkpoints: --phases "
                                          "NAME=OFFSET,…). ") +
                                  list_form};
}

/// Two names of one folder (a branch and a tag) are one checkpoint.
void join_same(Found& found, const fs::path& path) {
  std::map<std::tuple<fs::path, int64_t, std::string, std::string>, std::string> seen;
  std::vector<std::string> twice;
  std::erase_if(found.checkpoints, [&](const NamedCheckpoint& each) {
    const auto [first, is_new] = seen.emplace(
        std::tuple(each.directory, *each.name.step, each.name.part, each.name.seed), each.shown);
    if (!is_new) twice.push_back(fmt::format("{} and {}", first->second, each.shown));
    return !is_new;
  });
  if (!twice.empty()) {
    found.notes.push_back(fmt::format("{}: names of one commit: {}", path.string(), listed(twice)));
  }
}

[[noreturn]] void refuse_name(const fs::path& directory, const StepName& name) {
  const std::string file = directory.filename().string();
  const fs::path above = directory.parent_path();
  if (above.filename() == "snapshots" && is_hub_cache(above.parent_path())) {
    throw DataError(directory.string(), "is a commit of a cache of the Hub, which says no step",
                    "Name the folder " + above.parent_path().string() +
                        ", whose revisions are read, or list the snapshots. " +
                        list_line(name, file));
  }
  throw DataError(directory.string(),
                  fmt::format("its name does not say plainly which step it is of: {}",
                              name.doubt.empty() ? "no number is in it" : name.doubt),
                  "Rename it, move it away, or list the checkpoints. " + list_line(name, file));
}

}  // namespace

std::string listed(std::vector<std::string> names) {
  constexpr size_t shown_names = 10;
  std::sort(names.begin(), names.end());
  const size_t more = names.size() > shown_names ? names.size() - shown_names : 0;
  names.resize(names.size() - more);
  return fmt::format("{}{}", fmt::join(names, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

StepName read_name(const std::string& name, const NameRules& rules) {
  return rules.pattern.empty() ? read_step_name(name) : StepPattern(rules.pattern).read(name);
}

Found read_folder(const fs::path& path, const NameRules& rules) {
  std::vector<fs::path> directories;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (entry.is_directory()) directories.push_back(entry.path());
    if (entry.is_symlink() && !entry.exists()) {
      throw DataError(
          entry.path().string(),
          "is a link to " + fs::read_symlink(entry.path()).string() + ", which is not there",
          "Mend the link, or remove it");
    }
  }
  std::sort(directories.begin(), directories.end());  // the same message on every file system
  Found found;
  std::vector<std::string> unfit;
  for (const fs::path& directory : directories) {
    const std::string file = directory.filename().string();
    const StepName name = read_name(file, rules);
    const bool hidden = file.front() == '.';
    if (!is_checkpoint_directory(directory) || hidden) {
      if (name.step && !hidden) {
        found.broken.push_back(incomplete(directory, *name.step));
      } else {
        found.passed.push_back(file);
      }
      continue;
    }
    if (!name.step && !rules.pattern.empty()) {
      unfit.push_back(fmt::format("{}: {}", file, name.doubt));
      continue;
    }
    if (!name.step) refuse_name(directory, name);
    found.checkpoints.push_back({.shown = file, .directory = directory, .name = name});
  }
  if (found.checkpoints.empty() && found.broken.empty() && !unfit.empty()) {
    throw DataError(path.string(), "holds no checkpoint that is meant: " + listed(unfit),
                    R"(Change --step-pattern, as 'run-(?<step>\d+)-v2')");
  }
  if (!unfit.empty()) {
    found.notes.push_back(
        fmt::format("{}: checkpoints passed over: {}", path.string(), listed(unfit)));
  }
  if (found.checkpoints.empty() && found.broken.empty() && is_checkpoint_directory(path)) {
    throw DataError(path.string(), "is a single checkpoint, not a series",
                    "Name the directory above it, whose sub-directories are the checkpoints");
  }
  if (is_checkpoint_directory(path) && holds_weights(path)) {
    found.notes.push_back(
        path.string() +
        ": a model lies in the folder itself; it has no step and is not of the series");
  }
  return found;
}

void refuse_empty(const fs::path& path, const Found& found, const NameRules& rules) {
  const std::optional<Instead> instead = foreign_folder(path);
  if (instead) throw DataError(path.string(), "is " + instead->what, instead->remedy);
  std::vector<PartOfTraining> phases;
  std::vector<std::string> words, assumed;
  for (const std::string& folder : found.passed) {
    PartOfTraining phase{.name = folder};
    try {
      for (const NamedCheckpoint& each : read_folder(path / folder, rules).checkpoints) {
        const int64_t step = *each.name.step;
        phase.first = phase.checkpoints++ == 0 ? step : std::min(phase.first, step);
        phase.last = std::max(phase.last, step);
      }
    } catch (const Error&) {
      continue;  // its own message comes where it is named
    }
    if (phase.checkpoints > 0) phases.push_back(phase);
  }
  if (!phases.empty()) {
    for (const PartOfTraining& phase : phases) words.push_back(in_words(phase));
    const std::string proposed = proposed_phases(phases, assumed);
    throw DataError(
        path.string(),
        fmt::format("holds no checkpoint, but folders that do: {}", fmt::join(words, ", ")),
        fmt::format("Where they are phases of one training: `{}`{}{}. Where they are series of "
                    "their own (seeds, other models), name one of them: {}",
                    proposed, assumed.empty() ? "" : "; ", fmt::join(assumed, "; "),
                    (path / phases.front().name).string()));
  }
  throw DataError(path.string(),
                  fmt::format("holds no checkpoint: no config.json is in {}", listed(found.passed)),
                  std::string("A series is a directory of checkpoint directories whose names say "
                              "the step (step-100); where they are phases that hold checkpoints: "
                              "--phases NAME=OFFSET,…. Or: ") +
                      list_form);
}

bool is_hub_cache(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path / "refs", ignored) && fs::is_directory(path / "snapshots", ignored);
}

Found read_hub_cache(const fs::path& path, const NameRules& rules) {
  const fs::path refs = path / "refs";
  std::map<std::string, fs::path> revisions;  // names may hold slashes
  for (const fs::directory_entry& ref : fs::recursive_directory_iterator(refs)) {
    if (ref.is_regular_file()) revisions[ref.path().lexically_relative(refs).string()] = ref.path();
  }
  Found found;
  std::vector<std::string> passed, doubts;
  for (const auto& [revision, ref] : revisions) {
    const StepName name = read_name(revision, rules);
    if (!name.step) {
      passed.push_back(revision);
      if (!name.doubt.empty()) doubts.push_back(fmt::format("{}: {}", revision, name.doubt));
      continue;
    }
    const std::string text = read_text_file(ref);
    const fs::path snapshot =
        path / "snapshots" / text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    if (!is_checkpoint_directory(snapshot)) {
      found.broken.push_back(
          {.step = name.step,
           .where = ref,
           .problem = snapshot.string() + " is not a checkpoint (a directory with config.json)",
           .remedy = "Download the revision again (all of it), or list the checkpoints. " +
                     std::string(list_form)});
      continue;
    }
    found.checkpoints.push_back({.shown = revision, .directory = snapshot, .name = name});
  }
  join_same(found, path);
  if (found.checkpoints.empty() && found.broken.empty()) {
    throw DataError(path.string(),
                    fmt::format("is a cache of the Hub, and no revision in it says a step ({})",
                                passed.empty()   ? "it has no revisions"
                                : doubts.empty() ? listed(passed)
                                                 : listed(doubts)),
                    std::string("Download the revisions of the checkpoints by name, or list their "
                                "snapshots. ") +
                        list_form + " (here: `STEP snapshots/COMMIT`)");
  }
  if (!passed.empty()) {
    found.notes.push_back(fmt::format("{}: revisions passed over, as their names say no step: {}",
                                      path.string(), listed(passed)));
  }
  return found;
}

}  // namespace explaind
