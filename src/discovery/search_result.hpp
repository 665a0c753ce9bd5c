#pragma once
// What a search came to: the same form for every kind of finding, for people and for programs.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace explaind {

/// What a test goes by.
struct TestSettings {
  /// Chance of a false finding that this search may take, of all its tests together.
  double level = 0.01;
  int64_t permutations = 9999;
  uint64_t seed = 1;
};

struct SearchResult {
  std::string name;     ///< "phases"
  std::string what;     ///< the question, in words
  std::string why_not;  ///< one line where it cannot be asked of this store; else empty
  std::string statistic, test, correction;  ///< in words; empty of what is only described
  int64_t permutations = 0;                 ///< 0: nothing was drawn
  int64_t tests = 0;                        ///< hypotheses among which the correction is
  double level = 0;                         ///< what an adjusted p may be at most; 0: no test
  std::optional<double> smallest_p;         ///< adjusted, of all that was tested
  /// What was found: one object a row, with the same keys in the same order.
  std::vector<nlohmann::ordered_json> rows;
  std::vector<std::string> shown;  ///< keys of rows that a table has
  std::vector<std::string> said;   ///< sentences below the table
  nlohmann::ordered_json more;     ///< for programs; null: nothing
};

}  // namespace explaind
