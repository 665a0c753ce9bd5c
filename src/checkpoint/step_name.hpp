#pragma once
// The step of a checkpoint, read out of the name of its folder or revision.

#include <cstdint>
#include <optional>
#include <string>

namespace explaind {

/// What a name says. Names are read as public series write them:
///
///     [any text] WORD[-_=]DIGITS[k|m] [known words]      step-001000-2BT, ckpt_005, iter_0001000,
///     DIGITS                                             stage1-step1000-tokens5B, 1000
///
/// WORD is step, iter, iteration, checkpoint, ckpt or update, in any case of letters. Known words
/// after the step are a count of tokens (2BT, tokens-0700B), an epoch, a phase, stage, ingredient
/// or seed, and hf, ckpt, checkpoint, unsharded, converted. Whatever else follows (-v2, -bf16, a
/// date) leaves doubt, and a name without such a word (a hash, run-3) says no step at all.
struct StepName {
  std::optional<int64_t> step;  ///< nothing where the name leaves doubt
  /// The name without the step and without what grows with it (tokens, epochs): the same for all
  /// checkpoints of one series.
  std::string context;
  /// Where step is not there: what was understood and what not; empty for a name without a digit.
  std::string doubt;
  /// The step that is likely meant, where there is one (for the line of a list in a message).
  std::optional<int64_t> likely;
};

StepName read_step_name(const std::string& name);

/// A non-negative number that fills `text` and fits 64 bits.
std::optional<int64_t> parse_step(std::string_view text);

}  // namespace explaind
