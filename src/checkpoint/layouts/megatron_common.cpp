#include "checkpoint/layouts/megatron_common.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "checkpoint/convert.hpp"
#include "checkpoint/layouts/part_file.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

constexpr const char* convert_megatron =
    "Leave out --source steps: the change of weights alone needs no optimizer state";

/// Objects among the arguments: of argparse, and of Megatron's own classes.
RecordTypes megatron_records() {
  return {.names = {"argparse.Namespace", "types.SimpleNamespace", "builtins.getattr",
                    "__builtin__.getattr", "builtins.set", "__builtin__.set", "pathlib.PosixPath",
                    "datetime.timedelta", "collections.defaultdict"},
          .packages = {"torch.", "megatron.", "nemo.", "transformer_engine."}};
}

std::optional<double> number_in(const TorchData& file, const PlainData* value) {
  if (value == nullptr) return std::nullopt;
  if (const auto* number = value->as<double>()) return *number;
  if (const auto* whole = value->as<int64_t>()) return static_cast<double>(*whole);
  const auto* tensor = value->as<PickledTensor>();
  if (tensor == nullptr) return std::nullopt;
  const TensorView view = file.view(*tensor);
  if (view.elements() != 1 || !is_floating(view.dtype)) return std::nullopt;
  double number = 0;
  to_double(view, std::span(&number, 1));
  return number;
}

bool is_true(const PlainData* value) {
  const bool* flag = value == nullptr ? nullptr : value->as<bool>();
  return flag != nullptr && *flag;
}

/// Of one layer where all are stacked. A bias has one too.
bool has_one_dimension(const std::string& name, const std::vector<int64_t>& shape) {
  constexpr std::string_view stacked = "decoder.layers.";
  const bool numbered = name.size() > stacked.size() && std::isdigit(name[stacked.size()]) != 0;
  const size_t axes = name.starts_with(stacked) && !numbered ? 2 : 1;
  return shape.size() <= axes || name.ends_with(".bias") || name.ends_with("_bias");
}

}  // namespace

std::shared_ptr<const MegatronCommon> MegatronCommon::open(const std::filesystem::path& folder) {
  std::error_code ignored;
  const std::filesystem::path path = folder / "common.pt";
  if (!std::filesystem::is_regular_file(path, ignored)) return nullptr;
  return std::make_shared<const MegatronCommon>(path);
}

MegatronCommon::MegatronCommon(const std::filesystem::path& path)
    : data_(std::make_shared<const TorchData>(path, megatron_records())),
      file_(std::make_shared<const PartFile>(data_, data_->file(), data_->header())) {}

void MegatronCommon::refuse(const std::string& problem, const std::string& remedy) const {
  throw DataError(data_->file().path().string(), problem, remedy);
}

void MegatronCommon::require_model(const DecoderConfig& model) const {
  const PlainData* arguments = data_->root().find("args");
  if (arguments == nullptr) return;
  struct Size {
    const char *argument, *key;
    int64_t own;
  };
  const bool grouped = is_true(arguments->find("group_query_attention"));
  for (const Size& size : std::array<Size, 7>{
           {{"num_layers", "num_hidden_layers", model.layers},
            {"hidden_size", "hidden_size", model.hidden_size},
            {"ffn_hidden_size", "intermediate_size", model.intermediate_size},
            {"num_attention_heads", "num_attention_heads", model.heads},
            {"num_query_groups", "num_key_value_heads", grouped ? model.key_value_heads : 0},
            {"kv_channels", "head_dim", model.head_dim},
            {"vocab_size", "vocab_size", model.vocabulary}}}) {
    const PlainData* value = arguments->find(size.argument);
    const auto* said = value == nullptr ? nullptr : value->as<int64_t>();
    if (said == nullptr || size.own == 0 || *said == size.own) continue;
    refuse(fmt::format("says {} {}, and config.json says {} {}", size.argument, *said, size.key,
                       size.own),
           "Put the config.json of this model beside the checkpoints");
  }
  for (const char* flag : {"rotary_interleaved", "apply_layernorm_1p", "multi_latent_attention"}) {
    if (is_true(arguments->find(flag))) {
      refuse(fmt::format("was trained with {}, which a {} model does not do", flag, model.family),
             "Convert it with the program that trained it");
    }
  }
}

