#pragma once
// Linux' control groups, by which containers and batch systems limit what a process may take.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace explaind {

/// What a group limits.
enum class Controller { memory, processors };

/// A group, whose limits hold for all processes in it and in the groups below it together.
struct ControlGroup {
  std::filesystem::path folder;  ///< of its files, as this process sees them
  std::string name;              ///< for messages: the folder without the place it is mounted at
  int version = 2;               ///< of the files: 1 or 2
  /// Equal in all processes that see this group, whatever path each of them sees it by.
  std::string identity;
};

/// This process's group and those around it, innermost first; only those that this process can see,
/// which in a container may begin at its own. Empty where there are none.
///
/// root: where /proc and /sys are found: in tests a recorded tree.
std::vector<ControlGroup> control_groups(Controller controller,
                                         const std::filesystem::path& root = "/");

/// The number that a file of a group begins with; nothing where there is none ("max"), or no file.
std::optional<int64_t> number_in(const std::filesystem::path& file);

}  // namespace explaind
