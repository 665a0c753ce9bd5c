#!/usr/bin/env python3
"""What `explaind plan` says against what `explaind decompose` takes, on three cases; the planner's promise is a factor of 1.5.

    build/deps/venv/bin/python tests/benchmarks/plan_table.py --work build/plan_table [--cases resident,streamed,gathered] [--tokens 16]

  resident   the sample series of launch/quickstart.sh, 1 rank
  streamed   a synthetic series of hidden 1,024, 8 layers, vocabulary 32,000 (320 MB a checkpoint), 1 rank, blocks from the files
  gathered   the same on 2 ranks × --shards 2

Each case is planned twice: with the evaluations that the run turned out to use, and with the default, which no promise is made for. Truth:
the loop's seconds and the bytes that decompose prints, peak RssAnon of the largest rank, the file's size, and operations counted from the
evaluations in the store. Memory should also never be above what was planned. WORK is made and removed (--keep: kept).
"""
import argparse
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys

import h5py
import numpy

import process_memory

HERE = pathlib.Path(__file__).parent
UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
LIMIT = 1.5


def size_in(text):
    """Bytes of '1.2 GB …'."""
    number, unit = text.split()[:2]
    return float(number) * UNITS[unit]


def seconds_in(text):
    """Seconds of '0.12 s', '2 min 05 s', '3 h 07 min'."""
    scale = {"s": 1, "min": 60, "h": 3600}
    return sum(float(number) * scale[unit] for number, unit in re.findall(r"([\d.]+) (s|min|h)\b", text))


def planned(text):
    def line(key):
        return re.search(rf"^  {key} +(.*)$", text, re.M).group(1)

    return {"memory": size_in(line("memory")), "read": size_in(line("read")), "received": size_in(line("received")),
            "store": size_in(line("store")), "operations": float(line("operations").split()[0]),
            "time": seconds_in(line("time").split(" on ")[0])}, line("parameters")


