"""One tiny training of two ranks (FSDP, gloo, AdamW with two groups of parameters), saved after some of its steps in every layout of
torch.distributed.checkpoint that explaind reads, and each time as Hugging Face and `record` write the same state: FOLDER/LAYOUT/step-N.

    python distributed_checkpoints.py FOLDER [LAYOUT …]

The library itself writes `.metadata` and `.distcp`. Where a program has its own names and shapes (OLMo-core, torchtitan, Megatron), these are put into the
same save by what its documentation and converters say of them; Megatron Core itself is asked where it is installed (`megatron_core`).
"""
import argparse
import json
import os
import pathlib
import socket
import sys

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from safetensors.torch import save_file
from torch.distributed.checkpoint.default_planner import DefaultSavePlanner
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict, get_optimizer_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Shard, distribute_tensor

STEPS = (2, 3, 5)
RANKS = 2
SIZES = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=33,
             max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=10000.0)
HEAD = 4
LAYOUTS = ("nested", "flat", "app", "accelerate", "olmo_core", "torchtitan", "megatron", "megatron_numbered", "wrapped")


def make_model(layout_family):
    import transformers
    torch.manual_seed(0)
    if layout_family == "olmo2":
        config = transformers.Olmo2Config(**SIZES, tie_word_embeddings=False, pad_token_id=0)
        model = transformers.Olmo2ForCausalLM(config)
    else:
        config = transformers.LlamaConfig(**SIZES, tie_word_embeddings=layout_family == "tied")
        model = transformers.LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2 + (1.0 if parameter.dim() == 1 else 0.0))
    return model, config


def whole(tensor):
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def divided(tensor, mesh, axis=0):
    return distribute_tensor(tensor.contiguous(), mesh, [Shard(axis)])


def save(state, folder, flatten=True):
    dcp.save(state, storage_writer=dcp.FileSystemWriter(str(folder)), planner=DefaultSavePlanner(flatten_state_dict=flatten))


