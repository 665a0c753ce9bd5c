#pragma once
// A verdict on a series before a night is spent on it.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "core/listener.hpp"
#include "doctor/finding.hpp"

namespace explaind {

struct NameRules;

/// What was looked at, and what was found.
struct CheckReport {
  struct File {
    std::string name, sha256;
    int64_t bytes = 0;
  };
  struct Seen {
    int64_t step = 0;
    std::string directory;
    std::vector<File> files;
  };
  std::vector<Seen> checkpoints;   ///< ascending in step
  std::vector<Finding> findings;   ///< by checkpoint
  std::vector<std::string> notes;  ///< what was passed over
  int64_t files = 0, bytes = 0;    ///< of weights, read
};

/// Reads all weights of a series once. Alike on every rank, and for any number of ranks. Throws
/// Error where there is no series. @collective over world
CheckReport check_series(const std::filesystem::path& path, const NameRules& rules,
                         const Communicator& world, Listener& listener);

}  // namespace explaind
