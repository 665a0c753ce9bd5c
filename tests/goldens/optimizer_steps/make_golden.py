#!/usr/bin/env python3
"""A tiny Llama trained by torch.optim.AdamW in Trainer's way, and one more step at each checkpoint in its parts, in float64.

    build/deps/venv/bin/python tests/goldens/optimizer_steps/make_golden.py

Writes, beside itself: series/step-N (config.json, model.safetensors, optimizer.pt, scheduler.pt: the files of Hugging Face's Trainer, saved
after the scheduler's step), train.jsonl (three groups, two of whose names are x_0 and x_1), samples.jsonl (two groups), and golden.npz: per clipping
norm C the arrays psi_C, data_C (segment, sample, tensor, training sample), momentum_C, decay_C of a step in float64, value_from, value_to_C; psi_fp32_C and
rounding_fp32_C of the step that torch.optim.AdamW takes in float32; tensors (names). Scores are ∫∇F dt (Gauss, 12 nodes) times the parts of the step, from
weight gradients of a forward pass that shares nothing with the program (llama_float64.py). F: mean loss of a sample's predicted tokens; the training's loss:
mean over all predicted tokens of the batch.
"""
import json
import pathlib
import random
import shutil
import sys

import numpy
import torch
import transformers
from transformers.trainer_pt_utils import get_parameter_names

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "llama"))
import llama_float64 as reference  # noqa: E402

CONFIG = {"vocab_size": 72, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4,
          "num_key_value_heads": 2, "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2,
          "attention_dropout": 0.0, "initializer_range": 0.3}
RATE, DECAY, BETAS, EPSILON = 3e-3, 0.1, (0.9, 0.95), 1e-5
KEPT = (3, 6)
CLIPS = ("0", "0.3", "5")


def require(holds, message):
    if not holds:
        raise SystemExit(f"make_golden: {message}")


def make_samples(lengths, groups, rng, prefix):
    return [{"id": f"{prefix}{i}", "group": group, "input_ids": [rng.randrange(3, 72) for _ in range(length)]}
            for i, (length, group) in enumerate(zip(lengths, groups))]


def write_lines(path, samples):
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))


def trainer_groups(model):
    """As transformers.Trainer.create_optimizer builds them."""
    forbidden = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]
    decayed = get_parameter_names(model, [torch.nn.LayerNorm], forbidden)
    named = list(model.named_parameters())
    return [{"params": [p for n, p in named if n in decayed], "weight_decay": DECAY},
            {"params": [p for n, p in named if n not in decayed], "weight_decay": 0.0}], \
        [n for n, _ in named if n in decayed] + [n for n, _ in named if n not in decayed]


def train(train_samples):
    torch.manual_seed(11)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**CONFIG))
    groups, order = trainer_groups(model)
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=BETAS, eps=EPSILON)
    scheduler = transformers.get_cosine_schedule_with_warmup(optimizer, 4, 20)
    rng = random.Random(4)
    series = HERE / "series"
    shutil.rmtree(series, ignore_errors=True)
    for step in range(1, max(KEPT) + 1):
        optimizer.zero_grad()
        for sample in rng.sample(train_samples, 3):
            ids = torch.tensor([sample["input_ids"]])
            (model(input_ids=ids, labels=ids).loss / 3).backward()
        optimizer.step()
        scheduler.step()
        if step in KEPT:
            folder = series / f"step-{step}"
            model.save_pretrained(folder)
            (folder / "generation_config.json").unlink(missing_ok=True)
            torch.save(optimizer.state_dict(), folder / "optimizer.pt")
            torch.save(scheduler.state_dict(), folder / "scheduler.pt")
    return order


def mean_losses(llama, weights, sample):
    """Sum and number of the losses of a sample's predicted tokens."""
    ids = torch.tensor([sample["input_ids"]])
    logits = llama.logits(reference.DenseWeights(weights), ids)
    right = logits[0, :-1].log_softmax(-1).gather(-1, ids[0, 1:, None])
    return -right.sum(), ids.shape[1] - 1


def gradient(llama, weights, names, sample, weight):
    leaves = {n: weights[n].clone().requires_grad_(True) for n in names}
    total, count = mean_losses(llama, leaves, sample)
    (total * (1 / count if weight is None else weight)).backward()
    return [leaves[n].grad for n in names]


def value(llama, weights, sample):
    total, count = mean_losses(llama, weights, sample)
    return (total / count).item()


def integrated(llama, start, end, names, sample):
    nodes, quadrature = numpy.polynomial.legendre.leggauss(12)
    result = [torch.zeros_like(start[n]) for n in names]
    for node, weight in zip(nodes, quadrature):
        t = (node + 1) / 2
        point = {n: start[n] + t * (end[n] - start[n]) for n in names}
        for total, each in zip(result, gradient(llama, point, names, sample, None)):
            total += weight / 2 * each
    return result


