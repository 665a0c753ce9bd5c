#include "report/store_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "figures/figure.hpp"
#include "figures/palette.hpp"
#include "report/cohort_values.hpp"
#include "report/layer_names.hpp"
#include "report/report_source.hpp"
#include "report/score_table.hpp"

namespace explaind {
namespace {

constexpr size_t most_bars = 20;

/// What is explained, in words; F where the store does not say.
std::string functional_word(const ReportSource& source) {
  static const std::map<std::string, std::string> words{{"loss", "loss"},
                                                        {"loss_sum", "loss"},
                                                        {"logit", "logit"},
                                                        {"logit_diff", "logit difference"},
                                                        {"logprob", "log probability"},
                                                        {"logprob_diff", "log p difference"},
                                                        {"activation", "activation"}};
  const std::string asked = source.configuration().value("functional", "");
  const auto known = words.find(asked.substr(0, asked.find(':')));
  return known == words.end() ? "F" : known->second;
}

std::string in_unit(const ReportSource& source, const std::string& words) {
  const std::string unit = source.store().unit("psi");
  if (unit.empty() || unit == "1") return words;
  return words + ", " + (unit == "nat" ? "nats" : unit);
}

std::string of_whom(const ReportSource& source) {
  if (source.samples() == 1) return "the one sample";
  return fmt::format("{} of {} samples",
                     source.cohort_scores() == CohortScores::sum ? "sum" : "mean",
                     source.samples());
}

std::string sign_note(const ReportSource& source, const std::string& more) {
  const std::string word = functional_word(source);
  return fmt::format("Negative lowered the {}, positive raised it; {}. {}{}", word, of_whom(source),
                     more, source.complete() ? "" : " Striped or left out: not computed yet.");
}

StepSpan step_span(const ReportSource& source) {
  StepSpan steps;
  for (const StepColumn& column : source.columns()) {
    steps.from.push_back(column.step_from);
    steps.to.push_back(column.step_to);
  }
  return steps;
}

bool joins_segments(const ReportSource& source) {
  return std::any_of(source.columns().begin(), source.columns().end(),
                     [](const StepColumn& column) { return column.last > column.first; });
}

/// Contributions of all samples by layer and kind.
struct Contributions {
  std::vector<LayerPart> parts;
  ScoreTable scores;

