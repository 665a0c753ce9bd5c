"""What the cases are made from: copies of golden series and runs, small series drawn here, and runs that the program records."""
import json
import pathlib
import random
import shutil
import sys

import torch
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "system"))

from image_files import write_images  # noqa: E402
from program import GOLDENS, must, run, write_samples  # noqa: E402

STEPS = [0, 1, 2, 4, 8, 16]
SIZES = [0.002, 0.05, 0.001, 0.02, 0.003]  # of the updates between them: two move most
PAIRS = ["--model", "grokking_transformer", "--modulus", "7", "--train-samples", "20", "--validation-samples", "8", "--hidden", "8", "--heads", "2",
         "--intermediate", "12", "--batch", "8", "--max-steps", "6", "--warmup", "2", "--weight-decay", "0.5", "--clip", "0.5"]
ADAM = ["--learning-rate", "1e-2"]
SGD = ["--optimizer", "sgd", "--learning-rate", "0.05", "--momentum", "0.8"]
IMAGES = ["--batch", "4", "--max-steps", "3", "--warmup", "0", "--schedule", "constant", "--precision", "fp64", "--flips"]
RUNS = {
    "adamw": [*PAIRS, *ADAM, "--precision", "fp64"],
    "adamw_fp32": [*PAIRS, *ADAM, "--precision", "fp32"],
    "adam": [*PAIRS, *ADAM, "--optimizer", "adam", "--precision", "fp64"],
    "adam_kept": [*PAIRS, *ADAM, "--optimizer", "adam", "--keep", "second_moment,gradient", "--precision", "fp64"],
    "momentum": [*PAIRS, *SGD, "--precision", "fp64"],
    "dampening": [*PAIRS, *SGD, "--dampening", "0.3", "--precision", "fp64"],
    "nesterov": [*PAIRS, *SGD, "--nesterov", "--precision", "fp64"],
    "gelu": [*PAIRS, *ADAM, "--activation", "gelu", "--precision", "fp64"],
    "silu": [*PAIRS, *ADAM, "--activation", "silu", "--precision", "fp64"],
    "cnn": ["--model", "cnn", *IMAGES, "--data", "images/idx", "--filters", "4", "--hidden", "10"],
    "resnet9": ["--model", "resnet9", *IMAGES, "--data", "images/cifar", "--classes", "3,5", "--filters", "2", "--optimizer", "sgd", "--momentum", "0.9"],
}
LLAMA = ["--text", "text", "--vocabulary", "300", "--layers", "2", "--hidden", "16", "--heads", "2", "--key-value-heads", "1", "--intermediate", "24",
         "--sequence-length", "12", "--batch", "4", "--max-steps", "6", "--warmup", "1"]
# The goldens that are copied, and their places here. They are copied so that a later revision may change its own.
COPIED = {"llama": GOLDENS, "optimizer_steps": GOLDENS.parent / "optimizer_steps", "training_axis": GOLDENS.parent / "training_axis",
          "version1": GOLDENS.parent / "stores/version1"}


def moved_series(folder):
    """Six checkpoints in fp32 whose updates are of unequal sizes."""
    source, generator = GOLDENS / "fp32/series/ckpt_005", torch.Generator().manual_seed(1)
    weights = load_file(source / "model.safetensors")
    for step, size in zip(STEPS, [*SIZES, 0]):
        target = folder / f"step-{step}"
        target.mkdir(parents=True)
        shutil.copy(source / "config.json", target / "config.json")
        save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
        weights = {name: each + size * torch.randn(each.shape, generator=generator) for name, each in weights.items()}


def other_forms(folder):
    """The series grouped_query as torch.save writes it, in folders of phases, and as a list of steps and paths."""
    grouped = folder / "llama/grouped_query/series"
    for step in (0, 10, 100):
        target = folder / f"torch_files/step-{step}"
        target.mkdir(parents=True)
        shutil.copy(grouped / f"step-{step}/config.json", target)
        torch.save(load_file(grouped / f"step-{step}/model.safetensors"), target / "pytorch_model.bin")
    for step, place in {0: "first/step-0", 10: "first/step-10", 100: "second/step-90"}.items():
        shutil.copytree(grouped / f"step-{step}", folder / "phases" / place)
    (folder / "list.txt").write_text("".join(f"{step} llama/grouped_query/series/step-{step}\n" for step in (0, 10, 100)))


def record(folder):
    (folder / "text").mkdir()
    (folder / "text/a.txt").write_text("\n".join(f"the {i} of {i * i % 7} and {i % 5} words" for i in range(400)))
    (folder / "images").mkdir()
    write_images(folder / "images")
    for name, options in RUNS.items():
        must(run("record", "--history", name, *options, "--seed", "3", "--threads", "1", cwd=folder))
    must(run("record", "--history", "llama_run", "--model", "llama", *LLAMA, "--validation-samples", "4", "--precision", "fp32", "--threads", "1", cwd=folder))
    must(run("record", "--series", "text_series", *LLAMA, "--checkpoints", "3", "--dtype", "f32", "--optimizer-state", "--threads", "1", cwd=folder))


def write_texts(folder):
    draw = random.Random(1)
    for name, count in (("texts", 4), ("training_texts", 4)):
        lines = [{"id": f"{name}-{i}", "group": "ab"[i % 2], "text": f"the {draw.randrange(400)} of {draw.randrange(7)} and words"} for i in range(count)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def make(folder):
    """Everything, in an empty folder, by the program of program.py."""
    folder.mkdir(parents=True)
    for name, source in COPIED.items():
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("*.py", "golden.*", "gamma.*", "README.md", "__pycache__"))
    moved_series(folder / "moved")
    other_forms(folder)
    record(folder)
    write_texts(folder)
    write_samples(folder / "long.jsonl", [3, 17, 9, 5, 12, 20], 60)
    write_samples(folder / "short.jsonl", [7, 4, 5], 60)
