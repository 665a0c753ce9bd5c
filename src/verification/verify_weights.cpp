#include "verification/verify_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "comm/allotted.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/stop_flag.hpp"
#include "job/job.hpp"
#include "job/store_claim.hpp"
#include "store/layout.hpp"
#include "verification/certificates_of.hpp"
#include "verification/recomputed_question.hpp"
#include "verification/score_comparison.hpp"

namespace explaind {
namespace {

std::vector<int64_t> committed_units(const StoreShape& shape) {
  std::vector<int64_t> units;
  for (int64_t index = 0; index < shape.units.size(); ++index) {
    if (shape.is_committed(shape.units.unit(index))) units.push_back(index);
  }
  return units;
}

int64_t most_nodes(const StoreReader& store, const StoreShape& shape,
                   const std::vector<int64_t>& units) {
  double most = 0;
  for (const int64_t index : units) {
    for (const double nodes : certificates_of(store, shape.units.unit(index)).nodes) {
      most = std::max(most, nodes);
    }
  }
  return static_cast<int64_t>(most);
}

void require_comparable(const StoreReader& store, const StoreShape& shape) {
  for (const auto& [name, text] : store.attributes()) {
    if (name != merged_from) continue;
    throw DataError(store.path(),
                    "was merged from other stores, each with samples or segments of its own, and "
                    "is not computed again",
                    "Verify those with --series, and this one without it");
  }
  if (shape.configured && shape.part.empty()) return;
  throw DataError(store.path(),
                  shape.configured
                      ? "is a part of a store (" + shape.part + "), which is not computed again"
                      : "does not say how it was made, so it cannot be computed again",
                  "Name the store that it was cut from, or leave out --series");
}

/// The segments that were chosen now are those of the store.
void require_same_segments(const StoreReader& store, const StoreShape& shape,
                           const StoreSchema& schema) {
  if (schema.step_from == shape.step_from && schema.step_to == shape.step_to &&
      static_cast<int64_t>(schema.components.size()) == shape.components) {
    return;
  }
  throw DataError(store.path(), "has other segments or components than its question makes",
                  "Make it anew with this program, or verify it without --series");
}

}  // namespace

void verify_against_weights(const WeightsAsked& asked, const Communicator& world,
                            const Control& control, Verification& found) {
  const StoreReader store(found.store);
  const StoreShape shape(store);
  require_comparable(store, shape);
  DecomposeOptions options = shape.options;
  options.series = asked.series;
  if (asked.samples) options.samples = *asked.samples;
  const std::vector<int64_t> there = committed_units(shape);
  std::vector<int64_t> units;
  for (const int64_t place :
       chosen_places(static_cast<int64_t>(there.size()), asked.share, asked.seed)) {
    units.push_back(there[static_cast<size_t>(place)]);
  }
  if (units.empty()) {
    found.against_weights += ": nothing is committed";
    return;
  }
  const Subject subject = Subject::open(subject_of(options));
  const Question question = question_of(options);
  const Place place = place_of(options, world, allotted(world));
  const double epsilon = question.solver.quadrature.epsilon;
  DecomposeOptions otherwise;
  {
    const Problem as_stored(subject, question, place.device.device);
    require_same_inputs(store, as_stored);
    otherwise = put_otherwise(as_stored, most_nodes(store, shape, units));
    otherwise.shards = 1;  // a rank compares whole units
  }
  const std::unique_ptr<Job> job = make_job(subject, question_of(otherwise), place);
  const StoreClaim claim({.path = asked.work}, {}, world);
  job->prepare(claim, control);
  require_same_segments(store, shape, job->schema());
  ScoreComparison comparison(store, shape, job->problem(), epsilon);
  const JobEnd end = job->run(units, comparison, control);
  if (end.stopped) throw StopRequested("stopped on request");
  const Compared compared = comparison.of_all(world);
  const Trust& trust = compared.trust;
  found.checks.push_back(compared.values);
  found.checks.push_back(compared.scores);
  found.recomputed = Recomputed{.series = asked.series,
                                .samples = options.samples,
                                .seed = asked.seed,
                                .share = asked.share,
                                .rule = otherwise.quadrature,
                                .precision = otherwise.precision,
                                .units = units,
                                .scores = trust.scores,
                                .within = trust.within};
  found.against_weights = fmt::format(
      "against weights: {} of {} computed again ({}, {}; seed {}), {:.4g} % of {} within their "
      "certificates",
      units.size(), counted(there.size(), "committed unit"), otherwise.quadrature,
      otherwise.precision, asked.seed,
      100 * static_cast<double>(trust.within) /
          static_cast<double>(std::max<int64_t>(1, trust.scores)),
      counted(trust.scores, "score"));
  if (shape.options.component == "parameter") {
    found.notes.emplace_back("single scalars were compared with weights through their tensors");
  }
}

}  // namespace explaind
