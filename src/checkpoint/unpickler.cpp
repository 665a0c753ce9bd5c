#include "checkpoint/unpickler.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "checkpoint/pickle_machine.hpp"
#include "checkpoint/pickle_names.hpp"
#include "core/error.hpp"
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

/// `python3 -c` of a program that reads the file `f` as `d` and saves `saved`. The old file is
/// kept, and one that an earlier run kept is never written over.
std::string save_command(const std::string& weights_only, const std::string& saved,
                         const std::string& file, const std::string& argument = "") {
  return fmt::format(
      "`python3 -c 'import os, sys, torch; f = sys.argv[1]; os.path.exists(f + \".old\") and "
      "sys.exit(f + \".old is there already: move it away first\"); d = torch.load(f, "
      "map_location=\"cpu\", weights_only={}); {}torch.save(d, f + \".new\"); os.rename(f, f + "
      "\".old\"); os.rename(f + \".new\", f)' {}{}`",
      weights_only, saved, shell_word(file), argument.empty() ? "" : " " + shell_word(argument));
}

/// The remedy for weights whose pickle is more than data. It runs the pickle, and keeps its dicts
/// and tensors: modules as their states, arrays of NumPy as tensors, and what is stored in a way
/// that is not read as plain floating-point numbers.
std::string trusted_remedy(const std::string& file) {
  return "If you trust whoever wrote it, run it and keep its tensors alone: " +
         save_command(
             "False",
             "plain = lambda t: t.to_dense() if t.layout != torch.strided else t.dequantize() if "
             "t.is_quantized else t.float() if \"float8\" in str(t.dtype) else t; own = lambda x: "
             "x.state_dict() if isinstance(x, torch.nn.Module) else x; keep = lambda x: {str(n): "
             "keep(own(t)) for n, t in x.items() if isinstance(own(t), dict) or getattr(t, "
             "\"shape\", ())} if isinstance(x, dict) else plain(torch.as_tensor(x).detach()); "
             "isinstance(own(d), dict) or sys.exit(\"it is no dict: save the state_dict() of the "
             "model instead\"); d = keep(own(d)); ",
             file) +
         " (the old file stays beside it as .old)";
}

const Machine::Remedies plain_remedies{
    .other = "Save it as plain numbers and tensors: torch.save(optimizer.state_dict(), …)",
    .wrapped =
        "Moments of 8 or 4 bits are such tensors. Train with torch.optim.AdamW (in Trainer "
        "optim=\"adamw_torch\"), or leave out --source steps: the change of weights alone "
        "needs no optimizer state"};

const Machine::Remedies training_remedies{
    .other =
        "Save the model in Hugging Face's form (save_pretrained) and, for --source steps, the "
        "optimizer's state as optimizer_steps/README.md says",
    .wrapped = plain_remedies.wrapped};

Machine::Remedies weight_remedies(const std::string& file) {
  return {.other = trusted_remedy(file),
          .wrapped =
              "Save plain tensors in its place: full_tensor() of a DTensor, dequantize() of "
              "a quantised one"};
}

