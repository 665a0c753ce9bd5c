#include "report/report_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/error.hpp"
#include "core/selection.hpp"
#include "store/reduction.hpp"

namespace explaind {
namespace {

StoredVariable scores_of(const StoreReader& store) {
  if (!store.has("psi") || store.variable("psi").dims.empty()) {
    throw DataError(store.path(), "has no scores (psi), so there is nothing to report",
                    "Name a store that explaind decompose wrote");
  }
  return store.variable("psi");
}

nlohmann::json object_of(const std::string& text) {
  nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
  return parsed.is_object() ? parsed : nlohmann::json::object();
}

/// Distinct values by first appearance, each with the places that have it.
std::vector<Cohort> distinct(const std::vector<std::string>& values) {
  std::vector<Cohort> cohorts;
  std::map<std::string, size_t> known;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto [entry, added] = known.emplace(values[i], cohorts.size());
    if (added) cohorts.push_back({values[i], {}});
    cohorts[entry->second].samples.push_back(i);
  }
  return cohorts;
}

}  // namespace

ReportSource::ReportSource(const std::filesystem::path& path, bool anonymous)
    : store_(path), anonymous_(anonymous), psi_(scores_of(store_)) {
  attributes_ = store_.attributes();
  configuration_ = object_of(provenance("configuration"));
  read_axes();
  read_committed();
  make_columns();
  make_cohorts();
}

std::string ReportSource::provenance(const std::string& name) const {
  for (const auto& [key, value] : attributes_) {
    if (key == name) return value;
  }
  return "";
}

const AxisCoordinates* ReportSource::axis(const std::string& name) const {
  const auto found = std::find_if(axes_.begin(), axes_.end(),
                                  [&](const AxisCoordinates& each) { return each.name == name; });
  return found == axes_.end() ? nullptr : &*found;
}

bool ReportSource::in_order(const std::string& outer, const std::string& inner) const {
  return axis(outer) != nullptr && axis(inner) != nullptr && axis(outer) < axis(inner);
}

void ReportSource::read_axes() {
  for (size_t a = 0; a < psi_.dims.size(); ++a) {
    axes_.push_back(read_axis(store_, psi_.dims[a], psi_.shape[a]));
  }
  for (const char* name : {"segment", "component"}) {
    if (has_axis(name) && axis(name)->size > 0) continue;
    throw DataError(store_.path(), fmt::format("its scores have no axis '{}'", name),
                    "A report needs the whole store, not a part that another program cut out");
  }
  segments_ = static_cast<size_t>(axis("segment")->size);
  if (axis("segment")->find("step_from") == nullptr ||
      axis("segment")->find("step_to") == nullptr) {
    throw DataError(store_.path(), "does not say the steps of its segments (step_from, step_to)",
                    "A report needs the whole store, not a part that another program cut out");
  }
  if (store_.has("id")) {
    const auto count = store_.variable("id").shape.at(0);
    const AxisCoordinates sample = read_axis(store_, "sample", count);
    if (const Coordinate* id = sample.find("id")) ids_ = id->values;
    if (const Coordinate* group = sample.find("group")) groups_ = group->values;
  }
  if (groups_.size() != ids_.size()) groups_.assign(ids_.size(), "");
  if (has_axis("output") && axis("output")->find("output") != nullptr) {
    output_ = axis("output")->find("output")->values.front();
  }
}

void ReportSource::read_committed() {
  const size_t samples = std::max<size_t>(1, ids_.size());
  committed_.assign(segments_ * samples, true);
  if (store_.has("committed")) {
    const std::vector<double> marks = store_.read("committed");
    const bool by_sample = marks.size() == segments_ * samples;
    if (!by_sample && marks.size() != segments_) {
      throw DataError(store_.path(), "its marks of finished units do not fit its axes",
                      "See explaind inspect; the file may be damaged");
    }
    for (size_t i = 0; i < committed_.size(); ++i) {
      committed_[i] = marks[by_sample ? i : i / samples] == 1.0;
    }
  }
  complete_ = std::all_of(committed_.begin(), committed_.end(), [](bool each) { return each; });
  if (std::none_of(committed_.begin(), committed_.end(), [](bool each) { return each; })) {
    throw DataError(store_.path(), "nothing in it is committed yet",
                    "Let decompose finish a unit first (decompose --resume)");
  }
}

int64_t ReportSource::committed_pairs() const {
  return std::count(committed_.begin(), committed_.end(), true);
}

bool ReportSource::complete(size_t segment, const Cohort& cohort) const {
  const size_t samples = std::max<size_t>(1, ids_.size());
  if (cohort.samples.empty()) return committed_[segment * samples];
  return std::all_of(cohort.samples.begin(), cohort.samples.end(),
                     [&](size_t each) { return committed_[segment * samples + each]; });
}

