#!/usr/bin/env python3
"""Goldens of the whole influence tensor: tiny models trained in float64 by torch.optim, recorded by src/runs/recorder.py, and every element of
Γ(step, parameter, training sample, prediction sample, output) by the formulas of Theorem 3.1 and Corollary 3.2 as they read: per-sample gradients by
autograd at the recorded parameters, second moments from the optimizer's own state, integrals by Gauss's rule with NODES nodes.

At one step and parameter Γ is an outer product, Δ_s,i(k) · G_s,i(x, j): the two factors are stored, which say all of it
in a third of the room.
CASE/run is the recorded run; CASE/gamma.safetensors holds, with S steps, M training samples, D parameters in the run's order, P tensors, and F
functionals, (prediction sample x, output j) being number x · outputs + j:
    gradient       F S D    G = ∫ ∇F(θ_s(t)) dt
    update         S M D    Δ_s(k): what training sample k contributed to step s (Γ = update · gradient), by the step that applied it
    decay          S D      what the weight decay contributed to step s
    value          F S+1    F(θ_s)
    origin         F S M P  Γ summed over parameters of a tensor and over applied steps, by the step that the gradient came from
    origin_decay   F S P    the same of the decay
    origin_range   F S M P  origin, of the updates of steps RANGE alone

Run: python make_training_axis.py [CASE ...] (needs torch, safetensors, numpy); it rewrites the folders beside itself, all or those named."""
import json
import math
import pathlib
import shutil
import sys

import numpy
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "models"))
sys.path.insert(0, str(HERE.parents[2] / "src/runs"))
from make_models import Cnn  # noqa: E402
from recorder import Recorder  # noqa: E402

STEPS, NODES, RANGE = 12, 12, (4, 9)
MEAN, DEVIATION = [0.4], [0.3]


class Table(nn.Module):
    def __init__(self, rows, width):
        super().__init__()
        self.pe = nn.Parameter(torch.randn(rows, width))


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)


class GrokkingTransformer(nn.Module):
    """With the heads stacked in one matrix, as the program has them."""

    def __init__(self, vocabulary, width, heads, inner, positions):
        super().__init__()
        self.heads, self.width = heads, width
        self.input_emb = nn.Embedding(vocabulary, width)
        self.positional_encoding = Table(positions, width)
        self.attention = Attention(width)
        self.linear1, self.linear2 = nn.Linear(width, inner), nn.Linear(inner, width)
        self.decoder = nn.Linear(width, vocabulary, bias=False)

    def forward(self, ids):
        h = self.input_emb(ids) * math.sqrt(self.width)
        u = self.attention.encoder(h).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        weights = torch.softmax(u @ u.transpose(2, 3) / math.sqrt(u.size(-1)), dim=-1)
        attention = self.attention.decoder((weights @ u).transpose(1, 2).flatten(2))
        y = attention + F.relu(self.linear2(F.relu(self.linear1(attention))))
        return self.decoder(y)[:, -1]


def images(count):
    return torch.randint(0, 256, (count, 1, 6, 5), dtype=torch.uint8)


def tokens(count):  # "b + a ="
    numbers = torch.randint(0, 3, (count, 2))
    return torch.stack([numbers[:, 0], torch.full((count,), 3), numbers[:, 1], torch.full((count,), 4)], dim=1)


def network_inputs(inputs):
    return (inputs.double() / 255 - MEAN[0]) / DEVIATION[0] if inputs.dtype == torch.uint8 else inputs


