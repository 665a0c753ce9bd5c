#!/usr/bin/env python3
"""Golden of AdamW with gradient clipping: three parameters under torch.optim.AdamW in float64, one of them without decay and one that gets no
gradient in the second step. Run: python make_adamw.py > adamw.json (needs torch)."""
import json

import torch

torch.manual_seed(0)
shapes, decayed = [(3, 4), (5,), (2, 2)], [True, False, True]
parameters = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes]
options = {"beta1": 0.8, "beta2": 0.93, "epsilon": 1e-5, "weight_decay": 0.3, "max_norm": 1.5}
groups = [{"params": [p], "weight_decay": options["weight_decay"] if d else 0.0}
          for p, d in zip(parameters, decayed)]
optimizer = torch.optim.AdamW(groups, betas=(options["beta1"], options["beta2"]), eps=options["epsilon"])
out = {"options": options, "decay": decayed, "shapes": shapes,
       "start": [p.detach().flatten().tolist() for p in parameters], "steps": []}
for step in range(5):
    rate = 0.1 / (step + 1)
    gradients = [None if (step == 1 and i == 2) else torch.randn(s, dtype=torch.float64) * (0.2 + step)
                 for i, s in enumerate(shapes)]
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = None if gradient is None else gradient.clone()
    norm = torch.nn.utils.clip_grad_norm_([p for p in parameters if p.grad is not None], options["max_norm"])
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    out["steps"].append({"learning_rate": rate, "norm": norm.item(),
                         "gradients": [None if g is None else g.flatten().tolist() for g in gradients],
                         "after": [p.detach().flatten().tolist() for p in parameters]})
print(json.dumps(out, indent=1))
