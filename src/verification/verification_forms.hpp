#pragma once
// What a verification found, as a table to read and as JSON.

#include <nlohmann/json.hpp>
#include <string>

#include "verification/verify_store.hpp"

namespace explaind {

/// A line a check, what fails below them, and a closing line; ends with a line break.
std::string verification_table(const Verification& found);

/// When, by which program and how it was made.
struct VerificationOrigin {
  std::string date, revision, command;  ///< date: UTC
};

/// store, identity, layout, date, revision, command, holds, against_weights, units (all,
/// committed), notes, and checks: name, what, of, checked, failed, largest_deviation, unit, at,
/// verdict, why_not, found; with
/// --series also recomputed: series, samples, share, seed, rule, precision, units, scores,
/// within_certificate, trust (their share).
nlohmann::ordered_json verification_json(const Verification& found,
                                         const VerificationOrigin& origin);

}  // namespace explaind
