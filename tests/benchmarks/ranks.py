#!/usr/bin/env python3
"""What ranks bring and what one costs: 2 ranks × 1 thread against 1 rank × 1 thread, and the peak anonymous memory of a rank.

    build/deps/venv/bin/python tests/benchmarks/ranks.py --series build/quickstart/series --samples build/quickstart/held_out.jsonl
        --work build/compare [--explaind build/release/explaind] [--rounds 3] [-- further options of decompose]

Runs interleave; the speed-up is the ratio of the medians. Memory is RssAnon (mapped files aside), read every 10 ms from /proc, against the
bound: LibTorch itself (about .5 GiB), the model in fp32 twice, and the graph of one micro-batch.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time


def anonymous(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def ranks_of(pid, name):
    """Process ids below `pid` that run `name`."""
    found = []
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return found
    for child in map(int, children):
        try:
            if pathlib.Path(os.readlink(f"/proc/{child}/exe")).name == name:
                found.append(child)
        except OSError:
            pass
        found += ranks_of(child, name)
    return found


def run(command, name):
    """Seconds, and the peak anonymous bytes of the largest rank."""
    peak, done = 0, threading.Event()
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def watch():
        nonlocal peak
        while not done.wait(0.01):
            peak = max([peak, *map(anonymous, ranks_of(process.pid, name)), anonymous(process.pid)])

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    if code not in (0, 3):
        sys.exit(f"exit {code}: {' '.join(command)}")
    return seconds, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", required=True)
    parser.add_argument("--samples", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--explaind", default="build/release/explaind")
    parser.add_argument("--launch", default="launch/run.sh")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("more", nargs="*")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    seconds, memory = {1: [], 2: []}, {1: 0, 2: 0}
    for round_ in range(options.rounds):
        for ranks in seconds:
            command = [options.launch, "-n", str(ranks), options.explaind, "decompose", "--series", options.series, "--samples", options.samples,
                       "--store", str(options.work / "ranks.h5"), "--overwrite", *options.more]
            took, peak = run(command, pathlib.Path(options.explaind).name)
            seconds[ranks].append(took)
            memory[ranks] = max(memory[ranks], peak)
            print(f"round {round_ + 1}, {ranks} ranks: {took:.1f} s, {peak / 2**20:.0f} MiB", file=sys.stderr, flush=True)
    median = {ranks: statistics.median(each) for ranks, each in seconds.items()}
    print("| ranks × threads | median s | fastest–slowest s | speed-up | peak RssAnon of a rank |")
    print("|---|---|---|---|---|")
    for ranks, each in seconds.items():
        print(f"| {ranks} × 1 | {median[ranks]:.1f} | {min(each):.1f}–{max(each):.1f} | {median[1] / median[ranks]:.2f} | "
              f"{memory[ranks] / 2**20:.0f} MiB |")


if __name__ == "__main__":
    main()
