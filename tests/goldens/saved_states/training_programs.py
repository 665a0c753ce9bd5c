"""One tiny training (a tied Llama with a frozen matrix, AdamW with two groups of parameters), saved after some of its steps as training programs save for
themselves, by what their sources say of their layouts, and each time as Hugging Face and `record` write the same state: FOLDER/LAYOUT/….

    python training_programs.py FOLDER

What DeepSpeed and OLMo themselves write is beside this (write_deepspeed.py, write_olmo.py)."""
import enum
import json
import pathlib
import sys
import types

import torch
import transformers
from safetensors.torch import save_file

STEPS = (2, 3, 5)
SIZES = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=33, max_position_embeddings=64,
             rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=True)
HEAD = 4
FROZEN = "model.layers.0.self_attn.o_proj.weight"


class State:
    """After a step: weights, and of what is stepped moments; names by group; the next step's rate."""

    def __init__(self, config, step, weights, moments, groups):
        self.config, self.step, self.weights, self.moments, self.groups = config, step, weights, moments, groups

    def entry(self, group, numbers):
        return {"lr": group["lr"], "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": group["weight_decay"], "amsgrad": False, "maximize": False,
                "decoupled_weight_decay": True, "params": numbers}


def trained():
    torch.manual_seed(0)
    config = transformers.LlamaConfig(**SIZES, architectures=["LlamaForCausalLM"])
    model = transformers.LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2 + (1.0 if parameter.dim() == 1 else 0.0))
    model.get_parameter(FROZEN).requires_grad_(False)
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    names = [[n for n in named if "norm" not in n], [n for n in named if "norm" in n]]
    optimizer = torch.optim.AdamW([{"params": [named[n] for n in names[0]], "weight_decay": 0.1}, {"params": [named[n] for n in names[1]], "weight_decay": 0.0}],
                                  lr=1e-2, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    for step in range(1, STEPS[-1] + 1):
        tokens = torch.randint(0, 33, (2, 8))
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step in STEPS:
            weights = {n: p.detach().clone() for n, p in model.named_parameters()}
            moments = {n: {key: optimizer.state[p][key].clone() for key in ("exp_avg", "exp_avg_sq")} for n, p in named.items()}
            groups = [{"names": n, "lr": g["lr"], "weight_decay": g["weight_decay"]} for n, g in zip(names, optimizer.param_groups)]
            yield State(config, step, weights, moments, groups)


def write_plain(state, folder, optimizer=True):
    folder.mkdir(parents=True)
    state.config.save_pretrained(folder)
    save_file(state.weights, folder / "model.safetensors", {"format": "pt"})
    if not optimizer:
        return
    save_file({f"{n}.{key}": each[key] for n, each in state.moments.items() for key in each}, folder / "optimizer.safetensors")
    groups = [{"parameters": g["names"], "updates": state.step, "learning_rate": g["lr"], "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8,
               "weight_decay": g["weight_decay"]} for g in state.groups]
    (folder / "optimizer.json").write_text(json.dumps({"optimizer": "adamw", "groups": groups}))


def named_class(module, made):
    """A class that pickles name as another library's, which need not be here."""
    parts = module.split(".")
    for i in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:i]), types.ModuleType(".".join(parts[:i])))
    made.__module__, made.__qualname__ = module, made.__name__
    setattr(sys.modules[module], made.__name__, made)
    return made


Stage = named_class("deepspeed.runtime.zero.config", enum.IntEnum("ZeroStageEnum", {"disabled": 0, "optimizer_states": 1, "gradients": 2, "weights": 3}))
Scaler = named_class("deepspeed.runtime.fp16.loss_scaler", type("LossScaler", (), {}))


def model_states(state, shapes, stage, frozen):
    scaled = lambda t: t.bfloat16() if stage < 3 else torch.zeros(0, dtype=torch.bfloat16)
    module = {n: scaled(t) for n, t in state.weights.items() if stage < 3 or n not in frozen}
    return {"module": dict(module, **{"lm_head.weight": module["model.embed_tokens.weight"]}), "buffer_names": [], "optimizer": None, "param_shapes": shapes,
            "frozen_param_shapes": {n: state.weights[n].shape for n in frozen}, "frozen_param_fragments": frozen,
            "shared_params": {"lm_head.weight": "model.embed_tokens.weight"}, "lr_scheduler": {"_last_lr": [g["lr"] for g in state.groups]},
            "global_steps": state.step, "ds_config": {"zero_optimization": {"stage": stage}, "optimizer": {"type": "AdamW", "params": {"lr": "auto"}}},
            "ds_version": "0.19.8"}


