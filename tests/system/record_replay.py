"""Runs that explaind recorded in float64 are trained again by PyTorch: the same weights from the same batches, step by step.

From the start and the batches of the files alone, with torch.nn twins of the models (tests/goldens/models) and torch.optim, in the order, with the
flips, learning rates and clipping that the run says.
"""
import json
import pathlib
import sys
import tempfile

import torch
from safetensors.torch import load_file

from image_files import write_images
from program import SOURCE, must, run

sys.path.insert(0, str(SOURCE / "tests/goldens/models"))
from make_models import Cnn, GrokkingTransformer, Resnet9  # noqa: E402

TWINS = {"grokking_transformer": GrokkingTransformer, "cnn": Cnn, "resnet9": Resnet9}
OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD}


def optimizer_of(described, named):
    groups = []
    for index, group in enumerate(described["optimizer"]["groups"]):
        options = {"params": [part for p in described["parameters"] if p["group"] == index for part in named[p["name"]]],
                   "weight_decay": group["weight_decay"]}
        if described["optimizer"]["name"] == "sgd":
            options.update(momentum=group["momentum"], dampening=group["dampening"], nesterov=group["nesterov"])
        else:
            options.update(betas=(group["beta1"], group["beta2"]), eps=group["epsilon"])
        groups.append(options)
    return OPTIMIZERS[described["optimizer"]["name"]](groups, lr=0.1)


def inputs_of(described, stored, flips):
    if "transform" not in described["data"]:
        return stored
    mean, deviation = (torch.tensor(described["data"]["transform"][key], dtype=torch.float64).view(-1, 1, 1) for key in ("mean", "deviation"))
    images = (stored.double() / 255 - mean) / deviation
    return images if flips is None else torch.where(flips.bool().view(-1, 1, 1, 1), images.flip(3), images)


def replay(folder):
    """Largest difference from the recorded weights, the number of steps, how many of them were clipped, and the first and last loss."""
    described, data = json.loads((folder / "run.json").read_text()), load_file(folder / "data.safetensors")
    model = TWINS[described["model"]["name"]](**described["model"]["config"]).double()
    named = model.named()
    start = load_file(folder / "start.safetensors")
    for name, parts in named.items():
        for part, values in zip(parts, start[f"parameter/{name}"].chunk(len(parts), dim=1 if name == "attention.decoder.weight" else 0)):
            part.data.copy_(values)
    optimizer = optimizer_of(described, named)
    worst, steps, clipped, losses = 0.0, 0, 0, []
    for path in sorted((folder / "blocks").iterdir()):
        block = load_file(path)
        batches = block["batch_index"].split(block["batch_size"].tolist())
        flips = block["batch_flip"].split(block["batch_size"].tolist()) if "batch_flip" in block else [None] * len(batches)
        for row, (batch, flip) in enumerate(zip(batches, flips)):
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(model(inputs_of(described, data["train/inputs"][batch], flip)), data["train/labels"][batch])
            loss.backward()
            losses.append(loss.item())
            assert abs(loss.item() - block["loss"][row].item()) < 1e-10, (steps, loss.item(), block["loss"][row].item())
            if described["optimizer"]["max_gradient_norm"] > 0:
                limit = described["optimizer"]["max_gradient_norm"]
                norm = torch.nn.utils.clip_grad_norm_(model.parameters(), limit).item()
                assert abs(block["clip"][row].item() - min(1.0, limit / (norm + 1e-6))) < 1e-10, steps
            for group, rate in zip(optimizer.param_groups, block["learning_rate"][row].tolist()):
                group["lr"] = rate
            optimizer.step()
            for name, parts in named.items():
                worst = max(worst, (model.join(name, [p.detach() for p in parts]) - block[f"parameter/{name}"][row]).abs().max().item())
            steps, clipped = steps + 1, clipped + (block["clip"][row].item() < 1)
    gradients = {name: max(p.grad.abs().max().item() for p in parts) for name, parts in named.items() if parts[0].grad is not None}
    assert min(gradients.values()) > 1e-6, ("a part of the model is dead: nothing is tested there", gradients)
    return worst, steps, clipped, losses[0], losses[-1]


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        idx, cifar = write_images(folder)
        cases = {
            "modular addition, AdamW, full batches, everything decays": [
                "--model", "grokking_transformer", "--modulus", "7", "--train-samples", "20", "--hidden", "12", "--heads", "3", "--intermediate", "10",
                "--batch", "100", "--decay-on", "all", "--weight-decay", "1", "--clip", "0", "--schedule", "constant", "--warmup", "0"],
            "modular addition, AdamW, ragged batches, clipped": [
                "--model", "grokking_transformer", "--modulus", "7", "--train-samples", "22", "--hidden", "12", "--heads", "3", "--intermediate", "10",
                "--batch", "5", "--clip", "0.5", "--warmup", "3"],
            "idx images, Adam with L2": [
                "--model", "cnn", "--data", idx, "--filters", "2", "--hidden", "5", "--batch", "4", "--optimizer", "adam", "--clip", "0.5",
                "--schedule", "wsd", "--decay-steps", "4", "--warmup", "2"],
            "cifar images, SGD with dampening, flips": [
                "--model", "resnet9", "--data", cifar, "--classes", "3,5", "--filters", "2", "--batch", "4", "--flips", "--optimizer", "sgd",
                "--momentum", "0.9", "--weight-decay", "0.005", "--dampening", "0.3", "--schedule", "triangle", "--warmup", "5", "--learning-rate", "0.5"],
            "cifar images, Nesterov, the last batch dropped": [
                "--model", "resnet9", "--data", cifar, "--classes", "3,5", "--filters", "2", "--batch", "4", "--drop-last", "--optimizer", "sgd",
                "--momentum", "0.9", "--weight-decay", "0.005", "--nesterov", "--clip", "0", "--decay-on", "all", "--learning-rate", "0.5", "--warmup", "0"],
        }
        for number, (name, options) in enumerate(cases.items()):
            target = folder / f"run-{number}"
            must(run("record", "--history", target, *options, "--max-steps", "12", "--precision", "fp64", "--threads", "1"))
            worst, steps, clipped, first, last = replay(target)
            print(f"{name}: {steps} steps, {clipped} of them clipped, loss {first:.3f} → {last:.3f}, largest difference {worst:.1e}")
            assert steps == 12 and worst < 1e-13


sys.exit(main())
