#pragma once
// Names of checkpoints that the grammar of step_name.hpp does not know, by a pattern of the user's.

#include <map>
#include <regex>
#include <string>

#include "checkpoint/step_name.hpp"

namespace explaind {

/// A regular expression (ECMAScript's) that fits a whole name, with named groups: `step`, and where
/// there are such, `stage`, `phase`, `seed` and `tokens`, written (?<step>\d+) or (?P<step>\d+).
class StepPattern {
 public:
  /// Throws UsageError: a pattern that cannot be read, without a group `step`, or with a group of
  /// another name or twice of one.
  explicit StepPattern(const std::string& pattern);

  /// What the groups hold. A name that the pattern does not fit, or whose group `step` holds no
  /// number ("1000", "480k"), is in doubt. `part` is the stage and the phase, nothing else.
  [[nodiscard]] StepName read(const std::string& name) const;

 private:
  std::map<std::string, size_t> groups_;  ///< name → number
  std::regex expression_;
};

}  // namespace explaind
