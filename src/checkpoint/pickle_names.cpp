#include "checkpoint/pickle_names.hpp"

#include <algorithm>
#include <array>

namespace explaind {
namespace {

using std::string_view;

constexpr string_view list_class = "torch.Size";
constexpr std::array<string_view, 2> lookups{"__builtin__.getattr", "builtins.getattr"};

constexpr auto known = std::to_array<string_view>({
    list_class,
    lookups[0],
    lookups[1],
    "collections.defaultdict",
    // Python
    "argparse.Namespace",
    "types.SimpleNamespace",
    "pathlib.PosixPath",
    "__builtin__.set",
    "builtins.set",
    "__builtin__.dict",
    "builtins.dict",
    "_codecs.encode",
    // PyTorch: types are names alone
    "torch.device",
    "torch.float64",
    "torch.float32",
    "torch.float16",
    "torch.bfloat16",
    "torch.float",
    "torch.half",
    "torch.double",
    "torch.int64",
    "torch.int32",
    "torch.int16",
    "torch.int8",
    "torch.uint8",
    "torch.bool",
    "torch.long",
    "torch.int",
    // NumPy: states of generators, single numbers
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.ndarray",
    "numpy.dtype",
    // DeepSpeed
    "deepspeed.runtime.fp16.loss_scaler.LossScaler",
    "deepspeed.runtime.fp16.loss_scaler.DynamicLossScaler",
    "deepspeed.runtime.zero.config.ZeroStageEnum",
    "deepspeed.utils.tensor_fragment.fragment_address",
    "deepspeed.checkpoint.universal_checkpoint.SubparamShape",
    // Megatron-DeepSpeed's arguments
    "megatron.enums.PositionEmbeddingType",
    "megatron.enums.ModelType",
    "megatron.model.enums.PositionEmbeddingType",
    "megatron.model.enums.ModelType",
    "megatron.core.enums.ModelType",
});

}  // namespace

const std::vector<string_view>& training_names() {
  static const std::vector<string_view> names(known.begin(), known.end());
  return names;
}

string_view training_name(string_view name) {
  const auto* found = std::find(known.begin(), known.end(), name);
  return found == known.end() ? string_view() : *found;
}
bool is_member_lookup(string_view name) {
  return std::find(lookups.begin(), lookups.end(), name) != lookups.end();
}
bool is_list_class(string_view name) { return name == list_class; }

}  // namespace explaind
