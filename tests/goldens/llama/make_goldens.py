#!/usr/bin/env python3
"""Makes the goldens of the Llama family: tiny random-weight checkpoint series, samples, and what they must give.

Run: build/deps/venv/bin/python tests/goldens/llama/make_goldens.py [VARIANT …]     (that Python: launch/setup.sh --tests)
It rewrites the variants' folders beside this script, is deterministic for one version of PyTorch and transformers, takes some minutes on one
core, and stops where one of its own checks fails. README.md says what is in a folder.
"""
import argparse
import json
import math
import pathlib
import random
import shutil

import numpy
import safetensors.torch
import torch
import transformers

import llama_float64 as reference
from make_goldens_shared import labels_of, make_samples, require, score

HERE = pathlib.Path(__file__).resolve().parent
BASE = {"vocab_size": 72, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2,
        "attention_dropout": 0.0}


def rope(kind="default", theta=10000.0, **rest):
    return {"rope_parameters": {"rope_type": kind, "rope_theta": theta, **rest}}


# Per variant: config over BASE, and how the series is stored.
VARIANTS = {
    "grouped_query": {"steps": ["step-0", "step-10", "step-100"]},
    "multi_query": {"config": {"num_key_value_heads": 1}, "spelling": 4},
    "tied": {"config": {"tie_word_embeddings": True}},
    "head_dim": {"config": {"head_dim": 10}},
    "rope_linear": {"config": rope("linear", factor=4.0), "spelling": 4},
    # Wavelengths 6.3, 30, 140, 664: kept, blended, divided, divided.
    "rope_llama3": {"config": {"hidden_size": 32, "intermediate_size": 36,
                               **rope("llama3", theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                      original_max_position_embeddings=64)}},
    "rope_theta_eps": {"config": {"rms_norm_eps": 1e-3, **rope(theta=500000.0)}},
    "attention_bias": {"config": {"attention_bias": True, "mlp_bias": True}},
    "fp16": {"dtype": torch.float16, "spelling": 4, "steps": ["iter_0000900", "iter_0001000"]},
    "fp32": {"dtype": torch.float32, "steps": ["ckpt_005", "ckpt_012"]},
    "sharded": {"config": {"num_hidden_layers": 3}, "shard": "14KB"},
}
# Relative size of each segment's update; the second one bends the path more.
UPDATES = (0.05, 0.08)
CHANGE = (0.01, 0.5)  # nats: |ΔF| of every segment and sample lies between


def randomize(model, generator):
    """Weights so large that softmax and norms matter, gains around 1."""
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        p.data = 1 + 0.2 * noise if "norm" in name else (0.2 if name.endswith("bias") else 0.3) * noise


def update(model, generator, size):
    for name, p in model.named_parameters():
        p.data = p.data + size * (0.2 if "norm" in name or name.endswith("bias") else 0.3) * torch.randn(p.shape, generator=generator)


def to_spelling_4(path, dtype):
    """config.json as transformers 4 wrote it: no head_dim, rope_theta beside rope_scaling (with the old key `type`), torch_dtype."""
    config = json.loads(path.read_text())
    parameters = config.pop("rope_parameters")
    for key in ("head_dim", "dtype"):
        config.pop(key)
    config["rope_theta"] = parameters.pop("rope_theta")
    kind = parameters.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else {"type": kind, **parameters}
    config |= {"torch_dtype": str(dtype).removeprefix("torch."), "transformers_version": "4.44.2"}
    path.write_text(json.dumps(dict(sorted(config.items())), indent=2) + "\n")


def write_checkpoint(model, directory, options):
    dtype = options.get("dtype", torch.bfloat16)
    stored = transformers.LlamaForCausalLM(model.config).to(dtype)
    stored.load_state_dict(model.state_dict())
    stored.generation_config = transformers.GenerationConfig.from_model_config(model.config)
    stored.save_pretrained(directory, max_shard_size=options.get("shard", "10MB"))
    if options.get("spelling") == 4:
        to_spelling_4(directory / "config.json", dtype)


