#!/usr/bin/env python3
"""What each --precision costs in exactness and gains in time, against fp64 on the same nodes.

    build/deps/venv/bin/python tests/benchmarks/precision.py --series build/quickstart/series --samples build/quickstart/held_out.jsonl
        --work build/precision [--explaind build/release/explaind] [--rounds 3] [-- further options of decompose]

Runs `decompose --quadrature gauss:12` in each precision, interleaved. Seconds are those of the units; errors are the largest over segments
and samples: |residual| and the error of ΔF in nats, and the distance of all scores from fp64's, relative to their norm.
"""
import argparse
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

import h5py
import numpy


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", required=True)
    parser.add_argument("--samples", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--explaind", default="build/release/explaind")
    parser.add_argument("--precisions", nargs="*", default=["fp64", "fp32", "bf16"], help="tf32 too, where there is a CUDA device")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("more", nargs="*")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    times, stores = {precision: [] for precision in arguments.precisions}, {}
    for _ in range(arguments.rounds):
        for precision, found in times.items():
            store = arguments.work / f"{precision}.h5"
            process = subprocess.run([arguments.explaind, "decompose", "--series", arguments.series, "--samples", arguments.samples, "--store",
                                      store, "--overwrite", "--quadrature", "gauss:12", "--precision", precision, *arguments.more],
                                     capture_output=True, text=True)
            if process.returncode != 0:
                sys.exit(process.stderr)
            found.append(float(re.search(r"^Units: ([\d.]+) s", process.stdout, re.M).group(1)))
    for precision in arguments.precisions:
        with h5py.File(arguments.work / f"{precision}.h5") as file:
            stores[precision] = {name: file[name][()] for name in ("psi", "residual", "value_from", "value_to")}
    exact, single = stores["fp64"], statistics.median(times["fp32"])
    change = exact["value_to"] - exact["value_from"]
    print("| precision | time, fp32 = 1 | largest residual, nats | error of ΔF, nats | error of scores, relative |\n|---|---|---|---|---|")
    for precision, found in stores.items():
        print(f"| {precision} | {statistics.median(times[precision]) / single:.2f} | {abs(found['residual']).max():.1e} "
              f"| {abs(found['value_to'] - found['value_from'] - change).max():.1e} "
              f"| {numpy.linalg.norm(found['psi'] - exact['psi']) / numpy.linalg.norm(exact['psi']):.1e} |")
    shutil.rmtree(arguments.work)


main()
