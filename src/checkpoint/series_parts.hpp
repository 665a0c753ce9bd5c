#pragma once
// Which of the checkpoints below a path are one series, where names say stages, phases or seeds.

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/series_folder.hpp"

namespace explaind {

/// A part of a training as names tell it apart, and its checkpoints' steps as they count them.
struct PartOfTraining {
  std::string name;  ///< "stage1"; "." for names that say nothing beside the step
  size_t checkpoints = 0;
  int64_t first = 0, last = 0;
};

/// `--phases …` for these parts: in the order of their numbers, a part that counts on keeps its
/// steps, and one that counts anew begins where the one before ends. Of several branches of one
/// stage (ingredients) the first is taken. In `assumed`: what of it the names do not say.
std::string proposed_phases(std::vector<PartOfTraining> parts, std::vector<std::string>& assumed);

/// The seed that was asked for, or the only one. Throws DataError naming all where there are
/// several and none was asked for, or where the one asked for is not among them.
std::vector<NamedCheckpoint> of_one_seed(const std::filesystem::path& where,
                                         std::vector<NamedCheckpoint> found,
                                         const std::string& seed, std::vector<std::string>& notes);

/// All of them, without phases. Throws DataError where their names say several parts, with what was
/// understood and the `--phases …` to give.
std::vector<SeriesEntry> of_one_part(const std::filesystem::path& where,
                                     const std::vector<NamedCheckpoint>& found);

/// Those of one phase, by their names; its offset is not added yet. Empty where there are none.
std::vector<SeriesEntry> of_phase(const std::vector<NamedCheckpoint>& found,
                                  const std::string& phase);

/// The parts that the names say, in the order of proposed_phases.
std::vector<PartOfTraining> parts_of(const std::vector<NamedCheckpoint>& found);

/// "stage1 (5 checkpoints, steps 1000 to 5000)".
std::string in_words(const PartOfTraining& part);

}  // namespace explaind
