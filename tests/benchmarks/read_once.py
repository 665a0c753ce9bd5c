#!/usr/bin/env python3
"""Whether ranks of a node read the series from disk once: bytes that came from the disk, by ranks and by how weights are held.

    build/deps/venv/bin/python tests/benchmarks/read_once.py --work /tmp/read_once [--model wide] [--checkpoints 5]

A synthetic series is made, and taken out of the page cache before every run (posix_fadvise). What comes from the disk is what the kernel counts of
mpirun's processes (ru_inblock); programs and libraries are in the cache from a run before. Beside it what `explaind plan --nodes 1` says.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def forget(series):
    """Takes the files out of the page cache."""
    os.sync()
    for path in sorted(series.rglob("*")):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def bytes_from_disk(command, environment):
    """Of the process and all that it has waited for."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        sys.exit(text)
    return 512 * usage.ru_inblock, text


def planned(text):
    """GB, MB … of the last row of plan's table."""
    row = [line for line in text.splitlines() if re.match(r"^ +\d+ +\d+ ", line)][-1]
    number, unit = re.findall(r"([\d.]+) (\w?B)", row)[2]
    return float(number) * {"kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="on a disk, not in memory; removed afterwards")
    parser.add_argument("--model", default="wide")
    parser.add_argument("--checkpoints", default="5")
    parser.add_argument("--explaind", default="build/release/explaind")
    parser.add_argument("--launch", default="launch/run.sh")
    args = parser.parse_args()
    series, samples = args.work / "series", args.work / "series-samples.jsonl"
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    try:
        subprocess.run([sys.executable, HERE / "synthetic_series.py", "--series", series, "--model", args.model, "--checkpoints", args.checkpoints],
                       check=True, stdout=subprocess.DEVNULL)
        whole = sum(path.stat().st_size for path in series.glob("*/*.safetensors"))
        print(f"series: {whole / 1e6:.1f} MB of weights in {args.checkpoints} checkpoints\n")
        print("| ranks | weights | from disk, MB | of the series | plan says, MB |\n|---|---|---|---|---|", flush=True)
        options = ["--series", str(series), "--samples", str(samples), "--quadrature", "gauss:1", "--chunk", "4", "--micro-batch", "2"]
        for ranks, source, shards in ((1, "resident", 1), (2, "resident", 1), (1, "streamed", 1), (2, "streamed", 1), (2, "gathered", 2)):
            more = ["--parameters", source, "--shards", str(shards)]
            command = [args.launch, "-n", str(ranks), args.explaind, "decompose", *options, *more, "--store", str(args.work / "s.h5"), "--overwrite"]
            bytes_from_disk(command, environment)  # libraries
            forget(series)
            read, _ = bytes_from_disk(command, environment)
            _, text = bytes_from_disk([args.explaind, "plan", *options, *more, "--ranks", str(ranks), "--nodes", "1"], environment)
            print(f"| {ranks} | {source} | {read / 1e6:.1f} | {read / whole:.2f} | {planned(text) / 1e6:.1f} |", flush=True)
    finally:
        shutil.rmtree(args.work, ignore_errors=True)


if __name__ == "__main__":
    main()
