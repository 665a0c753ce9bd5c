#pragma once
// inspect of a recorded run.

#include <filesystem>

namespace explaind {

/// Prints what a recorded run holds: model, optimizer, data, steps, losses. A run that has not
/// ended is shown as far as it goes.
void inspect_run(const std::filesystem::path& path);

}  // namespace explaind
