#pragma once
// The one error type of the program. Every message says what is wrong, where, and what to do.

#include <stdexcept>
#include <string>

namespace explaind {

/// Exit codes of every verb (architecture: contracts).
enum class ExitCode : int {
  done = 0,
  failure = 1,           ///< bad data, file system or run-time failure
  usage = 2,             ///< wrong use or configuration, decidable from command line and INI alone
  tolerance_missed = 3,  ///< done, but some samples missed the tolerance
  lost = 70,             ///< a rank, a node or a device was lost; resumable
  stopped = 75           ///< stopped on request; resumable
};

/// `what()` is the whole message, "WHERE: WHAT. REMEDY" with empty parts left out.
///
/// where: a file, `file:line`, tensor or key; problem: what is wrong, without a closing full stop;
/// remedy: what to do.
class Error : public std::runtime_error {
 public:
  Error(const std::string& where, const std::string& problem, const std::string& remedy,
        ExitCode code = ExitCode::failure);

  [[nodiscard]] ExitCode exit_code() const { return code_; }

 private:
  ExitCode code_;
};

/// Bad data or a failing file system: exit code 1.
class DataError : public Error {
 public:
  DataError(const std::string& where, const std::string& problem, const std::string& remedy = "")
      : Error(where, problem, remedy, ExitCode::failure) {}
};

/// Wrong use or configuration, decidable from command line and INI alone: exit code 2.
class UsageError : public Error {
 public:
  UsageError(const std::string& where, const std::string& problem, const std::string& remedy = "")
      : Error(where, problem, remedy, ExitCode::usage) {}
};

}  // namespace explaind
