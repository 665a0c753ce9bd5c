"""Records a plain PyTorch loop with AdamW, Adam or SGD as a run that `explaind` reads (recorded_run.md). Copy it into your project.

    recorder = Recorder("my-run", model, optimizer, len(inputs), {"train": (inputs, labels), "validation": (held_out, their_labels)})
    for indices in batches:
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(model(inputs[indices]), labels[indices]).backward()      # the mean over the batch
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)                             # if you clip
        recorder.batch(indices, clip=min(1.0, 1.0 / (norm.item() + 1e-6)))
        optimizer.step()
    recorder.close()
"""
import json, os, torch
from safetensors.torch import save_file


def layer(m):  # of a model that can be decomposed, a torch.nn.Sequential of these; None for others
    name = type(m).__name__
    if name == "Linear":
        return {"type": "linear", "in": m.in_features, "out": m.out_features, "bias": m.bias is not None}
    if name == "Conv2d" and m.bias is None and (m.groups, m.dilation, m.padding_mode) == (1, (1, 1), "zeros") and m.stride[0] == m.stride[1]:
        return {"type": "conv2d", "in": m.in_channels, "out": m.out_channels, "kernel": m.kernel_size[0], "stride": m.stride[0], "padding": m.padding[0]}
    if name == "MaxPool2d" and (m.stride, m.padding, m.dilation, m.ceil_mode) == (m.kernel_size, 0, 1, False):
        return {"type": "max_pool2d", "size": m.kernel_size}
    if name in ("ReLU", "SiLU", "Flatten") or name == "GELU" and m.approximate == "none":
        return {"type": name.lower()}


def describe(model, inputs):
    layers = [layer(m) for m in model] if isinstance(model, torch.nn.Sequential) else [None]
    if inputs is None or None in layers:
        return {"name": type(model).__name__, "config": {}}  # can be read and inspected
    return {"name": "sequential", "config": {"input": list(inputs.shape[1:]), "layers": layers}}


class Recorder:
    def __init__(self, folder, model, optimizer, samples, data=None, description=None, block=64):
        self.folder, self.named, self.block, self.first, self.steps = folder, dict(model.named_parameters()), block, 0, []
        kind, groups = type(optimizer).__name__.lower(), optimizer.param_groups
        assert not any(g.get("amsgrad") or g.get("maximize") for g in groups), "amsgrad and maximize are not recorded"
        keys = ["weight_decay"] + (["momentum", "dampening", "nesterov"] if kind == "sgd" else [])
        described = [{k: g[k] for k in keys} | ({} if kind == "sgd" else dict(zip(("beta1", "beta2", "epsilon"), (*g["betas"], g["eps"]))))
                     for g in groups]
        group_of = {id(p): i for i, g in enumerate(groups) for p in g["params"]}
        parameters = [{"name": n, "shape": list(p.shape), "group": group_of[id(p)]} for n, p in self.named.items()]
        dtype = {torch.float32: "f32", torch.float64: "f64"}[next(iter(self.named.values())).dtype]
        os.makedirs(f"{folder}/blocks")
        self.write("start.safetensors", {f"parameter/{n}": p.detach().cpu().clone().contiguous() for n, p in self.named.items()})
        if data:
            self.write("data.safetensors", {f"{part}/{name}": tensor.cpu().contiguous() for part, pair in data.items()
                                            for name, tensor in zip(("inputs", "labels"), pair)})
        self.write("run.json", {"format": "explaind-recorded-run", "version": 1, "dtype": dtype, "stored": [], "parameters": parameters,
                                "model": description or describe(model, data["train"][0] if data else None), "data": {"samples": samples},
                                "optimizer": {"name": kind, "groups": described}})
        optimizer.register_step_pre_hook(lambda *_: self.row.append([p.grad is not None for p in self.named.values()]))
        optimizer.register_step_post_hook(self.after_step)

    def batch(self, indices, clip=1.0):  # before optimizer.step(): the samples of this step, and what the gradient was multiplied by
        self.row = [torch.as_tensor(indices, dtype=torch.int64).cpu(), float(clip)]

    def after_step(self, optimizer, *_):
        self.steps.append([*self.row, [float(g["lr"]) for g in optimizer.param_groups], [p.detach().cpu().clone() for p in self.named.values()]])
        if len(self.steps) == self.block:
            self.flush()

    def flush(self):
        batches, clips, stepped, rates, parameters = zip(*self.steps)
        tensors = {f"parameter/{n}": torch.stack([p[i] for p in parameters]) for i, n in enumerate(self.named)}
        tensors.update(learning_rate=torch.tensor(rates, dtype=torch.float64), clip=torch.tensor(clips, dtype=torch.float64),
                       stepped=torch.tensor(stepped).to(torch.uint8), batch_index=torch.cat(batches),
                       batch_size=torch.tensor([len(b) for b in batches]))
        last = self.first + len(self.steps) - 1
        self.write(f"blocks/{self.first:08}-{last:08}.safetensors", tensors, {"first_step": str(self.first), "last_step": str(last)})
        self.first, self.steps = last + 1, []

    def close(self):
        if self.steps:
            self.flush()
        self.write("complete.json", {"steps": self.first})

    def write(self, name, content, metadata=None):  # appears complete or not at all
        temporary = f"{self.folder}/{name}.tmp"
        if name.endswith(".json"):
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump(content, file)
        else:
            save_file(content, temporary, metadata)
        os.replace(temporary, f"{self.folder}/{name}")
