"""Records a plain PyTorch loop with AdamW, Adam or SGD as a run that `explaind` reads (recorded_run.md). Copy this file into your project.

    with Recorder("my-run", model, optimizer, len(inputs), {"train": (inputs, labels), "validation": (held_out, their_labels)}) as recorder:
        for indices in batches:
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(model(inputs[indices]), labels[indices])      # the mean over the batch
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)                         # if you clip
            recorder.batch(indices, clip=min(1.0, 1.0 / (norm.item() + 1e-6)), loss=loss)
            optimizer.step()

What could not be decomposed later is refused when the Recorder is made, by the layer's name. Without `with` call recorder.close(); a program that
ends without it closes its runs itself. A run whose program was killed has its whole blocks: `python recorder.py my-run` closes it there.
"""
import atexit
import json
import os
import re
import sys

import torch
from safetensors.torch import save_file

nn = torch.nn
KNOWN_LAYERS = ("Linear, Conv2d, MaxPool2d, AvgPool2d, AdaptiveMaxPool2d(1), AdaptiveAvgPool2d(1), Flatten, Identity, Dropout, ReLU, LeakyReLU, GELU, SiLU, "
                "Tanh, Sigmoid")
KNOWN_MODELS = ("llama", "grokking_transformer", "cnn", "resnet9", "sequential")
INSPECT_ONLY = "To record it all the same, to be inspected and read by programs of your own, give inspect_only=True"


# What the model is, in the words of model.config.layers ------------------------------------------------------------------------------------------------

def side(value, what):
    """The one size of what may have two."""
    sides = value if isinstance(value, (tuple, list)) else (value, value)
    if len(set(sides)) != 1:
        raise ValueError(f"its {what} is {tuple(sides)}, and must be the same along both sides")
    return int(sides[0])


def expect(module, **settings):
    for name, value in settings.items():
        if getattr(module, name) not in (value, (value, value)):
            raise ValueError(f"its {name} is {getattr(module, name)!r}, and only {value!r} is known")


