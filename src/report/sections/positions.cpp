// Where in the text parts of the model acted: the score of every token of some samples.

#include <algorithm>
#include <cmath>

#include "core/selection.hpp"
#include "report/packed.hpp"
#include "report/section.hpp"
#include "report/token_texts.hpp"
#include "store/query.hpp"

namespace explaind {
namespace {

using nlohmann::json;

constexpr size_t most_texts = 24;
constexpr size_t most_positions = 600;  // of a text

}  // namespace

json positions_section(const ReportSource& source) {
  if (!source.in_order("sample", "position")) return nullptr;
  const size_t shown = std::min(source.samples(), most_texts);
  const auto positions = static_cast<size_t>(source.axis("position")->size);
  const Coordinate* id = source.axis("sample")->find("id");
  Query query;
  query.group_by = {"id", "position"};
  query.select = source.selections();
  std::string chosen = "id=";
  for (size_t i = 0; i < shown; ++i) chosen += (i == 0 ? "" : "|") + escaped(id->values[i]);
  query.select.push_back(chosen);
  query.keys = false;
  query.whole = true;
  const QueryResult result = run(source.store(), query);
  if (result.values.size() != shown * positions) return nullptr;
  std::vector<int64_t> lengths(source.samples(), static_cast<int64_t>(positions));
  if (source.store().has("length")) lengths = source.store().numbers("length");
  const std::vector<std::vector<std::string>> tokens =
      source.anonymous() ? std::vector<std::vector<std::string>>{} : token_texts(source.store());
  json texts = json::array();
  for (size_t i = 0; i < shown; ++i) {
    bool whole = true;
    for (size_t s = 0; s < source.segments(); ++s) {
      whole = whole && source.complete(s, Cohort{"", {i}});
    }
    const size_t length = std::min({static_cast<size_t>(lengths[i]), positions, most_positions});
    const auto first = result.values.begin() + static_cast<std::ptrdiff_t>(i * positions);
    std::vector<double> values(first, first + static_cast<std::ptrdiff_t>(length));
    if (!whole) values.assign(length, missing);
    json text{{"name", source.shown_id(i)},
              {"group", source.groups()[i]},
              {"length", lengths[i]},
              {"values", packed({length}, values)}};
    if (i < tokens.size() && tokens[i].size() >= length) {
      text["tokens"] = std::vector<std::string>(
          tokens[i].begin(), tokens[i].begin() + static_cast<std::ptrdiff_t>(length));
    }
    texts.push_back(std::move(text));
  }
  return {{"texts", texts}, {"in_all", source.samples()}};
}

}  // namespace explaind
