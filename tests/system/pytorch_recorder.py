"""A plain PyTorch loop recorded by src/runs/recorder.py: explaind reads the run, every θ, batch, rate and flag is the loop's, and the scores
of its run are torch's. (What the recorder refuses and how it ends: recorder_refusals.py.)"""
import collections
import json
import pathlib
import sys
import tempfile

import h5py
import numpy as np
import torch
from safetensors.torch import load_file

from program import SOURCE, must, run
from store_contents import texts

sys.path.insert(0, str(SOURCE / "src/runs"))
from recorder import Recorder  # noqa: E402

STEPS, SAMPLES, BATCH = 11, 10, 4


def train(folder, make_optimizer, max_norm):
    """A small network with a layer that gets a gradient only in every other step. Returns what the loop saw."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 4))
    sometimes = torch.nn.Linear(3, 4)
    model.add_module("sometimes", sometimes)
    inputs, labels = torch.randn(SAMPLES, 3), torch.randint(0, 4, (SAMPLES,))
    optimizer = make_optimizer(model)
    recorder = Recorder(folder, model, optimizer, samples=SAMPLES, block=4, inspect_only=True)
    seen = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] *= 0.9
            if step > 3:  # as schedules do that cycle them; the first block has what run.json says
                group.update({"betas": (0.8 + step / 100, 0.9 + step / 200)} if "betas" in group else {"momentum": 0.9 - step / 50})
        indices = torch.randperm(SAMPLES)[:BATCH if step % 3 else 2]
        outputs = model[2](model[1](model[0](inputs[indices])))
        if step % 2:
            outputs = outputs + sometimes(inputs[indices])
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(outputs, labels[indices])
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        clip = min(1.0, max_norm / (norm.item() + 1e-6))
        recorder.batch(indices, clip, loss)
        stepped = [p.grad is not None for p in model.parameters()]
        optimizer.step()
        seen.append({"batch": indices.tolist(), "clip": clip, "stepped": stepped, "loss": loss.item(),
                     "momentum": [g["betas"][0] if "betas" in g else g["momentum"] for g in optimizer.param_groups], "rates": [g["lr"] for g in optimizer.param_groups],
                     "parameters": {n: p.detach().clone() for n, p in model.named_parameters()}})
    recorder.close()
    return seen


def expect_recorded(folder, seen):
    step = 0
    for path in sorted((folder / "blocks").iterdir()):
        block, at = load_file(path), 0
        for row in range(len(block["clip"])):
            was = seen[step]
            size = block["batch_size"][row].item()
            assert block["batch_index"][at:at + size].tolist() == was["batch"], (step, "batch")
            assert block["clip"][row].item() == was["clip"] and block["learning_rate"][row].tolist() == was["rates"], step
            assert block["stepped"][row].tolist() == was["stepped"], (step, "stepped")
            assert block["loss"][row].item() == was["loss"], (step, "loss")
            momentum = block.get("beta1", block.get("momentum"))
            assert (momentum is None) == (step < 4) and (momentum is None or momentum[row].tolist() == was["momentum"]), (step, "momentum")
            for name, tensor in was["parameters"].items():
                assert torch.equal(block[f"parameter/{name}"][row], tensor), (step, name)
            at, step = at + size, step + 1
    assert step == STEPS


def expect_readable(folder, words):
    text = must(run("inspect", folder)).stdout
    for word in [f"steps      {STEPS} in 3 blocks, complete", "10 training samples, batches of 2 or 4", "Sequential, 84 parameters in 6 tensors", *words]:
        assert word in text, (word, text)
    (folder / "blocks/00000004-00000007.safetensors").rename(folder / "hidden")
    process = run("inspect", folder)
    assert process.returncode == 1 and "steps 4 to 7 are missing" in process.stderr, process.stderr
    (folder / "hidden").rename(folder / "blocks/00000004-00000007.safetensors")
    described = json.loads((folder / "run.json").read_text())
    del described["optimizer"]["groups"][0]["weight_decay"]
    (folder / "run.json").write_text(json.dumps(described))
    process = run("inspect", folder)
    assert process.returncode == 1 and "weight_decay of group 0" in process.stderr, process.stderr


def two_groups(kind, **options):
    def make(model):
        decayed = [p for p in model.parameters() if p.dim() > 1]
        others = [p for p in model.parameters() if p.dim() == 1]
        return kind([{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0, "lr": 0.02}], lr=0.01, **options)
    return make


def network():
    """In float64: kinks would cost a fixed rule its digits, so GELU and SiLU; the maximum moves little in so few steps."""
    torch.manual_seed(1)
    layers = [torch.nn.Conv2d(2, 3, 3, padding=1), torch.nn.GELU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, 6),
              torch.nn.SiLU(), torch.nn.Linear(6, 4)]
    return torch.nn.Sequential(*layers).double()


def loop_of_the_readme(folder):
    """The two lines in a loop; returns the model, its data, and θ before and after every step."""
    model = network()
    inputs, labels = torch.randn(SAMPLES, 2, 4, 4, dtype=torch.float64), torch.randint(0, 4, (SAMPLES,))
    held_out, their_labels = torch.randn(5, 2, 4, 4, dtype=torch.float64), torch.randint(0, 4, (5,))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    pool, pool_labels = torch.cat([inputs, held_out]), torch.cat([labels, their_labels])  # data as views of one tensor
    parts = {"train": (pool[:SAMPLES], pool_labels[:SAMPLES]), "validation": (pool[SAMPLES:], pool_labels[SAMPLES:])}
    recorder = Recorder(folder, model, optimizer, len(inputs), parts)
    path = [[p.detach().clone() for p in model.parameters()]]
    for indices in torch.randperm(SAMPLES).split(BATCH) + torch.randperm(SAMPLES).split(BATCH):
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(model(inputs[indices]), labels[indices]).backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        recorder.batch(indices, clip=min(1.0, 1.0 / (norm.item() + 1e-6)))
        optimizer.step()
        path.append([p.detach().clone() for p in model.parameters()])
    recorder.close()
    return model, held_out, their_labels, path


def scores_by_torch(model, functional, path):
    """psi[step, sample, tensor] of F, 20 Gauss nodes and a backward pass a sample; and F at the ends."""
    nodes, weights = np.polynomial.legendre.leggauss(20)
    parameters = list(model.parameters())

    def at(theta):
        with torch.no_grad():
            for p, value in zip(parameters, theta):
                p.copy_(value)
        return functional()

    psi = np.zeros((len(path) - 1, len(at(path[0])), len(parameters)))
    for s, (start, end) in enumerate(zip(path, path[1:])):
        for t, w in zip((nodes + 1) / 2, weights / 2):
            for x, value in enumerate(at([a + t * (b - a) for a, b in zip(start, end)])):
                gradient = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
                psi[s, x] += [0.0 if g is None else w * (g * (b - a)).sum().item() for g, a, b in zip(gradient, start, end)]
    return psi, np.array([at(theta).detach().numpy() for theta in path])


def expect_decomposed(folder):
    """What a reader of the README has after the loop: scores of every step, and the training samples behind them."""
    model, inputs, labels, path = loop_of_the_readme(folder / "run")
    psi, values = scores_by_torch(model, lambda: torch.nn.functional.cross_entropy(model(inputs), labels, reduction="none"), path)
    options = ["--series", folder / "run", "--samples", "validation", "--precision", "fp64", "--quadrature", "gauss:20", "--threads", "1"]
    must(run("decompose", *options, "--store", folder / "loss.h5"))
    must(run("decompose", *options, "--store", folder / "train.h5", "--axes", "sample,train_sample"))
    with h5py.File(folder / "loss.h5") as store, h5py.File(folder / "train.h5") as train:
        assert texts(store["tensor"]) == ["0.weight", "0.bias", "4.weight", "4.bias", "6.weight", "6.bias"]
        assert np.abs(store["value_from"][()] - values[:-1]).max() < 1e-13 and np.abs(store["value_to"][()] - values[1:]).max() < 1e-13
        assert np.abs(psi).max() > 1e-3 and np.abs(store["psi"][()] - psi).max() < 1e-10, np.abs(store["psi"][()] - psi).max()
        parts = train["psi_data"][()].sum((0, 3)) + train["psi_decay"][()].sum(0)
        assert np.abs(parts - psi.sum(0)).max() < 1e-10, np.abs(parts - psi.sum(0)).max()
    # A coordinate of a hidden layer, before its activation function: alone, and as one of all.
    inner, _ = scores_by_torch(model, lambda: model[:5](inputs)[:, 3], path)
    text = must(run("decompose", *options, "--store", folder / "one.h5", "--functional", "activation:4.weight:3")).stdout
    assert "ΔF in the activation's unit" in text, text
    must(run("decompose", *options, "--store", folder / "all.h5", "--functional", "activation:4.weight", "--axes", "sample,output"))
    filters, _ = scores_by_torch(model, lambda: model[:1](inputs)[:, 1, 2, 3], path)  # the second of 3 filters on 4 × 4 pixels
    must(run("decompose", *options, "--store", folder / "filter.h5", "--functional", f"activation:0.weight:{16 + 2 * 4 + 3}"))
    with h5py.File(folder / "one.h5") as one, h5py.File(folder / "all.h5") as every, h5py.File(folder / "filter.h5") as filtered:
        assert every["psi"].shape[3] == 6 and one["psi"].attrs["units"] == b"1" and (one["psi"][()][..., 4:] == 0).all()
        assert np.abs(inner).max() > 1e-3 and np.abs(one["psi"][()] - inner).max() < 1e-10
        assert np.abs(every["psi"][()][..., 3] - inner).max() < 1e-10
        assert np.abs(filters).max() > 1e-3 and np.abs(filtered["psi"][()] - filters).max() < 1e-10
    for functional, words in {"activation:5.weight:0": "One of 0.weight, 4.weight, 6.weight", "activation:4.weight:6": "coordinate 6 of 6"}.items():
        process = run("decompose", *options, "--store", folder / "none.h5", "--functional", functional)
        assert process.returncode == 2 and words in process.stderr and not (folder / "none.h5").exists(), process.stderr
    wrong = json.loads((folder / "run/run.json").read_text())
    wrong["model"]["config"]["input"] = [2, 5, 5]
    (folder / "run/run.json").write_text(json.dumps(wrong))
    process = run("decompose", *options, "--store", folder / "wrong.h5")
    assert process.returncode == 1 and "model.config.input is" in process.stderr, process.stderr
    assert not (folder / "wrong.h5").exists()


def chains():
    """Every kind of layer in first place, and names and nesting as torch.nn.Sequential has them: model, shape of an input."""
    nn = torch.nn
    named = nn.Sequential(collections.OrderedDict(first=nn.Linear(5, 4), act=nn.Tanh(), last=nn.Linear(4, 3)))
    return {"linear": (nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3)), (5,)),
            "one_linear": (nn.Sequential(nn.Linear(5, 3, bias=False)), (5,)),
            "named": (named, (5,)),
            "flatten": (nn.Sequential(nn.Flatten(), nn.Linear(32, 4), nn.GELU(approximate="tanh"), nn.Linear(4, 3)), (2, 4, 4)),
            "activation": (nn.Sequential(nn.Sigmoid(), nn.Sequential(nn.Linear(5, 4), nn.LeakyReLU(0.2)), nn.Identity(), nn.Linear(4, 3)), (5,)),
            "conv": (nn.Sequential(nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3)), (2, 4, 4)),
            "max_pool": (nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(2, 3, 3, padding="same"), nn.AdaptiveMaxPool2d(1), nn.Flatten()), (2, 4, 4)),
            "avg_pool": (nn.Sequential(nn.AvgPool2d(2, 1, 1, count_include_pad=False), nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(27, 3)), (2, 4, 4))}


def record_two_steps(folder, model, shape, kind=torch.optim.AdamW, given=None, **more):
    """Returns the held-out samples and θ before and after every step."""
    model.double()
    inputs, labels = torch.randn(8, *shape, dtype=torch.float64), torch.randint(0, 3, (8,))
    optimizer = kind(given or model.parameters(), lr=0.05, weight_decay=0.1)
    path = [[p.detach().clone() for p in model.parameters()]]
    with Recorder(folder, model, optimizer, 8, {"train": (inputs, labels), "validation": (inputs[:3], labels[:3])}, **more) as recorder:
        for indices in ([0, 3, 5], [1, 2]):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs[indices]), labels[indices]).backward()
            recorder.batch(indices)
            optimizer.step()
            path.append([p.detach().clone() for p in model.parameters()])
    return inputs[:3], labels[:3], path


def expect_torch(folder, name, model, seen, more=()):
    """Scores of the loss beside the training samples, of every logit, and of single scalars are torch's, by the same nodes."""
    inputs, labels, path = seen
    options = ["--series", folder, "--samples", "validation", "--precision", "fp64", "--quadrature", "gauss:20", "--threads", "1", "--overwrite"]
    psi, _ = scores_by_torch(model, lambda: torch.nn.functional.cross_entropy(model(inputs), labels, reduction="none"), path)
    logits = [scores_by_torch(model, lambda k=k: model(inputs)[:, k], path)[0] for k in range(3)]
    store = folder.parent / "store.h5"
    assert np.abs(psi).max() > 1e-4, name
    for axes in ["sample,train_sample", "sample,train_group"]:
        for index in ["origin", "applied"]:
            must(run("decompose", *options, "--store", store, "--axes", axes, "--step-index", index))
            with h5py.File(store) as file:
                assert np.abs(file["psi"][()] - psi).max() < 1e-11, (name, axes)
                parts = file["psi_data"][()].sum((0, 3)) + file["psi_decay"][()].sum(0)
                assert np.abs(parts - psi.sum(0)).max() < 1e-11, (name, axes, index)
    for component, functional in [("tensor", "logit"), ("row", "logit"), ("parameter", "logit:1")]:
        axes = "sample,output" if functional == "logit" else "sample"
        must(run("decompose", *options, "--store", store, "--axes", axes, "--component", component, "--functional", functional))
        with h5py.File(store) as file:
            found = file["psi"][()]
        for k in range(3 if functional == "logit" else 0):
            rows = found[..., k].sum(2) if component == "row" else found[..., k]
            expected = logits[k].sum(2) if component == "row" else logits[k]
            assert np.abs(rows - expected).max() < 1e-11, (name, component, k)
        assert functional == "logit" or np.abs(found - logits[1]).max() < 1e-11, (name, component)