def write_zero(state, folder, stage, ranks):
    folder.mkdir(parents=True)
    flat = lambda pick: [torch.cat([pick(n).flatten() for n in g["names"]]) for g in state.groups]
    parts = []  # by rank: (masters, exp_avg, exp_avg_sq), a list of groups each
    for pick in (lambda n: state.weights[n], lambda n: state.moments[n]["exp_avg"], lambda n: state.moments[n]["exp_avg_sq"]):
        if stage < 3:
            cut = []
            for group in flat(pick):
                length = -(-group.numel() // (2 * ranks)) * 2
                cut.append(torch.cat([group, torch.full((length * ranks - group.numel(),), 9.0)]).chunk(ranks))
        else:
            cut = [[torch.cat(pieces) for pieces in zip(*[divided(pick(n), ranks) for n in g["names"]])] for g in state.groups]
        parts.append([[group[rank].clone() for group in cut] for rank in range(ranks)])
    shapes = [{n: state.weights[n].shape for n in g["names"]} for g in state.groups]
    for rank in range(ranks):
        base = {"state": {i: {"step": torch.tensor(float(state.step)), "exp_avg": parts[1][rank][i], "exp_avg_sq": parts[2][rank][i]} for i in range(2)},
                "param_groups": [state.entry(g, [i]) for i, g in enumerate(state.groups)]}
        scaler = Scaler()
        scaler.cur_scale = 1.0
        inner = {"loss_scaler": scaler, "zero_stage": Stage(stage), "partition_count": ranks if stage == 3 else [ranks] * 2, "clip_grad": 1.0}
        inner.update({"optimizer_state_dict": base, "fp32_flat_groups": parts[0][rank]} if stage == 3
                     else {"base_optimizer_state": base, "single_partition_of_fp32_groups": parts[0][rank]})
        torch.save({"optimizer_state_dict": inner, "ds_version": "0.19.8"}, folder / f"bf16_zero_pp_rank_{rank}_mp_rank_00_optim_states.pt")
        if stage == 3:
            torch.save(model_states(state, shapes, stage, {FROZEN: divided(state.weights[FROZEN], ranks)[rank]}),
                       folder / f"zero_pp_rank_{rank}_mp_rank_00_model_states.pt")
    if stage < 3:
        torch.save(model_states(state, shapes, stage, {FROZEN: state.weights[FROZEN]}), folder / "mp_rank_00_model_states.pt")


def divided(tensor, ranks):
    """As stage 3 divides each parameter: parts of one length, the last padded."""
    flat = tensor.flatten()
    length = -(-flat.numel() // ranks)
    return [part.clone() for part in torch.cat([flat, torch.zeros(length * ranks - flat.numel())]).split(length)]


def write_universal(state, folder):
    for name, moments in state.moments.items():
        (folder / "zero" / name).mkdir(parents=True)
        for file, tensor in dict(moments, fp32=state.weights[name]).items():
            torch.save({"cat_dim": 0, "param": tensor}, folder / "zero" / name / f"{file}.pt")
        torch.save(torch.tensor(float(state.step)), folder / "zero" / name / "step.pt")
    torch.save({"zero_stage": Stage(2), "clip_grad": 1.0, "param_groups": [state.entry(g, [i]) for i, g in enumerate(state.groups)]}, folder / "zero/optimizer_state.pt")
    shapes = [{n: state.weights[n].shape for n in g["names"]} for g in state.groups]
    torch.save(model_states(state, shapes, 2, {FROZEN: state.weights[FROZEN]}), folder / "mp_rank_00_model_states.pt")


def in_pairs(tensor):
    """Rows of queries and keys where a rotary embedding turns neighbours."""
    return tensor.view(-1, 2, HEAD // 2, tensor.shape[1]).transpose(1, 2).reshape(tensor.shape)


def nanotron_tensors(tensors):
    """name → (tensor, the axis along which ranks divide it, lengths within which they do); axis None: they do not."""
    heads = lambda each: tensors[each].shape[0]
    made = {"model.token_position_embeddings.pp_block.token_embedding.weight": (tensors["model.embed_tokens.weight"], 1, None),
            "model.final_layer_norm.pp_block.weight": (tensors["model.norm.weight"], None, None)}
    for i in range(SIZES["num_hidden_layers"]):
        own, block = f"model.layers.{i}.", f"model.decoder.{i}.pp_block."
        q, k, v, gate, up = (own + each for each in ("self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight", "mlp.gate_proj.weight",
                                                     "mlp.up_proj.weight"))
        made[block + "attn.qkv_proj.weight"] = (torch.cat([in_pairs(tensors[q]), in_pairs(tensors[k]), tensors[v]]), 0, [heads(q), heads(k), heads(v)])
        made[block + "mlp.gate_up_proj.weight"] = (torch.cat([tensors[gate], tensors[up]]), 0, [heads(gate), heads(up)])
        made[block + "mlp.down_proj.weight"] = (tensors[own + "mlp.down_proj.weight"], 1, None)
        if own + "self_attn.o_proj.weight" in tensors:
            made[block + "attn.o_proj.weight"] = (tensors[own + "self_attn.o_proj.weight"], 1, None)
        for norm in ("input_layernorm.weight", "post_attention_layernorm.weight"):
            made[block + norm] = (tensors[own + norm], None, None)
    return made


def nanotron_part(tensor, axis, chunks, rank, ranks):
    """A rank's part, and the slices that say which: of each chunk its share."""
    slices, parts, local, begin = [], [], 0, 0
    for length in chunks or [tensor.shape[axis]]:
        share = length // ranks
        first = begin + rank * share
        parts.append(tensor.narrow(axis, first, share))
        whole = ["None,None,None"] * tensor.dim()
        word = lambda a, b: "|".join(whole[:axis] + [f"{a},{b},None"] + whole[axis + 1:])
        slices.append(("|".join(whole) if chunks is None else word(local, local + share)) + "#" + word(first, first + share))
        local, begin = local + share, begin + length
    return torch.cat(parts, axis).contiguous(), ";".join(slices)


def write_nanotron(state, folder, tensor_ranks=2, data_ranks=2):
    weights = nanotron_tensors(state.weights)
    for name, (tensor, axis, chunks) in weights.items():
        *modules, last = name.split(".")
        path = folder.joinpath("model", *modules)
        path.mkdir(parents=True, exist_ok=True)
        for rank in range(tensor_ranks if axis is not None else 1):
            part, metadata, file = tensor, {}, f"model_{last}.safetensors"
            if axis is not None:
                part, slices = nanotron_part(tensor, axis, chunks, rank, tensor_ranks)
                metadata = {"version": "1.4", "local_global_slices_pairs": slices, "unsharded_shape": str(tuple(tensor.shape))}
                file = f"model_{last}_pp-rank-0-of-1_tp-rank-{rank}-of-{tensor_ranks}.safetensors"
            save_file({"data": part.bfloat16() if name not in frozen_names() else part}, path / file, metadata)
    order = [name for name in weights if name not in frozen_names()]
    decays = lambda name: "norm" not in name
    moments = {key: nanotron_tensors({n: each[key] for n, each in state.moments.items()}) for key in ("exp_avg", "exp_avg_sq")}
    (folder / "optimizer").mkdir()
    for rank in range(tensor_ranks):
        for data in range(data_ranks):
            share = lambda made, name: own_share(made[name], rank, tensor_ranks, data, data_ranks)
            torch.save({"state": {i: {"step": torch.tensor(float(state.step)), **{key: share(moments[key], name) for key in moments}} for i, name in enumerate(order)},
                        "names": dict(enumerate(order)), "gradient_accumulator": {name: share(weights, name) for name in order},
                        "param_groups": [state.entry(g, [i for i, name in enumerate(order) if decays(name) == (k == 0)]) for k, g in enumerate(state.groups)]},
                       folder / f"optimizer/optimizer_pp-0-of-1_dp-{data}-of-{data_ranks}_tp-{rank}-of-{tensor_ranks}_exp-0-of-1.pt")
    (folder / "lr_scheduler").mkdir()
    torch.save({"_last_lr": [g["lr"] for g in state.groups], "last_epoch": state.step}, folder / "lr_scheduler/lr_scheduler.pt")
    (folder / "checkpoint_metadata.json").write_text(json.dumps({"version": "1.4", "tp": tensor_ranks, "dp": data_ranks, "metas": {"last_train_step": state.step}}))
    (folder / "model_config.json").write_text(json.dumps(dict(SIZES, is_llama_config=True, hidden_act="silu", rope_interleaved=True, rope_scaling=None, bos_token_id=1,
                                                              eos_token_id=2, pad_token_id=None)))


def frozen_names():
    return {"model.decoder.0.pp_block.attn.o_proj.weight"}


def own_share(entry, rank, ranks, data, data_ranks):
    """A data-parallel rank's part of a tensor-parallel rank's part, flat; the first ranks have one more where it does not divide evenly."""
    tensor, axis, chunks = entry
    flat = (tensor if axis is None else nanotron_part(tensor, axis, chunks, rank, ranks)[0]).flatten()
    return flat.tensor_split(data_ranks)[data].clone()


def main(folder):
    folder = pathlib.Path(folder)
    for state in trained():
        n = state.step
        write_plain(state, folder / "plain" / f"step-{n}")
        write_zero(state, folder / "zero1" / f"global_step{n}", 1, 2)
        write_zero(state, folder / "zero3" / f"global_step{n}", 3, 3)
        write_plain(state, folder / "trainer" / f"checkpoint-{n}", optimizer=False)
        write_zero(state, folder / "trainer" / f"checkpoint-{n}" / f"global_step{n}", 2, 4)
        (folder / "trainer" / f"checkpoint-{n}" / "latest").write_text(f"global_step{n}")
        write_universal(state, folder / "universal" / f"global_step{n}_universal")
        write_nanotron(state, folder / "nanotron" / str(n))
        for layout in ("zero1", "zero3", "universal"):
            state.config.save_pretrained(folder / layout)


if __name__ == "__main__":
    main(sys.argv[1])
