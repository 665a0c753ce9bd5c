#include "model/decoder_parameters.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "core/error.hpp"

namespace explaind {
namespace {

class LayoutMaker {
 public:
  explicit LayoutMaker(const DecoderConfig& config) : config_(config) {}

  DecoderLayout make() {
    const DecoderConfig& c = config_;
    const DecoderNames& names = c.names;
    const int last = static_cast<int>(c.layers);
    made_.embedding = add({.name = names.embedding + ".weight",
                           .shape = {c.vocabulary, c.hidden_size},
                           .layer = -1,
                           .layer_name = "embedding",
                           .kind = "embedding",
                           .uses = c.tied ? 2 : 1});
    if (c.learned_positions) {
      made_.positions = add({.name = names.positions + ".weight",
                             .shape = {c.max_positions, c.hidden_size},
                             .layer = -1,
                             .layer_name = "embedding",
                             .kind = "position"});
    }
    for (int layer = 0; layer < last; ++layer) made_.layers.push_back(add_layer(layer));
    place_.layer = last;
    place_.layer_name = "final_norm";
    made_.final_norm = add_norm(names.final_norm, c.hidden_size);
    made_.unembedding = c.tied ? made_.embedding
                               : add({.name = names.unembedding + ".weight",
                                      .shape = {c.vocabulary, c.hidden_size},
                                      .layer = last,
                                      .layer_name = "unembedding",
                                      .kind = "unembedding"});
    return std::move(made_);
  }

 private:
  ParameterId add(ParameterInfo info) {
    made_.parameters.push_back(std::move(info));
    return static_cast<ParameterId>(made_.parameters.size()) - 1;
  }

  /// A parameter of the block that is being made.
  [[nodiscard]] ParameterInfo info(const std::string& name, const char* kind) const {
    ParameterInfo made = place_;
    made.name = prefix_ + name;
    made.kind = kind;
    return made;
  }

  DecoderNorm add_norm(const std::string& name, int64_t width, int heads = 0) {
    DecoderNorm norm{.there = true};
    ParameterInfo vector = info(name, "norm");
    vector.shape = {width};
    vector.heads = heads;
    const std::string module = vector.name;
    if (config_.norm_gain) {
      vector.name = module + ".weight";
      norm.gain = add(vector);
    }
    if (config_.norm_bias) {
      vector.name = module + ".bias";
      norm.bias = add(vector);
    }
    return norm;
  }

  /// matrix: its name without ".weight", and how it is divided.
  LinearMap add_linear(ParameterInfo matrix, int64_t out, int64_t in, bool has_bias) {
    ParameterInfo bias = matrix;
    matrix.name += ".weight";
    matrix.columns_are_outputs = config_.columns_are_outputs;
    matrix.shape = matrix.columns_are_outputs ? std::vector{in, out} : std::vector{out, in};
    bias.name += ".bias";
    bias.kind = "bias";
    bias.shape = {out};
    // A bias of what heads or units go into belongs to none; others are divided as their rows are.
    if (matrix.heads_by_input) bias.heads = 0;
    if (matrix.neurons_by_input) bias.neurons = 0;
    bias.heads_by_input = bias.neurons_by_input = false;
    LinearMap map{.columns_are_outputs = matrix.columns_are_outputs};
    map.weight = add(std::move(matrix));
    if (has_bias) map.bias = add(std::move(bias));
    return map;
  }

  LinearMap add_heads(const std::string& name, int64_t heads) {
    ParameterInfo matrix = info(name, "attention");
    matrix.heads = static_cast<int>(heads);
    return add_linear(std::move(matrix), heads * config_.head_dim, config_.hidden_size,
                      config_.query_bias);
  }

  void add_attention(DecoderLayer& layer) {
    const DecoderConfig& c = config_;
    const DecoderNames& names = c.names;
    const int64_t queries = c.heads * c.head_dim, keys = c.key_value_heads * c.head_dim;
    if (c.fused == FusedProjection::none) {
      layer.query = add_heads(names.query, c.heads);
      layer.key = add_heads(names.key, c.key_value_heads);
      layer.value = add_heads(names.value, c.key_value_heads);
    } else {
      ParameterInfo matrix = info(names.fused, "attention");
      matrix.heads = static_cast<int>(c.heads);
      matrix.fused = true;
      matrix.parts_first = c.fused == FusedProjection::by_part;
      layer.fused = add_linear(std::move(matrix), 3 * queries, c.hidden_size, c.query_bias);
    }
    if (c.query_key_norm != QueryKeyNorm::none) {
      const bool whole = c.query_key_norm == QueryKeyNorm::whole;
      const auto heads = [&](int64_t count) { return whole ? static_cast<int>(count) : 0; };
      layer.query_norm = add_norm(names.query_norm, whole ? queries : c.head_dim, heads(c.heads));
      layer.key_norm =
          add_norm(names.key_norm, whole ? keys : c.head_dim, heads(c.key_value_heads));
    }
    ParameterInfo output = info(names.output, "attention");
    output.heads = static_cast<int>(c.heads);
    output.heads_by_input = true;
    layer.output = add_linear(std::move(output), c.hidden_size, queries, c.output_bias);
  }

