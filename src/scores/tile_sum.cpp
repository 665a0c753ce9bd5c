#include "scores/tile_sum.hpp"

#include <vector>

namespace explaind {
namespace {

template <typename Number>
void add(std::vector<Number>& total, const std::vector<Number>& more) {
  for (size_t i = 0; i < total.size(); ++i) total[i] += more[i];
}

bool missed(const ScoreTile& tile, size_t sample) {
  return tile.tolerance_met[sample] == 0 && tile.limited_by_precision[sample] == 0;
}

}  // namespace

void add_piece(ScoreTile& total, const ScoreTile& piece) {
  add(total.psi, piece.psi);
  for (size_t i = 0; i < total.parts.size(); ++i) {
    add(total.parts[i].scores, piece.parts[i].scores);
  }
  add(total.residual, piece.residual);
  add(total.quadrature_error, piece.quadrature_error);
  add(total.node_count, piece.node_count);
  total.value_to = piece.value_to;
  total.seconds += piece.seconds;
  for (size_t i = 0; i < total.tolerance_met.size(); ++i) {
    const bool any_missed = missed(total, i) || missed(piece, i);
    const bool met = total.tolerance_met[i] == 1 && piece.tolerance_met[i] == 1;
    total.tolerance_met[i] = met ? 1 : 0;
    total.limited_by_precision[i] = !met && !any_missed ? 1 : 0;
  }
}

}  // namespace explaind
