#include "checkpoint/folder_kind.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "claims/own_folder.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr const char* with_config = ", then put the model's config.json beside it";
constexpr const char* from_original =
    "Take the checkpoint as transformers' save_pretrained writes it";

/// The names in a folder, with those of its sub-folders as "sub/name".
class Contents {
 public:
  explicit Contents(const fs::path& folder) : folder_(folder) {
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
      const std::string name = entry.path().filename().string();
      names_.insert(name);
      if (entry.is_symlink(ignored) && !entry.exists(ignored)) dangling_.insert(name);
      if (!entry.is_directory(ignored)) continue;
      for (const fs::directory_entry& inner : fs::directory_iterator(entry.path(), ignored)) {
        names_.insert(name + "/" + inner.path().filename().string());
      }
    }
  }

  /// The first name that begins and ends so, in this folder or (where `deep`) one below it; empty
  /// where there is none.
  [[nodiscard]] std::string like(const std::string& begin, const std::string& end,
                                 bool deep = false) const {
    for (const std::string& name : names_) {
      const std::string file = name.substr(name.rfind('/') + 1);
      if (!deep && file.size() != name.size()) continue;
      if (file.size() >= begin.size() + end.size() && file.starts_with(begin) &&
          file.ends_with(end)) {
        return name;
      }
    }
    return "";
  }
  [[nodiscard]] bool has(const std::string& name) const { return names_.contains(name); }
  [[nodiscard]] const std::set<std::string>& dangling() const { return dangling_; }
  [[nodiscard]] std::string path(const std::string& name = "") const {
    return shell_word((name.empty() ? folder_ : folder_ / name).string());
  }

 private:
  fs::path folder_;
  std::set<std::string> names_, dangling_;
};

std::optional<Instead> adapter(const Contents& contents) {
  if (!contents.has("adapter_config.json") && contents.like("adapter_model.", "").empty()) {
    return std::nullopt;
  }
  return Instead{
      "a PEFT adapter (LoRA), a change to a model that lies elsewhere",
      fmt::format("Merge it into its model: `python3 -c 'import sys; from peft import "
                  "AutoPeftModelForCausalLM as M; "
                  "M.from_pretrained(sys.argv[1]).merge_and_unload().save_pretrained(sys.argv[2])' "
                  "{} {}`",
                  contents.path(), contents.path() + "-merged")};
}

/// Checkpoints of programs that train on many devices.
std::optional<Instead> parallel_training(const Contents& contents) {
  const std::string part = contents.like("", ".distcp", true);
  if (!part.empty()) {
    const size_t slash = part.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : part.substr(0, slash);
    if (!contents.has(folder.empty() ? ".metadata" : folder + "/.metadata")) {
      return Instead{
          "a checkpoint of PyTorch's distributed format (FSDP, torchtitan) without its .metadata",
          "Copy the file .metadata too: it says what lies where, and its name begins with a dot"};
    }
    return Instead{
        fmt::format("a checkpoint of PyTorch's distributed format (FSDP, torchtitan) in {}",
                    folder),
        fmt::format("Convert it: `python3 -m torch.distributed.checkpoint.format_utils "
                    "dcp_to_torch {} {}`{}",
                    contents.path(folder), contents.path("pytorch_model.bin"), with_config)};
  }
  if (!contents.like("zero_pp_rank_", "", true).empty() ||
      !contents.like("bf16_zero_pp_rank_", "", true).empty() || contents.has("zero_to_fp32.py") ||
      !contents.like("", "model_states.pt", true).empty()) {
    const std::string program = contents.has("zero_to_fp32.py") ? contents.path("zero_to_fp32.py")
                                                                : "-m deepspeed.utils.zero_to_fp32";
    return Instead{"a checkpoint of DeepSpeed (ZeRO), whose weights are divided among its ranks",
                   fmt::format("Put them together: `python3 {} {} {}`{}", program, contents.path(),
                               contents.path(), with_config)};
  }
  if (contents.has("latest_checkpointed_iteration.txt") ||
      !contents.like("model_optim_rng", "", true).empty() ||
      !contents.like("mp_rank_", "", true).empty()) {
    return Instead{"a checkpoint of Megatron-LM", "Convert it with the program that trained it"};
  }
  if (contents.has("model_and_optim") || contents.has(".metadata.json")) {
    return Instead{"a checkpoint of OLMo-core", "Convert it with its convert_checkpoint_to_hf.py"};
  }
  if (contents.has("checkpoint_metadata.json") && contents.has("model_config.json")) {
    return Instead{"a checkpoint of nanotron", "Convert it with its convert_nanotron_to_hf.py"};
  }
  if (contents.has("_CHECKPOINT_METADATA") || contents.has("manifest.ocdbt") ||
      contents.has("_METADATA")) {
    return Instead{"a checkpoint of Orbax (JAX)", from_original};
  }
  return std::nullopt;
}

