#include "verification/score_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.hpp"
#include "verification/certificates_of.hpp"

namespace explaind {
namespace {

using nlohmann::json;

/// Rounding of a score: so many epsilons of all that the row's scores add up to in size. A
/// gradient's rounding is that of the whole pass.
constexpr double roundings = 64;
/// A certificate is an estimate. A score so many times beyond it is wrong; one that is a little
/// beyond counts in the share that is within.
constexpr double surely_beyond = 10;

/// A check of one unit as it goes to other ranks; its words they have.
json sent(const Check& check) {
  return {{"checked", check.checked},
          {"failed", check.failed},
          {"largest", fmt::format("{}", check.largest)},  // may be infinite, which JSON has not
          {"largest_at", check.largest_at},
          {"found", check.found}};
}

Check received(const json& sent) {
  Check check;
  check.checked = sent["checked"];
  check.failed = sent["failed"];
  check.largest = std::stod(sent["largest"].get<std::string>());
  check.largest_at = sent["largest_at"];
  check.found = sent["found"].get<std::vector<std::string>>();
  return check;
}

}  // namespace

void Compared::join(const Compared& later) {
  trust.scores += later.trust.scores;
  trust.within += later.trust.within;
  scores.join(later.scores);
  values.join(later.values);
}

ScoreComparison::ScoreComparison(const StoreReader& store, const StoreShape& shape,
                                 const Problem& again, double epsilon)
    : store_(store),
      shape_(shape),
      again_(again),
      epsilon_(epsilon),
      joined_(static_cast<size_t>(again.components.size()), 0),
      nothing_{.trust = {},
               .scores = {.name = "scores",
                          .what = "scores computed again, against their certificates",
                          .of = "score",
                          .unit = store.unit("psi")},
               .values = {.name = "values",
                          .what = "F at the ends of segments, computed again",
                          .of = "value",
                          .unit = store.unit("value_from")}} {
  const auto tensors = static_cast<int64_t>(again.components.parameters().size());
  for (int64_t i = 0; i < tensors; ++i) {
    const ParameterSlot& slot = again.components.slot(i);
    for (int64_t c = slot.first; c < slot.first + slot.count; ++c) {
      joined_[static_cast<size_t>(c)] += 1;
    }
  }
}

void ScoreComparison::write(const ScoreTile& tile) {
  Compared found = nothing_;
  compare_values(tile, found);
  compare_scores(tile, found);
  units_[{tile.unit.segment, tile.unit.sample_begin}] = std::move(found);
}

Compared ScoreComparison::of_all(const Communicator& world) const {
  json own = json::array();
  for (const auto& [unit, found] : units_) {
    own.push_back({{"unit", {unit.first, unit.second}},
                   {"trust", {found.trust.scores, found.trust.within}},
                   {"scores", sent(found.scores)},
                   {"values", sent(found.values)}});
  }
  std::map<std::pair<int64_t, int64_t>, Compared> all;
  for (const std::string& text :
       world.all_gather(own.dump(-1, ' ', false, json::error_handler_t::replace))) {
    for (const json& each : json::parse(text)) {
      Compared found{.trust = {each["trust"][0], each["trust"][1]},
                     .scores = received(each["scores"]),
                     .values = received(each["values"])};
      all[{each["unit"][0], each["unit"][1]}] = std::move(found);
    }
  }
  Compared joined = nothing_;
  for (const auto& [unit, found] : all) joined.join(found);
  return joined;
}

void ScoreComparison::compare_values(const ScoreTile& tile, Compared& found) {
  const UnitCertificates stored = certificates_of(store_, tile.unit);
  // What an optimizer's step ends at is formed anew, from gradients of another precision.
  const bool rounded = shape_.options.value_precision == "same" || shape_.options.source == "steps";
  const double relative = rounded ? std::max(roundings * epsilon_, 1e-9) : 1e-9;
  const auto segment = static_cast<size_t>(tile.unit.segment);
  for (size_t pair = 0; pair < tile.value_from.size(); ++pair) {
    const int64_t sample = tile.unit.sample_begin + static_cast<int64_t>(pair) / shape_.outputs;
    const auto compare = [&](double was, double is, const std::vector<int64_t>& steps) {
      found.values.add(
          was - is, relative * (1 + std::abs(is)),
          [&] {
            return fmt::format("{}, at step {}", shape_.name_of(tile.unit.segment, sample),
                               segment < steps.size() ? steps[segment] : -1);
          },
          [&] { return fmt::format("F is {:.17g} of these weights and was {:.17g}", is, was); });
    };
    compare(stored.value_from[pair], tile.value_from[pair], shape_.step_from);
    compare(stored.value_to[pair], tile.value_to[pair], shape_.step_to);
  }
}

std::vector<double> ScoreComparison::certified(const ScoreTile& tile) const {
  const UnitCertificates stored = certificates_of(store_, tile.unit);
  const auto rows = static_cast<size_t>(shape_.rows(tile.unit));
  std::vector<double> allowed(rows, 0), members(rows, 0);
  for (int64_t sample = tile.unit.sample_begin; sample < tile.unit.sample_end; ++sample) {
    const int64_t row = shape_.of_samples  ? sample - tile.unit.sample_begin
                        : shape_.of_groups ? again_.row_of(sample)
                                           : 0;
    const double error = stored.error[static_cast<size_t>(sample - tile.unit.sample_begin)];
    // A fixed rule states no error: the same rule has the same one.
    allowed[static_cast<size_t>(row)] += std::isnan(error) ? 0 : error;
    members[static_cast<size_t>(row)] += 1;
  }
  const bool mean = shape_.of_groups && shape_.options.group_reduce == "mean";
  for (size_t row = 0; mean && row < rows; ++row) allowed[row] /= std::max(1.0, members[row]);
  return allowed;
}

void ScoreComparison::compare_scores(const ScoreTile& tile, Compared& found) {
  const UnitPlace place = place_of(store_.variable("psi"), tile.unit);
  const std::vector<double> stored = store_.read("psi", place.start, place.count);
  if (stored.size() != tile.psi.size()) {
    throw DataError(store_.path(), "has scores of another shape than its question makes",
                    "This is a defect, or the store was changed: report it");
  }
  const std::vector<double> allowed = certified(tile);
  const auto outputs = static_cast<size_t>(shape_.outputs);
  const auto components = static_cast<size_t>(shape_.components);
  const size_t row_size = stored.size() / std::max<size_t>(1, allowed.size());
  for (size_t row = 0; row < allowed.size(); ++row) {
    double size = 0;
    for (size_t i = row * row_size; i < (row + 1) * row_size; ++i) size += std::abs(tile.psi[i]);
    for (size_t i = row * row_size; i < (row + 1) * row_size; ++i) {
      const size_t component = i / outputs % components;
      const double stated = allowed[row] * joined_[component] +
                            roundings * epsilon_ * size / static_cast<double>(outputs) + 1e-300;
      const double deviation = stored[i] - tile.psi[i];
      ++found.trust.scores;
      found.trust.within += std::abs(deviation) <= stated ? 1 : 0;
      found.scores.add(
          deviation, surely_beyond * stated,
          [&] {
            const std::string of_row =
                shape_.of_samples ? shape_.name_of(tile.unit.segment, tile.unit.sample_begin +
                                                                          static_cast<int64_t>(row))
                                  : fmt::format("{}, row {}", shape_.name_of(tile.unit), row);
            return fmt::format("{}, component {}", of_row,
                               again_.components.components()[component].name);
          },
          [&] {
            return fmt::format("{:.9g} is stored, {:.9g} was computed (stated error {:.2g})",
                               stored[i], tile.psi[i], stated);
          });
    }
  }
}

}  // namespace explaind