def expect_every_layer(folder):
    for name, (model, shape) in chains().items():
        torch.manual_seed(3)
        expect_torch(folder / name, name, model, record_two_steps(folder / name, model, shape, torch.optim.SGD if name == "conv" else torch.optim.AdamW))


def expect_frozen(folder):
    """A layer whose parameters require no gradient, and one that the optimizer was not given: neither stepped nor decayed, and their scores are 0."""
    torch.manual_seed(4)
    layers = [torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 4), torch.nn.SiLU(), torch.nn.Linear(4, 3)]
    model = torch.nn.Sequential(*layers)
    layers[2].requires_grad_(False)
    seen = record_two_steps(folder / "frozen", model, (5,), given=[*layers[2].parameters(), *layers[4].parameters()])
    layers[2].requires_grad_(True)  # for torch's own scores
    assert all(torch.equal(a, b) for a, b in zip(seen[2][0][:4], seen[2][-1][:4])) and not torch.equal(seen[2][0][4], seen[2][-1][4])
    expect_torch(folder / "frozen", "frozen", model, seen)


def expect_dropout(folder):
    """Weights' changes under the model of evaluation; training samples, whose gradients cannot be formed again, are refused."""
    torch.manual_seed(5)
    model = torch.nn.Sequential(torch.nn.Linear(5, 6), torch.nn.SiLU(), torch.nn.Dropout(0.5), torch.nn.Linear(6, 3))
    inputs, labels, path = record_two_steps(folder / "dropout", model, (5,), dropout="evaluation")
    model.eval()
    psi, _ = scores_by_torch(model, lambda: torch.nn.functional.cross_entropy(model(inputs), labels, reduction="none"), path)
    options = ["--series", folder / "dropout", "--samples", "validation", "--precision", "fp64", "--quadrature", "gauss:20", "--threads", "1"]
    must(run("decompose", *options, "--store", folder / "dropout.h5", "--parts", "decay"))
    with h5py.File(folder / "dropout.h5") as file:
        assert np.abs(file["psi"][()] - psi).max() < 1e-11
    for more in [["--axes", "sample,train_sample"], ["--axes", "sample,train_group", "--step-index", "applied"], ["--parts", "data"]]:
        process = run("decompose", *options, "--store", folder / "none.h5", *more)
        assert process.returncode == 1 and "layer 2 is dropout" in process.stderr and not (folder / "none.h5").exists(), process.stderr


