// Tensors of Megatron Core's GPTModel, as its distributed checkpoints name them: those of all
// layers stacked, or a layer each.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "checkpoint/layouts/tensor_naming.hpp"
#include "checkpoint/tensor_view.hpp"
#include "core/elements.hpp"
#include "core/error.hpp"
#include "families/decoder_config.hpp"

namespace explaind {
namespace {

constexpr std::string_view megatron_layers = "decoder.layers.";
constexpr std::string_view megatron_embedding = "embedding.word_embeddings.weight";
constexpr std::string_view megatron_unembedding = "output_layer.weight";

bool is_megatron(const SavedShapes& saved) {
  return saved.contains(std::string(megatron_embedding)) ||
         std::any_of(saved.begin(), saved.end(),
                     [](const auto& each) { return each.first.starts_with(megatron_layers); });
}

/// One layer's tensor: all of the saved one, or what lies at `first` of it.
struct MegatronLayerTensor {
  std::string source;  ///< as it was saved
  int64_t layer = 0, first = 0;
  std::vector<int64_t> shape;
};

class MegatronNames {
 public:
  MegatronNames(const DecoderConfig& model, std::string where)
      : model_(model), names_(model.names), where_(std::move(where)) {
    if (model.norm_after || model.columns_are_outputs || model.norm_offset != 0 ||
        model.fused == FusedProjection::by_part || model.learned_positions) {
      throw DataError(
          where_,
          fmt::format("is of Megatron, and how its tensors become those of a {} model is "
                      "not known",
                      model.family),
          "Convert it with the program that trained it");
    }
  }

  void add(const std::string& name, const std::vector<int64_t>& shape) {
    if (name == megatron_embedding || name == megatron_unembedding) {
      add_vocabulary(name, shape);
    } else if (name.starts_with("decoder.final_layernorm.")) {
      add_whole({.source = name, .shape = shape}, names_.final_norm + name.substr(name.rfind('.')));
    } else if (name.starts_with(megatron_layers)) {
      add_layers(name, shape);
    } else {
      refuse(name);
    }
  }
  Naming take() { return std::move(naming_); }

 private:
  [[noreturn]] void refuse(const std::string& name) const {
    throw DataError(
        where_,
        fmt::format("the tensor {} of Megatron has no place in a {} model", name, model_.family),
        "Mixtures of experts and further heads are not read");
  }
  [[noreturn]] void refuse_shape(const std::string& name, const std::vector<int64_t>& shape) const {
    throw DataError(where_,
                    fmt::format("{} is {}, which does not fit the sizes in config.json", name,
                                shape_to_string(shape)),
                    "Put the config.json of this model beside the checkpoints");
  }
  void add_whole(const MegatronLayerTensor& tensor, const std::string& name) {
    naming_.tensors.push_back(
        {.name = name,
         .shape = tensor.shape,
         .runs = {
             {.source = tensor.source, .first = tensor.first, .count = elements(tensor.shape)}}});
  }

  /// Its rows are padded so that all ranks have as many.
  void add_vocabulary(const std::string& name, const std::vector<int64_t>& shape) {
    if (shape.size() != 2 || shape[0] < model_.vocabulary) refuse_shape(name, shape);
    const std::string& own = name == megatron_embedding ? names_.embedding : names_.unembedding;
    add_whole({.source = name, .shape = {model_.vocabulary, shape[1]}}, own + ".weight");
    if (shape[0] > model_.vocabulary && name == megatron_embedding) {
      naming_.notes.push_back(
          fmt::format("rows {} to {} of the embedding stand for no token and are "
                      "left out",
                      model_.vocabulary, shape[0] - 1));
    }
  }

  void add_layers(const std::string& name, const std::vector<int64_t>& shape) {
    const std::string rest = name.substr(megatron_layers.size());
    const size_t dot = std::min(rest.find('.'), rest.size());
    const bool numbered =
        dot > 0 && dot < 9 && rest.find_first_not_of("0123456789") == dot && dot < rest.size();
    if (numbered) {
      add_layer({.source = name, .layer = std::stoll(rest.substr(0, dot)), .shape = shape},
                rest.substr(dot + 1));
      return;
    }
    if (shape.empty() || shape[0] != model_.layers) refuse_shape(name, shape);
    const std::vector<int64_t> one(shape.begin() + 1, shape.end());
    for (int64_t layer = 0; layer < shape[0]; ++layer) {
      add_layer({.source = name, .layer = layer, .first = layer * elements(one), .shape = one},
                rest);
    }
  }

  [[nodiscard]] std::string in_layer(const MegatronLayerTensor& tensor, const std::string& module,
                                     std::string_view kind) const {
    return fmt::format("{}{}.{}{}", names_.layer, tensor.layer, module, kind);
  }