def write_series(folder, options, samples, seed):
    """Draws series until every |ΔF| is in range. Returns the checkpoint directories in order."""
    config = BASE | rope() | options.get("config", {})
    steps = options.get("steps", ["step-1", "step-20"])
    for attempt in range(400):
        generator = torch.Generator().manual_seed(1000 * seed + attempt)
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**config))
        randomize(model, generator)
        shutil.rmtree(folder, ignore_errors=True)
        losses = []
        for i, step in enumerate(steps):
            if i > 0:
                update(model, generator, UPDATES[i - 1])
            write_checkpoint(model, folder / step, options)
            llama, weights = open_reference(folder / step)
            ops = reference.DenseWeights(weights)
            losses.append([reference.sample_loss(llama.logits(ops, torch.tensor([s["input_ids"]]))[0], labels_of(s)).item() for s in samples])
        change = numpy.abs(numpy.diff(losses, axis=0))
        if CHANGE[0] <= change.min() and change.max() <= CHANGE[1]:
            return [folder / step for step in steps]
    raise SystemExit(f"make_goldens: no series with |dF| in {CHANGE} was found for {folder}")


def open_reference(directory):
    return reference.Llama(json.loads((directory / "config.json").read_text())), reference.load_weights(directory)


def hugging_face(directories, samples):
    """Logits (all samples' positions in a row) and losses per checkpoint, each sample alone, in fp32."""
    out = {"loss": [], "loss_sum": []}
    for i, directory in enumerate(directories):
        model = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager")
        llama, weights = open_reference(directory)
        rows, means, sums = [], [], []
        for sample in samples:
            ids, labels = torch.tensor([sample["input_ids"]]), torch.tensor([labels_of(sample)])
            model.zero_grad()
            result = model(input_ids=ids, labels=labels)
            result.loss.backward()
            rows.append(result.logits[0].detach())
            means.append(result.loss.item())
            sums.append(torch.nn.functional.cross_entropy(rows[-1][:-1], labels[0, 1:], ignore_index=-100, reduction="sum").item())
            agree(model, rows[-1], means[-1], llama, weights, sample, directory)
        out[f"logits.{i}"] = torch.cat(rows)
        out["loss"].append(means)
        out["loss_sum"].append(sums)
    return out | {name: torch.tensor(out[name], dtype=torch.float32) for name in ("loss", "loss_sum")}


def agree(model, logits, loss, llama, weights, sample, where):
    """The float64 forward and its gradient are Hugging Face's, up to fp32."""
    leaves = {k: v.clone().requires_grad_() for k, v in weights.items()}
    mine = llama.logits(reference.DenseWeights(leaves), torch.tensor([sample["input_ids"]]))[0]
    value = reference.sample_loss(mine, labels_of(sample))
    value.backward()
    require((mine - logits).abs().max() <= 1e-5 * mine.abs().max(), f"{where}: logits differ from Hugging Face's")
    require(abs(value.item() - loss) <= 1e-5 * value.item(), f"{where}: the loss differs from Hugging Face's")
    for name, p in model.named_parameters():
        require((p.grad - leaves[name].grad).norm() <= 1e-4 * p.grad.norm() + 1e-9, f"{where}: the gradient of {name} differs from Hugging Face's")


