#pragma once
// From where on a way into a checkpoint and out of it counts as out of line. What was measured for
// them is in tests/benchmarks/results/2026-11-29-doctor.md.

#include <cstddef>

namespace explaind {

// In units of the logarithm of a length. What is smaller than these, or less unusual than those
// below, clean trainings showed too (cosine, constant and trapezoidal schedules with and without
// warm-up, small and large learning rates, even and log-spaced steps, fp32 and bf16).
inline constexpr double least_of_tensor = .3, least_bend = .3, least_of_pattern = .5;
/// In units of how far tensors of one kind differ anyway.
inline constexpr double unusual_tensor = 8, unusual_bend = 3, unusual_pattern = 6;
inline constexpr double smallest_scale = .04, smallest_bend_scale = .02;
/// How many kinds of tensors must be in the file and elsewhere, and what share of them must say
/// that a file bends. In clean series layers differ by their attention or by their MLPs, seldom by
/// both.
inline constexpr size_t fewest_kinds = 3;
inline constexpr double agreeing_kinds = .75;
/// The scale where too few tensors of a kind say it.
inline constexpr double scale_of_few = .1;
/// Cosines below this turn back, where those of the others lie above it by `turned_more`.
inline constexpr double turned = -.5, turned_more = .6, all_turned = -.35;
/// Without the foreign checkpoint the ways differ from others' by no more than so much of what they
/// did with it.
inline constexpr double smoothed = .6;
/// What turns back has longer ways in and out than before and after: by so much, both together. A
/// matrix that swings at a high learning rate has not.
inline constexpr double least_detour = .5, unusual_detour = 10;

}  // namespace explaind
