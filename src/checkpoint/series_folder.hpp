#pragma once
// Checkpoints of a folder, or of the Hub's local cache, by their names.

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/series.hpp"
#include "checkpoint/step_name.hpp"

namespace explaind {

/// The way out where names do not say the steps.
constexpr const char* list_form =
    "Give the series as a text file of lines `STEP PATH`, one a checkpoint";

/// A checkpoint and what its name says, which is a step at least.
struct NamedCheckpoint {
  std::string shown;  ///< the name, of a folder or a revision
  std::filesystem::path directory;
  StepName name;
};

/// What is found below a path on the way to a series.
struct Found {
  std::vector<NamedCheckpoint> checkpoints;
  std::vector<std::string> passed;  ///< names of folders that are no checkpoints
  std::vector<std::string> notes;   ///< a sentence each
  std::vector<BrokenEntry> broken;  ///< has a step and is no checkpoint
};

/// The first ten in order, and how many there are more.
std::string listed(std::vector<std::string> names);

/// How names are read: by the grammar, or a pattern.
StepName read_name(const std::string& name, const NameRules& rules);

/// Every sub-directory that is a checkpoint. Throws DataError naming the folder: a checkpoint whose
/// name says no step or leaves doubt, a link that leads nowhere, and `path` itself being a
/// checkpoint with none below.
Found read_folder(const std::filesystem::path& path, const NameRules& rules);

/// True for models--ORG--NAME of the Hub's local cache: snapshots by commit, and a file a revision
/// that holds its commit.
bool is_hub_cache(const std::filesystem::path& path);

/// The revisions of a Hub cache whose names say a step; the others (main) are passed over, and
/// said. Throws DataError where there is none.
Found read_hub_cache(const std::filesystem::path& path, const NameRules& rules);

/// Throws DataError for a path in which no checkpoint was found, with what lies there instead.
[[noreturn]] void refuse_empty(const std::filesystem::path& path, const Found& found,
                               const NameRules& rules);

}  // namespace explaind
