"""An error on one rank alone, at any place, ends all ranks with one message within seconds: MPI that fails, files that cannot be opened, memory
that is used up, each from its n-th call on in one rank, or in that call alone.

    rank_faults.py SHIM            SHIM: the library of fail_on_a_rank.c
    rank_faults.py SHIM --every    at every call: hours
    rank_faults.py SHIM --seed 7   at other calls than those of the suite
    rank_faults.py SHIM --only JOB "two groups", say

Of the calls of each kind in each rank of a job the seed draws a few, so that a run takes about a minute on two cores.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import subprocess
import tempfile
import time

from program import EXPLAIND, GOLDENS, MPIRUN, must, run, write_samples

SERIES = GOLDENS / "grouped_query/series"
SECONDS = 30  # a rank that fails waits for 5, and the machine may be busy
MODEL = ["--model", "grokking_transformer", "--modulus", "7", "--train-samples", "20", "--validation-samples", "8", "--hidden", "8", "--heads", "2",
         "--intermediate", "12", "--batch", "8", "--threads", "1", "--epochs", "1"]
QUICK = ["--quadrature", "gauss:2", "--threads", "1", "--device", "cpu", "--chunk", "2"]
PLACES = {"mpi": 2, "open": 1, "memory": 1}  # calls of a kind that fail in a rank


def job(arguments, calls, **faults):
    """Two ranks. The finished process, seconds, and how often each (kind, rank) was called."""
    calls.unlink(missing_ok=True)
    words = [f"{name}={value}" for name, value in faults.items()] + [f"FAULT_CALLS={calls}", "FAULT_FILE=.h5"]
    command = ["timeout", "-k", "5", "90", MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", "2", "env", *words, EXPLAIND, *map(str, arguments)]
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    start = time.monotonic()
    process = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment)
    seconds = time.monotonic() - start
    counts = collections.Counter(tuple(line.split()) for line in calls.read_text().splitlines())
    return process, seconds, {(kind, int(rank)): count for (kind, rank), count in counts.items()}


def try_fault(name, arguments, folder, shim, kind, rank, at, once):
    own = folder / f"{name.replace(' ', '-')}-{kind}-{rank}-{at}"
    more = {"FAULT_ONCE": 1} if once else {}
    words = [*arguments, "--store", own.with_suffix(".h5")] if arguments[0] == "decompose" else arguments
    process, seconds, counts = job(words, own, LD_PRELOAD=shim, FAULT_KIND=kind, FAULT_RANK=rank, FAULT_AT=at, **more)
    told = f"{name}: {kind} fails on rank {rank} at call {at}{' alone' if once else ''}: exit {process.returncode} after {seconds:.0f} s\n{process.stderr}"
    if process.returncode == 0 and counts.get((kind, rank), 0) < at:
        return ""  # units go to who asks first: this time the rank has made fewer calls
    return "" if process.returncode == 1 and process.stderr.count("error:") == 1 and seconds < SECONDS else told


def chosen(options, name, kind, rank, calls):
    """Calls to fail at, from 1, and whether alone."""
    draw = random.Random(f"{options.seed} {name} {kind} {rank}")
    places = range(1, calls + 1) if options.every else sorted(draw.sample(range(1, calls + 1), min(PLACES[kind], calls)))
    return [(at, kind != "open" and draw.random() < 0.5) for at in places]  # HDF5 opens a file twice, and takes either


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shim")
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(4) as pool:  # most of them wait
        folder = pathlib.Path(folder)
        samples = write_samples(folder / "samples.jsonl", [3, 21, 5], 60)
        must(run("record", "--history", folder / "run", *MODEL))
        decompose = ["decompose", "--series", SERIES, "--samples", samples, *QUICK]
        jobs = {"two groups": [*decompose, "--segment-groups", "2"], "a group of two": [*decompose, "--shards", "2", "--parameters", "gathered"],
                "scalars": [*decompose, "--component", "parameter"], "plan": ["plan", *decompose[1:], "--losses"],
                "study": ["study", "exactness", "--history", folder / "run", "--rules", "midpoint:1", "--threads", "1"]}
        jobs = {name: arguments for name, arguments in jobs.items() if options.only in name}

        def calls_of(name):
            words = [*jobs[name], "--store", folder / f"{name}.h5"] if jobs[name][0] == "decompose" else jobs[name]
            process, _, counts = job(words, folder / f"{name}.calls", LD_PRELOAD=options.shim)
            must(process)
            return counts

        trials = []
        for name, counts in zip(jobs, pool.map(calls_of, jobs)):
            for (kind, rank), calls in sorted(counts.items()):
                places = chosen(options, name, kind, rank, calls)
                print(f"{name}: {kind} on rank {rank}, {len(places)} of {calls} calls", flush=True)
                trials += [(name, jobs[name], folder, options.shim, kind, rank, at, once) for at, once in places]
            missing = {(kind, rank) for kind in ("mpi", "memory") for rank in (0, 1)} - set(counts)
            assert not missing, f"{name}: no calls of {missing} were seen: the shim misses some"
        failures = [told for told in pool.map(lambda trial: try_fault(*trial), trials) if told]
    if failures:
        raise SystemExit("\n\n".join(failures))


main()
