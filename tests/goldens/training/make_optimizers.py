#!/usr/bin/env python3
"""Goldens of the optimizers: three parameters under torch.optim in float64 and float32, with every switch, in two parameter groups, with gradient
clipping, learning rates that change, and one parameter that gets no gradient in the second step. Numbers are written as hexadecimal floats: the
test compares bits. Run: python make_optimizers.py > optimizers.json (needs torch)."""
import json

import torch

SHAPES = [(3, 4), (5,), (2, 2)]
ADAM = {"betas": (0.8, 0.93), "eps": 1e-5}
CASES = {
    "adamw": (torch.optim.AdamW, dict(ADAM, weight_decay=0.3), 0),
    "adamw_clipped": (torch.optim.AdamW, dict(ADAM, weight_decay=0.3), 1.5),
    "adam": (torch.optim.Adam, ADAM, 0),
    "adam_l2": (torch.optim.Adam, dict(ADAM, weight_decay=0.3), 0),
    "gradient_descent": (torch.optim.SGD, {}, 0),
    "sgd_decay": (torch.optim.SGD, {"weight_decay": 0.3}, 1.5),
    "sgd_momentum": (torch.optim.SGD, {"momentum": 0.9}, 0),
    "sgd_dampening": (torch.optim.SGD, {"momentum": 0.9, "dampening": 0.4, "weight_decay": 0.3}, 0),
    "sgd_nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.3}, 1.5),
}


def bits(tensor):
    return [value.hex() for value in tensor.detach().double().flatten().tolist()]


def run(kind, options, max_norm, dtype):
    torch.manual_seed(0)
    parameters = [torch.randn(shape, dtype=dtype, requires_grad=True) for shape in SHAPES]
    # Two groups: the second parameter has no decay and twice the learning rate.
    groups = [{"params": [parameters[0], parameters[2]]}, {"params": [parameters[1]], "weight_decay": 0.0}]
    optimizer = kind(groups, lr=0.1, **options)
    out = {"start": [bits(p) for p in parameters], "steps": []}
    for step in range(5):
        rates = [0.1 / (step + 1), 0.2 / (step + 1)]
        gradients = [None if (step == 1 and i == 2) else torch.randn(shape, dtype=dtype) * (0.2 + step)
                     for i, shape in enumerate(SHAPES)]
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = None if gradient is None else gradient.clone()
        norm = None
        if max_norm:
            norm = torch.nn.utils.clip_grad_norm_([p for p in parameters if p.grad is not None], max_norm).item()
        for group, rate in zip(optimizer.param_groups, rates):
            group["lr"] = rate
        optimizer.step()
        out["steps"].append({"rates": rates, "norm": norm,
                             "gradients": [None if g is None else bits(g) for g in gradients],
                             "after": [bits(p) for p in parameters]})
    return out


goldens = {"torch": torch.__version__, "shapes": SHAPES, "cases": {}}
for name, (kind, options, max_norm) in CASES.items():
    betas = options.get("betas", (0, 0))
    goldens["cases"][name] = {
        "optimizer": name.split("_")[0] if "adam" in name else "sgd", "max_norm": max_norm,
        "hyperparameters": {"weight_decay": options.get("weight_decay", 0), "beta1": betas[0], "beta2": betas[1],
                            "epsilon": options.get("eps", 0), "momentum": options.get("momentum", 0),
                            "dampening": options.get("dampening", 0)},
        "nesterov": options.get("nesterov", False),
        "float64": run(kind, options, max_norm, torch.float64), "float32": run(kind, options, max_norm, torch.float32)}
print(json.dumps(goldens, indent=None, separators=(",", ":")))
