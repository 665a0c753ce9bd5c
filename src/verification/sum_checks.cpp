#include "verification/sum_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "verification/compensated_sum.hpp"

namespace explaind {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double epsilon_f32 = std::numeric_limits<float>::epsilon();

/// What a row of psi must add up to, and how large its members are.
struct RowTarget {
  CompensatedSum change;
  double values = 0;
  int64_t samples = 0;
};

std::vector<RowTarget> targets_of(const StoreShape& shape, const Unit& unit,
                                  const UnitCertificates& certificates) {
  const int64_t outputs = shape.outputs;
  std::vector<RowTarget> targets(static_cast<size_t>(shape.rows(unit) * outputs));
  for (int64_t sample = unit.sample_begin; sample < unit.sample_end; ++sample) {
    const int64_t row = shape.of_samples  ? sample - unit.sample_begin
                        : shape.of_groups ? shape.group_of[static_cast<size_t>(sample)]
                                          : 0;
    for (int64_t output = 0; output < outputs; ++output) {
      const auto at = static_cast<size_t>((sample - unit.sample_begin) * outputs + output);
      RowTarget& target = targets[static_cast<size_t>(row * outputs + output)];
      target.change.add(certificates.value_to[at]);
      target.change.add(-certificates.value_from[at]);
      target.change.add(-certificates.residual[at]);
      target.values += std::abs(certificates.value_to[at]) + std::abs(certificates.value_from[at]) +
                       std::abs(certificates.residual[at]);
      ++target.samples;
    }
  }
  return targets;
}

std::string row_name(const StoreShape& shape, const Unit& unit, int64_t row) {
  if (shape.of_samples) return shape.name_of(unit.segment, unit.sample_begin + row);
  return shape.of_groups ? fmt::format("{}, group {}", shape.name_of(unit), row)
                         : shape.name_of(unit);
}

}  // namespace

double SumRounding::allowed(double sizes, double values) const {
  return epsilon *
             (static_cast<double>(terms + 8) * sizes + 8 * static_cast<double>(steps) * values) +
         stored * sizes;
}

void check_changes(const StoreShape& shape, const Unit& unit, const UnitSums& sums,
                   const UnitCertificates& certificates, Check& check) {
  const std::vector<RowTarget> targets = targets_of(shape, unit, certificates);
  const auto segment = static_cast<size_t>(unit.segment);
  SumRounding rounding{.terms = shape.components, .steps = 1, .stored = 0};
  if (shape.sums_steps() && segment < shape.step_to.size()) {
    rounding.steps = std::max<int64_t>(1, shape.step_to[segment] - shape.step_from[segment]);
  }
  if (shape.options.store_dtype == "f32") rounding.stored = epsilon_f32;
  const bool mean = shape.of_groups && shape.options.group_reduce == "mean";
  for (size_t cell = 0; cell < targets.size(); ++cell) {
    const auto row = static_cast<int64_t>(cell) / shape.outputs;
    const RowTarget& target = targets[cell];
    // Positions are added before components are; groups add samples too.
    rounding.terms = shape.components + target.samples;
    const double divisor = mean ? static_cast<double>(std::max<int64_t>(1, target.samples)) : 1;
    const double expected = target.change.value() / divisor;
    // What samples of a row cancel among them is rounded as well; F says how large it was.
    const double sizes = sums.sizes[cell] + (shape.of_samples ? 0.0 : target.values / divisor);
    check.add(
        sums.scores[cell] - expected, rounding.allowed(sizes, target.values / divisor),
        [&] { return row_name(shape, unit, row); },
        [&] {
          return fmt::format("psi adds up to {:.17g}, value_to - value_from - residual is {:.17g}",
                             sums.scores[cell], expected);
        });
  }
}

void check_scalars(const StoreReader& store, const StoreShape& shape, const Unit& unit,
                   const UnitSums& sums, Check& check) {
  const auto read = [&](const char* name) {
    const UnitPlace place = place_of(store.variable(name), unit);
    return store.read(name, place.start, place.count);
  };
  const std::vector<double> psi = read("psi");
  const std::vector<double> sizes = store.has("psi_abs") ? read("psi_abs") : std::vector<double>();
  const int64_t rows = shape.rows(unit), outputs = shape.outputs;
  // psi and the scalars come from two engines: alike to the rounding of the arithmetic.
  const double arithmetic = shape.options.precision == "fp64" ? 1e-11 : 3e-4;
  const double stored = shape.options.store_dtype == "f32" ? 2 * epsilon_f32 : 0;
  for (size_t tensor = 0; tensor < shape.dense.size(); ++tensor) {
    for (int64_t cell = 0; cell < rows * outputs; ++cell) {
      const int64_t row = cell / outputs, output = cell % outputs;
      const auto at = static_cast<size_t>(
          (row * shape.components + static_cast<int64_t>(tensor)) * outputs + output);
      const double sum = sums.scalars[tensor][static_cast<size_t>(cell)];
      const double size = sums.scalar_sizes[tensor][static_cast<size_t>(cell)];
      const auto where = [&] {
        return fmt::format("{}, {}", row_name(shape, unit, row), shape.dense[tensor]);
      };
      check.add(sum - psi[at], (arithmetic + stored) * size, where, [&] {
        return fmt::format("scalars add up to {:.17g}, psi is {:.17g}", sum, psi[at]);
      });
      if (sizes.empty()) continue;
      check.add(size - sizes[at], (1e-11 + stored) * size, where, [&] {
        return fmt::format("scalars' sizes add up to {:.17g}, psi_abs is {:.17g}", size, sizes[at]);
      });
    }
  }
}

}  // namespace explaind
