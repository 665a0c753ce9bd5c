#pragma once
// Checksums of labels (store/label_checksums.hpp): of what is joined, and of what came of it.

#include <filesystem>

#include "copies/merge_source.hpp"

namespace explaind {

/// Throws DataError where a label is not what its store says it was: joined, it would get a right
/// checksum.
void require_intact_labels(const MergeSource& source);

/// Replaces the checksums in a file, which are of another store's labels, by those of its own.
/// Nothing where it has none. Throws DataError.
void renew_label_checksums(const std::filesystem::path& path);

}  // namespace explaind
