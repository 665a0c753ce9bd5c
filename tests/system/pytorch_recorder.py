"""A plain PyTorch loop recorded by src/runs/recorder.py: explaind reads the run, and every θ, batch, rate and flag is the loop's."""
import json
import pathlib
import sys
import tempfile

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
    print(f"{', '.join(cases)}: {STEPS} steps recorded and read")


sys.exit(main())
