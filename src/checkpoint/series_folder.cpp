#include "checkpoint/series_folder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "checkpoint/folder_kind.hpp"
#include "checkpoint/json_file.hpp"
#include "checkpoint/step_name.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// Names shown in one message.
constexpr size_t shown_names = 10;

std::string listed(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const size_t more = names.size() > shown_names ? names.size() - shown_names : 0;
  names.resize(names.size() - more);
  return fmt::format("{}{}", fmt::join(names, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

/// A line as it would stand in a list.
std::string list_line(const StepName& name, const std::string& path) {
  return fmt::format("{} (here: `{} {}`)", list_form,
                     name.likely ? std::to_string(*name.likely) : "STEP", path);
}

/// What names of one series have in common; two that differ are two series.
class Context {
 public:
  void add(const std::string& where, const std::string& folder, const StepName& name) {
    if (!first_) {
      first_ = {folder, name.context};
    } else if (first_->second != name.context) {
      throw DataError(where,
                      fmt::format("the names {} and {} differ in more than the step: they may "
                                  "belong to two series, or count their steps anew",
                                  first_->first, folder),
                      std::string("Move one series away, or say which belong together. ") +
                          list_form +
                          " (folders that hold a phase of the training each: --phases "
                          "NAME=OFFSET,…)");
    }
  }

 private:
  std::optional<std::pair<std::string, std::string>> first_;  ///< folder and context
};

/// Refuses a folder whose name says a step and that is no checkpoint.
[[noreturn]] void refuse_incomplete(const fs::path& directory) {
  if (const std::optional<Instead> instead = foreign_folder(directory)) {
    throw DataError(directory.string(),
                    "has a step number but holds no config.json: it is " + instead->what,
                    instead->remedy);
  }
  throw DataError(directory.string(), "has a step number but holds no config.json",
                  std::string("Complete it, move it away, or list the checkpoints (where it is a "
                              "phase that holds checkpoints: --phases NAME=OFFSET,…). ") +
                      list_form);
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

std::vector<SeriesEntry> read_series_folder(const fs::path& path, std::vector<std::string>& notes) {
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
  std::vector<SeriesEntry> entries;
  std::vector<std::string> passed;
  Context context;
  for (const fs::path& directory : directories) {
    const std::string file = directory.filename().string();
    const StepName name = read_step_name(file);
    const bool hidden = file.front() == '.';
    if (!is_checkpoint_directory(directory) || hidden) {
      if (name.step && !hidden) {
        refuse_incomplete(directory);
      }
      passed.push_back(file);
      continue;
    }
    if (!name.step) refuse_name(directory, name);
    context.add(path.string(), file, name);
    entries.push_back({.step = *name.step, .directory = directory});
  }
  if (entries.empty() && is_checkpoint_directory(path)) {
    throw DataError(path.string(), "is a single checkpoint, not a series",
                    "Name the directory above it, whose sub-directories are the checkpoints");
  }
  if (entries.empty() && !passed.empty()) {
    const std::optional<Instead> instead = foreign_folder(path);
    if (instead) throw DataError(path.string(), "is " + instead->what, instead->remedy);
    throw DataError(path.string(),
                    fmt::format("holds no checkpoint: no config.json is in {}", listed(passed)),
                    std::string("A series is a directory of checkpoint directories whose names say "
                                "the step (step-100); where they are phases that hold checkpoints: "
                                "--phases NAME=OFFSET,…. Or: ") +
                        list_form);
  }
  if (is_checkpoint_directory(path)) {
    notes.push_back(path.string() +
                    ": a model lies in the folder itself; it has no step and is not of the series");
  }
  if (!passed.empty()) {
    notes.push_back(fmt::format("{}: passed over, as they are no checkpoints: {}", path.string(),
                                listed(passed)));
  }
  return entries;
}

bool is_hub_cache(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path / "refs", ignored) && fs::is_directory(path / "snapshots", ignored);
}

std::vector<SeriesEntry> read_hub_cache(const fs::path& path, std::vector<std::string>& notes) {
  const fs::path refs = path / "refs";
  std::map<std::string, fs::path> revisions;  // names may hold slashes
  for (const fs::directory_entry& ref : fs::recursive_directory_iterator(refs)) {
    if (ref.is_regular_file()) revisions[ref.path().lexically_relative(refs).string()] = ref.path();
  }
  std::vector<SeriesEntry> entries;
  std::vector<std::string> passed, doubts;
  Context context;
  for (const auto& [revision, ref] : revisions) {
    const StepName name = read_step_name(revision);
    if (!name.step) {
      passed.push_back(revision);
      if (!name.doubt.empty()) doubts.push_back(fmt::format("{}: {}", revision, name.doubt));
      continue;
    }
    const std::string text = read_text_file(ref);
    const fs::path snapshot =
        path / "snapshots" / text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    if (!is_checkpoint_directory(snapshot)) {
      throw DataError(ref.string(),
                      snapshot.string() + " is not a checkpoint (a directory with config.json)",
                      "Download the revision again (all of it), or list the checkpoints. " +
                          std::string(list_form));
    }
    context.add(path.string(), revision, name);
    entries.push_back({.step = *name.step, .directory = snapshot});
  }
  if (entries.empty()) {
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
    notes.push_back(fmt::format("{}: revisions passed over, as their names say no step: {}",
                                path.string(), listed(passed)));
  }
  return entries;
}

}  // namespace explaind
