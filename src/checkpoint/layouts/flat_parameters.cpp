#include "checkpoint/layouts/flat_parameters.hpp"

#include <algorithm>

#include "core/elements.hpp"

namespace explaind {
namespace {

class CutRow {
 public:
  CutRow(const DeepSpeedModel& model, const std::deque<ZeroRank>& ranks)
      : model_(model), ranks_(ranks) {}

  [[nodiscard]] std::vector<FlatParameter> parameters() const {
    std::vector<FlatParameter> all;
    for (size_t g = 0; g < model_.groups().size(); ++g) {
      const bool said = std::all_of(ranks_.begin(), ranks_.end(), [g](const ZeroRank& rank) {
        return rank.slices(g) != nullptr;
      });
      int64_t at = 0;
      const std::vector<int64_t> gaps = paddings(g);
      for (size_t i = 0; i < model_.groups()[g].size(); ++i) {
        const ListedParameter& listed = model_.groups()[g][i];
        all.push_back({.name = listed.name, .shape = listed.shape, .group = g, .fragments = {}});
        all.back().fragments =
            said ? said_fragments(all.back()) : cut(g, at, elements(listed.shape));
        at += elements(listed.shape) + (i < gaps.size() ? gaps[i] : 0);
      }
    }
    return all;
  }

 private:
  using Fragments = std::vector<FlatParameter::Fragment>;

  [[nodiscard]] Fragments said_fragments(const FlatParameter& parameter) const {
    Fragments fragments;
    for (size_t r = 0; r < ranks_.size(); ++r) {
      const PlainDict& slices = *ranks_[r].slices(parameter.group);
      for (size_t i = 0; i < slices.keys.size(); ++i) {
        const auto* name = slices.keys[i].as<std::string_view>();
        if (name == nullptr || *name != parameter.name) continue;
        const PlainData *first = slices.values[i].find("start"),
                        *count = slices.values[i].find("numel");
        if (first == nullptr || count == nullptr || first->as<int64_t>() == nullptr ||
            count->as<int64_t>() == nullptr) {
          ranks_[r].refuse("does not say where " + parameter.name + " begins");
        }
        fragments.push_back({r, *first->as<int64_t>(), *count->as<int64_t>()});
      }
    }
    return fragments;
  }
  /// Where nothing says it: ranks have parts of one length, but for the end of the last one, which
  /// is no parameter's.
  [[nodiscard]] Fragments cut(size_t group, int64_t first, int64_t count) const {
    Fragments fragments;
    const int64_t length = ranks_[0].masters()[group].elements();
    for (size_t r = 0; r < ranks_.size(); ++r) {
      const int64_t begin = std::max(first, static_cast<int64_t>(r) * length);
      const int64_t end = std::min(first + count, static_cast<int64_t>(r + 1) * length);
      if (begin < end)
        fragments.push_back({r, begin - static_cast<int64_t>(r) * length, end - begin});
    }
    return fragments;
  }
  /// Numbers between parameters.
  [[nodiscard]] std::vector<int64_t> paddings(size_t group) const {
    std::vector<int64_t> gaps;
    const PlainData* all = ranks_[0].state().find("param_alignment_paddings");
    const auto* groups = all == nullptr ? nullptr : all->as<PlainList>();
    if (groups == nullptr || group >= groups->items.size()) return gaps;
    const auto* list = groups->items[group].as<PlainList>();
    for (const PlainData& each : list == nullptr ? std::vector<PlainData>() : list->items) {
      const auto* gap = each.as<int64_t>();
      gaps.push_back(gap == nullptr ? 0 : *gap);
    }
    return gaps;
  }

  const DeepSpeedModel& model_;
  const std::deque<ZeroRank>& ranks_;
};

}  // namespace

std::vector<FlatParameter> cut_parameters(const DeepSpeedModel& model,
                                          const std::deque<ZeroRank>& ranks) {
  return CutRow(model, ranks).parameters();
}

std::vector<FlatParameter> divided_parameters(const DeepSpeedModel& model, size_t ranks) {
  std::vector<FlatParameter> all;
  for (size_t g = 0; g < model.groups().size(); ++g) {
    int64_t at = 0;
    for (const ListedParameter& listed : model.groups()[g]) {
      all.push_back({.name = listed.name, .shape = listed.shape, .group = g, .fragments = {}});
      const int64_t count = elements(listed.shape), parts = static_cast<int64_t>(ranks);
      const int64_t length = (count + parts - 1) / parts;
      for (size_t r = 0; r < ranks; ++r) {
        const int64_t rest = count - static_cast<int64_t>(r) * length;
        if (rest > 0) all.back().fragments.push_back({r, at, std::min(length, rest)});
      }
      at += length;
    }
  }
  return all;
}

}  // namespace explaind
