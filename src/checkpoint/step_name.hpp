#pragma once
// The step of a checkpoint, read out of the name of its folder or revision.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace explaind {

/// What a name says. Names are read as public series write them:
///
///     [any text] WORD[-_=]DIGITS[k|m] [known words]      step-001000-2BT, ckpt_005, iter_0001000,
///     DIGITS                                             stage1-step1000-tokens5B, 1000
///
/// WORD is step, iter, iteration, checkpoint, ckpt, update or batch, in any case of letters. Known
/// words after the step are a count of tokens (2BT, tokens-0700B), an epoch, a phase, stage,
/// ingredient or seed, and hf, ckpt, checkpoint, unsharded, universal, converted. Whatever else
/// follows (-v2, -bf16, a date) leaves doubt, and a name without such a word (a hash, run-3) says
/// no step at all.
struct StepName {
  std::optional<int64_t> step;  ///< nothing where the name leaves doubt
  /// What the name says besides, in small letters and without joints at its ends: "stage1",
  /// "lc-32k-to-64k", "extension", a model's name; empty: nothing. Checkpoints count their steps
  /// alike where it is the same. Neither what grows with the step (tokens, epochs) nor a seed is in
  /// it.
  std::string part;
  std::string seed;               ///< "default", "3", "small-aux-2"; empty: none is said
  std::optional<int64_t> tokens;  ///< seen in training until then, where the name says it
  /// Where step is not there: what was understood and what not; empty for a name without a digit.
  std::string doubt;
  /// The step that is likely meant, where there is one (for the line of a list in a message).
  std::optional<int64_t> likely;
};

StepName read_step_name(const std::string& name);

/// A non-negative number that fills `text` and fits 64 bits.
std::optional<int64_t> parse_step(std::string_view text);

/// "1000", "480k", "1m": a step as names write it.
std::optional<int64_t> parse_short_step(std::string_view text);

/// "5B", "1.5b", "2BT", "4194304000", "700Btokens": a count of tokens; nothing where it is none, or
/// does not fit 64 bits.
std::optional<int64_t> parse_tokens(std::string_view text);

/// In small letters, as names are compared (ASCII; other letters stay).
std::string small_letters(std::string_view text);

}  // namespace explaind
