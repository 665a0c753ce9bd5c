"""The same run and the same store, bit for bit, with 1, 2 and 4 threads: every engine, axis and schedule, in fp32 and fp64, with operations that threads
share and with ones that are too small for it. And what is said about them."""
import pathlib
import sys
import tempfile

import numpy as np

from program import must, run
from store_contents import contents

THREADS = (1, 2, 4)
# The products of a step have 3 · 2000 rows and 113 or 115 columns: large enough to be shared.
MODULAR = ["--model", "grokking_transformer", "--modulus", "113", "--validation-samples", "9", "--hidden", "64", "--heads", "4",
           "--intermediate", "512", "--schedule", "constant", "--warmup", "0", "--learning-rate", "1e-3"]
WHOLE_BATCH = ["--train-samples", "2000", "--batch", "2000", "--max-steps", "2"]
CLIPPED = ["--train-samples", "60", "--batch", "7", "--max-steps", "5", "--clip", "0.01"]
LLAMA = ["--model", "llama", "--validation-samples", "9", "--vocabulary", "700", "--layers", "2", "--hidden", "96", "--heads", "4", "--key-value-heads", "2",
         "--intermediate", "256", "--sequence-length", "160", "--batch", "16", "--max-steps", "2", "--warmup", "1", "--learning-rate", "1e-3"]


def record(folder, name, model, precision):
    """With every number of threads: all files of the runs are alike. Returns the first."""
    runs = []
    for threads in THREADS:
        runs.append(folder / f"{name}-{precision}-{threads}")
        must(run("record", "--history", runs[-1], *model, "--precision", precision, "--threads", threads))
    for other in runs[1:]:
        names = sorted(path.relative_to(runs[0]) for path in runs[0].rglob("*.safetensors"))
        assert names == sorted(path.relative_to(other) for path in other.rglob("*.safetensors")) and len(names) > 2
        for path in names:
            assert (runs[0] / path).read_bytes() == (other / path).read_bytes(), f"{other / path} depends on the threads"
    return runs[0]


def same_store(folder, series, precision, shared, *options):
    """shared: whether there are operations large enough, as the program must say."""
    stores = []
    for threads in THREADS:
        store = folder / "store.h5"
        done = run("decompose", "--series", series, "--store", store, "--overwrite", "--precision", precision, "--threads", threads, *options)
        if done.returncode != 3:  # a fixed tolerance may be missed
            must(done)
        line = next(line for line in done.stdout.splitlines() if line.startswith("Threads: "))
        expected = "1 a rank" if threads == 1 else f"{threads} a rank in " if shared else f"1 of {threads} a rank"
        assert line.startswith(f"Threads: {expected}"), (options, threads, line)
        stores.append(contents(store))
    for threads, found in zip(THREADS[1:], stores[1:]):
        different = [name for name in found if found[name] != stores[0].get(name)]
        assert found.keys() == stores[0].keys() and not different, f"{precision} {options}: 1 thread and {threads} differ in {different}"
    assert np.frombuffer(stores[0]["psi"][2]).any(), options
    print(f"{series.name} {precision} {' '.join(map(str, options))}: the same with {THREADS} threads", flush=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        text = folder / "text"
        text.mkdir()
        (text / "a.txt").write_text("\n".join(f"the {i} of {i * i % 97} and {i % 5} words, {i * 31 % 113}" for i in range(6000)))
        fixed = ["--quadrature", "gauss:2"]
        for precision in ("fp32", "fp64"):
            modular = record(folder, "modular", [*MODULAR, *WHOLE_BATCH], precision)
            rows = ["--samples", "validation:0:4", *fixed]  # 5 of them
            same_store(folder, modular, precision, False, *rows, "--component", "row")  # engine A
            same_store(folder, modular, precision, False, *rows, "--functional", "logit:2", "--component", "head", "--micro-batch", "1")
            same_store(folder, modular, precision, False, *rows, "--functional", "logit", "--axes", "sample,output")  # C
            same_store(folder, modular, precision, False, "--samples", "validation", *fixed, "--component", "parameter", "--steps", "list:0,1")  # B
            same_store(folder, modular, precision, True, "--samples", "train:0:1999", *fixed, "--axes", "group", "--micro-batch", "2000", "--chunk", "2000")
            for index in ("origin", "applied"):  # D
                same_store(folder, modular, precision, True, "--samples", "validation:0:2", *fixed, "--axes", "sample,train_group", "--step-index", index,
                           "--memory", "3GiB")
            small = record(folder, "small", [*MODULAR, *CLIPPED], precision)
            for index in ("origin", "applied"):
                same_store(folder, small, precision, False, "--samples", "validation:0:6", "--axes", "sample,train_sample", "--step-index", index, *fixed)
            same_store(folder, small, precision, False, "--samples", "validation:0:6", "--parts", "decay,rounding", *fixed)
            llama = record(folder, "llama", [*LLAMA, "--text", text], precision)
            samples = ["--samples", "validation", *fixed]
            same_store(folder, llama, precision, False, *samples, "--micro-batch", "1", "--component", "row", "--axes", "sample,position", "--chunk", "3")
            large = [*samples, "--micro-batch", "9", "--component", "head"]
            same_store(folder, llama, precision, True, *large, "--product-form", "formed", "--parameters", "streamed")
            same_store(folder, llama, precision, True, *large, "--product-form", "split")


main()