def decompose(directories, samples):
    """The float64 tensors of a golden, and the Gauss nodes that each (segment, sample) took."""
    longest = max(len(s["input_ids"]) for s in samples)
    llama, weights = open_reference(directories[0])
    names = llama.tensor_names(weights)
    out = {"psi": [], "positions": [], "value_from": [], "value_to": []}
    out |= {f"rows.{n}": [] for n in names} | {f"columns.{n}": [] for n in names if n.endswith("o_proj.weight")}
    nodes = []
    for a, b in zip(directories, directories[1:]):
        start, end = open_reference(a)[1], open_reference(b)[1]
        for lists in (*out.values(), nodes):
            lists.append([])
        for sample in samples:
            length = len(sample["input_ids"])
            dense, value_from, value_to, n = score(lambda w, ids: llama.logits(reference.DenseWeights(w), ids), start, end, sample, None)
            copies = score(lambda w, ids: llama.logits(reference.PositionWeights(w), ids), start, end, sample, length)[0]
            psi = torch.tensor([math.fsum(dense[k].flatten().tolist()) for k in names], dtype=torch.float64)
            by_position = torch.zeros(longest, len(names), dtype=torch.float64)
            for c, k in enumerate(names):
                by_position[:length, c] = copies[k].reshape(length, -1).sum(1)
                out[f"rows.{k}"][-1].append(dense[k].reshape(dense[k].shape[0], -1).sum(1))
                if f"columns.{k}" in out:
                    out[f"columns.{k}"][-1].append(dense[k].sum(0))
            require(abs(psi.sum().item() - (value_to - value_from)) < 1e-12, f"{b}: scores do not sum to the change of F")
            require((by_position.sum(0) - psi).abs().max() < 1e-13, f"{b}: positions do not sum to tensors")
            require(max((copies[k].sum(0) - dense[k]).abs().max().item() for k in names) < 1e-13, f"{b}: position copies are not the gradient")
            for name, value in (("psi", psi), ("positions", by_position), ("value_from", value_from), ("value_to", value_to)):
                out[name][-1].append(torch.as_tensor(value, dtype=torch.float64))
            nodes[-1].append(n)
    stacked = {k: torch.stack([torch.stack(s) for s in v]).contiguous() for k, v in out.items()}
    for c, k in enumerate(names):
        require((stacked[f"rows.{k}"].sum(-1) - stacked["psi"][..., c]).abs().max() < 1e-13, f"rows of {k} do not sum to it")
        require((stacked["psi"][..., c].abs() > 1e-9).all(), f"{k} scores nothing: no test of it")
    return stacked, names, nodes


def make(variant):
    options, folder = VARIANTS[variant], HERE / variant
    seed = list(VARIANTS).index(variant)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    samples = make_samples(BASE["vocab_size"], random.Random(seed))
    directories = write_series(folder / "series", options, samples, seed)
    (folder / "samples.jsonl").write_text("".join(json.dumps(s) + "\n" for s in samples))
    tensors = hugging_face(directories, samples)
    scores, names, nodes = decompose(directories, samples)
    safetensors.torch.save_file(tensors | scores, folder / "golden.safetensors")
    summary = {"checkpoints": [d.name for d in directories], "steps": [step for step, _ in reference.list_checkpoints(folder / "series")],
               "samples": [{"id": s["id"], "group": s.get("group", ""), "length": len(s["input_ids"]),
                            "predicted": reference.predicted_tokens(labels_of(s))} for s in samples],
               "tensors": names, "gauss_nodes": nodes}
    require([d for _, d in reference.list_checkpoints(folder / "series")] == directories, "the steps are not in order")
    (folder / "golden.json").write_text(json.dumps(summary, indent=1) + "\n")
    change = (scores["value_to"] - scores["value_from"]).abs()
    gross = (scores["psi"].abs().sum(-1) / change).max().item()
    print(f"{variant:15s} |dF| {change.min():.3f} to {change.max():.3f} nats, sum |psi| up to {gross:.0f} |dF|, Gauss nodes up to "
          f"{max(map(max, nodes))}, {sum(f.stat().st_size for f in folder.rglob('*') if f.is_file()) / 1e3:.0f} kB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help=f"of: {', '.join(VARIANTS)} (default: all)")
    chosen = parser.parse_args().variants or list(VARIANTS)
    require(set(chosen) <= set(VARIANTS), f"unknown variants {sorted(set(chosen) - set(VARIANTS))}")
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for variant in chosen:
        make(variant)


if __name__ == "__main__":
    main()