def torch_step(theta, grads, state, clip, dtype):
    """θ' by torch.optim.AdamW itself. state: per parameter exp_avg, exp_avg_sq, step, rate, decay."""
    out = []
    parameters = [t.to(dtype).clone().requires_grad_(True) for t in theta]
    for p, g in zip(parameters, grads):
        p.grad = g.to(dtype).clone()
    if float(clip) > 0:
        torch.nn.utils.clip_grad_norm_(parameters, float(clip))
    for p, (m, v, step, rate, decay) in zip(parameters, state):
        optimizer = torch.optim.AdamW([p], lr=rate, betas=BETAS, eps=EPSILON, weight_decay=decay, foreach=False)
        optimizer.state[p] = {"step": torch.tensor(float(step)), "exp_avg": m.to(dtype).clone(), "exp_avg_sq": v.to(dtype).clone()}
        optimizer.step()
        out.append(p.detach().double())
    return out


def decompose(folder, names, order, train_samples, samples, arrays):
    llama = reference.Llama(json.loads((folder / "config.json").read_text()))
    weights = reference.load_weights(folder)
    saved = torch.load(folder / "optimizer.pt", weights_only=True)
    rates = torch.load(folder / "scheduler.pt", weights_only=True)["_last_lr"]
    numbers = [(i, g) for g, group in enumerate(saved["param_groups"]) for i in group["params"]]
    by_name = {}
    for name, (number, g) in zip(order, numbers):
        own = saved["state"][number]
        by_name[name] = (own["exp_avg"].double(), own["exp_avg_sq"].double(), int(own["step"]), rates[g], saved["param_groups"][g]["weight_decay"])
    state = [by_name[n] for n in names]
    theta = [weights[n] for n in names]
    tokens = sum(len(s["input_ids"]) - 1 for s in train_samples)
    of_samples = [gradient(llama, weights, names, s, 1 / tokens) for s in train_samples]
    whole = [sum(each) for each in zip(*of_samples)]
    norm = sum(g.pow(2).sum() for g in whole).sqrt().item()
    print(f"{folder.name}: gradient norm {norm:.3f}")
    for clip in CLIPS:
        factor = min(1.0, float(clip) / (norm + 1e-6)) if float(clip) > 0 else 1.0
        require(clip != "0.3" or factor < 0.9, "0.3 should clip")
        parts = {"momentum": [], "decay": []}
        data = []
        for i, (m, v, step, rate, decay) in enumerate(state):
            k, g = step + 1, factor * whole[i]
            scale = rate / ((BETAS[1] * v + (1 - BETAS[1]) * g * g).div(1 - BETAS[1] ** k).sqrt() + EPSILON)
            data.append([-scale * (1 - BETAS[0]) / (1 - BETAS[0] ** k) * factor * each[i] for each in of_samples])
            parts["momentum"].append(-scale * BETAS[0] / (1 - BETAS[0] ** k) * m)
            parts["decay"].append(-rate * decay * theta[i])
        delta = [sum(d) + m + r for d, m, r in zip(data, parts["momentum"], parts["decay"])]
        exact = torch_step(theta, whole, state, clip, torch.float64)
        require(all(torch.allclose(e - t, d, rtol=1e-9, atol=1e-14) for e, t, d in zip(exact, theta, delta)), "the parts are not the step")
        rounded = torch_step(theta, whole, state, clip, torch.float32)
        for kind, end in (("", [t + d for t, d in zip(theta, delta)]), ("fp32_", rounded)):
            there = dict(zip(names, end))
            rows = {key: [] for key in ("psi", "data", "momentum", "decay", "rounding", "from", "to")}
            for sample in samples:
                G = integrated(llama, weights, there, names, sample)
                dot = lambda part: [(g * p).sum().item() for g, p in zip(G, part)]
                change = [e - t for e, t in zip(end, theta)]
                rows["psi"].append(dot(change))
                rows["data"].append([[(g * d).sum().item() for d in each] for g, each in zip(G, data)])
                rows["momentum"].append(dot(parts["momentum"]))
                rows["decay"].append(dot(parts["decay"]))
                rows["rounding"].append(dot([c - d for c, d in zip(change, delta)]))
                rows["from"].append(value(llama, weights, sample))
                rows["to"].append(value(llama, there, sample))
            for key, values in rows.items():
                arrays.setdefault(f"{key}_{kind}{clip}", []).append(numpy.array(values))


def main():
    torch.set_num_threads(1)
    rng = random.Random(7)
    train_samples = make_samples([9, 12, 7, 10, 6, 11, 8], ["x", "x_0", "x_1", "x", "x_1", "x_0", "x"], rng, "t")
    samples = make_samples([8, 11, 5, 9], ["a", "b", "a", "b"], rng, "p")
    write_lines(HERE / "train.jsonl", train_samples)
    write_lines(HERE / "samples.jsonl", samples)
    order = train(train_samples)
    names = sorted(reference.load_weights(HERE / "series" / f"step-{KEPT[0]}"))
    arrays = {}
    for step in KEPT:
        decompose(HERE / "series" / f"step-{step}", names, order, train_samples, samples, arrays)
    numpy.savez_compressed(HERE / "golden.npz", tensors=numpy.array(names), **{k: numpy.array(v) for k, v in arrays.items()})


main()