def write_plain(folder, config, weights, optimizer_state, updates):
    """What `record --optimizer-state` writes."""
    folder.mkdir(parents=True)
    config.save_pretrained(folder)
    file = json.loads((folder / "config.json").read_text())
    file["architectures"] = ["Olmo2ForCausalLM" if file["model_type"] == "olmo2" else "LlamaForCausalLM"]
    (folder / "config.json").write_text(json.dumps(file))
    save_file({n: t.contiguous().clone() for n, t in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    moments = {f"{n}.{key}": state[key].contiguous() for n, state in optimizer_state["state"].items() for key in ("exp_avg", "exp_avg_sq")}
    save_file(moments, folder / "optimizer.safetensors")
    groups = [{"parameters": g["params"], "updates": updates, "learning_rate": g["lr"], "beta1": g["betas"][0], "beta2": g["betas"][1], "epsilon": g["eps"],
               "weight_decay": g["weight_decay"]} for g in optimizer_state["param_groups"]]
    (folder / "optimizer.json").write_text(json.dumps({"optimizer": "adamw", "groups": groups}))


def olmo_core_name(name):
    name = name.replace("model.embed_tokens", "embeddings").replace("lm_head", "lm_head.w_out").replace("model.norm", "lm_head.norm")
    for own, theirs in (("model.layers", "blocks"), ("self_attn.q_proj", "attention.w_q"), ("self_attn.k_proj", "attention.w_k"), ("self_attn.v_proj", "attention.w_v"),
                        ("self_attn.o_proj", "attention.w_out"), ("self_attn.q_norm", "attention.q_norm"), ("self_attn.k_norm", "attention.k_norm"),
                        ("mlp.gate_proj", "feed_forward.w1"), ("mlp.down_proj", "feed_forward.w2"), ("mlp.up_proj", "feed_forward.w3"),
                        ("post_attention_layernorm", "attention_norm"), ("post_feedforward_layernorm", "feed_forward_norm")):
        name = name.replace(own, theirs)
    return name


def titan_name(name):
    for own, theirs in (("model.embed_tokens", "tok_embeddings"), ("lm_head", "output"), ("model.layers", "layers"), ("model.norm", "norm"), ("self_attn.q_proj", "attention.wq"),
                        ("self_attn.k_proj", "attention.wk"), ("self_attn.v_proj", "attention.wv"), ("self_attn.o_proj", "attention.wo"), ("mlp.gate_proj", "feed_forward.w1"),
                        ("mlp.down_proj", "feed_forward.w2"), ("mlp.up_proj", "feed_forward.w3"), ("input_layernorm", "attention_norm"), ("post_attention_layernorm", "ffn_norm")):
        name = name.replace(own, theirs)
    return name


def in_pairs(name, tensor):
    """Queries' and keys' rows as Meta's rotary embedding has them: a pair's two elements side by side."""
    if ".q_proj" not in name and ".k_proj" not in name:
        return tensor
    rows, columns = tensor.shape
    return tensor.view(rows // HEAD, 2, HEAD // 2, columns).transpose(1, 2).reshape(rows, columns)


def megatron(tensors, numbered):
    """Megatron Core's tensors: all layers in one, with a group's queries, key and value beside each other, and gate and up in one."""
    heads, groups = SIZES["num_attention_heads"], SIZES["num_key_value_heads"]
    shared = heads // groups

    def padded(tensor):
        return torch.cat([tensor, torch.full((40 - tensor.shape[0], tensor.shape[1]), 7.0)])

    made = {"embedding.word_embeddings.weight": padded(tensors["model.embed_tokens.weight"]), "output_layer.weight": padded(tensors["lm_head.weight"]),
            "decoder.final_layernorm.weight": tensors["model.norm.weight"]}
    layers = {}
    for i in range(SIZES["num_hidden_layers"]):
        own = f"model.layers.{i}."
        q, k, v = (tensors[own + f"self_attn.{each}_proj.weight"] for each in "qkv")
        blocks = []
        for group in range(groups):
            blocks += [q[group * shared * HEAD:(group + 1) * shared * HEAD], k[group * HEAD:(group + 1) * HEAD], v[group * HEAD:(group + 1) * HEAD]]
        for name, tensor in (("self_attention.linear_qkv.weight", torch.cat(blocks)), ("self_attention.linear_proj.weight", tensors[own + "self_attn.o_proj.weight"]),
                             ("self_attention.linear_qkv.layer_norm_weight", tensors[own + "input_layernorm.weight"]),
                             ("mlp.linear_fc1.layer_norm_weight" if not numbered else "pre_mlp_layernorm.weight", tensors[own + "post_attention_layernorm.weight"]),
                             ("mlp.linear_fc1.weight", torch.cat([tensors[own + "mlp.gate_proj.weight"], tensors[own + "mlp.up_proj.weight"]])),
                             ("mlp.linear_fc2.weight", tensors[own + "mlp.down_proj.weight"])):
            layers.setdefault(name, []).append(tensor)
    for name, each in layers.items():
        if numbered:
            made.update({f"decoder.layers.{i}.{name}": tensor for i, tensor in enumerate(each)})
        else:
            made[f"decoder.layers.{name}"] = torch.stack(each)
    return made


def write_megatron(folder, weights, state, updates, mesh, numbered):
    def divide(name, tensor):  # rows among ranks, or columns where Megatron divides those
        axis = tensor.dim() - 1 if "linear_proj" in name or "linear_fc2" in name else max(tensor.dim() - 2, 0)
        return divided(tensor, mesh, axis)

    saved = {name: divide(name, tensor) for name, tensor in megatron(weights, numbered).items()}
    for key in ("exp_avg", "exp_avg_sq"):
        moments = {name: each[key] for name, each in state["state"].items()}
        saved.update({f"optimizer.state.{key}.{name}": divide(name, tensor) for name, tensor in megatron(moments, numbered).items()})
    saved["decoder.layers.mlp.linear_fc1._extra_state/shard_0_2"] = [None]
    save(saved, folder, flatten=False)
    if dist.get_rank() == 0:
        groups = [{"lr": g["lr"], "betas": g["betas"], "eps": g["eps"], "weight_decay": g["weight_decay"], "step": updates, "wd_mult": float(g["weight_decay"] > 0),
                   "lr_mult": 1.0, "is_expert_parallel": False, "is_decoupled_lr": False, "bias_correction": True} for g in state["param_groups"]]
        arguments = argparse.Namespace(num_layers=SIZES["num_hidden_layers"], num_attention_heads=SIZES["num_attention_heads"], group_query_attention=True,
                                       num_query_groups=SIZES["num_key_value_heads"], params_dtype=torch.float32, rotary_interleaved=False)
        torch.save({"iteration": updates, "checkpoint_version": 3.0, "args": arguments, "optimizer": {"optimizer": {"param_groups": groups}, "param_state_sharding_type": "fully_sharded_model_space"}},
                   folder / "common.pt")
        (folder / "metadata.json").write_text(json.dumps({"sharded_backend": "torch_dist", "sharded_backend_version": 1, "common_backend": "torch", "common_backend_version": 1}))


def write(layout, folder, model, optimizer, updates, mesh):
    weights = get_model_state_dict(model)
    nested, flat = (get_optimizer_state_dict(model, optimizer, options=StateDictOptions(flatten_optimizer_state_dict=flag)) for flag in (False, True))
    if layout in ("nested", "tied"):
        save({"model": weights, "optimizer": nested, "lr_scheduler": {"last_epoch": updates}}, folder)
    elif layout == "flat":
        save({"model": weights, "optim": flat}, folder)
    elif layout == "app":
        save({"app": {"model": weights, "optim": nested}}, folder)
    elif layout == "wrapped":
        def wrap(name):
            return "_orig_mod." + name.replace("layers.0.", "layers.0._checkpoint_wrapped_module.")
        state = {"state": {wrap(n): each for n, each in nested["state"].items()},
                 "param_groups": [{**g, "params": [wrap(n) for n in g["params"]]} for g in nested["param_groups"]]}
        save({"model": {wrap(n): t for n, t in weights.items()}, "optimizer": state}, folder)
    elif layout == "accelerate":
        save({"model": weights}, folder / "pytorch_model_fsdp_0")
        save({"optimizer": nested}, folder / "optimizer_0")
        if dist.get_rank() == 0:
            torch.save({"_last_lr": [g["lr"] for g in nested["param_groups"]], "last_epoch": updates}, folder / "scheduler.pt")
    elif layout == "olmo_core":
        state = {"state": {olmo_core_name(n): each for n, each in nested["state"].items()},
                 "param_groups": [{**g, "params": [olmo_core_name(n) for n in g["params"]], "initial_lr": 0.01} for g in nested["param_groups"]]}
        save({"model": {olmo_core_name(n): t for n, t in weights.items()}, "optim": state}, folder / "model_and_optim")
        if dist.get_rank() == 0:
            (folder / "config.json").write_text(json.dumps({"model": {"_CLASS_": "olmo_core.nn.transformer.config.TransformerConfig"}}))
            (folder / ".metadata.json").write_text("{}")
    elif layout == "torchtitan":
        state = {titan_name(n): divided(in_pairs(n, whole(t)), mesh) for n, t in weights.items()}
        moments = {}
        for name, each in nested["state"].items():
            for key, value in each.items():
                moments[f"state.{titan_name(name)}.{key}"] = divided(in_pairs(name, whole(value)), mesh) if value.dim() else value
        for group in nested["param_groups"]:
            for name in group["params"]:
                moments.update({f"param_groups.{titan_name(name)}.{key}": value for key, value in group.items() if key != "params"})
        save({**state, "optimizer": moments, "train_state": {"step": torch.tensor(updates)}}, folder)
    else:
        full = {n: whole(t) for n, t in weights.items()}
        state = {"state": {n: {key: whole(value) for key, value in each.items()} for n, each in nested["state"].items()}, "param_groups": nested["param_groups"]}
        write_megatron(folder, full, state, updates, mesh, layout == "megatron_numbered")


def train_all(rank, folder, layouts, port):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE=str(RANKS))
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=RANKS)
    mesh = init_device_mesh("cpu", (RANKS,))
    for family in dict.fromkeys(map(family_of, layouts)):
        train(rank, folder, family, [each for each in layouts if family_of(each) == family], mesh)
    dist.destroy_process_group()


def train(rank, folder, family, layouts, mesh):
    model, config = make_model(family)
    for layer in model.model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    decays = {True: [], False: []}
    for name, parameter in model.named_parameters():
        decays["norm" not in name].append(parameter)
    optimizer = torch.optim.AdamW([{"params": decays[True], "weight_decay": 0.1}, {"params": decays[False], "weight_decay": 0.0, "betas": (0.8, 0.97)}],
                                  lr=0.01, betas=(0.9, 0.95), eps=1e-6)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, [lambda step: 1 / (1 + step), lambda step: 1 / (2 + step)])
    for step in range(max(STEPS) + 1):
        if step in STEPS:
            for layout in layouts:
                write(layout, folder / layout / f"step-{step}", model, optimizer, step, mesh)
            full = {n: whole(t) for n, t in get_model_state_dict(model).items()}
            state = get_optimizer_state_dict(model, optimizer)
            state["state"] = {n: {key: whole(value) for key, value in each.items()} for n, each in state["state"].items()}
            if rank == 0:
                if family == "tied":
                    full.pop("lm_head.weight")
                write_plain(folder / f"plain_{family}" / f"step-{step}", config, full, state, step)
                for layout in layouts:
                    (folder / layout / "config.json").write_text((folder / f"plain_{family}" / f"step-{step}" / "config.json").read_text())
            dist.barrier()
        ids = torch.randint(0, SIZES["vocab_size"], (2, 12), generator=torch.Generator().manual_seed(100 * step + rank))
        optimizer.zero_grad()
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        schedule.step()


def family_of(layout):
    return {"olmo_core": "olmo2", "tied": "tied"}.get(layout, "llama")


def main():
    folder = pathlib.Path(sys.argv[1])
    layouts = sys.argv[2:] or [*LAYOUTS, "tied"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(train_all, (folder, layouts, port), nprocs=RANKS)


if __name__ == "__main__":
    main()
