"""A plain PyTorch loop recorded by src/runs/recorder.py: explaind reads the run, every θ, batch, rate and flag is the loop's, and the scores
of its run are torch's."""
import json
import pathlib
import sys
import tempfile

import h5py
import numpy as np
import torch
from safetensors.torch import load_file

from program import SOURCE, must, run

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
    recorder = Recorder(folder, model, optimizer, samples=SAMPLES, block=4)
    seen = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] *= 0.9
        indices = torch.randperm(SAMPLES)[:BATCH if step % 3 else 2]
        outputs = model[2](model[1](model[0](inputs[indices])))
        if step % 2:
            outputs = outputs + sometimes(inputs[indices])
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(outputs, labels[indices]).backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        clip = min(1.0, max_norm / (norm.item() + 1e-6))
        recorder.batch(indices, clip)
        stepped = [p.grad is not None for p in model.parameters()]
        optimizer.step()
        seen.append({"batch": indices.tolist(), "clip": clip, "stepped": stepped, "rates": [g["lr"] for g in optimizer.param_groups],
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
    layers = [torch.nn.Conv2d(2, 3, 3, padding=1, bias=False), torch.nn.GELU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, 6),
              torch.nn.SiLU(), torch.nn.Linear(6, 4)]
    return torch.nn.Sequential(*layers).double()


def loop_of_the_readme(folder):
    """The two lines in a loop; returns the model, its data, and θ before and after every step."""
    model = network()
    inputs, labels = torch.randn(SAMPLES, 2, 4, 4, dtype=torch.float64), torch.randint(0, 4, (SAMPLES,))
    held_out, their_labels = torch.randn(5, 2, 4, 4, dtype=torch.float64), torch.randint(0, 4, (5,))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    recorder = Recorder(folder, model, optimizer, len(inputs), {"train": (inputs, labels), "validation": (held_out, their_labels)})
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
        assert [name.decode() for name in store["tensor"][()]] == ["0.weight", "4.weight", "4.bias", "6.weight", "6.bias"]
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
        assert every["psi"].shape[3] == 6 and one["psi"].attrs["units"] == "1" and (one["psi"][()][..., 3:] == 0).all()
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


def main():
    cases = {"adamw": (two_groups(torch.optim.AdamW, betas=(0.8, 0.95), eps=1e-6), 0.5, ["optimizer  adamw", "beta1 0.8, beta2 0.95, epsilon 1e-06"]),
             "adam": (two_groups(torch.optim.Adam), 100.0, ["optimizer  adam\n", "beta2 0.999"]),
             "sgd": (two_groups(torch.optim.SGD, momentum=0.9, nesterov=True), 0.5, ["optimizer  sgd", "momentum 0.9, dampening 0, nesterov"])}
    readme = (SOURCE / "README.md").read_text(encoding="utf-8")
    assert (SOURCE / "src/runs/recorder.py").read_text(encoding="utf-8").rstrip() in readme, "the README shows another recorder"
    with tempfile.TemporaryDirectory() as folder:
        for name, (make_optimizer, max_norm, words) in cases.items():
            target = pathlib.Path(folder) / name
            expect_recorded(target, train(target, make_optimizer, max_norm))
            expect_readable(target, words)
        expect_decomposed(pathlib.Path(folder))
    print(f"{', '.join(cases)}: {STEPS} steps recorded and read; the README's loop decomposed")


sys.exit(main())
