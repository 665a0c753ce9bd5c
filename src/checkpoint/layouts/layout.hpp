#pragma once
// A layout of saved states: how it is recognised and opened. One layout a file or more; their list
// is in saved_state.cpp.

#include <filesystem>
#include <memory>

#include "checkpoint/layouts/saved_state.hpp"

namespace explaind {

struct Layout {
  /// By names alone; never throws.
  bool (*holds)(const std::filesystem::path& folder);
  /// Of a folder that holds it.
  std::unique_ptr<SavedState> (*open)(const std::filesystem::path& folder);
};

/// torch.distributed.checkpoint: `.metadata` and `.distcp` files, of FSDP, OLMo-core, Megatron
/// Core, torchtitan and others.
const Layout& torch_distributed();

/// DeepSpeed's ZeRO, stages 1 to 3: `global_step100/` with …_optim_states.pt and …_model_states.pt,
/// or a folder that holds one (Trainer's `checkpoint-100/`). Weights are the optimizer's masters of
/// 32 bits; frozen ones are the model's. Refused by name: files of ranks that are missing, ranks of
/// different steps, other optimizers, experts, and models divided among tensor-parallel ranks.
const Layout& deepspeed_zero();
/// DeepSpeed's universal checkpoints: `global_step100_universal/` with
/// zero/PARAMETER/{fp32,exp_avg,exp_avg_sq,step}.pt, zero/optimizer_state.pt and …_model_states.pt,
/// or a folder that holds one. Names are the model's own, or those of Megatron-DeepSpeed's
/// pipelines of a Llama.
const Layout& deepspeed_universal();
/// nanotron: model/…/model_weight_pp-rank-0-of-1_tp-rank-0-of-2.safetensors, optimizer/…,
/// checkpoint_metadata.json and model_config.json, of a Llama, Qwen2 or SmolLM3.
const Layout& nanotron();
/// OLMo's first training program, unsharded: model.pt with optim.pt, train.pt and config.yaml,
/// which says what model it is and, with train.pt, the learning rate of the next step.
const Layout& olmo_unsharded();

}  // namespace explaind
