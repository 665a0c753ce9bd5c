#pragma once
// A text cut into pieces, some of which are tokens already.

#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>
#include <vector>

#include "tokenizers/pattern.hpp"
#include "tokenizers/tracked_text.hpp"

namespace explaind {

/// What becomes of the matches where a text is cut at them; `removed`, `isolated` and so on as
/// tokenizer.json names them.
enum class AtMatches { removed, isolated, merged_with_previous, merged_with_next, contiguous };

class Pieces {
 public:
  static constexpr int64_t no_token = -1;
  struct Piece {
    const TrackedText* within;
    size_t begin, end;
    int64_t token = no_token;
    [[nodiscard]] std::string_view text() const {
      return within->text().substr(begin, end - begin);
    }
  };

  [[nodiscard]] const std::vector<Piece>& all() const { return pieces_; }
  /// Adds a text as one piece; nothing where it is empty.
  void add(TrackedText text);
  void add_token(TrackedText text, int64_t token);

  /// Every piece that is no token becomes what `change` makes of its text, as one piece; nothing:
  /// it stays.
  void change(const std::function<bool(TrackedText&)>& change);
  /// Every piece that is no token is cut at the matches that `find` returns for its text: parts
  /// that cover it, in order.
  void cut(const std::function<std::vector<MatchedPart>(std::string_view)>& find, AtMatches at);
  /// `inside` gives the parts that are tokens, with their ids; the others have no_token.
  struct TokenPart {
    size_t begin, end;
    int64_t token;
  };
  void cut_tokens(const std::function<std::vector<TokenPart>(std::string_view)>& find);

 private:
  std::deque<TrackedText> texts_;
  std::vector<Piece> pieces_;
};

}  // namespace explaind
