#pragma once
// What a user may type first.

#include <functional>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "comm/rank_watch.hpp"

namespace explaind {

struct Verb {
  std::string name;  ///< one word, or two: "store repack"
  std::string usage, summary;
  /// Parses and runs; `world` is there where the verb is collective.
  std::function<int(const Verb&, const std::vector<std::string>&, const Communicator*)> run;
  bool collective = false;
  std::string collective_with = {};  ///< an option with which it is collective too
  /// The files that it will open as stores, as far as its arguments can be understood.
  std::function<std::vector<std::string>(const std::vector<std::string>&)> stores = {};
  /// It looks at the stop flag, and what it has finished by then is kept or cleared away. Other
  /// verbs are ended at once by a signal.
  bool stops = false;
  /// Where several ranks run it: how they watch each other.
  std::function<WatchTerms(const std::vector<std::string>&)> watch = {};
};

/// All of them, in the order of --help.
std::vector<Verb> verbs();

}  // namespace explaind