const PlainData& MegatronCommon::optimizer() const {
  const PlainData* state = data_->root().find("optimizer");
  if (state == nullptr) refuse("holds no optimizer", "Save it too (without --no-save-optim)");
  if (state->find(int64_t{0}) != nullptr) {
    refuse("holds several optimizers (of experts, or of parts of the model)", convert_megatron);
  }
  const PlainData* inner = state->find("optimizer");  // of an optimizer of an optimizer
  const PlainData& found = inner == nullptr ? *state : *inner;
  const PlainData* groups = found.find("param_groups");
  if (groups == nullptr || groups->as<PlainList>() == nullptr) {
    const PlainData* type = state->find("param_state_sharding_type");
    const auto* name = type == nullptr ? nullptr : type->as<std::string_view>();
    refuse(
        fmt::format("says that the optimizer's state lies in the buckets of its ranks{}, which do "
                    "not say what is whose",
                    name == nullptr ? "" : fmt::format(" ({})", *name)),
        "Save with --dist-ckpt-optim-fully-reshardable (fully_reshardable), or leave out "
        "--source steps");
  }
  return found;
}

int64_t MegatronCommon::updates() const {
  const PlainData& state = optimizer();
  const PlainData* shared = state.find("state");
  std::optional<double> found =
      number_in(*data_, shared == nullptr ? nullptr : shared->find("common_step"));
  for (const PlainData& group : state.find("param_groups")->as<PlainList>()->items) {
    const std::optional<double> own = number_in(*data_, group.find("step"));
    if (own && found && *own != *found) refuse("says two numbers of updates", convert_megatron);
    if (own) found = own;
  }
  if (!found || !(*found >= 0) || *found > 1e15 || *found != std::floor(*found)) {
    refuse("does not say how many updates were made", convert_megatron);
  }
  return static_cast<int64_t>(*found);
}

DcpGroups MegatronCommon::groups(const SavedShapes& shapes) const {
  const auto* list = optimizer().find("param_groups")->as<PlainList>();
  DcpGroups result;
  std::vector<bool> decays;
  for (const PlainData& group : list->items) {
    const auto number = [&](const char* key) {
      const std::optional<double> value = number_in(*data_, group.find(key));
      if (!value) {
        refuse(fmt::format("param_groups[{}]: the hyper-parameter {} is missing",
                           result.groups.size(), key),
               convert_megatron);
      }
      return *value;
    };
    const PlainData* pair = group.find("betas");
    const auto* betas = pair == nullptr ? nullptr : pair->as<PlainList>();
    if (betas == nullptr || betas->items.size() != 2 || !betas->items[0].as<double>() ||
        !betas->items[1].as<double>()) {
      refuse("its betas are no pair of numbers", convert_megatron);
    }
    const PlainData* decoupled = group.find("decoupled_weight_decay");
    const PlainData* corrected = group.find("bias_correction");
    const bool is_adam = decoupled != nullptr && !is_true(decoupled) && number("weight_decay") != 0;
    if (is_adam ||
        (corrected != nullptr && corrected->as<bool>() != nullptr && !is_true(corrected)) ||
        is_true(group.find("amsgrad")) || is_true(group.find("maximize"))) {
      refuse("its groups are not AdamW's", convert_megatron);
    }
    if (is_true(group.find("is_decoupled_lr")) || is_true(group.find("is_expert_parallel"))) {
      refuse("has groups of embeddings or experts, which do not say their parameters",
             convert_megatron);
    }
    result.groups.push_back({.learning_rate = number("lr"),
                             .beta1 = *betas->items[0].as<double>(),
                             .beta2 = *betas->items[1].as<double>(),
                             .epsilon = number("eps"),
                             .weight_decay = number("weight_decay")});
    decays.push_back(number_in(*data_, group.find("wd_mult")).value_or(1) != 0);
  }
  const bool two = decays.size() == 2 && decays[0] != decays[1];
  const bool alike = std::all_of(result.groups.begin(), result.groups.end(),
                                 [&](const auto& each) { return each == result.groups[0]; });
  if (!two && !alike) {
    refuse(fmt::format("has {} groups that do not say their parameters", decays.size()),
           convert_megatron);
  }
  for (const auto& [name, shape] : shapes) {
    const bool decay = !has_one_dimension(name, shape);
    result.group_of.emplace(name, alike || decays[0] == decay ? 0 : 1);
  }
  return result;
}

}  // namespace explaind
