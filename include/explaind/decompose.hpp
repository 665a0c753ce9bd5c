#pragma once
// A question put to a subject: its scores go to an influence store.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "explaind/question.hpp"
#include "explaind/subject.hpp"

namespace explaind::v1 {

/// How a decomposition is followed and ended early. Functions are called on rank 0, by any thread,
/// one at a time.
struct Following {
  std::function<void(const std::string& lines)> said;           ///< lines for people; may be empty
  std::function<void(int64_t done, int64_t total)> progressed;  ///< of the present phase
  /// Looked at between two units, on every rank: once it is true on one, no rank begins another.
  const std::atomic<bool>* stop = nullptr;
};

enum class IfThere { refuse, replace, resume };

/// Where a decomposition is computed, and what becomes of a store that is there.
struct Running {
  Place place = {};
  IfThere if_there = IfThere::refuse;
  Following following = {};
  /// With IfThere::resume: also where another build of the library, or a processor that adds in
  /// another order, has begun the store, which is refused otherwise.
  bool other_build = false;
};

struct Outcome {
  bool stopped = false;  ///< on request; the same call with IfThere::resume goes on
  int64_t missed = 0;    ///< samples and segments that did not reach the tolerance
  int64_t limited = 0;   ///< that the precision kept from it
};

/// Computes Γ of the subject, summed along the axes that the question does not keep, and writes it
/// to the store, as `explaind decompose` does: the same bits on any number of ranks. Throws Error
/// on all ranks before anything is computed; what fails later ends the job (run). Finished units
/// stay. @collective
Outcome decompose(const Ranks& ranks, const Subject& subject, const Question& question,
                  const std::string& store, const Running& running = {});

/// What the decomposition would take, measured here: a word and its text each, as `explaind plan`
/// prints them. Throws Error on all ranks. @collective
std::vector<std::pair<std::string, std::string>> plan(const Ranks& ranks, const Subject& subject,
                                                      const Question& question,
                                                      const Place& place = {});

}  // namespace explaind::v1
