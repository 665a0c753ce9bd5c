#include "solver/certificate.hpp"

#include <algorithm>
#include <cmath>

namespace explaind {

void certify(const SampleVerdict& verdict, double sum, size_t pair, int64_t outputs,
             ScoreTile& tile) {
  using End = SampleVerdict::End;
  tile.residual[pair] = tile.value_to[pair] - tile.value_from[pair] - sum;
  const size_t sample = pair / static_cast<size_t>(outputs);
  double& error = tile.quadrature_error[sample];
  if (!std::isnan(error)) {
    error = std::isnan(verdict.error) ? verdict.error : std::max(error, verdict.error);
  }
  tile.node_count[sample] = std::max(tile.node_count[sample], verdict.evaluations);
  if (verdict.end == End::met || verdict.end == End::kinks) return;
  // One that missed outweighs others that precision limited.
  const bool missed_before =
      tile.tolerance_met[sample] == 0 && tile.limited_by_precision[sample] == 0;
  tile.limited_by_precision[sample] = verdict.end == End::limited && !missed_before ? 1 : 0;
  tile.tolerance_met[sample] = 0;
}

}  // namespace explaind
