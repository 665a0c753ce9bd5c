#pragma once
// A run of two small parameters and five steps, whose every value can be told from its place.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runs/run_writer.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind::testing {

/// Adam with second moments: "a" of shape [2, 3] in group 0, "b" of shape [2] in group 1; 10
/// training samples; flips recorded.
nlohmann::json small_run_json();

/// Element i of parameter p (0: a, 1: b) at θ_s; negated: its second moment after step s − 1.
inline float small_value(int64_t s, size_t p, size_t i) {
  return static_cast<float>(s * 100) + static_cast<float>(p * 10 + i);
}
/// B_s: sizes 3, 3, 2, 3, 3 (ragged); sample j of step s.
inline int64_t small_batch_size(int64_t s) { return s == 2 ? 2 : 3; }
inline int64_t small_sample(int64_t s, int64_t j) { return (7 * s + 3 * j) % 10; }

/// Adds step s of the small run.
void add_small_step(RunWriter& writer, int64_t s);
/// The state after `steps` steps.
void write_small_block(RunWriter& writer);

/// Steps 0 … 4 in blocks 0–1, 2–3, 4, complete.
void write_small_run(const std::filesystem::path& folder);

}  // namespace explaind::testing