std::vector<size_t> ReportSource::complete_segments() const {
  std::vector<size_t> found;
  for (size_t s = 0; s < segments_; ++s) {
    if (complete(s, cohorts_.front())) found.push_back(s);
  }
  return found;
}

void ReportSource::make_columns() {
  const AxisCoordinates& segment = *axis("segment");
  const std::vector<std::string>& from = segment.find("step_from")->values;
  const std::vector<std::string>& to = segment.find("step_to")->values;
  const size_t count = std::min(segments_, most_columns);
  for (size_t c = 0; c < count; ++c) {
    const size_t first = c * segments_ / count, last = (c + 1) * segments_ / count - 1;
    columns_.push_back({first, last, std::stoll(from[first]), std::stoll(to[last])});
  }
}

std::vector<double> ReportSource::per_sample(const std::string& variable) const {
  if (!store_.has(variable) || ids_.empty()) return {};
  const StoredVariable stored = store_.variable(variable);
  const bool outputs = stored.dims.size() == 3 && stored.dims[2] == "output";
  if (stored.dims.size() < 2 || stored.dims[0] != "segment" || stored.dims[1] != "sample" ||
      (stored.dims.size() == 3 && !outputs)) {
    return {};
  }
  std::vector<int64_t> start(stored.dims.size(), 0), count = stored.shape;
  if (outputs) count[2] = 1;
  std::vector<double> values = store_.read(variable, start, count);
  if (values.size() != committed_.size()) return {};
  for (size_t i = 0; i < values.size(); ++i) {
    if (!committed_[i]) values[i] = missing;
  }
  return values;
}

std::vector<std::string> ReportSource::selections() const {
  if (output_.empty()) return {};
  return {"output=" + escaped(output_)};
}

std::vector<std::string> ReportSource::complete_selection() const {
  const Coordinate* numbers = axis("segment")->find("segment");
  const std::vector<size_t> there = complete_segments();
  if (complete_ || there.empty() || numbers == nullptr) return {};
  std::string text = "segment=";
  for (const size_t each : there) {
    text += (text.back() == '=' ? "" : "|") + escaped(numbers->values[each]);
  }
  return {text};
}

void ReportSource::make_cohorts() {
  const StoredSamples stored = stored_samples(store_, psi_);
  const bool sums =
      stored.as == StoredSamples::As::group_sums || stored.as == StoredSamples::As::sum_of_all;
  cohort_scores_ = sums ? CohortScores::sum : CohortScores::mean;
  Cohort all{"", std::vector<size_t>(ids_.size())};
  std::iota(all.samples.begin(), all.samples.end(), size_t{0});
  cohorts_.push_back(std::move(all));
  std::vector<Cohort> apart;
  if (has_axis("sample") || has_axis("group")) {
    apart = distinct(groups_);
    cohort_coordinate_ = "group";
    if (apart.size() < 2 && has_axis("sample")) {
      apart = distinct(ids_);
      cohort_coordinate_ = "id";
    }
  }
  if (apart.size() < 2) {
    cohort_coordinate_.clear();
    return;
  }
  if (apart.size() > most_cohorts) {
    // Those whose F changed most, in the order of the store.
    const std::vector<double> from = per_sample("value_from"), to = per_sample("value_to");
    std::vector<double> change(apart.size(), 0);
    for (size_t c = 0; c < apart.size() && !from.empty() && !to.empty(); ++c) {
      for (const size_t sample : apart[c].samples) {
        for (size_t s = 0; s < segments_; ++s) {
          const double each = to[s * ids_.size() + sample] - from[s * ids_.size() + sample];
          if (std::isfinite(each)) change[c] += each / static_cast<double>(apart[c].samples.size());
        }
      }
    }
    std::vector<size_t> order(apart.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return std::abs(change[a]) > std::abs(change[b]); });
    order.resize(most_cohorts);
    std::sort(order.begin(), order.end());
    cohorts_left_out_ = apart.size() - most_cohorts;
    for (const size_t each : order) cohorts_.push_back(std::move(apart[each]));
    return;
  }
  std::move(apart.begin(), apart.end(), std::back_inserter(cohorts_));
}

std::string ReportSource::shown_id(size_t sample) const {
  return anonymous_ ? fmt::format("sample {}", sample + 1) : ids_.at(sample);
}

std::string ReportSource::shown_label(const Cohort& cohort) const {
  if (cohort_coordinate_ == "id" && cohort.samples.size() == 1) {
    return shown_id(cohort.samples.front());
  }
  return cohort.label.empty() ? "(no group)" : cohort.label;
}

}  // namespace explaind
