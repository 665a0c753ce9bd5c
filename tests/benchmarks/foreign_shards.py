"""What `inspect --check` finds of foreign shards, and that it finds nothing in clean series: trainings of several schedules, with steps of several
spacings, in both types and several numbers of shards. Every checkpoint but the ends gets every shard of a step 10 %, 30 % away and of twice or half
the step. Fails where a clean series has a finding; prints the rates.

  build/deps/venv/bin/python tests/benchmarks/foreign_shards.py WORK [--every N] [--clean] [--seed N]

WORK keeps the trainings (2.5 GB). --every N plants a shard in every N-th place alone; all of them are about 10,000, .1 s each."""
import argparse
import collections
import json
import pathlib
import shutil
import sys

import torch
from safetensors.torch import save_file

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "system")]
from program import run  # noqa: E402
from trained_series import History, series, shard_of, text_of  # noqa: E402

SCHEDULES = {
    "cosine": ("--schedule", "cosine", "--warmup", "40"),
    "trapezoid": ("--schedule", "wsd", "--warmup", "30", "--decay-steps", "100", "--minimum-learning-rate", "0.01"),
    "long warm-up": ("--schedule", "cosine", "--warmup", "200", "--learning-rate", "0.003"),
    "no warm-up": ("--schedule", "constant", "--warmup", "0", "--learning-rate", "0.001"),
    "hot": ("--schedule", "cosine", "--warmup", "20", "--learning-rate", "0.01"),
}
SPACINGS = {
    "every 40": list(range(0, 401, 40)),
    "every 20": list(range(0, 401, 20)),
    "factor 1.25": [0] + sorted({round(10 * 1.25**i) for i in range(17)}),
    "factor 2": [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 400],
    "as Pythia": [0, 1, 2, 4, 8, 16, 32, 64, 100, 150, 200, 250, 300, 333],
    "last fifth, every 8": list(range(320, 401, 8)),
    "first 24": list(range(24)),
}
LAYOUTS = [(4, 2), (4, 4), (4, 3), (8, 4)]  # layers, shards
DISTANCES = {"10 %": (1.1, .9), "30 %": (1.3, .7), "twice or half": (2, .5)}


def findings(folder):
    process = run("inspect", folder, "--check", "--json")
    if process.returncode not in (0, 1):
        sys.exit(process.stderr)
    return json.loads(process.stdout)["findings"]


def sources(steps, j, factors):
    for factor in factors:
        source = round(steps[j] * factor)
        source += (source == steps[j]) * (1 if factor > 1 else -1)
        if 0 <= source <= steps[-1] and source not in steps:
            yield source


class Rates:
    """Of a table's cell: planted, found, found at the right place alone."""

    def __init__(self):
        self.counts = collections.defaultdict(lambda: [0, 0, 0])

    def add(self, cell, found, exact):
        for i, value in enumerate((True, found, exact)):
            self.counts[cell][i] += bool(value)

    def print(self, title):
        print(f"\n{title}: found / named alone / planted")
        for cell, (planted, found, exact) in self.counts.items():
            print(f"| {' | '.join(cell)} | {found / planted:.2f} | {exact / planted:.2f} | {planted} |", flush=True)


def plant(folder, history, steps, shards, rates, labels, places):
    for j in range(1, len(steps) - 1):
        for distance, factors in DISTANCES.items():
            for source in sources(steps, j, factors):
                for shard in range(shards):
                    if not places():
                        continue
                    name = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
                    file = folder / f"step-{steps[j]}" / name
                    right = file.read_bytes()
                    part = {tensor: value for tensor, value in history.at(source, labels["dtype"]).items() if shard_of(tensor, shards, history.layers) == shard}
                    save_file(part, file, {"format": "pt"})
                    said = findings(folder)
                    file.write_bytes(right)
                    hits = [each for each in said if steps[j] in each["steps"] and name in (each["file"] if "file" in each else each["where"])]
                    exact = len(said) == 1 and hits and hits[0]["steps"] == [steps[j]]
                    rates[0].add((labels["schedule"], labels["spacing"], distance), said, exact)
                    rates[1].add((labels["spacing"], distance), said, exact)
                    rates[2].add((f"{history.layers} layers, {shards} shards", str(labels["dtype"]), distance), said, exact)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--clean", action="store_true", help="clean series alone")
    parser.add_argument("--seed", type=int, default=1, help="of the trainings")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    text = text_of(options.work / "text.txt")
    rates = Rates(), Rates(), Rates()
    clean, false = 0, []
    count = 0

    def places():
        nonlocal count
        count += 1
        return count % options.every == 0

    for schedule, arguments in SCHEDULES.items():
        for layers, shards in LAYOUTS:
            history = History(options.work / f"{schedule.replace(' ', '-')}-{layers}-{options.seed}", text, *arguments, "--seed", options.seed, layers=layers)
            for spacing, steps in SPACINGS.items():
                for dtype in (torch.float32, torch.bfloat16):
                    folder = options.work / "series"
                    shutil.rmtree(folder, ignore_errors=True)
                    series(folder, history, steps, shards, dtype)
                    said = findings(folder)
                    clean += 1
                    if said:
                        false.append((schedule, layers, shards, spacing, str(dtype), said))
                        print("clean, and:", false[-1], flush=True)
                    elif not options.clean and "first" not in spacing:
                        plant(folder, history, steps, shards, rates, {"schedule": schedule, "spacing": spacing, "dtype": dtype}, places)
        print(f"after {schedule}: {clean} clean series, {len(false)} with a finding", flush=True)
        rates[1].print("By spacing and distance until now")
    for title, table in zip(("By schedule, spacing and distance", "By spacing and distance", "By layout, type and distance"), rates):
        table.print(title)
    print(f"\n{clean} clean series, {len(false)} with a finding")
    sys.exit(bool(false))


main()