  void add_layer(const MegatronLayerTensor& tensor, const std::string& module) {
    struct Module {
      std::string_view saved;
      const std::string* own;
    };
    const std::array<Module, 6> whole{{{"self_attention.linear_proj", &names_.output},
                                       {"self_attention.q_layernorm", &names_.query_norm},
                                       {"self_attention.k_layernorm", &names_.key_norm},
                                       {"mlp.linear_fc2", &names_.down},
                                       {"input_layernorm", &names_.before_attention},
                                       {"pre_mlp_layernorm", &names_.before_mlp}}};
    // Norms that are one kernel with the product behind them.
    const std::array<Module, 2> inner_norms{
        {{"self_attention.linear_qkv", &names_.before_attention},
         {"mlp.linear_fc1", &names_.before_mlp}}};
    const size_t dot = std::min(module.rfind('.'), module.size());
    const std::string owner = module.substr(0, dot), kind = module.substr(dot);
    for (const Module& pair : whole) {
      if (owner == pair.saved && (kind == ".weight" || kind == ".bias")) {
        add_whole(tensor, in_layer(tensor, *pair.own, kind));
        return;
      }
    }
    for (const Module& pair : inner_norms) {
      if (owner == pair.saved && kind.starts_with(".layer_norm_")) {
        add_whole(tensor, in_layer(tensor, *pair.own, "." + kind.substr(12)));
        return;
      }
    }
    if (kind != ".weight" && kind != ".bias") refuse(tensor.source);
    if (owner == "self_attention.linear_qkv") {
      add_qkv(tensor, kind);
    } else if (owner == "mlp.linear_fc1") {
      add_fc1(tensor, kind);
    } else {
      refuse(tensor.source);
    }
  }

  /// A group of query heads, the key and the value that they share, and the next group.
  void add_qkv(const MegatronLayerTensor& tensor, const std::string& kind) {
    const int64_t groups = model_.key_value_heads, shared = model_.heads / groups;
    const int64_t rows = (shared + 2) * groups * model_.head_dim;
    if (tensor.shape.empty() || tensor.shape[0] != rows) refuse_shape(tensor.source, tensor.shape);
    if (model_.fused == FusedProjection::by_head) {
      if (shared != 1) refuse_shape(tensor.source, tensor.shape);
      add_whole(tensor, in_layer(tensor, names_.fused, kind));
      return;
    }
    const int64_t row = elements(tensor.shape) / rows;
    const auto part = [&](const std::string& module, int64_t heads, int64_t before) {
      TensorPlan plan{.name = in_layer(tensor, module, kind), .shape = tensor.shape, .runs = {}};
      plan.shape[0] = groups * heads * model_.head_dim;
      for (int64_t group = 0; group < groups; ++group) {
        const int64_t head = group * (shared + 2) + before;
        plan.runs.push_back({.source = tensor.source,
                             .first = tensor.first + head * model_.head_dim * row,
                             .count = heads * model_.head_dim * row});
      }
      naming_.tensors.push_back(std::move(plan));
    };
    part(names_.query, shared, 0);
    part(names_.key, 1, shared);
    part(names_.value, 1, shared + 1);
  }

  /// The gate's rows, then those of the other product; these alone where there is no gate.
  void add_fc1(const MegatronLayerTensor& tensor, const std::string& kind) {
    const int64_t parts = model_.gated ? 2 : 1;
    if (tensor.shape.empty() || tensor.shape[0] != parts * model_.intermediate_size) {
      refuse_shape(tensor.source, tensor.shape);
    }
    MegatronLayerTensor half = tensor;
    half.shape[0] = model_.intermediate_size;
    if (model_.gated) {
      add_whole(half, in_layer(tensor, names_.gate, kind));
      half.first += elements(half.shape);
    }
    add_whole(half, in_layer(tensor, names_.up, kind));
  }

  const DecoderConfig& model_;
  const DecoderNames& names_;
  std::string where_;
  Naming naming_;
};

Naming name_megatron(const SavedShapes& saved, const ConfigOf& config, const std::string& where) {
  const DecoderConfig model = read_decoder_config(config(), where);
  MegatronNames names(model, where);
  for (const auto& [name, shape] : saved) names.add(name, shape);
  Naming naming = names.take();
  naming.state_notes.emplace_back(
      "which parameters decay is told by their shapes, as Megatron does it: those of one dimension "
      "and biases do not");
  return naming;
}

}  // namespace

const NamingScheme& megatron_naming() {
  static const NamingScheme scheme{"Megatron", &is_megatron, &name_megatron};
  return scheme;
}

}  // namespace explaind
