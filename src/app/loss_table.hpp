#pragma once
// The loss-only pass as a person reads it, and as a file.

#include <filesystem>

#include "job/checkpoint_values.hpp"
#include "job/problem.hpp"

namespace explaind {

/// Prints, per checkpoint: F's mean over all samples, and over each group where there are few;
/// the mean |ΔF| since the checkpoint before, and its share of the whole series.
void print_losses(const CheckpointValues& values, const Problem& problem);

/// Throws DataError where the file cannot be written, before anything is computed.
void require_writable(const std::filesystem::path& file);

/// A CSV file with a head line: step, sample, group, value (F, all digits). Written beside its
/// place and moved there complete. Throws DataError.
void write_losses(const CheckpointValues& values, const Problem& problem,
                  const std::filesystem::path& file);

}  // namespace explaind
