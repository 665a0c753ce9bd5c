#include "store/shared_heads.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/counted.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

constexpr const char* option = "--share-kv-heads";

/// Per tensor of a layer the numbers of its heads, and of its key-value heads.
using Numbers = std::map<std::string, std::set<int64_t>>;
struct Layer {
  Numbers heads, key_value_heads;
};

struct HeadCoordinates {
  std::vector<int64_t> head, key_value_head;  ///< −1: none
  std::vector<std::string> layer, tensor;
};

std::vector<int64_t> numbers_of(const Coordinate& coordinate) {
  std::vector<int64_t> numbers;
  for (const std::string& value : coordinate.values) numbers.push_back(std::stoll(value));
  return numbers;
}

bool any(const std::vector<int64_t>& numbers) {
  return std::any_of(numbers.begin(), numbers.end(), [](int64_t number) { return number >= 0; });
}

/// Throws UsageError where there is nothing to share.
HeadCoordinates head_coordinates(const StoreReader& store, const AxisCoordinates& axis) {
  const Coordinate *head = axis.find("head"), *key_value_head = axis.find("kv_head"),
                   *layer = axis.find("layer"), *tensor = axis.find("tensor");
  if (head == nullptr || key_value_head == nullptr || layer == nullptr || tensor == nullptr ||
      !head->number || !key_value_head->number) {
    throw UsageError(option, store.path() + " does not tell key-value heads from heads",
                     "Stores of version 1 do not: make it again with decompose --component head");
  }
  HeadCoordinates found{.head = numbers_of(*head),
                        .key_value_head = numbers_of(*key_value_head),
                        .layer = layer->values,
                        .tensor = tensor->values};
  if (!any(found.head)) {
    throw UsageError(option, "the scores of " + store.path() + " are not stored by head",
                     "Make them so with decompose --component head");
  }
  if (!any(found.key_value_head)) {
    throw UsageError(option, "no heads share a key-value head in " + store.path(),
                     "Leave it out: keys and values have the numbers of their heads already");
  }
  return found;
}

/// Throws DataError where components are missing, or may be.
void require_whole(const StoreReader& store, const AxisCoordinates& axis) {
  const std::map<std::string, int64_t> sizes = store.sizes();
  const auto made = sizes.find(axis.name);
  if (made != sizes.end() && made->second == axis.size) return;
  const std::string had =
      made == sizes.end() ? "" : fmt::format(" of the {} it was made with", made->second);
  throw DataError(store.path(),
                  fmt::format("may lack heads: it has {}{}, so that {} cannot know how many heads "
                              "query a key-value head",
                              counted(axis.size, "component"), had, option),
                  "Query the whole store");
}

std::map<std::string, Layer> layers_of(const HeadCoordinates& coordinates) {
  std::map<std::string, Layer> layers;
  for (size_t i = 0; i < coordinates.head.size(); ++i) {
    Layer& layer = layers[coordinates.layer[i]];
    const std::string& tensor = coordinates.tensor[i];
    const int64_t head = coordinates.head[i], shared = coordinates.key_value_head[i];
    if (head >= 0) layer.heads[tensor].insert(head);
    if (shared >= 0) layer.key_value_heads[tensor].insert(shared);
  }
  return layers;
}

/// How many heads all the tensors have, numbered from 0; 0 where there is no such number.
int64_t common_count(const Numbers& tensors) {
  if (tensors.empty()) return 0;
  const auto count = static_cast<int64_t>(tensors.begin()->second.size());
  const bool common = std::all_of(tensors.begin(), tensors.end(), [&](const auto& tensor) {
    return static_cast<int64_t>(tensor.second.size()) == count && *tensor.second.begin() == 0 &&
           *tensor.second.rbegin() == count - 1;
  });
  return common ? count : 0;
}

/// Heads that query each key-value head of the layer.
int64_t heads_of_each(const StoreReader& store, const std::string& name, const Layer& layer) {
  const int64_t heads = common_count(layer.heads), shared = common_count(layer.key_value_heads);
  if (shared > 0 && heads > 0 && heads % shared == 0) return heads / shared;
  std::vector<std::string> there;
  const auto tell = [&](const Numbers& tensors, const std::string& what) {
    for (const auto& [tensor, numbers] : tensors) {
      there.push_back(fmt::format("{} has {} (the last is number {})", tensor,
                                  counted(numbers.size(), what), *numbers.rbegin()));
    }
  };
  tell(layer.heads, "head");
  tell(layer.key_value_heads, "key-value head");
  throw DataError(store.path(),
                  fmt::format("{} cannot know how many heads query a key-value head of layer {}, "
                              "where {}",
                              option, name, fmt::join(there, ", ")),
                  "Leave it out, and keep kv_head: --group-by layer,head,kv_head");
}

void append(AxisCoordinates& to, const AxisCoordinates& from, size_t entry) {
  for (size_t c = 0; c < from.coordinates.size(); ++c) {
    to.coordinates[c].values.push_back(from.coordinates[c].values[entry]);
  }
  ++to.size;
}

Coordinate& head_of(AxisCoordinates& axis) {
  return *std::find_if(axis.coordinates.begin(), axis.coordinates.end(),
                       [](const Coordinate& each) { return each.name == "head"; });
}

void require_scores(const StoredVariable& variable, const AxisCoordinates& axis) {
  const bool scores = axis.name == "component" && axis.find(variable.name) == nullptr;
  if (scores) return;
  throw UsageError(option,
                   variable.name + " holds no scores of components, which are what is shared",
                   "Leave it out");
}

}  // namespace

DividedAxis share_key_value_heads(const StoreReader& store, const StoredVariable& variable,
                                  const AxisCoordinates& axis) {
  require_scores(variable, axis);
  const HeadCoordinates coordinates = head_coordinates(store, axis);
  require_whole(store, axis);
  std::map<std::string, int64_t> heads_of;  // each key-value head, per layer
  for (const auto& [name, layer] : layers_of(coordinates)) {
    if (!layer.key_value_heads.empty()) heads_of[name] = heads_of_each(store, name, layer);
  }
  DividedAxis divided;
  divided.coordinates = {.name = axis.name, .size = 0, .coordinates = {}};
  for (const Coordinate& each : axis.coordinates) {
    divided.coordinates.coordinates.push_back({each.name, each.number, {}});
  }
  for (size_t entry = 0; entry < coordinates.head.size(); ++entry) {
    const int64_t shared = coordinates.key_value_head[entry];
    const int64_t portions = shared < 0 ? 1 : heads_of.at(coordinates.layer[entry]);
    for (int64_t portion = 0; portion < portions; ++portion) {
      append(divided.coordinates, axis, entry);
      divided.place.push_back(entry);
      divided.share.push_back(1.0 / static_cast<double>(portions));
      if (shared < 0) continue;
      head_of(divided.coordinates).values.back() = std::to_string(shared * portions + portion);
    }
  }
  const auto [least, most] =
      std::minmax_element(heads_of.begin(), heads_of.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; });
  divided.words = fmt::format("each key-value head's score shared equally among its {} query heads",
                              least->second == most->second
                                  ? std::to_string(most->second)
                                  : fmt::format("{} to {}", least->second, most->second));
  return divided;
}

}  // namespace explaind