  void add_mlp(DecoderLayer& layer) {
    const DecoderConfig& c = config_;
    const DecoderNames& names = c.names;
    ParameterInfo into = info("", "mlp");
    into.neurons = static_cast<int>(c.intermediate_size);
    const auto projection = [&](const std::string& name) {
      ParameterInfo matrix = into;
      matrix.name = prefix_ + name;
      return add_linear(std::move(matrix), c.intermediate_size, c.hidden_size, c.mlp_bias);
    };
    if (c.gated) layer.gate = projection(names.gate);
    layer.up = projection(names.up);
    if (c.activation == MlpActivation::xielu) {
      ParameterInfo alpha = info(names.activation, "mlp");
      const std::string module = alpha.name;
      alpha.shape = {1};
      alpha.name = module + ".alpha_p";
      layer.alpha_positive = add(alpha);
      alpha.name = module + ".alpha_n";
      layer.alpha_negative = add(alpha);
    }
    ParameterInfo down = into;
    down.name = prefix_ + names.down;
    down.neurons_by_input = true;
    layer.down = add_linear(std::move(down), c.hidden_size, c.intermediate_size, c.mlp_bias);
  }

  DecoderLayer add_layer(int number) {
    const DecoderConfig& c = config_;
    const DecoderNames& names = c.names;
    const std::string text = std::to_string(number);
    place_.layer = number;
    place_.layer_name = "layer." + text;
    prefix_ = names.layer + text + ".";
    DecoderLayer layer;
    layer.first = static_cast<ParameterId>(made_.parameters.size());
    if (c.norm_before) layer.before_attention = add_norm(names.before_attention, c.hidden_size);
    add_attention(layer);
    if (c.norm_after) layer.after_attention = add_norm(names.after_attention, c.hidden_size);
    if (c.norm_before) layer.before_mlp = add_norm(names.before_mlp, c.hidden_size);
    add_mlp(layer);
    if (c.norm_after) layer.after_mlp = add_norm(names.after_mlp, c.hidden_size);
    layer.last = static_cast<ParameterId>(made_.parameters.size());
    prefix_.clear();
    return layer;
  }

  const DecoderConfig& config_;
  DecoderLayout made_;
  ParameterInfo place_;  ///< of the block that is being made
  std::string prefix_;   ///< before the names of its modules
};

/// Every place in a layer where a parameter's number stands.
std::vector<ParameterId*> numbers_of(DecoderLayer& layer) {
  std::vector<ParameterId*> all{&layer.alpha_positive, &layer.alpha_negative};
  for (DecoderNorm* norm : {&layer.before_attention, &layer.after_attention, &layer.before_mlp,
                            &layer.after_mlp, &layer.query_norm, &layer.key_norm}) {
    all.insert(all.end(), {&norm->gain, &norm->bias});
  }
  for (LinearMap* map : {&layer.query, &layer.key, &layer.value, &layer.fused, &layer.output,
                         &layer.gate, &layer.up, &layer.down}) {
    all.insert(all.end(), {&map->weight, &map->bias});
  }
  return all;
}

/// Divided in the same way; how often it is used may differ.
bool alike(ParameterInfo a, const ParameterInfo& b) {
  a.uses = b.uses;
  return a == b;
}

}  // namespace

DecoderLayout numbered(DecoderLayout layout, const std::vector<ParameterInfo>& all,
                       const std::string& where) {
  std::map<std::string, ParameterId> places;
  for (size_t i = 0; i < all.size(); ++i) places[all[i].name] = static_cast<ParameterId>(i);
  std::vector<ParameterId> place_of;
  for (const ParameterInfo& own : layout.parameters) {
    const ParameterId place = places.at(own.name);
    if (!alike(own, all[static_cast<size_t>(place)])) {
      throw DataError(where, "divides " + own.name + " otherwise than an earlier config.json does",
                      "A series holds checkpoints of one network only");
    }
    place_of.push_back(place);
  }
  const auto renumber = [&](ParameterId& id) {
    if (id != no_parameter) id = place_of[static_cast<size_t>(id)];
  };
  for (DecoderLayer& layer : layout.layers) {
    // What lies between its first and its last one is the layer's too, in another network.
    const auto [first, last] =
        std::minmax_element(place_of.begin() + layer.first, place_of.begin() + layer.last);
    layer.first = *first;
    layer.last = *last + 1;
    for (ParameterId* id : numbers_of(layer)) renumber(*id);
  }
  for (ParameterId* id : {&layout.final_norm.gain, &layout.final_norm.bias, &layout.embedding,
                          &layout.positions, &layout.unembedding}) {
    renumber(*id);
  }
  layout.parameters = all;
  return layout;
}

DecoderLayout lay_out(const DecoderConfig& config) { return LayoutMaker(config).make(); }

}  // namespace explaind