/// The remedy for a file in which the weights are not found without asking.
std::string choose_remedy(const std::string& file, const std::vector<std::string>& entries) {
  if (entries.empty()) return "Save the model's own state: torch.save(model.state_dict(), …)";
  return "Keep the entry that is meant, by its name at the end: " +
         save_command("True",
                      "from functools import reduce; d = reduce(lambda x, n: x[n], "
                      "sys.argv[2].split(\"/\"), d); ",
                      file, entries.front()) +
         (entries.size() > 1
              ? fmt::format(" (or: {})", fmt::join(entries.begin() + 1, entries.end(), ", "))
              : "");
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
    if (const auto* name = std::get_if<pickled::Global>(&value.held)) {
      const std::string_view known = training_name(name->name);
      if (!known.empty()) data.held = known;
    }
    if (const auto* object = std::get_if<pickled::Record*>(&value.held)) {
      data = plant_object(**object, depth);
    }
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
  PlainData plant_object(const pickled::Record& record, int depth) {
    PlainObject whole{.type = std::string(record.type), .arguments = {}, .state = {}};
    for (const Value& each : *record.arguments) whole.arguments.push_back(plant(each, depth + 1));
    const bool list = is_list_class(record.type), member = is_member_lookup(record.type);
    if ((list && whole.arguments.size() != 1) || (member && whole.arguments.size() != 2)) {
      machine_.refuse(fmt::format("its pickle calls {} with {} arguments", record.type,
                                  whole.arguments.size()));
    }
    if (list) return std::move(whole.arguments[0]);
    if (member) {  // of the class that is named first
      const auto* type = std::get_if<pickled::Global>(&(*record.arguments)[0].held);
      if (type == nullptr) machine_.refuse("its pickle looks into something that is no class");
      if (!machine_.is_record_type(type->name)) {
        machine_.refuse(fmt::format("its pickle looks into {}", type->name));
      }
      whole.type = type->name;
      whole.arguments.erase(whole.arguments.begin());
    }
    whole.state.push_back(plant(record.state, depth + 1));
    return {std::move(whole)};
  }

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

/// The dict of tensors in what a training program saves.
class StateReader {
 public:
  StateReader(const Machine& machine, std::string where)
      : machine_(machine), where_(std::move(where)) {}

  StateDict read(const Value& value) {
    const Dict* dict = std::get_if<Dict>(&value.held);
    if (dict == nullptr) refuse("its pickle is no dict of tensors", {});
    std::vector<Found> states = inner(*dict, "", /*known_only=*/true, 0);
    if (states.empty()) states = inner(*dict, "", /*known_only=*/false, 0);
    if (holds_tensors(value)) {
      // Beside a model's state a tensor or two that are no weights, as the state of a generator.
      const bool aside = !states.empty() && has_dots(*states[0].dict) && !has_dots(*dict);
      if (!aside) return plain(*dict);
    }
    if (states.size() > 1) {
      refuse(fmt::format("its pickle holds the states of two models, \"{}\" and \"{}\"",
                         shown(states[0].path), shown(states[1].path)),
             paths(states));
    }
    if (states.empty()) {
      refuse(fmt::format("its pickle holds no weights; its entries are \"{}\"",
                         fmt::join(state_of(*dict, "").left, "\", \"")),
             {});
    }
    return state_of(*states[0].dict, states[0].path);
  }

 private:
  struct Found {
    std::string path;  ///< keys with "/" between them
    const Dict* dict;
  };
  static constexpr int deepest = 3;

  [[noreturn]] void refuse(const std::string& problem,
                           const std::vector<std::string>& entries) const {
    throw DataError(where_, problem + " (nothing of it was run)", choose_remedy(where_, entries));
  }

  static std::vector<std::string> paths(const std::vector<Found>& found) {
    std::vector<std::string> all;
    for (const Found& each : found) all.push_back(shown(each.path));
    return all;
  }

  /// A dict that is the state itself.
  [[nodiscard]] StateDict plain(const Dict& dict) const {
    for (size_t i = 0; i + 1 < dict.items->size(); i += 2) {
      const Text* key = std::get_if<Text>(&(*dict.items)[i].held);
      if (key == nullptr || !holds_tensors((*dict.items)[i + 1])) continue;
      refuse(fmt::format("its entry \"{}\" holds tensors beside others that are weights",
                         shown(key->text)),
             {shown(key->text)});
    }
    return state_of(dict, "");
  }

  /// A tensor right in it is called as a module's parameter is: layers.0.weight.
  [[nodiscard]] static bool has_dots(const Dict& dict) {
    for (size_t i = 0; i + 1 < dict.items->size(); i += 2) {
      const Text* key = std::get_if<Text>(&(*dict.items)[i].held);
      if (key != nullptr && key->text.find('.') != std::string_view::npos &&
          is_tensor((*dict.items)[i + 1])) {
        return true;
      }
    }
    return false;
  }

  /// The states inside a dict: those below names by which a model's state is known; or all dicts of
  /// tensors whose names have dots.
  [[nodiscard]] static std::vector<Found> inner(const Dict& dict, const std::string& above,
                                                bool known_only, int depth) {
    std::vector<Found> found;
    if (depth == deepest) return found;
    for (size_t i = 0; i + 1 < dict.items->size(); i += 2) {
      const Text* key = std::get_if<Text>(&(*dict.items)[i].held);
      const Dict* held = std::get_if<Dict>(&(*dict.items)[i + 1].held);
      if (key == nullptr || held == nullptr) continue;
      const bool known =
          std::find(state_names.begin(), state_names.end(), key->text) != state_names.end();
      if (known_only && !known) continue;
      const std::string path = above + (above.empty() ? "" : "/") + std::string(key->text);
      if (has_dots(*held) || (known && holds_tensors((*dict.items)[i + 1]))) {
        found.push_back({path, held});
        continue;
      }
      for (Found& each : inner(*held, path, known_only, depth + 1))
        found.push_back(std::move(each));
    }
    return found;
  }

  [[nodiscard]] StateDict state_of(const Dict& dict, const std::string& path) const {
    StateDict state;
    state.entry = path;
    for (size_t i = 0; i + 1 < dict.items->size(); i += 2) {
      const Text* key = std::get_if<Text>(&(*dict.items)[i].held);
      if (key == nullptr) machine_.refuse("its dict has a key that is no text");
      if (const auto* tensor = std::get_if<const PickledTensor*>(&(*dict.items)[i + 1].held)) {
        state.tensors.push_back(**tensor);
        state.tensors.back().name = key->text;
        continue;
      }
      constexpr size_t most_kept = 20;
      if (state.left.size() < most_kept) state.left.push_back(shown(key->text));
    }
    return state;
  }

  const Machine& machine_;
  std::string where_;
};

}  // namespace

std::string resave_command(const std::string& file) { return save_command("True", "", file); }

PlainData unpickle_plain_data(std::span<const std::byte> pickle, const std::string& where,
                              const RecordTypes& records) {
  Machine machine(pickle, where, records.names.empty() ? plain_remedies : training_remedies,
                  records);
  const Value result = machine.run();
  return Planter(machine, pickle.size()).plant(result);
}

StateDict unpickle_state_dict(std::span<const std::byte> pickle, const std::string& where) {
  Machine machine(pickle, where, weight_remedies(where));
  const Value result = machine.run();
  return StateReader(machine, where).read(result);
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
