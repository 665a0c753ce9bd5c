#pragma once
// Tiles of consecutive pieces of a segment, added up.

#include "scores/tile.hpp"

namespace explaind {

/// Adds the tile of the piece that follows: scores, residuals, estimated errors, evaluations and
/// seconds are added, F goes from the first piece's beginning to the last one's end, and a sample
/// has met its tolerance where it has on every piece; it is limited by precision only where no
/// piece missed. Both tiles are of the same unit and hold the same rows.
void add_piece(ScoreTile& total, const ScoreTile& piece);

}  // namespace explaind
