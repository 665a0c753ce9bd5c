#pragma once
// Texts of samples as tokens, with what of them is to be predicted.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "samples/sample.hpp"
#include "tokenizers/tokenizer.hpp"

namespace explaind {

/// A text, and the bytes of it that are to be predicted.
struct TargetText {
  std::string text;
  std::optional<std::pair<size_t, size_t>> target;  ///< where there is none, all of it is
  bool completes = false;  ///< the target is the completion of the prompt before it
};

/// A text without its markers [TARGET] and [/TARGET], which stand around the target. Throws
/// DataError with `where` where they do not match.
TargetText unmark(const std::string& text, const std::string& where);

/// Prompt and completion as one text, of which the completion is the target. Throws DataError with
/// `where` for markers in either, and for a completion without a byte.
TargetText join(const std::string& prompt, const std::string& completion, const std::string& where);

class TextTokens {
 public:
  /// `options` must outlive it. The tokenizer is opened for the first text.
  explicit TextTokens(const SampleOptions& options) : options_(options) {}

  /// Adds a text's tokens to a sample. A token is predicted where it covers a byte of the target;
  /// of those that begin and end every sequence only where there is no target. Throws DataError for
  /// a special token in the text and an id that the model does not know.
  void add(const TargetText& text, const std::string& where, Sample& sample);

  /// What a user should know of the texts of `file` and their tokenizer.
  void say(const std::string& file, std::vector<std::string>& notes) const;

 private:
  void look_at(const TargetText& text, const std::vector<Tokenizer::Piece>& pieces);
  void add_token(int64_t id, bool predicted, const std::string& where, Sample& sample) const;

  const SampleOptions& options_;
  std::unique_ptr<Tokenizer> tokenizer_;
  size_t begun_twice_ = 0, ended_twice_ = 0, spanned_ = 0;  ///< texts
};

}  // namespace explaind