CNN = ("cnn", Cnn, {"channels": 1, "height": 6, "width": 5, "filters1": 2, "filters2": 3, "hidden": 4, "classes": 3}, images, 3, 7)
TRANSFORMER = ("grokking_transformer", GrokkingTransformer, {"vocabulary": 5, "width": 4, "heads": 2, "inner": 5, "positions": 2}, tokens, 5, 6)
# kind of optimizer, its second group (biases), model, batch, largest gradient norm (0: no clipping), the steps in which linear1.weight has no gradient
ADAM = dict(lr=0.05, betas=(0.8, 0.93), eps=1e-3, weight_decay=0.6)
SGD = dict(lr=0.2, momentum=0.8, weight_decay=0.2)
CASES = {
    "adamw": (torch.optim.AdamW, ADAM, dict(lr=0.08, betas=(0.7, 0.9), eps=1e-2, weight_decay=0.0), CNN, 3, 1.2, (0, 5)),
    "adamw_full_batch": (torch.optim.AdamW, ADAM, dict(weight_decay=0.0), TRANSFORMER, 6, 0, ()),
    "adam": (torch.optim.Adam, ADAM, dict(lr=0.03, weight_decay=0.1), CNN, 3, 0, (5,)),
    "sgd": (torch.optim.SGD, dict(SGD, dampening=0.3), dict(momentum=0.5, dampening=0.1, weight_decay=0.0), CNN, 3, 0.5, (0, 5)),
    "nesterov": (torch.optim.SGD, dict(SGD, nesterov=True), dict(momentum=0.0, nesterov=False), CNN, 2, 0, (4,)),
    # (sorted last, since a case's seed is its place) every hyper-parameter is another at every step, momentum is 0 at one
    "varying_adamw": (torch.optim.AdamW, ADAM, dict(lr=0.08, betas=(0.7, 0.9), eps=1e-2, weight_decay=0.1), CNN, 3, 0.4, (0, 5, 6)),
    "varying_sgd": (torch.optim.SGD, dict(SGD, dampening=0.3), dict(momentum=0.5, dampening=0.1, weight_decay=0.1), CNN, 3, 0.2, (0, 5, 6)),
}


def vary(group, base, number, step):
    """Sets a group's hyper-parameters of a step around those it began with."""
    wave = [math.sin(1 + number + a * step) for a in (1.7, 2.9, 4.3, 0.8)]
    group["weight_decay"] = base["weight_decay"] * (1 + 0.5 * wave[0])
    if "betas" in base:
        group["betas"] = (base["betas"][0] + 0.15 * wave[1], base["betas"][1] + 0.05 * wave[2])
        group["eps"] = base["eps"] * (1 + 0.3 * wave[3])
    else:
        group["momentum"] = 0.0 if (step, number) == (7, 0) else base["momentum"] + 0.15 * wave[1]
        group["dampening"] = base["dampening"] + 0.1 * wave[2]


def flat(model, tensors):
    return torch.cat([(torch.zeros_like(p) if t is None else t).detach().flatten() for p, t in zip(model.parameters(), tensors)])


def load(model, theta):
    at = 0
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(theta[at:at + p.numel()].view_as(p))
            at += p.numel()


def gradient(model, value):
    return flat(model, torch.autograd.grad(value, list(model.parameters()), allow_unused=True))


def train(folder, model, optimizer, inputs, labels, batch, max_norm, silent, description, varying):
    """Returns per step what the formulas need, hyper-parameters and second moments as vectors of D."""
    recorder = Recorder(folder, model, optimizer, samples=len(inputs), description=description, block=5)
    named, steps, order = dict(model.named_parameters()), [], []
    first = [{key: value for key, value in g.items() if key != "params"} for g in optimizer.param_groups]
    for step in range(STEPS):
        for number, (group, base) in enumerate(zip(optimizer.param_groups, first)):
            group["lr"] = base["lr"] * (1 + 0.4 * math.sin(1 + step))
            if varying:
                vary(group, base, number, step)
        if not order:
            order = torch.randperm(len(inputs)).tolist()
        indices, order = order[:batch], order[batch:]
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(network_inputs(inputs[indices])), labels[indices]).backward()
        if step in silent:
            named["linear1.weight"].grad = None
        clip = 1.0
        if max_norm:
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
            clip = min(1.0, max_norm / (norm.item() + 1e-6))
        recorder.batch(indices, clip)
        stepped = [p.grad is not None for p in model.parameters()]
        start = flat(model, model.parameters())
        optimizer.step()
        group_of = {id(p): g for g in optimizer.param_groups for p in g["params"]}

        def each(value):  # a number for every parameter tensor, spread over its elements
            return flat(model, [torch.full_like(p, float(value(group_of[id(p)], optimizer.state[p]))) for p in model.parameters()])

        known = {"batch": indices, "clip": clip, "theta": start, "after": flat(model, model.parameters()), "rate": each(lambda g, s: g["lr"]),
                 "decay": each(lambda g, s: g["weight_decay"]),
                 "stepped": flat(model, [torch.full_like(p, float(s)) for p, s in zip(model.parameters(), stepped)])}
        if "betas" in optimizer.param_groups[0]:
            known |= {"beta1": each(lambda g, s: g["betas"][0]), "beta2": each(lambda g, s: g["betas"][1]), "eps": each(lambda g, s: g["eps"]),
                      "count": each(lambda g, s: s["step"] if s else 0),
                      "moment": flat(model, [optimizer.state[p].get("exp_avg_sq") for p in model.parameters()])}
        else:
            known |= {"momentum": each(lambda g, s: g["momentum"]), "dampening": each(lambda g, s: g["dampening"]),
                      "nesterov": each(lambda g, s: g["nesterov"])}
        steps.append(known)
    recorder.close()
    return steps


