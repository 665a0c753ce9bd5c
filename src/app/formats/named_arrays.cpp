#include "app/formats/named_arrays.hpp"

#include <algorithm>

#include "app/formats/result_words.hpp"

namespace explaind {
namespace {

void add_dimension(NamedArrays& arrays, const std::string& name,
                   const std::vector<QueryResult::Column>& columns,
                   const std::vector<std::vector<std::string>>& keys) {
  arrays.dimensions.push_back({name, keys.size()});
  for (size_t c = 0; c < columns.size(); ++c) {
    NamedArrays::Coordinate coordinate{
        .name = columns[c].name, .dimension = arrays.dimensions.size() - 1, .values = {}};
    std::vector<std::string> texts;
    std::vector<int64_t> numbers;
    for (const auto& key : keys) {
      if (columns[c].number) {
        numbers.push_back(std::stoll(key[c]));
      } else {
        texts.push_back(key[c]);
      }
    }
    if (columns[c].number) {
      coordinate.values = std::move(numbers);
    } else {
      coordinate.values = std::move(texts);
    }
    arrays.coordinates.push_back(std::move(coordinate));
  }
}

Attributes attributes_of(const ResultHead& head, const ValueColumn& column,
                         const NamedArrays& arrays) {
  const QueryResult& result = head.result;
  const bool value = column.values == &QueryResult::values;
  const bool nats = result.units == "nat";
  Attributes said{{"long_name", value ? heading(result) : column.name + " of " + result.variable},
                  {"units", nats ? "1" : result.units}};
  if (nats) said.emplace_back("unit_name", "nat");
  if (value && !result.sign.empty()) said.emplace_back("sign_convention", result.sign);
  if (value) said.emplace_back("reduced", result.statement.words());
  std::string names;
  for (const auto& each : arrays.coordinates) {
    if (!arrays.is_dimension(each.name)) names += (names.empty() ? "" : " ") + each.name;
  }
  if (!names.empty()) said.emplace_back("coordinates", names);
  std::erase_if(said, [](const auto& each) { return each.second.empty(); });
  return said;
}

}  // namespace

uint64_t NamedArrays::inner() const {
  uint64_t count = 1;
  for (size_t d = 1; d < dimensions.size(); ++d) count *= dimensions[d].size;
  return count;
}

bool NamedArrays::is_dimension(const std::string& name) const {
  return std::any_of(dimensions.begin(), dimensions.end(),
                     [&](const Dimension& each) { return each.name == name; });
}

NamedArrays named_arrays_of(const ResultHead& head) {
  const QueryResult& result = head.result;
  NamedArrays arrays;
  for (const QueryResult::Axis& axis : result.axes) {
    const bool single = axis.columns.size() == 1;
    add_dimension(arrays, single ? axis.columns.front().name : axis.name, axis.columns, axis.keys);
  }
  if (result.axes.empty() && !result.columns.empty()) {
    add_dimension(arrays, "row", result.columns, result.keys);
  }
  if (arrays.dimensions.empty()) arrays.dimensions.push_back({"row", 1});
  for (const ValueColumn& column : head.columns) {
    // A tensor's own scores lie in a group of the store.
    const std::string name = column.name.substr(column.name.rfind('/') + 1);
    arrays.variables.push_back({name, attributes_of(head, column, arrays), column.values});
  }
  arrays.attributes = {{"Conventions", "CF-1.8"},
                       {"title", heading(result)},
                       {"statement", json_statement(result)},
                       {"store", head.store}};
  return arrays;
}

}  // namespace explaind
