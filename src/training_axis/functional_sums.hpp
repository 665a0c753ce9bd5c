#pragma once
// The functionals that a sweep explains: each by itself, or sums of them.
//
// Legend: F functionals, R rows, C components.

#include <vector>

#include "engines/dense_gradient.hpp"
#include "scores/component.hpp"

namespace explaind {

/// Row r explains Σ weight · F over the functionals placed in it: a group's mean or sum. Sweeps
/// cost what rows cost, and certificates stay those of every functional.
struct FunctionalSums {
  struct Place {
    int64_t row = 0;
    double weight = 1;
  };
  std::vector<Predictions> predictions;  ///< with F functionals
  std::vector<Place> places;             ///< F
  int64_t rows = 0;                      ///< R
  int64_t at_once = 1;                   ///< predictions that are integrated together

  /// R = F, all of them at once.
  static FunctionalSums each(std::vector<Predictions> predictions);
};

/// G and Ψ of one update.
struct RowIntegrals {
  std::vector<std::vector<at::Tensor>> gradient;  ///< G of R rows, per parameter
  at::Tensor total;                               ///< Ψ: R C (double)
  std::vector<double> sums;                       ///< F: Ψ over all components
  std::vector<SampleVerdict> verdicts;            ///< F
};

/// integrate_predictions, every functional with nodes of its own, added up to rows in order.
/// Memory: R D, and what integrate_predictions needs for `at_once` predictions.
RowIntegrals integrate_rows(const Model& model, const Segment& segment, const ComponentTable& table,
                            const FunctionalSums& functionals, const QuadratureOptions& options);

}  // namespace explaind
