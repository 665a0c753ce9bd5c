"""explaind study exactness: small versions of the paper's three tables; the same numbers on 1, 2 and 3 ranks; bad input is refused."""
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

from image_files import write_images
from program import must, run


def record(folder, *options):
    must(run("record", "--history", folder, "--threads", "1", *options))
    return folder


def study(folder, *options, ranks=0):
    return run("study", "exactness", "--history", folder, "--threads", "1", *options, ranks=ranks, timeout=200)


def numbers(path):
    """The table without what the clock says."""
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def expect_tables(folder, runs):
    for name, (options, tolerance, evaluations) in runs.items():
        target = record(folder / name, *options)
        text = must(study(target, "--csv", folder / "one.csv", "--json", folder / "one.json", "--reports", "2", "--sparsity", "--tolerance", tolerance,
                          "--absolute-tolerance", tolerance)).stdout
        table = numbers(folder / "one.csv")
        assert [row["rule"] for row in table] == ["midpoint:10", "midpoint:100", "adaptive"] * 2, table
        ten, hundred, adaptive = table[-3:]
        found = json.loads((folder / "one.json").read_text())
        print(f"{name}: adaptive KL {float(adaptive['kl']):.1e} with {float(adaptive['evaluations']):.1f} evaluations, midpoint 10 {float(ten['kl']):.1e}, "
              f"100 {float(hundred['kl']):.1e}, rounding {found['largest_rounding']:.1e}")
        assert float(adaptive["accuracy"]) == 1 and float(adaptive["kl"]) < (1e-12 if "gelu" in name else 1e-6), (name, text)
        assert float(adaptive["evaluations"]) <= evaluations and int(adaptive["missed"]) == 0, (name, text)
        assert float(hundred["evaluations"]) == 100 and float(found["configuration"]["tolerance"]) == float(tolerance)
        kept = found["sparsity"]
        assert [row["kept"] for row in kept][-1] == 1 and kept[-1]["kl"] == float(adaptive["kl"]), kept
        assert all(a["change"] <= b["change"] for a, b in zip(kept, kept[1:])), kept
        for words in ("Reconstructed against the model's predictions", "Along the way", "Rounding of the recorded updates", "of Σ|change|"):
            assert words in text, (words, text)


def expect_ranks(folder, target):
    tables = {}
    for ranks in (1, 2, 3):
        path = folder / f"ranks-{ranks}.csv"
        must(study(target, "--rules", "midpoint:3,adaptive", "--csv", path, "--max-steps", "11", ranks=ranks))
        tables[ranks] = numbers(path)
    assert tables[1] == tables[2] == tables[3], tables
    assert tables[1][-1]["steps"] == "11"


def expect_bad_input(folder, target):
    def refused(process, code, *words):
        assert process.returncode == code and all(word in process.stderr for word in words), (process.returncode, process.stderr)

    refused(run("study", "--history", target), 2, "--study is missing")
    refused(run("study", "pruning", "--history", target), 2, "pruning", "exactness")
    refused(run("study", "exactness"), 2, "--history")
    refused(study(target, "--rules", "simpson"), 2, "simpson", "midpoint:N")
    refused(study(target, "--first-nodes", "4"), 2, "--first-nodes", "3, 5 or 9")
    refused(study(folder / "nowhere"), 1, "run.json")
    refused(study(folder / "nowhere", ranks=2), 1, "run.json")
    cut = folder / "cut"
    subprocess.run(["cp", "-r", target, cut], check=True)
    (cut / "data.safetensors").unlink()
    refused(study(cut), 1, "data.safetensors", "training data")
    (cut / "complete.json").unlink()
    refused(study(cut), 1, "cut short")


def main():
    sums = ["--model", "grokking_transformer", "--modulus", "11", "--train-samples", "50", "--validation-samples", "16", "--hidden", "16", "--heads", "2",
            "--intermediate", "32", "--batch", "64", "--decay-on", "all", "--weight-decay", "1", "--clip", "0", "--schedule", "constant", "--warmup", "0",
            "--learning-rate", "3e-3", "--max-steps", "30"]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        idx, cifar = write_images(folder)
        runs = {
            "sums": (sums, "1e-4", 60),
            "sums with gelu": ([*sums, "--activation", "gelu", "--precision", "fp64"], "1e-8", 5),
            "idx images": (["--model", "cnn", "--data", idx, "--filters", "2", "--hidden", "8", "--batch", "4", "--epochs", "6", "--warmup", "2", "--learning-rate", "0.02"], "1e-4", 60),
            "cifar images": (["--model", "resnet9", "--data", cifar, "--classes", "3,5", "--filters", "2", "--batch", "4", "--drop-last", "--flips",
                              "--epochs", "6", "--optimizer", "sgd", "--momentum", "0.9", "--weight-decay", "0.005", "--decay-on", "all", "--clip", "0",
                              "--schedule", "triangle", "--warmup", "4", "--learning-rate", "0.3"], "1e-4", 60),
        }
        expect_tables(folder, runs)
        expect_ranks(folder, folder / "sums")
        expect_bad_input(folder, folder / "sums")


sys.exit(main())