def expect_images(folder):
    """Bytes with the transform that the loop applied itself."""
    torch.manual_seed(6)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32, 3)).double()
    pixels, labels = torch.randint(0, 256, (6, 2, 4, 4), dtype=torch.uint8), torch.randint(0, 3, (6,))
    mean, deviation = torch.tensor([0.4, 0.5]), torch.tensor([0.2, 0.3])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen = (pixels.double() / 255 - mean.double().view(2, 1, 1)) / deviation.double().view(2, 1, 1)
    transform = {"mean": mean.double().tolist(), "deviation": deviation.double().tolist()}
    with Recorder(folder / "images", model, optimizer, 6, {"train": (pixels, labels)}, transform=transform) as recorder:
        torch.nn.functional.cross_entropy(model(seen[:4]), labels[:4]).backward()
        recorder.batch(range(4))
        before = torch.nn.functional.cross_entropy(model(seen), labels, reduction="none").detach().numpy()
        optimizer.step()
    must(run("decompose", "--series", folder / "images", "--samples", "train", "--store", folder / "images.h5", "--precision", "fp64"))
    with h5py.File(folder / "images.h5") as file:
        assert np.abs(file["value_from"][0] - before).max() < 1e-13


def main():
    cases = {"adamw": (two_groups(torch.optim.AdamW, betas=(0.8, 0.95), eps=1e-6), 0.5, ["optimizer  adamw", "beta1 0.8, beta2 0.95, epsilon 1e-06"]),
             "adam": (two_groups(torch.optim.Adam), 100.0, ["optimizer  adam\n", "beta2 0.999"]),
             "sgd": (two_groups(torch.optim.SGD, momentum=0.9, nesterov=True), 0.5, ["optimizer  sgd", "momentum 0.9, dampening 0, nesterov"])}
    readme, recorder = ((SOURCE / name).read_text(encoding="utf-8") for name in ("README.md", "src/runs/recorder.py"))
    loop = recorder[recorder.index("    with Recorder("):recorder.index("\n\nWhat could not")]
    assert "\n".join(line[4:] for line in loop.split("\n")) in readme, "the README shows another loop"
    with tempfile.TemporaryDirectory() as folder:
        for name, (make_optimizer, max_norm, words) in cases.items():
            target = pathlib.Path(folder) / name
            expect_recorded(target, train(target, make_optimizer, max_norm))
            expect_readable(target, words)
        for expect in [expect_decomposed, expect_every_layer, expect_frozen, expect_dropout, expect_images]:
            expect(pathlib.Path(folder))
    print(f"{', '.join(cases)}: {STEPS} steps recorded and read; the README's loop decomposed")


sys.exit(main())
