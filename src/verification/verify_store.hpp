#pragma once
// explaind verify: everything that a store must hold by itself, checked in one pass over its bytes.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "verification/check.hpp"

namespace explaind {

/// How scores were computed again, and what came of it.
struct Recomputed {
  std::string series, samples;  ///< that were named
  uint64_t seed = 0;            ///< of the choice of units
  double share = 0;             ///< of the committed units, as asked
  std::string rule, precision;
  std::vector<int64_t> units;      ///< their numbers: segment · units of a segment + chunk
  int64_t scores = 0, within = 0;  ///< compared, and of these within their certificates
};

/// What was found.
struct Verification {
  std::string store;
  std::string identity;  ///< of the store, as it says; empty where it does not
  int layout = 0;        ///< version
  int64_t units = 0, committed = 0;
  /// Whether scores were computed again, in words.
  std::string against_weights = "not checked against weights";
  std::optional<Recomputed> recomputed;
  std::vector<std::string> notes;  ///< of the file, in sentences
  std::vector<Check> checks;

  [[nodiscard]] bool holds() const;
};

/// Opens the file for reading and reads all of it, a few megabytes at a time. Throws DataError
/// where it is no store, of a newer version, or cannot be read.
Verification verify_store(const std::filesystem::path& path);

}  // namespace explaind