/// Weights in a form of another library.
std::optional<Instead> other_library(const Contents& contents) {
  const std::string meta = contents.like("consolidated.", ".pth");
  if (!meta.empty()) {
    return Instead{
        fmt::format("weights in Meta's own form ({})", meta),
        "Convert them with convert_llama_weights_to_hf.py, which transformers 4 has, or take the "
        "checkpoint in the form of save_pretrained"};
  }
  if (contents.has("consolidated.safetensors")) {
    return Instead{"weights in Mistral's own form (consolidated.safetensors)", from_original};
  }
  struct Other {
    const char *begin, *end, *library;
  };
  constexpr std::array<Other, 16> others{
      {{"", ".gguf", "llama.cpp (mostly rounded to few bits)"},
       {"ggml", ".bin", "llama.cpp (mostly rounded to few bits)"},
       {"tf_model", ".h5", "TensorFlow"},
       {"", ".weights.h5", "Keras"},
       {"", ".keras", "Keras"},
       {"", ".msgpack", "Flax"},
       {"", ".ckpt.index", "TensorFlow"},
       {"", ".onnx", "ONNX"},
       {"saved_model", ".pb", "TensorFlow"},
       {"", ".tflite", "TensorFlow Lite"},
       {"", ".npz", "NumPy (as MLX wrote them)"},
       {"", ".mlmodel", "Core ML"},
       {"openvino_", ".bin", "OpenVINO"},
       {"", ".ot", "rust-bert"},
       {"", ".nemo", "NeMo"},
       {"", ".ckpt", "PyTorch Lightning"}}};
  for (const Other& other : others) {
    const std::string file = contents.like(other.begin, other.end);
    if (file.empty()) continue;
    return Instead{fmt::format("weights of {} ({})", other.library, file), from_original};
  }
  return std::nullopt;
}

/// A model's file on its way here, or as it travels.
std::optional<Instead> unfinished(const Contents& contents) {
  for (const char* end :
       {".incomplete", ".part", ".partial", ".tmp", ".crdownload", ".download", ".aria2"}) {
    for (const char* begin : {"model", "pytorch_model"}) {
      const std::string file = contents.like(begin, end);
      if (file.empty()) continue;
      return Instead{fmt::format("a download or copy that did not end ({})", file),
                     "Download or copy the model's file again"};
    }
  }
  for (const char* end : {".gz", ".zip", ".tar", ".tgz", ".zst", ".xz", ".bz2", ".7z"}) {
    const std::string file = contents.like("", end);
    if (!file.empty()) return Instead{fmt::format("a packed file ({})", file), "Unpack it there"};
  }
  return std::nullopt;
}

/// Files of the right form that do not make a checkpoint.
std::optional<Instead> parts(const Contents& contents) {
  for (const std::string& name : contents.dangling()) {
    if (!name.ends_with(".safetensors") && !name.ends_with(".bin") && !name.ends_with(".json")) {
      continue;
    }
    return Instead{fmt::format("a folder whose {} is a link to a file that is not there", name),
                   "Download it again, or mend the link"};
  }
  for (const std::string kind : {".safetensors", ".bin"}) {
    const std::string begin = kind == ".bin" ? "pytorch_model-" : "model-";
    const std::string index = kind == ".bin" ? "pytorch_model" + kind : "model" + kind;
    const std::string shard = contents.like(begin, kind);
    if (!shard.empty()) {
      return Instead{fmt::format("shards ({}) without their index", shard),
                     "Copy or download " + index + ".index.json too"};
    }
    const std::string single = contents.like("", kind);
    if (!single.empty() && single != index && single != "training_args.bin") {
      return Instead{
          fmt::format("a folder with {}, which is not the name of a model's weights", single),
          fmt::format("Where it holds the whole model: `mv {} {}`", contents.path(single),
                      contents.path(index))};
    }
  }
  for (const std::string kind : {".pt", ".pth"}) {
    const std::string file = contents.like("", kind);
    if (file.empty() || file == "optimizer.pt" || file == "scheduler.pt" ||
        file.starts_with("rng_state") || file == "scaler.pt") {
      continue;
    }
    return Instead{
        fmt::format("a folder with {}, which is not the name of a model's weights", file),
        fmt::format("Where it holds the whole model: `mv {} {}`", contents.path(file),
                    contents.path("pytorch_model.bin"))};
  }
  if (contents.has("trainer_state.json") || contents.has("optimizer.pt") ||
      contents.has("training_args.bin")) {
    return Instead{"a Trainer's checkpoint without its weights", "Copy the weights too"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Instead> adapter_in(const fs::path& folder) { return adapter(Contents(folder)); }

std::optional<Instead> foreign_folder(const fs::path& folder) {
  if (made_as(folder) == "run") {
    return Instead{"a recorded run that was cut short before it had a run.json",
                   "`explaind record --resume` with the same options makes it"};
  }
  const Contents contents(folder);
  for (const auto& kind : {adapter, parallel_training, other_library, parts, unfinished}) {
    if (std::optional<Instead> found = kind(contents)) return found;
  }
  return std::nullopt;
}

}  // namespace explaind
