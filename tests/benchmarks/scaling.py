#!/usr/bin/env python3
"""What `plan --nodes` predicts against runs: of 1 and 2 ranks that compute, and of 64 that sleep under the real dispatcher.

    cmake --preset release -DEXPLAIND_BENCHMARKS=ON && cmake --build build/release --target explaind sleeping_ranks
    build/deps/venv/bin/python tests/benchmarks/scaling.py --series build/quickstart/series --samples build/quickstart/held_out.jsonl
        --work build/compare [--steps every:2] [--long]

Evaluations are those of the run, which plan cannot know. Sleeping ranks may be many more than the cores. Predictions must be within 25 % of what the loop over units took. --long adds 10,000 units of
a second on 64 ranks, of which asking and reporting may take 1 % (160 s).
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

import h5py

LIMIT = 1.25
# ranks, units, seconds of one, spread (the last is (1 + spread) times as long), ranks that share a unit
SLEEPING = ((1, 200, .01, 0, 1), (2, 400, .01, 0, 1), (8, 1000, .02, 3, 1), (64, 10000, .1, 0, 1), (64, 1000, .1, 0, 1), (64, 200, .2, 4, 1), (64, 100, .5, 0, 1),
            (64, 40, .5, 1, 1), (64, 320, .5, 1, 4), (64, 6400, .02, 0, 1))


def run(command):
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_pml="ob1")
    process = subprocess.run([str(word) for word in command], env=environment, capture_output=True, text=True)
    if process.returncode not in (0, 3):
        sys.exit(process.stdout + process.stderr)
    return process.stdout


def verdict(ratio):
    return "yes" if 1 / LIMIT <= ratio <= LIMIT else "**no**"


def sleeping(args, shape):
    ranks, units, seconds, spread, shards = shape
    runs = []
    for _ in range(1 if units * seconds > 1000 * ranks / 64 else 3):  # the median of short ones
        text = run(["mpirun", "-n", ranks, "--oversubscribe", "--bind-to", "none", args.sleeping, units, seconds, spread, shards])
        took, simulated = (float(number) for number in re.search(r": ([\d.]+) s; simulated ([\d.]+) s", text).groups())
        runs.append((took, simulated, float(re.search(r"([\d.]+) % of its time", text).group(1))))
    took, simulated, asking = sorted(runs)[len(runs) // 2]
    length = f"{seconds} s" if spread == 0 else f"{seconds} to {seconds * (1 + spread):g} s"
    print(f"| {ranks} | {shards} | {units} of {length} | {simulated:.2f} | {took:.2f} | {simulated / took:.2f} | {verdict(simulated / took)} | {asking:.2f} |",
          flush=True)


def computing(args, ranks):
    options = ["--series", args.series, "--samples", args.samples, "--steps", args.steps, "--chunk", "4", "--micro-batch", "4"]
    launch = [args.launch, "-n", ranks, args.explaind]
    text = run([*launch, "decompose", *options, "--store", args.work / "scaling.h5", "--overwrite"])
    took = float(re.search(r"^Units: ([\d.]+) s", text, re.M).group(1))
    with h5py.File(args.work / "scaling.h5") as store:
        evaluations = float(store["node_count"][()].mean())
    plans = []
    for _ in range(3):
        text = run([*launch, "plan", *options, "--ranks", ranks, "--nodes", "1", "--evaluations", f"{evaluations:.4f}"])
        row = [line for line in text.splitlines() if re.match(rf"^ +{ranks} +1 ", line)][-1]
        scale = {"s": 1, "min": 60, "h": 3600}
        plans.append(sum(float(number) * scale[unit] for number, unit in re.findall(r"([\d.]+) (s|min|h)\b", row)))
    planned = sorted(plans)[1]
    print(f"| {ranks} | {planned:.2f} | {took:.2f} | {planned / took:.2f} | {verdict(planned / took)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", required=True)
    parser.add_argument("--samples", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--steps", default="all")
    parser.add_argument("--ranks", default="1,2", help="that compute")
    parser.add_argument("--only", choices=("computing", "sleeping"))
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--explaind", default="build/release/explaind")
    parser.add_argument("--sleeping", default="build/release/sleeping_ranks")
    parser.add_argument("--launch", default="launch/run.sh")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    print("| ranks that compute | planned, s | taken, s | ratio | within 1.25 |\n|---|---|---|---|---|", flush=True)
    for ranks in map(int, args.ranks.split(",")) if args.only != "sleeping" else ():
        computing(args, ranks)
    print("\n| ranks that sleep | of a group | units | simulated, s | taken, s | ratio | within 1.25 | asking and reporting, % |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    if args.only == "computing":
        return
    for shape in (*SLEEPING, *(((64, 10000, 1, 0, 1),) if args.long else ())):
        sleeping(args, shape)
    print("\nWhat rank 0 serves, with units that take no time:\n")
    for ranks, units, rounds in ((2, 4, 1000), (8, 16, 500), (64, 128, 100), (64, 100000, 10)):
        text = run(["mpirun", "-n", ranks, "--oversubscribe", "--bind-to", "none", args.sleeping, units, 0, 0, 1, rounds])
        requests, served = re.search(r"; (\d+) requests and (\d+) units a second", text).groups()
        print(f"- {ranks} ranks, {rounds} times {units} units: {requests} requests and {served} units a second", flush=True)


if __name__ == "__main__":
    main()
