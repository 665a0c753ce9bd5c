#include "checkpoint/trainer_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>
#include <utility>

#include "checkpoint/tensor_names.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

/// The modules of a layer in the order in which transformers makes them, of all families: where two
/// have a module of the same name, what stands around it is in the same order.
const std::vector<std::string>& modules_of_a_layer() {
  static const std::vector<std::string> all{
      "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
      "self_attn.q_norm", "self_attn.k_norm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
      "mlp.act_fn", "input_layernorm", "attention_layernorm", "post_attention_layernorm",
      "feedforward_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm",
      // GPT-NeoX
      "attention.query_key_value", "attention.dense", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h",
      // GPT-2
      "ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"};
  return all;
}

/// Place of a parameter among those of the model: of what stands outside layers, of its layer and
/// of its module there.
std::tuple<int, int, int> module_key(const std::string& name) {
  for (const std::string layers : {"model.layers.", "gpt_neox.layers.", "transformer.h."}) {
    if (!name.starts_with(layers)) continue;
    const size_t dot = name.find('.', layers.size());
    const int layer = std::stoi(name.substr(layers.size(), dot - layers.size()));
    const std::string rest = name.substr(dot + 1);
    const std::vector<std::string>& within = modules_of_a_layer();
    const auto module = std::find_if(within.begin(), within.end(), [&](const std::string& each) {
      return rest.starts_with(each + ".");
    });
    const auto place = static_cast<int>(module - within.begin());
    return {3, layer, 2 * place + (rest.ends_with(".bias") ? 1 : 0)};
  }
  constexpr std::array<std::pair<const char*, int>, 7> outside{{{"embed_tokens.", 0},
                                                                {"embed_in.", 0},
                                                                {"wte.", 0},
                                                                {"wpe.", 1},
                                                                {"model.norm.", 4},
                                                                {"final_layer_norm.", 4},
                                                                {"ln_f.", 4}}};
  for (const auto& [part, section] : outside) {
    if (name.find(part) != std::string::npos) return {section, 0, name.ends_with(".bias") ? 1 : 0};
  }
  return {5, 0, 0};
}

/// The parameters that a group's names say.
std::vector<size_t> by_name(const StoredGroup& group, const std::vector<NamedShape>& parameters,
                            const std::string& where) {
  std::vector<size_t> found;
  for (const std::string& wrapped : group.names) {
    const std::string name = unwrapped(wrapped);
    const auto at = std::find_if(parameters.begin(), parameters.end(),
                                 [&](const NamedShape& each) { return each.name == name; });
    if (at == parameters.end()) {
      throw DataError(where, "the model has no parameter " + name, other_state);
    }
    found.push_back(static_cast<size_t>(at - parameters.begin()));
  }
  return found;
}

/// Choices of a group's parameters, in their order, that have the shapes of its moments.
class ShapeMatch {
 public:
  ShapeMatch(const StoredGroup& group, const std::vector<size_t>& candidates,
             const std::vector<NamedShape>& parameters)
      : group_(group), candidates_(candidates), parameters_(parameters) {}

  /// At most 2: no choice, one, or several. ways[n] counts those of the first n shapes among the
  /// candidates seen so far.
  [[nodiscard]] int count() const {
    std::vector<int> ways(group_.shapes.size() + 1, 0);
    ways[0] = 1;
    for (const size_t candidate : candidates_) {
      for (size_t n = group_.shapes.size(); n > 0; --n) {
        if (fits(n - 1, candidate)) ways[n] = std::min(2, ways[n] + ways[n - 1]);
      }
    }
    return ways.back();
  }
  /// The first of them, each candidate taken as soon as it fits. Empty where none fits.
  [[nodiscard]] std::vector<size_t> first() const {
    std::vector<size_t> taken;
    for (const size_t candidate : candidates_) {
      if (taken.size() < group_.shapes.size() && fits(taken.size(), candidate)) {
        taken.push_back(candidate);
      }
    }
    return taken.size() == group_.shapes.size() ? taken : std::vector<size_t>{};
  }

 private:
  /// A number without moments has no shape, so that any parameter fits.
  [[nodiscard]] bool fits(size_t number, size_t candidate) const {
    const auto& shape = group_.shapes[number];
    return !shape || *shape == parameters_[candidate].shape;
  }

  const StoredGroup& group_;
  const std::vector<size_t>& candidates_;
  const std::vector<NamedShape>& parameters_;
};

/// Which of the candidates a group has that is smaller than they are: the others are frozen.
std::vector<size_t> trained_of(const StoredGroup& group, const std::vector<size_t>& candidates,
                               const std::vector<NamedShape>& parameters, const WeightsMove& moves,
                               const std::string& where) {
  const ShapeMatch match(group, candidates, parameters);
  const int choices = match.count();
  if (choices == 1) return match.first();
  const std::string numbers =
      fmt::format("has a group of {} parameters, and of the weights {} may belong to it",
                  group.shapes.size(), candidates.size());
  if (choices == 0) {
    throw DataError(where, numbers + ", of which no choice has the moments' shapes", other_state);
  }
  std::vector<size_t> moving;
  std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(moving),
               [&](size_t candidate) { return moves(candidate).value_or(false); });
  if (moving.size() == group.shapes.size() && ShapeMatch(group, moving, parameters).count() == 1) {
    return moving;
  }
  throw DataError(
      where,
      numbers +
          ": which of them are frozen is told neither by names, nor by shapes, nor by the "
          "weights that move between this checkpoint and its neighbour",
      "Put the training's next checkpoint into the series, or make the optimizer of "
      "model.named_parameters(), whose names are saved");
}

}  // namespace

bool decays_in_trainer(const std::string& name) {
  const bool norm =
      name.find("norm") != std::string::npos || name.find(".ln_") != std::string::npos;
  return !name.ends_with(".bias") && !norm;
}

std::vector<size_t> module_order(const std::vector<NamedShape>& parameters) {
  std::vector<size_t> order(parameters.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return module_key(parameters[a].name) < module_key(parameters[b].name);
  });
  return order;
}

std::vector<std::vector<size_t>> assign_groups(const std::vector<StoredGroup>& stored,
                                               const std::vector<NamedShape>& parameters,
                                               const WeightsMove& moves, const std::string& where) {
  std::vector<std::vector<size_t>> groups(stored.size());
  const bool named = std::all_of(stored.begin(), stored.end(), [](const StoredGroup& group) {
    return group.names.size() == group.shapes.size();
  });
  if (named) {
    for (size_t g = 0; g < stored.size(); ++g) groups[g] = by_name(stored[g], parameters, where);
    return groups;
  }
  if (stored.size() > 2) {
    throw DataError(where,
                    fmt::format("has {} groups of parameters without names, and Trainer makes two",
                                stored.size()),
                    "Save the state of an optimizer that was given named_parameters()");
  }
  for (const size_t i : module_order(parameters)) {
    groups[stored.size() == 2 && !decays_in_trainer(parameters[i].name) ? 1 : 0].push_back(i);
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    if (groups[g].size() == stored[g].shapes.size()) continue;
    if (groups[g].size() < stored[g].shapes.size()) {
      throw DataError(where,
                      fmt::format("group {} has {} parameters, and of the weights {} belong to it",
                                  g, stored[g].shapes.size(), groups[g].size()),
                      other_state);
    }
    groups[g] = trained_of(stored[g], groups[g], parameters, moves, where);
  }
  return groups;
}

}  // namespace explaind
