#!/usr/bin/env python3
"""What ranks bring and what one costs: 1, 2 and 4 ranks of one thread each, and the peak anonymous memory of a rank.

    build/deps/venv/bin/python tests/benchmarks/ranks.py --series build/quickstart/series --samples build/quickstart/held_out.jsonl
        --work build/compare [--ranks 1,2,4] [--gathered] [--rounds 3] [-- further options of decompose]

Runs interleave; a speed-up is a ratio of medians of the loop over units, which starting the program and making the store are no part of.
Efficiency is the speed-up over the cores at work: 4 ranks on 2 cores count as 2. --gathered adds, for every number of ranks above one, one
group that shares each unit and gathers its weights, with the share of the time that a rank waited for them. Memory is RssAnon (mapped files
aside), read every 10 ms from /proc.
"""
import argparse
import os
import pathlib
import re
import statistics
import sys

import process_memory


class Setting:
    """One way to run the job, and what its runs took."""

    def __init__(self, ranks, gathered):
        self.ranks, self.gathered = ranks, gathered
        self.seconds, self.memory, self.waited = [], 0, []

    def name(self):
        return f"{self.ranks} × 1" + (", gathered" if self.gathered else "")

    def run(self, options):
        grid = ["--shards", str(self.ranks), "--parameters", "gathered"] if self.gathered else []
        command = [options.launch, "-n", str(self.ranks), options.explaind, "decompose", "--series", options.series, "--samples", options.samples,
                   "--store", str(options.work / "ranks.h5"), "--overwrite", *options.more, *grid]
        whole, peak, text = process_memory.run(command, pathlib.Path(options.explaind).name, {"OMP_NUM_THREADS": "1"})
        loop = re.search(r"^Units: ([\d.]+) s", text, re.M)
        share = re.search(r"^Gathered parameters: .*?([\d.]+) % of the time", text, re.M)
        self.seconds.append(float(loop.group(1)))
        self.memory = max(self.memory, peak)
        if share:
            self.waited.append(float(share.group(1)))
        return whole, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", required=True)
    parser.add_argument("--samples", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--explaind", default="build/release/explaind")
    parser.add_argument("--launch", default="launch/run.sh")
    parser.add_argument("--ranks", default="1,2,4", help="comma list, 1 first (default 1,2,4)")
    parser.add_argument("--gathered", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("more", nargs="*")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    counts = [int(word) for word in options.ranks.split(",")]
    settings = [Setting(ranks, False) for ranks in counts]
    if options.gathered:
        settings += [Setting(ranks, True) for ranks in counts if ranks > 1]
    for round_ in range(options.rounds):
        for setting in settings:
            whole, peak = setting.run(options)
            print(f"round {round_ + 1}, {setting.name()}: units {setting.seconds[-1]:.1f} s of {whole:.1f} s, {peak / 2**20:.0f} MiB", file=sys.stderr,
                  flush=True)
    cores = len(os.sched_getaffinity(0))
    alone = statistics.median(settings[0].seconds)
    print(f"{cores} cores; median of {options.rounds} interleaved rounds.\n")
    print("| ranks × threads | median s | fastest–slowest s | speed-up | efficiency | waited for weights | peak RssAnon of a rank |")
    print("|---|---|---|---|---|---|---|")
    for setting in settings:
        speed_up = alone / statistics.median(setting.seconds)
        waited = f"{statistics.median(setting.waited):.1f} %" if setting.waited else ""
        print(f"| {setting.name()} | {statistics.median(setting.seconds):.1f} | {min(setting.seconds):.1f}–{max(setting.seconds):.1f} | {speed_up:.2f} | "
              f"{speed_up / min(setting.ranks, cores):.2f} | {waited} | {setting.memory / 2**20:.0f} MiB |")


if __name__ == "__main__":
    main()