def convolution(m):
    expect(m, groups=1, dilation=1, padding_mode="zeros")
    kernel, stride, padding = side(m.kernel_size, "kernel_size"), side(m.stride, "stride"), m.padding
    if padding == "same" and kernel % 2 == 0:
        raise ValueError("its padding is 'same' with an even kernel, which pads one side more than the other")
    padding = {"valid": 0, "same": kernel // 2}[padding] if isinstance(padding, str) else side(padding, "padding")
    return {"type": "conv2d", "in": m.in_channels, "out": m.out_channels, "kernel": kernel, "stride": stride, "padding": padding, "bias": m.bias is not None}


def pool(m):
    largest = type(m) is nn.MaxPool2d
    expect(m, ceil_mode=False, **({"dilation": 1, "return_indices": False} if largest else {"divisor_override": None}))
    layer = {"type": "max_pool2d" if largest else "avg_pool2d", "size": side(m.kernel_size, "kernel_size"), "stride": side(m.stride, "stride"),
             "padding": side(m.padding, "padding")}
    return layer if largest else layer | {"count_padding": m.count_include_pad}


def over_image(m):
    if m.output_size not in (1, (1, 1)) or getattr(m, "return_indices", False):
        raise ValueError(f"its output_size is {m.output_size}, and only 1 is known")
    return {"type": "max_over_image" if type(m) is nn.AdaptiveMaxPool2d else "mean_over_image"}


def flatten(m):
    if (m.start_dim, m.end_dim) != (1, -1):
        raise ValueError(f"it flattens axes {m.start_dim} to {m.end_dim}, and only all but the samples' (1 to -1) are known")
    return {"type": "flatten"}


# Per type of layer: how it is described, what it takes and what it gives.
LAYERS = {nn.Linear: (lambda m: {"type": "linear", "in": m.in_features, "out": m.out_features, "bias": m.bias is not None}, "vector", "vector"),
          nn.Conv2d: (convolution, "image", "image"), nn.MaxPool2d: (pool, "image", "image"), nn.AvgPool2d: (pool, "image", "image"),
          nn.AdaptiveMaxPool2d: (over_image, "image", "image"), nn.AdaptiveAvgPool2d: (over_image, "image", "image"), nn.Flatten: (flatten, None, "vector"),
          nn.GELU: (lambda m: {"type": "gelu_tanh" if m.approximate == "tanh" else "gelu"}, None, None),
          nn.LeakyReLU: (lambda m: {"type": "leaky_relu", "slope": m.negative_slope}, None, None)}
LAYERS |= {kind: (lambda m: {"type": type(m).__name__.lower()}, None, None) for kind in (nn.ReLU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Identity)}
LAYERS |= {kind: (lambda m: {"type": "dropout", "rate": m.p}, None, None) for kind in (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout)}


def is_chain(module):
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def layers_of(model, prefix=""):
    """Names and modules of a Sequential, those of Sequentials inside it in their place."""
    for name, module in model._modules.items():  # named_children() leaves out what is used twice
        if is_chain(module):
            yield from layers_of(module, f"{prefix}{name}.")
        else:
            yield prefix + name, module


def describe(model, inputs, dropout):
    if not is_chain(model):
        raise ValueError(f"explaind can decompose a torch.nn.Sequential of known layers, and this model is a {type(model).__name__}. Write it as one (a single "
                         f"layer too), or give the description of one of explaind's own models ({', '.join(KNOWN_MODELS)}). {INSPECT_ONLY}")
    described, names, shape = [], [], "image" if inputs.dim() == 4 else "vector"
    for name, module in layers_of(model):
        where = f"layer {name} ({type(module).__name__}) cannot be decomposed: "
        if type(module) not in LAYERS:
            raise ValueError(f"{where}this kind is not known. Known are {KNOWN_LAYERS}. {INSPECT_ONLY}")
        layer_of, takes, gives = LAYERS[type(module)]
        try:
            layer = layer_of(module)
            if takes not in (None, shape):
                raise ValueError(f"it is given {'an image' if shape == 'image' else 'a vector'}, and takes {'an image' if takes == 'image' else 'a vector'}")
        except ValueError as problem:
            raise ValueError(f"{where}{problem}. {INSPECT_ONLY}") from None
        if layer.get("rate", 0) > 0 and dropout != "evaluation":
            raise ValueError(f"layer {name} ({module}) draws at random in training, and what it draws is not recorded. Of such a run explaind can score how the "
                             "weights' changes moved the model as it is in evaluation, and nothing by training sample. If that is what you want, give "
                             "dropout='evaluation'; else train without dropout")
        shape = gives or shape
        described.append(layer | {"name": name})
        names += [f"{name}.{each}" for each in ("weight", "bias") if getattr(module, each, None) is not None]
    own = [name for name, _ in model.named_parameters()]
    if own != names:
        odd = next((name for name in own + names if (name in own) != (name in names)), "their order")
        raise ValueError(f"the model's parameters are not those of its layers ({odd}): a layer that is used twice, or a parameter of another kind, cannot be "
                         f"decomposed. {INSPECT_ONLY}")
    if shape != "vector" or not names:
        raise ValueError(f"the model must have a layer with parameters and end with a vector, the logits of its classes: add Flatten. {INSPECT_ONLY}")
    return {"name": "sequential", "config": {"input": list(inputs.shape[1:]), "layers": described}}


# Data and optimizer ------------------------------------------------------------------------------------------------------------------------------------

def checked_data(data, samples, transform):
    """The tensors of data.safetensors: copies, since views of one tensor may overlap."""
    tensors, form = {}, 'data is {"train": (inputs, labels), "validation": (inputs, labels)}'
    if not isinstance(data, dict):
        raise ValueError(f"{form}, and this is a {type(data).__name__}")
    for part, pair in data.items():
        if part not in ("train", "validation") or not isinstance(pair, (tuple, list)) or len(pair) != 2:
            had = f"{len(pair)} tensors" if isinstance(pair, (tuple, list)) else f"a {type(pair).__name__}"
            raise ValueError(f"{form}, and has {part!r} with {had}")
        inputs, labels = (torch.as_tensor(each).detach().cpu() for each in pair)
        kinds = {torch.float32: (2, 4), torch.float64: (2, 4), torch.uint8: (4,), torch.int64: (2,)}
        if inputs.dim() not in kinds.get(inputs.dtype, ()):
            raise ValueError(f"the inputs of {part} are {inputs.dtype} {tuple(inputs.shape)}. Give what the network takes: numbers of float32 or float64, N features "
                             "or N C H W; images of uint8, N C H W; or token ids of int64, N T")
        if inputs.is_floating_point() and not inputs.isfinite().all():
            odd = (~inputs.flatten(1).isfinite()).any(1).nonzero().flatten().tolist()
            raise ValueError(f"inputs of {part} are not finite numbers, in samples {odd[:5]} ({len(odd)} in all): nothing computed from them would be. Leave them out")
        if inputs.dtype == torch.uint8 and transform is None:
            raise ValueError(f"the inputs of {part} are images of uint8: say with transform={{'mean': [...], 'deviation': [...]}} (one number a channel) that the "
                             "network sees (pixel / 255 - mean) / deviation, or give the numbers that it sees")
        shapes = [inputs.shape[:1]] + ([inputs.shape] if inputs.dtype == torch.int64 else [])
        if labels.is_floating_point() or labels.dtype == torch.bool or labels.shape not in shapes or (labels.numel() and labels.min() < 0):
            raise ValueError(f"the labels of {part} are {labels.dtype} {tuple(labels.shape)}. Give the classes of its {len(inputs)} samples, whole numbers from 0 on")
        if part == "train" and len(inputs) != samples:
            raise ValueError(f"samples is {samples}, and data['train'] has {len(inputs)}: they must be the same, since batch() counts in it")
        tensors[f"{part}/inputs"] = inputs.clone(memory_format=torch.contiguous_format)
        tensors[f"{part}/labels"] = labels.to(torch.int64).clone(memory_format=torch.contiguous_format)
    if "train/inputs" not in tensors:
        raise ValueError("data has no 'train': explaind needs the samples that the run was trained on")
    return tensors


def hyperparameters(kind, group):
    if kind == "sgd":
        return {key: float(group[key]) for key in ("weight_decay", "momentum", "dampening")}
    return {"weight_decay": float(group["weight_decay"]), "beta1": float(group["betas"][0]), "beta2": float(group["betas"][1]), "epsilon": float(group["eps"])}


def optimizer_kind(optimizer):
    kind = {torch.optim.AdamW: "adamw", torch.optim.Adam: "adam", torch.optim.SGD: "sgd"}.get(type(optimizer))
    if kind is None:
        wrapped = " Give the optimizer inside it" if isinstance(getattr(optimizer, "optimizer", None), torch.optim.Optimizer) else ""
        raise ValueError(f"the optimizer is {type(optimizer).__name__}; AdamW, Adam and SGD of torch.optim can be recorded, since explaind replays them.{wrapped}")
    for key in ("amsgrad", "maximize"):
        if any(group.get(key) for group in optimizer.param_groups):
            raise ValueError(f"the optimizer has {key}=True, which explaind cannot replay")
    if any(optimizer.state.values()):
        raise ValueError("the optimizer has made steps before. A run begins with a fresh one: make the Recorder before the first step")
    decoupled = {kind == "adamw" or bool(group.get("decoupled_weight_decay")) for group in optimizer.param_groups}
    if kind != "sgd" and len(decoupled) > 1:
        raise ValueError("some groups of the optimizer decouple weight decay and some do not; explaind replays one kind")
    return "adamw" if kind != "sgd" and decoupled == {True} else kind


def dtype_of(named):
    kinds = sorted({str(p.dtype) for p in named.values()})
    if kinds not in (["torch.float32"], ["torch.float64"]):
        raise ValueError(f"the parameters are {' and '.join(kinds) or 'none'}; a run has all of them in float32, or all in float64. Train with float32 parameters "
                         "(under autocast if you like)")
    return {"torch.float32": "f32", "torch.float64": "f64"}[kinds[0]]


def unwrapped(model):
    """The model inside torch.compile and data parallelism, whose parameters are the same."""
    while True:
        inner = getattr(model, "_orig_mod", model)
        if isinstance(inner, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = inner.module
        if inner is model:
            return model
        model = inner


def as_numbers(value, what):
    try:
        return torch.as_tensor(value).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{what}, and not a {type(value).__name__}") from None


# The recorder ------------------------------------------------------------------------------------------------------------------------------------------

class Recorder:
    """folder: a new one. samples: of the training data, which batch() counts. data: needed for everything but reading. description: of one of explaind's own
    models, in place of a Sequential's. block: steps of a file, which wait in memory. transform: of uint8 images. Parameters without gradients, and those that
    the optimizer was not given, are recorded as not stepped."""

    def __init__(self, folder, model, optimizer, samples, data=None, description=None, block=64, *, transform=None, dropout=None, inspect_only=False):
        model = unwrapped(model)
        self.folder, self.named, self.samples, self.block, self.optimizer = folder, dict(model.named_parameters()), int(samples), block, optimizer
        self.kind, self.dtype = optimizer_kind(optimizer), dtype_of(self.named)
        self.groups = [hyperparameters(self.kind, group) for group in optimizer.param_groups]
        self.group_of = {id(p): i for i, group in enumerate(optimizer.param_groups) for p in group["params"]}
        strangers = set(self.group_of) - {id(p) for p in self.named.values()}
        if strangers:
            raise ValueError(f"the optimizer steps {len(strangers)} parameters that are not the model's. Give the model that holds all of them, and make the optimizer "
                             "of its parameters")
        tensors = checked_data(data, self.samples, transform) if data else None
        if description is None:
            description = self.description(model, tensors, dropout, inspect_only)
        elif description.get("name") not in KNOWN_MODELS and not inspect_only:
            raise ValueError(f"description names the model {description.get('name')!r}; explaind has {', '.join(KNOWN_MODELS)}. {INSPECT_ONLY}")
        if os.path.exists(folder) and (not os.path.isdir(folder) or os.listdir(folder)):
            raise FileExistsError(f"{folder} exists already and is not empty. Give the run another folder, or remove that one")
        self.row, self.first, self.steps, self.has_loss, self.closed = None, 0, [], None, False
        self.write_beginning(tensors, description, transform)
        self.hooks = [optimizer.register_step_pre_hook(self.before_step), optimizer.register_step_post_hook(self.after_step)]
        atexit.register(self.close, "the program's exit")

    @staticmethod
    def description(model, tensors, dropout, inspect_only):
        if inspect_only:
            return {"name": type(model).__name__, "config": {}}
        if tensors is None:
            raise ValueError(f'nothing can be decomposed without data={{"train": (inputs, labels), ...}}. {INSPECT_ONLY}')
        return describe(model, tensors["train/inputs"], dropout)

    def write_beginning(self, tensors, description, transform):
        os.makedirs(f"{self.folder}/blocks")
        self.write("start.safetensors", {f"parameter/{n}": p.detach().cpu().clone(memory_format=torch.contiguous_format) for n, p in self.named.items()})
        if tensors:
            self.write("data.safetensors", tensors)
        described = [values | ({"nesterov": bool(group["nesterov"])} if self.kind == "sgd" else {})
                     for values, group in zip(self.groups, self.optimizer.param_groups)]
        parameters = [{"name": n, "shape": list(p.shape), "group": self.group_of.get(id(p), 0)} for n, p in self.named.items()]
        self.write("run.json", {"format": "explaind-recorded-run", "version": 1, "dtype": self.dtype, "stored": [], "parameters": parameters,
                                "model": description, "data": {"samples": self.samples} | ({"transform": transform} if transform else {}),
                                "optimizer": {"name": self.kind, "groups": described}, "recorder": "recorder.py"})

    def batch(self, indices, clip=1.0, loss=None):
        """Once before every optimizer.step(): the samples of this step (with accumulated gradients those of all its batches), the factor by which the
        gradient was multiplied, and the mean loss over them, if you like."""
        if self.row is not None:
            raise RuntimeError("batch() was called twice before optimizer.step(). Where gradients are accumulated, call it once with the samples of all batches; where "
                               "a step was skipped, call skip()")
        if self.closed:
            raise RuntimeError("the recorder is closed, and its run complete: steps after that need another Recorder, and another folder")
        indices = as_numbers(indices, "indices are a list of whole numbers, the places of the batch's samples in the training data")
        if indices.is_floating_point() or indices.dtype == torch.bool or indices.dim() > 1 or indices.numel() == 0:
            raise ValueError(f"indices are {indices.dtype} {tuple(indices.shape)}. Give the places of the batch's samples in the training data, a list of whole numbers")
        indices = indices.reshape(-1).to(torch.int64)
        if indices.min() < 0 or indices.max() >= self.samples:
            raise ValueError(f"indices run from {indices.min()} to {indices.max()}, and there are {self.samples} training samples, 0 to {self.samples - 1}")
        if not 0 < float(clip) <= 1:
            raise ValueError(f"clip is {float(clip)}. It is the factor by which clipping multiplied the gradient, above 0 and at most 1: min(1, limit / (norm + 1e-6))")
        if self.has_loss not in (None, loss is not None):
            raise ValueError("loss was given at some steps and not at others. Give it always or never")
        loss_value = None if loss is None else as_numbers(loss, "loss is one number, the mean over the batch")
        if loss is not None and loss_value.numel() != 1:
            raise ValueError(f"loss has the shape {tuple(loss_value.shape)}. It is one number, the mean over the batch: loss.mean()")
        self.has_loss = loss is not None
        self.row = [indices, float(clip), float("nan") if loss is None else float(loss_value)]

    def skip(self):
        """The step that batch() announced was not made."""
        self.row = None

    def before_step(self, *_):
        if self.row is None:
            raise RuntimeError("optimizer.step() came without recorder.batch(indices), so that the step's samples are unknown. Call it before every step")

    def after_step(self, optimizer, *_):
        if len(optimizer.param_groups) != len(self.groups) or any(str(p.dtype) != f"torch.float{self.dtype[1:]}" for p in self.named.values()):
            raise RuntimeError("the optimizer's groups or the parameters' type changed since the Recorder was made, which a run cannot hold")
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        stepped = [id(p) in self.group_of and p.grad is not None for p in self.named.values()]
        settings = [hyperparameters(self.kind, group) for group in optimizer.param_groups]
        self.steps.append([*self.row, rates, settings, stepped, [p.detach().cpu().clone() for p in self.named.values()]])
        self.row = None
        if len(self.steps) == self.block:
            self.flush()

    def flush(self):
        batches, clips, losses, rates, settings, stepped, parameters = zip(*self.steps)
        tensors = {f"parameter/{n}": torch.stack([p[i] for p in parameters]) for i, n in enumerate(self.named)}
        tensors.update(learning_rate=torch.tensor(rates, dtype=torch.float64), clip=torch.tensor(clips, dtype=torch.float64),
                       stepped=torch.tensor(stepped).to(torch.uint8), batch_index=torch.cat(batches),
                       batch_size=torch.tensor([len(b) for b in batches]))
        for key in self.groups[0]:  # what a schedule changed since run.json was written
            values = [[group[key] for group in of_step] for of_step in settings]
            if any(row != [group[key] for group in self.groups] for row in values):
                tensors[key] = torch.tensor(values, dtype=torch.float64)
        if self.has_loss:
            tensors["loss"] = torch.tensor(losses, dtype=torch.float64)
        last = self.first + len(self.steps) - 1
        self.write(f"blocks/{self.first:08}-{last:08}.safetensors", tensors, {"first_step": str(self.first), "last_step": str(last)})
        self.first, self.steps = last + 1, []

    def close(self, ended=None):
        """Writes what is left and says that the run is whole. ended: what ended it, if it was not the loop."""
        if self.closed:
            return
        self.closed = True
        for hook in self.hooks:
            hook.remove()
        atexit.unregister(self.close)
        if not os.path.isdir(self.folder):  # somebody removed it meanwhile
            return
        if self.steps:
            self.flush()
        self.write("complete.json", {"steps": self.first} | ({"ended": ended} if ended else {}))

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        self.close(error and error.__name__)

    def write(self, name, content, metadata=None):
        write(self.folder, name, content, metadata)


def write(folder, name, content, metadata=None):  # appears complete or not at all
    temporary = f"{folder}/{name}.tmp"
    if name.endswith(".json"):
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(content, file)
    else:
        save_file(content, temporary, metadata)
    with open(temporary, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, f"{folder}/{name}")


def finish(folder):
    """Closes a run whose program was killed: its whole blocks are the run. Returns the number of steps."""
    if not os.path.exists(f"{folder}/run.json"):
        sys.exit(f"{folder} is no recorded run: it has no run.json")
    spans = sorted(tuple(map(int, match.groups())) for match in (re.fullmatch(r"(\d{8})-(\d{8})\.safetensors", name) for name in os.listdir(f"{folder}/blocks")) if match)
    steps = 0
    for first, last in spans:
        if first != steps:
            sys.exit(f"{folder}: steps {steps} to {first - 1} are missing: the run cannot be closed")
        steps = last + 1
    write(folder, "complete.json", {"steps": steps, "ended": "recorder.py FOLDER"})
    return steps


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("python recorder.py FOLDER: closes a recorded run whose program was killed")
    print(f"{sys.argv[1]}: closed after {finish(sys.argv[1])} steps")
