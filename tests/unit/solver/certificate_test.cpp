#include "solver/certificate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace explaind {
namespace {

using End = SampleVerdict::End;

SampleVerdict verdict(End end, double error, int32_t evaluations) {
  SampleVerdict made;
  made.end = end;
  made.error = error;
  made.evaluations = evaluations;
  return made;
}

/// A tile of one sample whose outputs ended so.
ScoreTile tile_of(const std::vector<SampleVerdict>& outputs) {
  ScoreTile tile;
  const auto count = static_cast<int64_t>(outputs.size());
  begin_certificates(1, count, tile);
  for (size_t pair = 0; pair < outputs.size(); ++pair) {
    tile.value_from[pair] = 1;
    tile.value_to[pair] = 4;
    certify(outputs[pair], 2.5, pair, count, tile);
  }
  return tile;
}

TEST(Certificate, TheWorstOutputOfASampleCounts) {
  const SampleVerdict met = verdict(End::met, 1e-3, 9), kinks = verdict(End::kinks, 2e-3, 40),
                      limited = verdict(End::limited, 5e-3, 17),
                      missed = verdict(End::missed, 4e-3, 129);
  struct Case {
    std::vector<SampleVerdict> outputs;
    int met, limited, nodes;
    double error;
  };
  for (const Case& each :
       {Case{{met}, 1, 0, 9, 1e-3}, Case{{met, kinks}, 1, 0, 40, 2e-3},
        Case{{met, limited}, 0, 1, 17, 5e-3}, Case{{limited, limited}, 0, 1, 17, 5e-3},
        Case{{limited, missed}, 0, 0, 129, 5e-3}, Case{{missed, limited, met}, 0, 0, 129, 5e-3}}) {
    const ScoreTile tile = tile_of(each.outputs);
    EXPECT_EQ(tile.tolerance_met[0], each.met);
    EXPECT_EQ(tile.limited_by_precision[0], each.limited);
    EXPECT_EQ(tile.node_count[0], each.nodes);
    EXPECT_EQ(tile.quadrature_error[0], each.error);
    for (const double residual : tile.residual) EXPECT_EQ(residual, 0.5);
  }
}

TEST(Certificate, OneErrorThatIsNotKnownMakesTheSamplesUnknown) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  for (const bool first : {true, false}) {
    const ScoreTile tile = tile_of({verdict(End::missed, first ? none : 1e-3, 3),
                                    verdict(End::missed, first ? 1e-3 : none, 3)});
    EXPECT_TRUE(std::isnan(tile.quadrature_error[0]));
  }
}

}  // namespace
}  // namespace explaind
