#pragma once
// Regular expressions of tokenizer.json: Oniguruma, as the tokenizers library has it.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace explaind {

/// A part of a text, and whether the pattern matched it.
struct MatchedPart {
  size_t begin, end;
  bool match;
};

class Pattern {
 public:
  /// Throws std::invalid_argument where the expression is broken, or holds what is not covered
  /// (pattern_classes.hpp).
  static Pattern of_expression(const std::string& expression);
  /// Finds `text` itself, which must not be empty.
  static Pattern of_text(std::string text);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

  /// The matches and what is between them, in order. Matches may be empty. Throws
  /// std::runtime_error where the search takes more steps than Oniguruma allows.
  [[nodiscard]] std::vector<MatchedPart> parts(std::string_view text) const;

 private:
  struct Compiled;
  Pattern();
  std::unique_ptr<Compiled> compiled_;  ///< nothing: text_ itself is looked for
  std::string text_;
};

}  // namespace explaind
