#pragma once
// scheduler.pt of Hugging Face's Trainer.

#include <filesystem>
#include <vector>

namespace explaind {

/// The rate of each group's next step, as the scheduler left it; empty where the file is not there.
/// Throws DataError naming it where it says none.
std::vector<double> scheduled_rates(const std::filesystem::path& path);

}  // namespace explaind