def coefficients(steps, coupled):
    """c(s, r) as vectors of D: θ_{s+1} − θ_s = −Σ_r c(s, r) (γ_r g_r + λ_r θ_r, the latter where coupled) − (decoupled) α_s λ_s θ_s."""
    table, adam = {}, "beta1" in steps[0]
    created = torch.full_like(steps[0]["rate"], -1)  # SGD: the step that made a parameter's buffer
    if not adam:
        for s, step in enumerate(steps):
            new = (created < 0) & (step["stepped"] > 0) & (step["momentum"] > 0)
            created = torch.where(new, torch.tensor(float(s), dtype=torch.float64), created)
    for s, now in enumerate(steps):
        for r in range(s + 1):
            then = steps[r]
            if adam:
                c = 1 - then["beta1"]
                for u in range(r + 1, s + 1):
                    c = c * torch.where(steps[u]["stepped"] > 0, steps[u]["beta1"], torch.tensor(1.0, dtype=torch.float64))
                moment = now["moment"] / (1 - now["beta2"] ** now["count"].clamp(min=1))
                c = c / (1 - now["beta1"] ** now["count"].clamp(min=1)) * now["rate"] / (moment.sqrt() + now["eps"])
            else:
                one, own = torch.tensor(1.0, dtype=torch.float64), torch.tensor(float(r == s), dtype=torch.float64)
                mu = now["momentum"]
                c = torch.where(created == r, one, 1 - then["dampening"]) * (then["momentum"] > 0)  # a step without momentum leaves the buffer alone
                for u in range(r + 1, s + 1):
                    c = c * torch.where((steps[u]["stepped"] > 0) & (steps[u]["momentum"] > 0), steps[u]["momentum"], one)
                c = torch.where(now["nesterov"] > 0, mu * c + own, torch.where(mu > 0, c, own)) * now["rate"]
            table[s, r] = c * now["stepped"] * then["stepped"]
    return table


