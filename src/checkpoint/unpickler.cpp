#include "checkpoint/unpickler.hpp"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "checkpoint/pickle_machine.hpp"

namespace explaind {
namespace {

using pickled::Dict;
using pickled::Machine;
using pickled::Sequence;
using pickled::Text;
using pickled::Value;

/// The machine's values as a tree of their own.
class Planter {
 public:
  explicit Planter(const Machine& machine) : machine_(machine) {}

  PlainData plant(const Value& value, int depth = 0) {
    constexpr int deepest = 32;
    constexpr int64_t most = 10'000'000;  // shared lists may stand for very many
    if (depth > deepest || ++planted_ > most) machine_.refuse("its pickle is nested too deeply");
    PlainData data;
    if (const bool* flag = std::get_if<bool>(&value.held)) data.held = *flag;
    if (const int64_t* whole = std::get_if<int64_t>(&value.held)) data.held = *whole;
    if (const double* number = std::get_if<double>(&value.held)) data.held = *number;
    if (const Text* text = std::get_if<Text>(&value.held)) data.held = text->text;
    if (const auto* tensor = std::get_if<PickledTensor>(&value.held)) data.held = *tensor;
    if (const auto* sequence = std::get_if<Sequence>(&value.held)) {
      PlainList list;
      for (const Value& each : *sequence->items) list.items.push_back(plant(each, depth + 1));
      data.held = std::move(list);
    }
    if (const Dict* dict = std::get_if<Dict>(&value.held)) {
      PlainDict pairs;
      for (size_t i = 0; i + 1 < dict->items->size(); i += 2) {
        pairs.keys.push_back(plant((*dict->items)[i], depth + 1));
        pairs.values.push_back(plant((*dict->items)[i + 1], depth + 1));
      }
      data.held = std::move(pairs);
    }
    return data;
  }

 private:
  const Machine& machine_;
  int64_t planted_ = 0;
};

}  // namespace

PlainData unpickle_plain_data(std::span<const std::byte> pickle, const std::string& where) {
  Machine machine(pickle, where);
  const Value result = machine.run();
  return Planter(machine).plant(result);
}

std::vector<PickledTensor> unpickle_state_dict(std::span<const std::byte> pickle,
                                               const std::string& where) {
  Machine machine(pickle, where);
  const Value result = machine.run();
  const Dict* dict = std::get_if<Dict>(&result.held);
  if (dict == nullptr) machine.refuse("its pickle is no dict of tensors");
  std::vector<PickledTensor> tensors;
  const std::vector<Value>& items = *dict->items;
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    const Text* name = std::get_if<Text>(&items[i].held);
    if (name == nullptr) machine.refuse("its dict has a key that is no text");
    const PickledTensor* tensor = std::get_if<PickledTensor>(&items[i + 1].held);
    if (tensor == nullptr) {
      machine.refuse(fmt::format("its entry \"{}\" is no tensor", name->text));
    }
    tensors.push_back(*tensor);
    tensors.back().name = name->text;
  }
  return tensors;
}

}  // namespace explaind
