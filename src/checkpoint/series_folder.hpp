#pragma once
// A series that is a folder: of checkpoints, or of the Hub's local cache. Steps come from names.

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/series.hpp"

namespace explaind {

/// The way out where names do not say the steps.
constexpr const char* list_form =
    "Give the series as a text file of lines `STEP PATH`, one a checkpoint";

/// Every sub-directory that is a checkpoint, and its step. What is passed over is said in `notes`.
///
/// Throws DataError naming the folder: a checkpoint whose name says no step or leaves doubt, a name
/// with a step that is no checkpoint, a link that leads nowhere, names that differ in more than the
/// step (two series in one folder), and `path` itself being a checkpoint with none below.
std::vector<SeriesEntry> read_series_folder(const std::filesystem::path& path,
                                            std::vector<std::string>& notes);

/// True for models--ORG--NAME of the Hub's local cache: snapshots by commit, and a file a revision
/// that holds its commit.
bool is_hub_cache(const std::filesystem::path& path);

/// The revisions of a Hub cache whose names say a step; the others (main) are passed over, and
/// said. Throws DataError as read_series_folder does.
std::vector<SeriesEntry> read_hub_cache(const std::filesystem::path& path,
                                        std::vector<std::string>& notes);

}  // namespace explaind
