#!/usr/bin/env python3
"""Makes the goldens of the families: tiny random-weight checkpoint series, samples, and what they must give.

Run: build/deps/venv/bin/python tests/goldens/families/make_goldens.py [VARIANT …]     (that Python: launch/setup.sh --tests)
It rewrites the variants' folders beside this script, is deterministic for one version of PyTorch and transformers, takes some minutes on one
core, and stops where one of its own checks fails. README.md says what is in a folder.
"""
import argparse
import copy
import json
import math
import pathlib
import random
import shutil
import sys

import numpy
import safetensors.torch
import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "llama"))
import decoder_float64 as reference
import llama_float64 as files
import make_goldens_shared as shared

BASE = {"vocab_size": 48, "hidden_size": 24, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 64, "rms_norm_eps": 1e-3, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "attention_dropout": 0.0}
def turned(theta):
    return {"rope_type": "default", "rope_theta": theta}


KINDS = ["sliding_attention", "full_attention"]
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}
YARN = {"rope_type": "yarn", "rope_theta": 500.0, "factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 4.0, "beta_slow": 0.5}

# Per variant: the config over BASE, and values of its keys that each change a logit by more than MOVED.
VARIANTS = {
    "gpt_neox": ({"model_type": "gpt_neox", "num_attention_heads": 3, "layer_norm_eps": 1e-3, "hidden_act": "gelu", "rotary_pct": 0.5,
                  "rotary_emb_base": 500, "attention_bias": True, "use_parallel_residual": True},
                 {"rotary_pct": 0.25, "rotary_emb_base": 20, "use_parallel_residual": False, "layer_norm_eps": 0.1, "hidden_act": "relu"}),
    "gpt_neox_serial": ({"model_type": "gpt_neox", "num_attention_heads": 3, "layer_norm_eps": 1e-3, "hidden_act": "gelu_new", "rotary_pct": 0.25,
                         "rotary_emb_base": 500, "attention_bias": False, "use_parallel_residual": False},
                        {"use_parallel_residual": True, "hidden_act": "silu"}),
    "olmo": ({"model_type": "olmo", "clip_qkv": 1.5, "rope_theta": 500.0}, {"clip_qkv": 0.7, "rope_parameters": turned(20.0)}),
    "olmo2": ({"model_type": "olmo2", "rope_theta": 500.0}, {"rms_norm_eps": 0.1, "rope_parameters": turned(20.0)}),
    "olmo3": ({"model_type": "olmo3", "sliding_window": 4, "layer_types": KINDS,
               "rope_parameters": {"sliding_attention": {"rope_type": "default", "rope_theta": 500.0}, "full_attention": YARN}},
              {"sliding_window": 3, "layer_types": ["full_attention"] * 2,
               "rope_parameters": {"sliding_attention": {"rope_type": "default", "rope_theta": 500.0},
                                   "full_attention": {"rope_type": "default", "rope_theta": 500.0}}}),
    "qwen2": ({"model_type": "qwen2", "use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1, "rope_theta": 500.0},
              {"sliding_window": 3, "max_window_layers": 0, "use_sliding_window": False, "rope_parameters": turned(20.0)}),
    "qwen3": ({"model_type": "qwen3", "head_dim": 8, "attention_bias": False, "rope_theta": 500.0},
              {"rms_norm_eps": 0.1, "rope_parameters": turned(20.0)}),
    "smollm3": ({"model_type": "smollm3", "no_rope_layers": [1, 0], "tie_word_embeddings": True, "rope_theta": 500.0},
                {"no_rope_layers": [0, 1], "rope_parameters": turned(20.0)}),
    "mistral": ({"model_type": "mistral", "sliding_window": 4, "head_dim": 8, "rope_theta": 500.0},
                {"sliding_window": None, "rope_parameters": turned(20.0)}),
    "apertus": ({"model_type": "apertus", "hidden_act": "xielu", "rope_parameters": LLAMA3}, {"rope_parameters": LLAMA3 | {"factor": 1.5}}),
    "gemma2": ({"model_type": "gemma2", "head_dim": 8, "sliding_window": 4, "layer_types": KINDS, "query_pre_attn_scalar": 10,
                "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0, "rope_theta": 500.0},
               {"sliding_window": 3, "query_pre_attn_scalar": 5, "attn_logit_softcapping": None, "final_logit_softcapping": None,
                "layer_types": ["full_attention"] * 2, "rope_parameters": turned(20.0), "hidden_activation": "relu"}),
    "gemma3": ({"model_type": "gemma3_text", "head_dim": 8, "sliding_window": 4, "layer_types": KINDS, "query_pre_attn_scalar": 10,
                "final_logit_softcapping": 4.0,
                "rope_parameters": {"sliding_attention": {"rope_type": "default", "rope_theta": 50.0},
                                    "full_attention": {"rope_type": "linear", "rope_theta": 500.0, "factor": 4.0}}},
               {"sliding_window": 3, "query_pre_attn_scalar": 5, "final_logit_softcapping": None,
                "rope_parameters": {"sliding_attention": {"rope_type": "default", "rope_theta": 20.0},
                                    "full_attention": {"rope_type": "default", "rope_theta": 500.0}}}),
    "gpt2": ({"model_type": "gpt2", "n_embd": 24, "n_layer": 2, "n_head": 4, "n_inner": 20, "n_positions": 32, "activation_function": "gelu_new",
              "layer_norm_epsilon": 1e-3}, {"activation_function": "relu", "layer_norm_epsilon": 0.1, "scale_attn_weights": False}),
    "llama_yarn": ({"model_type": "llama", "rope_parameters": YARN},
                   {"rope_parameters": YARN | {"factor": 2.0}, "rms_norm_eps": 0.1, "hidden_act": "gelu"}),
    "llama_gelu": ({"model_type": "llama", "hidden_act": "gelu", "rope_parameters": {"rope_type": "dynamic", "rope_theta": 500.0, "factor": 4.0}},
                   {"hidden_act": "silu"}),
}
KINKS = {"olmo", "apertus"}  # integrated with the nodes of the tests, which compare node by node then
NODES = 40
MOVED = 1e-3  # of the largest logit
UPDATE, CHANGE = 0.05, (0.01, 0.5)


def config_of(variant):
    settings = VARIANTS[variant][0]
    left_out = {"gpt_neox": ("num_key_value_heads", "rms_norm_eps"), "olmo": ("rms_norm_eps",)}.get(settings["model_type"], ())
    own = {k: v for k, v in BASE.items() if k not in left_out}
    if settings["model_type"] == "gpt2":
        own = {k: own[k] for k in ("vocab_size", "bos_token_id", "eos_token_id")}
    return transformers.AutoConfig.for_model(**(own | settings))


def is_norm(name):
    return "norm" in name or ".ln_" in name


def scale_of(name, config):
    return 0.2 if is_norm(name) or name.endswith("bias") or "alpha" in name else 0.3


def randomize(model, generator):
    """Weights so large that softmax, norms, windows and caps matter; no gain is 1."""
    gemma = model.config.model_type.startswith("gemma")
    for name, p in model.named_parameters():
        noise = scale_of(name, model.config) * torch.randn(p.shape, generator=generator)
        whole = is_norm(name) and name.endswith("weight") and not gemma
        p.data = noise + (1 if whole else 0)


def update(model, generator):
    for name, p in model.named_parameters():
        p.data = p.data + UPDATE * scale_of(name, model.config) * torch.randn(p.shape, generator=generator)


def write_checkpoint(model, directory):
    stored = copy.deepcopy(model).to(torch.bfloat16)
    stored.generation_config = transformers.GenerationConfig.from_model_config(model.config)
    stored.save_pretrained(directory)
    path = directory / "config.json"
    config = json.loads(path.read_text())
    if model.config.model_type == "gpt_neox":  # as published: transformers 5.3 does not read partial_rotary_factor again
        rope = config.pop("rope_parameters")
        config |= {"rotary_pct": rope["partial_rotary_factor"], "rotary_emb_base": rope["rope_theta"]}
    if model.config.model_type == "qwen2":  # as published
        config.pop("layer_types")
    path.write_text(json.dumps(dict(sorted(config.items())), indent=2) + "\n")


def open_reference(directory):
    weights = {k: v for k, v in files.load_weights(directory).items() if not k.endswith((".beta", ".eps"))}
    return reference.Decoder(json.loads((directory / "config.json").read_text())), weights


def tensor_logits(directory, sample):
    model, weights = open_reference(directory)
    return model.logits(reference.DenseWeights(weights), torch.tensor([sample["input_ids"]]))[0]


def write_series(folder, variant, samples, seed):
    """Draws series until every |ΔF| is in range. Returns the checkpoint directories in order."""
    steps = ["step-1", "step-20"]
    for attempt in range(400):
        generator = torch.Generator().manual_seed(1000 * seed + attempt)
        model = transformers.AutoModelForCausalLM.from_config(config_of(variant))
        randomize(model, generator)
        shutil.rmtree(folder, ignore_errors=True)
        losses = []
        for i, step in enumerate(steps):
            if i > 0:
                update(model, generator)
            write_checkpoint(model, folder / step)
            losses.append([files.sample_loss(tensor_logits(folder / step, s), shared.labels_of(s)).item() for s in samples])
        change = numpy.abs(numpy.diff(losses, axis=0))
        if CHANGE[0] <= change.min() and change.max() <= CHANGE[1]:
            return [folder / step for step in steps]
    raise SystemExit(f"make_goldens: no series with |dF| in {CHANGE} was found for {folder}")


def require_moved(variant, directory, samples):
    """Every key of the variant, changed alone, moves a logit of Hugging Face's network. Returns the changes."""
    weights = {k: v.float() for k, v in files.load_weights(directory).items()}
    ids = torch.tensor([max((s["input_ids"] for s in samples), key=len)])

    def logits(change):
        config = json.loads((directory / "config.json").read_text()) | change
        model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(**config), attn_implementation="eager").float()
        fitting = {k: v for k, v in weights.items() if k in model.state_dict() and model.state_dict()[k].shape == v.shape}
        model.load_state_dict(fitting, strict=False)
        if model.config.tie_word_embeddings:
            model.tie_weights()
        model.eval()
        return model(ids).logits[0].detach()

    plain = logits({})
    kept = {}
    for key, value in VARIANTS[variant][1].items():
        moved = ((logits({key: value}) - plain).abs().max() / plain.abs().max()).item()
        shared.require(moved > MOVED, f"{variant}: {key} = {value} moves no logit by more than {moved:.1e}")
        kept[key] = value
    return kept


def hugging_face(directories, samples):
    """Logits (all samples' positions in a row) and losses per checkpoint, each sample alone, in fp32."""
    out = {"loss": [], "loss_sum": []}
    for i, directory in enumerate(directories):
        model = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager")
        rows, means, sums = [], [], []
        for sample in samples:
            ids, labels = torch.tensor([sample["input_ids"]]), torch.tensor([shared.labels_of(sample)])
            result = model(input_ids=ids, labels=labels)
            rows.append(result.logits[0].detach())
            means.append(result.loss.item())
            sums.append(torch.nn.functional.cross_entropy(rows[-1][:-1], labels[0, 1:], ignore_index=-100, reduction="sum").item())
            mine = tensor_logits(directory, sample)
            shared.require((mine - rows[-1]).abs().max() <= 1e-5 * mine.abs().max(),
                           f"{directory}: logits differ from Hugging Face's by {(mine - rows[-1]).abs().max():.1e} of {mine.abs().max():.1f}")
        out[f"logits.{i}"] = torch.cat(rows)
        out["loss"].append(means)
        out["loss_sum"].append(sums)
    return out | {name: torch.tensor(out[name], dtype=torch.float32) for name in ("loss", "loss_sum")}


def decompose(directories, samples, kinks):
    """The float64 tensors of a golden, and the Gauss nodes that each (segment, sample) took."""
    longest = max(len(s["input_ids"]) for s in samples)
    model, weights = open_reference(directories[0])
    names = sorted(weights)
    out = {"psi": [], "positions": [], "value_from": [], "value_to": []}
    out |= {f"rows.{n}": [] for n in names} | {f"columns.{n}": [] for n in names if reference.is_by_input(n)}
    nodes = []
    for a, b in zip(directories, directories[1:]):
        start, end = open_reference(a)[1], open_reference(b)[1]
        for lists in (*out.values(), nodes):
            lists.append([])
        for sample in samples:
            length = len(sample["input_ids"])
            run = lambda ops, copies: shared.score(lambda w, ids: model.logits(ops(w), ids), start, end, sample, copies, NODES if kinks else None)
            dense, value_from, value_to, n = run(reference.DenseWeights, None)
            copies = run(reference.PositionWeights, length)[0]
            psi = torch.tensor([math.fsum(dense[k].flatten().tolist()) for k in names], dtype=torch.float64)
            by_position = torch.zeros(longest, len(names), dtype=torch.float64)
            for c, k in enumerate(names):
                by_position[:length, c] = copies[k].reshape(length, -1).sum(1)
                axis = reference.outputs_axis(k, dense[k].shape, model)
                lines = dense[k] if axis == 0 else dense[k].T
                out[f"rows.{k}"][-1].append(lines.reshape(lines.shape[0], -1).sum(1))
                if f"columns.{k}" in out:
                    out[f"columns.{k}"][-1].append(lines.sum(0))
            shared.require(abs(psi.sum().item() - (value_to - value_from)) < (3e-2 if kinks else 1e-12), f"{b}: scores do not sum to the change of F")
            shared.require((by_position.sum(0) - psi).abs().max() < 1e-13, f"{b}: positions do not sum to tensors")
            for name, value in (("psi", psi), ("positions", by_position), ("value_from", value_from), ("value_to", value_to)):
                out[name][-1].append(torch.as_tensor(value, dtype=torch.float64))
            nodes[-1].append(n)
    stacked = {k: torch.stack([torch.stack(s) for s in v]).contiguous() for k, v in out.items()}
    for c, k in enumerate(names):
        shared.require((stacked["psi"][..., c].abs() > 1e-10).any(), f"{k} scores nothing: no test of it")
    return stacked, names, nodes


def registered(variant):
    """Names in the order of named_parameters, by which optimizers number them, and whether Trainer lets each decay."""
    model = transformers.AutoModelForCausalLM.from_config(config_of(variant))
    decaying = set(transformers.Trainer.get_decay_parameter_names(None, model))
    return [[name, name in decaying] for name, _ in model.named_parameters()]


def make(variant):
    folder = HERE / variant
    seed = 100 + list(VARIANTS).index(variant)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    samples = shared.make_samples(BASE["vocab_size"], random.Random(seed))
    directories = write_series(folder / "series", variant, samples, seed)
    moved = require_moved(variant, directories[0], samples)
    (folder / "samples.jsonl").write_text("".join(json.dumps(s) + "\n" for s in samples))
    tensors = hugging_face(directories, samples)
    scores, names, nodes = decompose(directories, samples, variant in KINKS)
    safetensors.torch.save_file(tensors | scores, folder / "golden.safetensors")
    (folder / "golden.json").write_text(json.dumps({"checkpoints": [d.name for d in directories], "tensors": names, "registered": registered(variant), "moved": moved, "kinks": variant in KINKS,
                                                    "gauss_nodes": nodes}, indent=1) + "\n")
    change = (scores["value_to"] - scores["value_from"]).abs()
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e3
    print(f"{variant:15s} |dF| {change.min():.3f} to {change.max():.3f} nats, Gauss nodes up to {max(map(max, nodes))}, {size:.0f} kB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help=f"of: {', '.join(VARIANTS)} (default: all)")
    chosen = parser.parse_args().variants or list(VARIANTS)
    shared.require(set(chosen) <= set(VARIANTS), f"unknown variants {sorted(set(chosen) - set(VARIANTS))}")
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for variant in chosen:
        make(variant)


if __name__ == "__main__":
    main()
