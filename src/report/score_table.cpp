#include "report/score_table.hpp"

#include <algorithm>
#include <map>

#include "core/selection.hpp"
#include "store/query.hpp"
#include "store/query_axes.hpp"

namespace explaind {
namespace {

std::string joined_selection(const std::string& name, const std::vector<std::string>& values) {
  std::string text = name + "=";
  for (size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : "|") + escaped(values[i]);
  return text;
}

Query query_of(const ReportSource& source, const ScoreRequest& request) {
  Query query;
  query.variable = request.variable;
  query.select = request.select;
  query.share_key_value_heads = request.share_heads;
  query.keys = false;
  query.whole = true;
  for (const std::string& each : source.selections()) query.select.push_back(each);
  if (request.steps) {
    query.group_by.emplace_back("segment");
  } else {
    for (const std::string& each : source.complete_selection()) query.select.push_back(each);
  }
  if (request.cohorts) {
    query.group_by.push_back(source.cohort_coordinate());
    if (source.cohorts_left_out() > 0) {
      std::vector<std::string> labels;
      for (size_t c = 1; c < source.cohorts().size(); ++c) {
        labels.push_back(source.cohorts()[c].label);
      }
      query.select.push_back(joined_selection(source.cohort_coordinate(), labels));
    }
  }
  query.group_by.insert(query.group_by.end(), request.parts.begin(), request.parts.end());
  return query;
}

/// An axis of the query's array: how far its entries lie apart there, and their keys.
struct KeptAxis {
  const QueryAxis* axis = nullptr;
  size_t stride = 0;
};

KeptAxis kept_axis(const QueryAxes& asked, const std::string& coordinate) {
  KeptAxis found;
  size_t stride = 1;
  for (size_t a = asked.axes.size(); a-- > 0;) {
    const QueryAxis& axis = asked.axes[a];
    if (axis.kept.empty()) continue;
    const bool here = std::any_of(axis.kept.begin(), axis.kept.end(), [&](const Coordinate* each) {
      return each == axis.coordinates.find(coordinate);
    });
    if (here) found = {&axis, stride};
    stride *= axis.keys.size();
  }
  return found;
}

}  // namespace

ScoreTable read_scores(const ReportSource& source, const ScoreRequest& request) {
  const Query query = query_of(source, request);
  const StoredVariable variable = source.store().variable(request.variable);
  const QueryAxes asked(source.store(), variable, query);
  const QueryResult result = run(source.store(), query);
  const KeptAxis part = kept_axis(asked, request.parts.front());
  const KeptAxis segment = request.steps ? kept_axis(asked, "segment") : KeptAxis{};
  const KeptAxis cohort =
      request.cohorts ? kept_axis(asked, source.cohort_coordinate()) : KeptAxis{};
  ScoreTable table;
  table.parts = part.axis->keys;
  // Cohorts in the page's order, wherever the query has them.
  std::vector<size_t> places{0};
  if (request.cohorts) {
    std::map<std::string, size_t> known;
    for (size_t k = 0; k < cohort.axis->keys.size(); ++k) known[cohort.axis->keys[k].front()] = k;
    places.clear();
    for (size_t c = 1; c < source.cohorts().size(); ++c) {
      places.push_back(known.at(source.cohorts()[c].label) * cohort.stride);
    }
  }
  table.steps = request.steps ? source.columns().size() : 1;
  table.cohorts = places.size();
  table.values.assign(table.steps * table.cohorts * table.parts.size(), 0.0);
  const bool nothing = !request.steps && source.complete_segments().empty();
  for (size_t s = 0; s < table.steps; ++s) {
    const size_t first = request.steps ? source.columns()[s].first : 0;
    const size_t last = request.steps ? source.columns()[s].last : 0;
    for (size_t c = 0; c < table.cohorts; ++c) {
      const Cohort& who = source.cohorts()[request.cohorts ? c + 1 : 0];
      double* row = &table.values[(s * table.cohorts + c) * table.parts.size()];
      for (size_t each = first; each <= last; ++each) {
        const bool there = request.steps ? source.complete(each, who) : !nothing;
        const size_t base = places[c] + (request.steps ? each * segment.stride : 0);
        for (size_t p = 0; p < table.parts.size(); ++p) {
          row[p] += there ? result.values[base + p * part.stride] : missing;
        }
      }
    }
  }
  return table;
}

}  // namespace explaind
