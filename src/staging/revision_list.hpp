#pragma once
// A series by its checkpoints' names alone, which somebody else's command can bring.

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/series.hpp"

namespace explaind {

struct Revision {
  SeriesEntry entry;  ///< without a folder
  std::string name;   ///< "stage1-step1000-tokens5B"
};

/// Ascending in step. The file has a line for each checkpoint: REVISION, whose name says the step
/// (step_name.hpp, or the rules' pattern), or STEP REVISION. Empty lines and lines that begin with
/// # are passed over. Throws DataError with the line: a name in doubt, a step given twice, names of
/// several parts of a training or several seeds without steps of their own, fewer than two.
std::vector<Revision> read_revisions(const std::filesystem::path& file, const NameRules& rules);

}  // namespace explaind