def decompose(name, kind, options, others, model_case, batch, max_norm, silent):
    torch.manual_seed(11 if name == "varying_adamw" else sorted(CASES).index(name))  # where no layer is dead
    torch.set_default_dtype(torch.float64)
    kind_name, kind_of_model, config, make_inputs, classes, samples = model_case
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    model = kind_of_model(**config)
    matrices, vectors = [p for p in model.parameters() if p.dim() > 1], [p for p in model.parameters() if p.dim() == 1]
    optimizer = kind([{"params": matrices}, dict(others, params=vectors)], **options)
    inputs, labels, seen = make_inputs(samples), torch.randint(0, classes, (samples,)), make_inputs(2)
    steps = train(folder / "run", model, optimizer, inputs, labels, batch, max_norm, silent, {"name": kind_name, "config": config}, name.startswith("varying"))
    describe_data(folder / "run", inputs, labels, seen, torch.randint(0, classes, (2,)), classes)

    M, D, outputs = samples, len(steps[0]["theta"]), classes
    coupled = kind is not torch.optim.AdamW
    c = coefficients(steps, coupled)
    per_sample = []  # per step: sample → ∂ℓ(x_k; θ_r), for the samples of its batch
    for step in steps:
        load(model, step["theta"])
        per_sample.append({k: gradient(model, F.cross_entropy(model(network_inputs(inputs[k:k + 1])), labels[k:k + 1])) for k in step["batch"]})
    sizes = [p.numel() for p in model.parameters()]

    nodes, weights = numpy.polynomial.legendre.leggauss(NODES)
    G, value = torch.zeros(len(seen) * outputs, STEPS, D), torch.zeros(len(seen) * outputs, STEPS + 1)
    for s, step in enumerate(steps):
        for t, w in zip((nodes + 1) / 2, weights / 2):
            load(model, step["theta"] + t * (step["after"] - step["theta"]))
            for x in range(len(seen)):
                for j in range(outputs):
                    G[x * outputs + j, s] += w * gradient(model, model(network_inputs(seen[x:x + 1]))[0, j])
    for s, theta in enumerate([step["theta"] for step in steps] + [steps[-1]["after"]]):
        load(model, theta)
        value[:, s] = model(network_inputs(seen)).detach().flatten()

    update, decay = torch.zeros(STEPS, M, D), torch.zeros(STEPS, D)
    origin, origin_decay, origin_range = (torch.zeros(len(G), STEPS, *rest, len(sizes)) for rest in ((M,), (), (M,)))

    def by_tensor(scores):
        return torch.stack([part.sum(-1) for part in scores.split(sizes, dim=-1)], dim=-1)

    for s, now in enumerate(steps):
        for r in range(s + 1):
            then = steps[r]
            for k in then["batch"]:
                part = -c[s, r] * then["clip"] / len(then["batch"]) * per_sample[r][k]
                update[s, k] += part
                origin[:, r, k] += by_tensor(part * G[:, s])
                if RANGE[0] <= s < RANGE[1]:
                    origin_range[:, r, k] += by_tensor(part * G[:, s])
            if coupled:
                part = -c[s, r] * then["decay"] * then["theta"]
                decay[s] += part
                origin_decay[:, r] += by_tensor(part * G[:, s])
        if not coupled:
            part = -now["rate"] * now["decay"] * now["theta"] * now["stepped"]
            decay[s] += part
            origin_decay[:, s] += by_tensor(part * G[:, s])
    delta = torch.stack([step["after"] - step["theta"] for step in steps])
    rounding = (update.sum(1) + decay - delta).abs().max() / delta.abs().max()
    assert rounding < 1e-14, (name, rounding)  # the formulas are the optimizer's update
    clips = [step["clip"] for step in steps]
    assert not max_norm or (min(clips) < 0.8 and max(clips) == 1), clips
    assert (update[:, 0].abs().sum(1) > 0).any() and (update[:, -1].abs().sum(1) > 0).any()
    save_file({"gradient": G, "update": update, "decay": decay, "value": value, "origin": origin, "origin_decay": origin_decay,
               "origin_range": origin_range}, folder / "gamma.safetensors",
              {"nodes": str(NODES), "range": f"{RANGE[0]} {RANGE[1]}", "torch": torch.__version__})
    missing = (value[:, 1:] - value[:, :-1] - (G * delta).sum(-1)).abs().max()
    print(f"{name}: {D} parameters, update missed by {rounding:.1e}, change of F by {missing:.1e} (kinks), clip {min(clips):.2f} … {max(clips):.2f}")


def describe_data(run, inputs, labels, seen, seen_labels, classes):
    save_file({"train/inputs": inputs, "train/labels": labels, "validation/inputs": seen, "validation/labels": seen_labels}, run / "data.safetensors")
    description = json.loads((run / "run.json").read_text())
    description["data"] |= {"classes": classes, "validation_samples": len(seen)}
    if inputs.dtype == torch.uint8:
        description["data"]["transform"] = {"mean": MEAN, "deviation": DEVIATION}
    (run / "run.json").write_text(json.dumps(description))


if __name__ == "__main__":
    for name, case in CASES.items():
        if name in (sys.argv[1:] or CASES):
            decompose(name, *case)
