#include "checkpoint/unpickler.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "checkpoint/pickle_machine.hpp"
#include "core/file_kind.hpp"

namespace explaind {
namespace {

using pickled::Dict;
using pickled::Machine;
using pickled::Sequence;
using pickled::shown;
using pickled::Text;
using pickled::Value;

/// The entries that hold a model's state in what a training program saves.
constexpr std::array<std::string_view, 10> state_names{
    "state_dict", "model", "model_state_dict", "model_state", "module",
    "network",    "net",   "weights",          "params",      "app"};

/// `python3 -c` of a program that reads the file `f` and saves `saved`; the old one is kept.
std::string save_command(const std::string& weights_only, const std::string& saved,
                         const std::string& file) {
  return fmt::format(
      "`python3 -c 'import os, sys, torch; f = sys.argv[1]; d = torch.load(f, "
      "map_location=\"cpu\", "
      "weights_only={}); torch.save({}, f + \".new\"); os.rename(f, f + \".old\"); "
      "os.rename(f + \".new\", f)' {}`",
      weights_only, saved, shell_word(file));
}

/// The remedy for weights whose pickle is more than data. It runs the pickle, and keeps the
/// tensors.
std::string trusted_remedy(const std::string& file) {
  return "If you trust whoever wrote it, run it and keep its tensors alone: " +
         save_command("False",
                      "{n: t for n, t in next((d[k] for k in (\"state_dict\", \"model\") if "
                      "isinstance(d.get(k), dict)), d).items() if torch.is_tensor(t)}",
                      file) +
         " (the old file stays beside it as .old)";
}

const Machine::Remedies plain_remedies{
    .other = "Save it as plain numbers and tensors: torch.save(optimizer.state_dict(), …)",
    .wrapped =
        "Moments of 8 or 4 bits are such tensors. Train with torch.optim.AdamW (in Trainer "
        "optim=\"adamw_torch\"), or leave out --source steps: the change of weights alone "
        "needs no optimizer state"};

Machine::Remedies weight_remedies(const std::string& file) {
  return {.other = trusted_remedy(file),
          .wrapped =
              "Save plain tensors in its place: full_tensor() of a DTensor, dequantize() of "
              "a quantised one"};
}

/// The machine's values as a tree of their own.
class Planter {
 public:
  /// pickle_bytes: of which each makes one value at most, but for those in lists that are named
  /// again.
  Planter(const Machine& machine, size_t pickle_bytes)
      : machine_(machine), most_(static_cast<int64_t>(pickle_bytes) + 10'000) {}

  PlainData plant(const Value& value, int depth = 0) {
    constexpr int deepest = 32;
    if (depth > deepest) machine_.refuse("its pickle is nested too deeply");
    if (++planted_ > most_) machine_.refuse("its pickle names its own lists over and over again");
    PlainData data;
    if (const bool* flag = std::get_if<bool>(&value.held)) data.held = *flag;
    if (const int64_t* whole = std::get_if<int64_t>(&value.held)) data.held = *whole;
    if (const double* number = std::get_if<double>(&value.held)) data.held = *number;
    if (const Text* text = std::get_if<Text>(&value.held)) data.held = text->text;
    if (const auto* tensor = std::get_if<const PickledTensor*>(&value.held)) data.held = **tensor;
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
  int64_t most_, planted_ = 0;
};

bool is_tensor(const Value& value) {
  return std::holds_alternative<const PickledTensor*>(value.held);
}

/// True for a list or dict with a tensor right in it.
bool holds_tensors(const Value& value) {
  const auto* sequence = std::get_if<Sequence>(&value.held);
  const Dict* dict = std::get_if<Dict>(&value.held);
  if (sequence == nullptr && dict == nullptr) return false;
  const std::vector<Value>& items = sequence != nullptr ? *sequence->items : *dict->items;
  return std::any_of(items.begin(), items.end(), is_tensor);
}

class StateReader {
 public:
  explicit StateReader(const Machine& machine) : machine_(machine) {}

  StateDict read(const Value& value, int depth = 0) {
    const Dict* dict = std::get_if<Dict>(&value.held);
    if (dict == nullptr) machine_.refuse("its pickle is no dict of tensors");
    const std::vector<Value>& items = *dict->items;
    const bool plain = holds_tensors(value);
    StateDict state;
    std::vector<std::pair<std::string_view, const Value*>> states;
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      const Text* key = std::get_if<Text>(&items[i].held);
      if (key == nullptr) machine_.refuse("its dict has a key that is no text");
      const Value& held = items[i + 1];
      if (const auto* tensor = std::get_if<const PickledTensor*>(&held.held)) {
        state.tensors.push_back(**tensor);
        state.tensors.back().name = key->text;
      } else if (plain && holds_tensors(held)) {
        machine_.refuse(fmt::format("its entry \"{}\" holds tensors beside others that are weights",
                                    shown(key->text)));
      } else {
        if (!plain && is_state(key->text, held, depth)) states.emplace_back(key->text, &held);
        constexpr size_t most_kept = 20;
        if (state.left.size() < most_kept) state.left.push_back(shown(key->text));
      }
    }
    return plain ? state : read_inner(states, state.left, depth);
  }

 private:
  static constexpr int deepest = 3;

  [[nodiscard]] static bool is_state(std::string_view key, const Value& value, int depth) {
    const bool known = std::find(state_names.begin(), state_names.end(), key) != state_names.end();
    if (!known || depth == deepest) return false;
    const Dict* dict = std::get_if<Dict>(&value.held);
    if (dict == nullptr) return false;
    if (holds_tensors(value)) return true;
    for (size_t i = 0; i + 1 < dict->items->size(); i += 2) {
      const Text* inner = std::get_if<Text>(&(*dict->items)[i].held);
      if (inner != nullptr && is_state(inner->text, (*dict->items)[i + 1], depth + 1)) return true;
    }
    return false;
  }

  StateDict read_inner(const std::vector<std::pair<std::string_view, const Value*>>& states,
                       const std::vector<std::string>& left, int depth) {
    if (states.empty()) {
      machine_.refuse(fmt::format("its pickle holds no weights; its entries are \"{}\"",
                                  fmt::join(left, "\", \"")));
    }
    if (states.size() > 1) {
      machine_.refuse(fmt::format("its pickle holds the states of two models, \"{}\" and \"{}\"",
                                  states[0].first, states[1].first));
    }
    StateDict state = read(*states[0].second, depth + 1);
    state.entry = std::string(states[0].first) + (state.entry.empty() ? "" : "." + state.entry);
    return state;
  }

  const Machine& machine_;
};

}  // namespace

std::string resave_command(const std::string& file) { return save_command("True", "d", file); }

PlainData unpickle_plain_data(std::span<const std::byte> pickle, const std::string& where) {
  Machine machine(pickle, where, plain_remedies);
  const Value result = machine.run();
  return Planter(machine, pickle.size()).plant(result);
}

StateDict unpickle_state_dict(std::span<const std::byte> pickle, const std::string& where) {
  Machine machine(pickle, where, weight_remedies(where));
  const Value result = machine.run();
  return StateReader(machine).read(result);
}

PickleExtent first_pickle(std::span<const std::byte> pickles, const std::string& where) {
  Machine machine(pickles, where, weight_remedies(where));
  machine.run();
  PickleExtent extent{.pickle = pickles.first(pickles.size() - machine.rest().size()),
                      .rest = machine.rest(),
                      .storages = {}};
  for (const pickled::Storage& storage : machine.storages()) {
    extent.storages.push_back({storage.key, storage.dtype});
  }
  return extent;
}

}  // namespace explaind