  /// Per column: the sum over the parts that `takes` takes; NaN where one is missing.
  [[nodiscard]] std::vector<double> sum(const std::function<bool(const LayerPart&)>& takes) const {
    std::vector<double> sums(scores.steps, 0.0);
    for (size_t step = 0; step < scores.steps; ++step) {
      for (size_t p = 0; p < parts.size(); ++p) {
        if (takes(parts[p])) sums[step] += scores.at(step, 0, p);
      }
    }
    return sums;
  }
  [[nodiscard]] std::vector<double> of_kind(const std::string& kind) const {
    return sum([&](const LayerPart& part) { return part.kind == kind; });
  }
  /// In the order of their first part.
  [[nodiscard]] std::vector<std::string> kinds() const {
    std::vector<std::string> names;
    for (const LayerPart& part : parts) {
      if (std::find(names.begin(), names.end(), part.kind) == names.end()) {
        names.push_back(part.kind);
      }
    }
    return names;
  }
};

Contributions read_contributions(const ReportSource& source) {
  Contributions read;
  read.scores = read_scores(source, {.parts = {"layer", "kind"}});
  for (const auto& part : read.scores.parts) read.parts.push_back({std::stoi(part[0]), part[1]});
  return read;
}

std::string losses_figure(const ReportSource& source) {
  const std::vector<double> from = cohort_values(source, "value_from", ColumnEnd::start),
                            to = cohort_values(source, "value_to", ColumnEnd::end);
  std::vector<Curve> curves;
  const size_t cohorts = source.cohorts().size();
  for (size_t who = 0; who < cohorts; ++who) {
    Curve curve{.name = who == 0 ? "all" : source.shown_label(source.cohorts()[who]),
                .colour = who == 0 ? ink_colour : curve_colour(who - 1),
                .points = {},
                .strong = who == 0};
    for (size_t column = 0; column < source.columns().size(); ++column) {
      curve.points.emplace_back(from[column * cohorts + who], to[column * cohorts + who]);
    }
    curves.push_back(std::move(curve));
  }
  std::rotate(curves.begin(), curves.begin() + 1, curves.end());  // the strong one lies on top
  const std::string word = functional_word(source);
  const bool sums = source.cohort_scores() == CohortScores::sum;
  return draw_curves({.title = fmt::format("The {} over training steps", word),
                      .value_axis = in_unit(source, (sums ? "sum of the " : "mean ") + word),
                      .note = "Measured values, not scores. Points are checkpoints; lines between "
                              "them lead the eye."},
                     step_span(source), curves, false);
}

FigureWords stack_words(const ReportSource& source, const std::string& title) {
  const std::string per = joins_segments(source) ? "column" : "segment";
  return {
      .title = title,
      .value_axis = in_unit(source, fmt::format("contribution to the change of {} per {}",
                                                functional_word(source), per)),
      .note = sign_note(source, "Summed over components; the dash is the sum of a bar's parts.")};
}

std::string kinds_figure(const ReportSource& source, const Contributions& read) {
  std::vector<StackedPart> parts;
  for (const std::string& kind : read.kinds()) {
    parts.push_back({kind_name(kind), kind_colour(kind, parts.size()), read.of_kind(kind)});
  }
  return draw_stack(stack_words(source, "What each kind of parameter did, and when"),
                    step_span(source), parts);
}

std::string layers_figure(const ReportSource& source, const Contributions& read) {
  const LayerNames names(read.parts);
  std::vector<StackedPart> parts;
  for (const int layer : names.layers()) {
    const auto place = std::find(names.blocks().begin(), names.blocks().end(), layer);
    const std::string colour =
        place != names.blocks().end()
            ? layer_colour(static_cast<size_t>(place - names.blocks().begin()),
                           names.blocks().size())
            : kind_colour(layer < 0 ? "embedding" : "unembedding", 0);
    parts.push_back({names.name(layer), colour,
                     read.sum([&](const LayerPart& part) { return part.layer == layer; })});
  }
  return draw_stack(stack_words(source, "What each layer did, and when"), step_span(source), parts);
}

/// A map for every kind that several layers have; the rest share one.
std::string maps_figure(const ReportSource& source, const Contributions& read) {
  const LayerNames names(read.parts);
  std::vector<MapPanel> panels;
  MapPanel rest{.title = "once in the model", .rows = {}};
  for (const std::string& kind : read.kinds()) {
    MapPanel panel{.title = kind_name(kind), .rows = {}};
    for (const int layer : names.layers()) {
      const auto is_here = [&](const LayerPart& part) {
        return part.layer == layer && part.kind == kind;
      };
      if (std::none_of(read.parts.begin(), read.parts.end(), is_here)) continue;
      panel.rows.push_back({names.is_block(layer) ? std::to_string(layer)
                            : layer < 0           ? "first"
                                                  : "final",
                            read.sum(is_here)});
    }
    if (panel.rows.size() > 1) {
      panels.push_back(std::move(panel));
    } else {
      rest.rows.push_back({kind_name(kind), panel.rows.front().values});
    }
  }
  if (panels.empty()) rest.title.clear();
  if (!rest.rows.empty()) panels.push_back(std::move(rest));
  return draw_maps({.title = "Where in the model, and when",
                    .value_axis = in_unit(source, "contribution of a cell"),
                    .note = sign_note(source,
                                      "Rows are layers, columns are steps between two "
                                      "checkpoints, all with the same colours.")},
                   step_span(source), panels);
}

/// Sums from the left; after what is missing they begin again.
Curve cumulated(std::string name, std::string colour, const std::vector<double>& values) {
  Curve curve{.name = std::move(name), .colour = std::move(colour), .points = {}};
  double sum = 0;
  for (const double value : values) {
    curve.points.emplace_back(std::isnan(value) ? value : sum, sum + value);
    sum = std::isnan(value) ? 0 : sum + value;
  }
  return curve;
}

std::string cumulative_figure(const ReportSource& source, const Contributions& read) {
  std::vector<Curve> curves;
  for (const std::string& kind : read.kinds()) {
    curves.push_back(
        cumulated(kind_name(kind), kind_colour(kind, curves.size()), read.of_kind(kind)));
  }
  curves.push_back(cumulated("all", ink_colour, read.sum([](const LayerPart&) { return true; })));
  curves.back().dashed = true;
  return draw_curves({.title = "Contributions added up along the steps",
                      .value_axis = in_unit(source, "contribution so far"),
                      .note = sign_note(source, "The dashed curve is all kinds together.")},
                     step_span(source), curves, true);
}

/// Empty where the store's components have no names.
std::string components_figure(const ReportSource& source) {
  const Coordinate* name = source.axis("component")->find("component");
  if (name == nullptr || name->number || name->values.size() < 2) return {};
  const Coordinate* kind = source.axis("component")->find("kind");
  const ScoreTable all = read_scores(source, {.parts = {"component"}, .steps = false});
  if (all.parts.size() != name->values.size()) return {};
  std::vector<size_t> order(all.parts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::erase_if(order, [&](size_t place) { return std::isnan(all.values[place]); });
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::abs(all.values[a]) > std::abs(all.values[b]);
  });
  if (order.empty()) return {};
  order.resize(std::min(order.size(), most_bars));
  std::vector<Bar> bars;
  for (const size_t place : order) {
    bars.push_back({all.parts[place][0],
                    kind != nullptr ? kind_colour(kind->values[place], 0) : soft_colour,
                    all.values[place]});
  }
  return draw_bars(
      {.title = fmt::format("The {} largest of {} components", bars.size(), all.parts.size()),
       .value_axis = in_unit(source, "contribution"),
       .note = sign_note(source, "Summed over all segments that are complete.")},
      bars);
}

}  // namespace

std::vector<NamedFigure> store_figures(const std::filesystem::path& store, bool anonymous) {
  const ReportSource source(store, anonymous);
  std::vector<NamedFigure> figures;
  const auto add = [&](const char* name, std::string svg) {
    if (!svg.empty()) figures.push_back({name, std::move(svg)});
  };
  if (source.store().has("value_from")) add("losses", losses_figure(source));
  const AxisCoordinates& component = *source.axis("component");
  if (component.find("layer") != nullptr && component.find("kind") != nullptr) {
    const Contributions read = read_contributions(source);
    add("kinds", kinds_figure(source, read));
    add("layers", layers_figure(source, read));
    add("layer_maps", maps_figure(source, read));
    add("cumulative", cumulative_figure(source, read));
  }
  add("components", components_figure(source));
  return figures;
}

}  // namespace explaind