def operations(series, samples, store, case):
    """Of the rank with most micro-batches of a chunk: 2 × products × weights × padded tokens × evaluations, as the store counts these. A
    micro-batch keeps its padding whoever of it is evaluated."""
    config = json.loads(next(iter(sorted(series.glob("*/config.json")))).read_text())
    hidden, inner, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    keys = config.get("head_dim", hidden // heads) * config["num_key_value_heads"]
    blocks = config["num_hidden_layers"] * (2 * hidden * hidden + 2 * hidden * keys + 3 * hidden * inner + 2 * hidden) + hidden
    unembedding = config["vocab_size"] * hidden
    products = (3 if case.source == "resident" else 4) * blocks + (3 if config["vocab_size"] <= 8192 else 4) * unembedding
    lengths, evaluations = numpy.array(samples), store["node_count"][()]
    of_rank = numpy.zeros(case.ranks)
    for begin in range(0, len(lengths), case.chunk):
        for number, first in enumerate(range(begin, min(begin + case.chunk, len(lengths)), case.micro_batch)):
            members = slice(first, min(first + case.micro_batch, begin + case.chunk))
            of_rank[number % case.ranks] += lengths[members].max() * evaluations[:, members].sum()
    return 2 * products * of_rank.max()


class Case:
    def __init__(self, name, series, samples, ranks, source, chunk, micro_batch, more=()):
        self.name, self.series, self.samples, self.ranks, self.source = name, series, samples, ranks, source
        self.chunk, self.micro_batch = chunk, micro_batch
        self.options = ["--series", series, "--samples", samples, "--parameters", source, "--chunk", chunk, "--micro-batch", micro_batch, *more]

    def command(self, args, verb, *more):
        program = [args.explaind, verb, *self.options, *more]
        launch = [args.launch, "-n", self.ranks] if self.ranks > 1 else []
        return [str(word) for word in [*launch, *program]]


def sample_lengths(case, store):
    """Tokens of each sample; of text samples as the run counted them."""
    lines = [json.loads(line) for line in pathlib.Path(case.samples).read_text().splitlines() if line.strip()]
    if all("input_ids" in line for line in lines):
        return [len(line["input_ids"]) for line in lines]
    import loading
    last = sorted(pathlib.Path(case.series).iterdir(), key=lambda folder: int(re.search(r"\d+$", folder.name).group()))[-1]
    return [len(sample["input_ids"]) for sample in loading.load_samples(case.samples, last)]


def measure(args, case):
    """The truth, and the evaluations a sample."""
    store = args.work / "truth.h5"
    environment = {"OMP_NUM_THREADS": str(args.threads)}
    _, peak, text = process_memory.run(case.command(args, "decompose", "--store", store, "--overwrite"), pathlib.Path(args.explaind).name, environment)
    truth = {"memory": peak, "store": store.stat().st_size, "received": 0.0}
    found = re.search(r"^Units: ([\d.]+) s; weights read: ([\d.]+ \w+)", text, re.M)
    truth["time"], truth["read"] = float(found.group(1)), size_in(found.group(2))
    gathered = re.search(r"^Gathered parameters: ([\d.]+ \w+) received", text, re.M)
    if gathered:
        truth["received"] = size_in(gathered.group(1))
    elif case.source == "gathered":
        truth["received"] = math.nan  # a program that does not say
    with h5py.File(store) as opened:
        evaluations = float(opened["node_count"][()].mean())
        truth["operations"] = operations(pathlib.Path(case.series), sample_lengths(case, opened), opened, case)
    store.unlink()
    return truth, evaluations


def row(case, what, estimate, truth, promised):
    ratio = estimate / truth if truth else (1.0 if estimate == 0 else math.inf)
    if math.isnan(ratio):
        print(f"| {case.name} | {what} | {estimate:.4g} | not printed by this program | | |", flush=True)
        return False
    outside = not 1 / LIMIT <= ratio <= LIMIT
    short = what == "memory" and ratio < 1
    verdict = "" if not promised else "**outside**" if outside else "**below the truth**" if short else "yes"
    print(f"| {case.name} | {what} | {estimate:.4g} | {truth:.4g} | {ratio:.2f} | {verdict} |", flush=True)
    return promised and (outside or short)


def run_case(args, case):
    truth, evaluations = measure(args, case)
    environment = {"OMP_NUM_THREADS": str(args.threads)}
    bad = 0
    for given in (evaluations, None):
        more = ["--evaluations", f"{given:.4f}"] if given else []
        _, _, text = process_memory.run(case.command(args, "plan", *more), pathlib.Path(args.explaind).name, environment)
        estimate, source = planned(text)
        assert source.startswith(case.source), text
        print(f"| {case.name} | *at {f'{given:.2f}' if given else 'the default'} evaluations* | | | | |")
        for what in ("memory", "read", "received", "store", "operations", "time"):
            bad += row(case, what, estimate[what], truth[what], given is not None)
    return bad


def cases_of(args):
    quickstart = pathlib.Path("build/quickstart")
    wide = args.work / "wide"
    every = {
        "resident": Case("quickstart, resident", quickstart / "series", quickstart / "held_out.jsonl", 1, "resident", 5, 5,
                         ["--steps", args.steps] if args.steps else []),
        "streamed": Case("wide, streamed", wide, f"{wide}-samples.jsonl", 1, "streamed", 8, 4),
        "gathered": Case("wide, 2 ranks gathered", wide, f"{wide}-samples.jsonl", 2, "gathered", 8, 4, ["--shards", 2])}
    return [every[name] for name in args.cases.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for the synthetic series and stores, removed afterwards")
    parser.add_argument("--cases", default="resident,streamed,gathered")
    parser.add_argument("--explaind", default="build/release/explaind")
    parser.add_argument("--launch", default="launch/run.sh")
    parser.add_argument("--threads", type=int, default=1, help="of a rank, in plan and run (default 1)")
    parser.add_argument("--tokens", type=int, default=32, help="of the 8 samples of the synthetic series (default 32)")
    parser.add_argument("--steps", help="of the sample series: every:N, …, for a shorter run")
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    if args.cases != "resident" and not (args.work / "wide-samples.jsonl").exists():
        subprocess.run([sys.executable, HERE / "synthetic_series.py", "--series", args.work / "wide", "--model", "wide", "--tokens", str(args.tokens)],
                       check=True, stdout=subprocess.DEVNULL)
    print(f"plan against decompose; {args.threads} thread(s) a rank; bytes, operations and seconds, of the rank with most\n")
    print("| case | what | planned | measured | ratio | within 1.5 |\n|---|---|---|---|---|---|", flush=True)
    try:
        bad = sum(run_case(args, case) for case in cases_of(args))
    finally:
        if not args.keep:
            shutil.rmtree(args.work)
    print(f"\n{'All ratios are' if bad == 0 else f'{bad} ratios are not'} within 1/1.5 … 1.5, memory between 1 and 1.5.")


if __name__ == "__main__":
    main()
