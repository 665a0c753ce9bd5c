#pragma once
// What a store tells of a training: the searches that were asked for, and what each may risk.

#include <string>
#include <vector>

#include "discovery/search_result.hpp"
#include "store/store_reader.hpp"

namespace explaind {

/// Names of all searches, in the order in which they are shown.
std::vector<std::string> search_names();

struct FindRequest {
  std::vector<std::string> searches;  ///< names; empty: all
  std::string over = "kind";          ///< of phases: "kind", "layer" or "component"
  std::vector<std::string> groups;    ///< of divergences; empty: all
  std::vector<std::string> select;    ///< as `query --select` has it
  double level = 0.05;                ///< of all tests of the call together
  int64_t permutations = 9999;
  uint64_t seed = 1;
};

struct Findings {
  std::string store, unit, sign;
  std::vector<std::string> notes;
  FindRequest asked;
  size_t tested = 0;  ///< searches among which the level is divided
  size_t segments = 0, rows = 0;
  std::string rows_are, part;  ///< what is compared: "sample"; "component"
  size_t parts = 0;
  std::vector<SearchResult> all;
};

/// Throws UsageError for a search, selection or group that there is not, DataError for the file.
Findings find(const StoreReader& store, const FindRequest& request);

}  // namespace explaind
