#pragma once

#include <string>

namespace explaind {

/// What two processes must have in common for their results to be the same bits.
struct Likeness {
  std::string host;          ///< for messages
  std::string build;         ///< build_id()
  std::string instructions;  ///< instruction_set()
};

/// Of this process.
Likeness own_likeness();

/// Of instruction sets: what the first has that the second lacks, or "none of that".
std::string only_in(const std::string& first, const std::string& second);

/// What kind of thing keeps one process from going on with what another has begun.
struct Unlike {
  bool build = false, instructions = false;
  [[nodiscard]] bool any() const { return build || instructions; }
};

/// What is not known of one of them counts as alike.
Unlike unlike(const Likeness& begun, const Likeness& now);

/// Throws DataError where `now` must not go on at `path` with what `begun` has begun, naming both
/// hosts; unless other_build, with which the user wants it all the same.
void require_going_on(const std::string& path, const Likeness& begun, const Likeness& now,
                      bool other_build);

}  // namespace explaind
