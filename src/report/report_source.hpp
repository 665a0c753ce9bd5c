#pragma once
// What all sections of a report have in common: the opened store, how its segments become columns
// of plots, and about which samples curves are.

#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "store/axis_coordinates.hpp"
#include "store/store_reader.hpp"

namespace explaind {

/// Most columns of a plot over steps: neighbouring segments of longer stores share one.
inline constexpr size_t most_columns = 120;
/// Most groups (or samples) that a page tells apart.
inline constexpr size_t most_cohorts = 40;

/// What no unit has written yet.
inline constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// Neighbouring segments that share a column of plots over steps.
struct StepColumn {
  size_t first = 0, last = 0;  ///< segments, both included
  int64_t step_from = 0, step_to = 0;
};

/// Samples that a curve is about: all of them, a group, or one.
struct Cohort {
  std::string label;            ///< as the store has it
  std::vector<size_t> samples;  ///< places on the axis `sample`
};

/// What became of the samples of a cohort.
enum class CohortScores { mean, sum };

class ReportSource {
 public:
  /// Throws DataError: no store, one without scores, one of which nothing is committed.
  ReportSource(const std::filesystem::path& path, bool anonymous);

  [[nodiscard]] const StoreReader& store() const { return store_; }
  [[nodiscard]] bool anonymous() const { return anonymous_; }
  [[nodiscard]] const StoredVariable& psi() const { return psi_; }
  /// Coordinates of an axis of psi; null where psi has no such axis.
  [[nodiscard]] const AxisCoordinates* axis(const std::string& name) const;
  [[nodiscard]] bool has_axis(const std::string& name) const { return axis(name) != nullptr; }

  [[nodiscard]] const std::vector<StepColumn>& columns() const { return columns_; }
  /// Other columns than those of the store alone, in the store's order.
  void use_columns(std::vector<StepColumn> columns) { columns_ = std::move(columns); }
  /// True where psi has the axes in this order, as every store that this program made.
  [[nodiscard]] bool in_order(const std::string& outer, const std::string& inner) const;
  [[nodiscard]] size_t segments() const { return segments_; }
  [[nodiscard]] size_t samples() const { return ids_.size(); }

  /// First all samples, then those that are told apart.
  [[nodiscard]] const std::vector<Cohort>& cohorts() const { return cohorts_; }
  /// The coordinate that tells cohorts apart: "group", "id", or empty.
  [[nodiscard]] const std::string& cohort_coordinate() const { return cohort_coordinate_; }
  [[nodiscard]] size_t cohorts_left_out() const { return cohorts_left_out_; }
  [[nodiscard]] CohortScores cohort_scores() const { return cohort_scores_; }

  /// Every unit of the cohort's samples in the segment is there.
  [[nodiscard]] bool complete(size_t segment, const Cohort& cohort) const;
  [[nodiscard]] bool complete() const { return complete_; }
  /// Segments that are there for all samples.
  [[nodiscard]] std::vector<size_t> complete_segments() const;
  /// (segment, sample) pairs that are there.
  [[nodiscard]] int64_t committed_pairs() const;

  /// The output that the page is about, where psi has that axis: the first; else empty.
  [[nodiscard]] const std::string& output() const { return output_; }
  /// What queries of psi and F have to select for that.
  [[nodiscard]] std::vector<std::string> selections() const;
  /// What keeps queries that add segments up to those that are there for all samples; empty where
  /// the store is complete, or no segment is.
  [[nodiscard]] std::vector<std::string> complete_selection() const;
  /// A variable of (segment, sample), [output] at the page's output; NaN where nothing is
  /// committed. Empty where the store has none of that name.
  [[nodiscard]] std::vector<double> per_sample(const std::string& variable) const;

  /// An id as the page shows it.
  [[nodiscard]] std::string shown_id(size_t sample) const;
  [[nodiscard]] std::string shown_label(const Cohort& cohort) const;
  [[nodiscard]] const std::vector<std::string>& groups() const { return groups_; }
  [[nodiscard]] const nlohmann::json& configuration() const { return configuration_; }
  [[nodiscard]] std::string provenance(const std::string& name) const;

 private:
  void read_axes();
  void read_committed();
  void make_columns();
  void make_cohorts();

  StoreReader store_;
  bool anonymous_;
  StoredVariable psi_;
  std::vector<AxisCoordinates> axes_;  ///< of psi
  size_t segments_ = 0;
  std::vector<std::string> ids_, groups_;  ///< per sample
  std::vector<bool> committed_;            ///< segment, sample
  bool complete_ = true;
  std::vector<StepColumn> columns_;
  std::vector<Cohort> cohorts_;
  std::string cohort_coordinate_, output_;
  size_t cohorts_left_out_ = 0;
  CohortScores cohort_scores_ = CohortScores::mean;
  nlohmann::json configuration_;
  std::vector<std::pair<std::string, std::string>> attributes_;
};

}  // namespace explaind
