#include "tokenizers/pieces.hpp"

#include <algorithm>

namespace explaind {
namespace {

/// A part that is kept.
struct Kept {
  size_t begin, end;
};

/// Parts in their order, or reversed for what is merged with the next one: a match joins the part
/// before it, unless that was a match.
std::vector<Kept> merged(const std::vector<MatchedPart>& parts, bool reversed) {
  std::vector<Kept> kept;
  bool after_match = false;
  const auto take = [&](const MatchedPart& part) {
    if (part.match && !after_match && !kept.empty()) {
      if (reversed) {
        kept.back().begin = part.begin;
      } else {
        kept.back().end = part.end;
      }
    } else {
      kept.push_back({part.begin, part.end});
    }
    after_match = part.match;
  };
  if (reversed) {
    std::for_each(parts.rbegin(), parts.rend(), take);
    std::reverse(kept.begin(), kept.end());
  } else {
    std::for_each(parts.begin(), parts.end(), take);
  }
  return kept;
}

std::vector<Kept> kept_of(const std::vector<MatchedPart>& parts, AtMatches at) {
  if (at == AtMatches::merged_with_previous) return merged(parts, false);
  if (at == AtMatches::merged_with_next) return merged(parts, true);
  std::vector<Kept> kept;
  bool match = false;
  for (const MatchedPart& part : parts) {
    if (at == AtMatches::contiguous && part.match == match && !kept.empty()) {
      kept.back().end = part.end;
    } else if (at != AtMatches::removed || !part.match) {
      kept.push_back({part.begin, part.end});
    }
    match = part.match;
  }
  return kept;
}

}  // namespace

void Pieces::add(TrackedText text) { add_token(std::move(text), no_token); }

void Pieces::add_token(TrackedText text, int64_t token) {
  const size_t size = text.text().size();
  if (size == 0) return;
  texts_.push_back(std::move(text));
  pieces_.push_back({&texts_.back(), 0, size, token});
}

void Pieces::change(const std::function<bool(TrackedText&)>& change) {
  std::vector<Piece> next;
  next.reserve(pieces_.size());
  for (const Piece& piece : pieces_) {
    if (piece.token != no_token) {
      next.push_back(piece);
      continue;
    }
    TrackedText text = piece.within->part(piece.begin, piece.end);
    if (!change(text)) {
      next.push_back(piece);
      continue;
    }
    const size_t size = text.text().size();
    if (size == 0) continue;
    texts_.push_back(std::move(text));
    next.push_back({&texts_.back(), 0, size, no_token});
  }
  pieces_ = std::move(next);
}

void Pieces::cut(const std::function<std::vector<MatchedPart>(std::string_view)>& find,
                 AtMatches at) {
  std::vector<Piece> next;
  next.reserve(pieces_.size());
  for (const Piece& piece : pieces_) {
    if (piece.token != no_token) {
      next.push_back(piece);
      continue;
    }
    for (const Kept& kept : kept_of(find(piece.text()), at)) {
      if (kept.begin == kept.end) continue;
      next.push_back({piece.within, piece.begin + kept.begin, piece.begin + kept.end, no_token});
    }
  }
  pieces_ = std::move(next);
}

void Pieces::cut_tokens(const std::function<std::vector<TokenPart>(std::string_view)>& find) {
  std::vector<Piece> next;
  next.reserve(pieces_.size());
  for (const Piece& piece : pieces_) {
    if (piece.token != no_token) {
      next.push_back(piece);
      continue;
    }
    for (const TokenPart& part : find(piece.text())) {
      if (part.begin == part.end) continue;
      next.push_back({piece.within, piece.begin + part.begin, piece.begin + part.end, part.token});
    }
  }
  pieces_ = std::move(next);
}

}  // namespace explaind
