"""--steps: which segments are decomposed, and that what is joined or left out adds up to the whole."""
import csv
import json
import pathlib
import shutil
import tempfile

import h5py
import numpy
import torch
from safetensors.torch import load_file, save_file

from program import GOLDENS, decompose, must, run as explaind, write_samples
from store_contents import contents

STEPS = [0, 1, 2, 4, 8, 16]
SIZES = [0.002, 0.05, 0.001, 0.02, 0.003]  # of the updates: segments 1 and 3 move most


def make_series(folder):
    source = GOLDENS / "fp32/series/ckpt_005"
    weights, generator = load_file(source / "model.safetensors"), torch.Generator().manual_seed(1)
    for i, step in enumerate(STEPS):
        target = folder / f"step-{step}"
        target.mkdir(parents=True)
        shutil.copy(source / "config.json", target / "config.json")
        save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
        if i < len(SIZES):
            weights = {name: w + SIZES[i] * torch.randn(w.shape, generator=generator) for name, w in weights.items()}
    return folder


def read(path):
    with h5py.File(path) as store:
        return {name: item[()] for name, item in store.items() if isinstance(item, h5py.Dataset)}


def steps_of(store):
    return list(zip(store["step_from"].tolist(), store["step_to"].tolist()))


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        series = make_series(folder / "series")
        vocabulary = json.loads((series / "step-0/config.json").read_text())["vocab_size"]
        samples = write_samples(folder / "samples.jsonl", [7, 12, 5], vocabulary)

        def run(*options, ranks=0, out="out.h5"):
            process = must(decompose(folder / out, series, samples, "--precision", "fp64", "--overwrite", *options, ranks=ranks))
            return read(folder / out), process.stdout

        whole, _ = run()
        total = whole["value_to"][-1] - whole["value_from"][0]

        dropped, text = run("--steps", "top:0.4", "--step-policy", "drop")
        assert steps_of(dropped) == [(1, 2), (4, 8)], steps_of(dropped)
        assert numpy.array_equal(dropped["psi"], whole["psi"][[1, 3]]), "a kept segment is computed as before"
        kept = (dropped["value_to"] - dropped["value_from"]).sum(0)
        assert numpy.abs(kept + dropped["left_out"] - total).max() < 1e-13
        assert numpy.abs(dropped["left_out"]).min() > 0
        # The printed curve: two of five segments hold most of |ΔF|, and all of them all of it.
        shares = [float(word) for line in text.splitlines() if "of |ΔF|  " in line for word in line.replace("%", " ").split()[2:]]
        changes = numpy.sort(numpy.abs(whole["value_to"] - whole["value_from"]).sum(1))[::-1]
        assert numpy.abs(numpy.array(shares) / 100 - numpy.cumsum(changes) / changes.sum()).max() < 6e-4, (shares, text)
        # The same curve in the store, and where the plan shows it.
        assert numpy.abs(dropped["explained_share"] - numpy.cumsum(changes) / changes.sum()).max() < 1e-12
        assert numpy.abs(dropped["interval_change"] - changes).max() < 1e-12
        order = numpy.argsort(-numpy.abs(whole["value_to"] - whole["value_from"]).sum(1))
        assert dropped["interval_from"].tolist() == whole["step_from"][order].tolist()
        assert dropped["interval_to"].tolist() == whole["step_to"][order].tolist()
        assert "explained_share" not in whole

        # The loss-only pass by itself: F at every checkpoint is F at the segments' ends.
        for ranks in (0, 2):
            planned = must(explaind("plan", "--series", series, "--samples", samples, "--precision", "fp64", "--losses-file",
                                    folder / "losses.csv", ranks=ranks)).stdout
            with open(folder / "losses.csv", newline="") as file:
                rows = list(csv.DictReader(file))
            assert [row["sample"] for row in rows[:3]] == ["s0", "s1", "s2"] and [row["group"] for row in rows[:2]] == ["even", "odd"]
            assert [int(row["step"]) for row in rows[::3]] == STEPS
            values = numpy.array([float(row["value"]) for row in rows]).reshape(len(STEPS), 3)
            assert numpy.array_equal(values[:-1], whole["value_from"]) and numpy.array_equal(values[1:], whole["value_to"])
            assert [line for line in planned.splitlines() if "of |ΔF|  " in line] == [line for line in text.splitlines() if "of |ΔF|  " in line]
            assert "even" in planned and "odd" in planned, planned
            (folder / "losses.csv").unlink()
        refused = explaind("plan", "--series", series, "--samples", samples, "--losses-file", folder / "no/such.csv")
        assert refused.returncode == 1 and "--losses-file" in refused.stderr and not list(folder.glob("**/*.tmp")), refused.stderr

        merged, _ = run("--steps", "top:0.4")
        assert steps_of(merged) == [(0, 1), (1, 2), (2, 4), (4, 8), (8, 16)], "single ones stay as they are"
        merged, _ = run("--steps", "list:4")
        assert steps_of(merged) == [(0, 4), (4, 8), (8, 16)] and "left_out" not in merged
        assert numpy.array_equal(merged["psi"][1:], whole["psi"][3:])
        assert numpy.abs((merged["psi"].sum(-1) + merged["residual"]).sum(0) - total).max() < 1e-12, "joined segments lose nothing"
        every, _ = run("--steps", "every:2")
        assert steps_of(every) == [(0, 2), (2, 8), (8, 16)], steps_of(every)

        run("--steps", "top:0.4", "--step-policy", "drop", out="one.h5")
        for ranks, grid in ((3, []), (2, ["--shards", "2", "--parameters", "gathered"]), (1, ["--parameters", "streamed"])):
            run("--steps", "top:0.4", "--step-policy", "drop", *grid, ranks=ranks)
            assert contents(folder / "out.h5") == contents(folder / "one.h5"), (ranks, grid)
        again = must(decompose(folder / "one.h5", series, samples, "--precision", "fp64", "--steps", "top:0.4", "--step-policy", "drop", "--resume"))
        assert "2 of 2 units are there" in again.stdout
        for option, code, word in (("top:2", 2, "top:2"), ("list:16", 1, "16"), ("some", 2, "some")):
            process = decompose(folder / "no.h5", series, samples, "--steps", option)
            assert process.returncode == code and word in process.stderr and not (folder / "no.h5").exists(), process.stderr
        print("top, list and every; joined and left out: all add up, on every grid")


main()
