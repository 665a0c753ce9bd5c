#pragma once
// The user's command that brings one checkpoint.

#include <filesystem>
#include <string>

#include "core/stop_flag.hpp"

namespace explaind {

/// A shell command with the places {revision}, {step} and {dir}: the checkpoint's name and step,
/// and the folder, which is there and empty, that it is to be put into.
class FetchCommand {
 public:
  /// Throws UsageError where {dir} or {revision} is missing, which every checkpoint needs, and for
  /// a place of another name.
  explicit FetchCommand(std::string text);

  /// The command for one checkpoint, its words quoted for the shell.
  [[nodiscard]] std::string of(const std::string& revision, int64_t step,
                               const std::filesystem::path& folder) const;

 private:
  std::string text_;
};

/// How a command ended: empty where it exited with 0; else its exit code or signal, and the last
/// lines that it printed.
///
/// It runs by /bin/sh, without standard input, in a process group of its own (Ctrl-C in a terminal
/// reaches this program, which lets it finish), and ends with this program. What it prints goes to
/// `log`.
std::string run_command(const std::string& command, const std::filesystem::path& log);

}  // namespace explaind
