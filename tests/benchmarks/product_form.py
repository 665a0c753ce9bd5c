#!/usr/bin/env python3
"""Where products split into x a + t (x Δ) are faster than W(t) formed: seconds of the units at a few numbers of tokens a micro-batch.

    build/deps/venv/bin/python tests/benchmarks/product_form.py --work build/product_form [--explaind build/release/explaind] [--rounds 3]

Makes the `wide` model of synthetic_series.py (hidden 1,024, 8 layers, vocabulary 32,000), draws one micro-batch of each size, and runs
`decompose --quadrature gauss:16` in both forms, interleaved, from resident and from streamed parameters. The default of --product-form should
be the one that wins.
"""
import argparse
import json
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys


def seconds(explaind, work, samples, source, form):
    process = subprocess.run([explaind, "decompose", "--series", work / "series", "--samples", samples, "--store", work / "out.h5", "--overwrite",
                              "--quadrature", "gauss:16", "--parameters", source, "--product-form", form], capture_output=True, text=True)
    if process.returncode != 0:
        sys.exit(process.stderr)
    return float(re.search(r"^Units: ([\d.]+) s", process.stdout, re.M).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--explaind", default="build/release/explaind")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, nargs="*", default=[8, 16, 32, 64, 128])
    arguments = parser.parse_args()
    work = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, pathlib.Path(__file__).with_name("synthetic_series.py"), "--series", work / "series", "--model", "wide",
                    "--checkpoints", "2"], check=True, stdout=subprocess.DEVNULL)
    draw = random.Random(1)
    print("| tokens a micro-batch | resident, formed s | split s | split / formed | streamed, formed s | split s | split / formed |\n|---|---|---|---|---|---|---|")
    for tokens in arguments.tokens:
        samples = work / "samples.jsonl"
        with open(samples, "w") as file:
            for i in range(4):
                file.write(json.dumps({"id": str(i), "input_ids": [draw.randrange(32000) for _ in range(tokens // 4)]}) + "\n")
        cells = []
        for source in ("resident", "streamed"):
            times = {"formed": [], "split": []}
            for _ in range(arguments.rounds):
                for form, found in times.items():
                    found.append(seconds(arguments.explaind, work, samples, source, form))
            formed, split = (statistics.median(times[form]) for form in ("formed", "split"))
            cells += [f"{formed:.2f}", f"{split:.2f}", f"{split / formed:.2f}"]
        print(f"| {tokens} | " + " | ".join(cells) + " |", flush=True)
    shutil.rmtree(work)


main()
