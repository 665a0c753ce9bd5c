"""An error on one rank alone, at any place, ends all ranks with one message within seconds: MPI that fails, files that cannot be opened, memory
that is used up, each from its n-th call on in one rank.

    rank_faults.py SHIM            SHIM: the library of fail_on_a_rank.c
    rank_faults.py SHIM --every    at every call instead of a few of them
"""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from program import EXPLAIND, GOLDENS, MPIRUN, must, run, write_samples

SERIES = GOLDENS / "grouped_query/series"
SECONDS = 25  # a rank that fails waits for 5, and the machine may be busy
MODEL = ["--model", "grokking_transformer", "--modulus", "7", "--train-samples", "20", "--validation-samples", "8", "--hidden", "8", "--heads", "2",
         "--intermediate", "12", "--batch", "8", "--threads", "1", "--epochs", "1"]
QUICK = ["--quadrature", "gauss:2", "--threads", "1", "--device", "cpu", "--chunk", "2"]


def job(arguments, **faults):
    """Two ranks. Exit code, text, seconds."""
    words = [f"{name}={value}" for name, value in faults.items()]
    command = ["timeout", "-k", "5", "90", MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", "2", "env", *words, EXPLAIND, *map(str, arguments)]
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    start = time.monotonic()
    process = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment)
    return process, time.monotonic() - start


def try_fault(name, arguments, store, shim, kind, rank, at, once):
    store.unlink(missing_ok=True)
    more = {"FAULT_ONCE": 1} if once else {}
    counter = store.with_suffix(".reached")
    counter.unlink(missing_ok=True)
    process, seconds = job(arguments, LD_PRELOAD=shim, FAULT_KIND=kind, FAULT_RANK=rank, FAULT_AT=at, FAULT_FILE=".h5", FAULT_COUNT=counter, **more)
    told = f"{name}: {kind} fails on rank {rank} at call {at}{' once' if once else ''}: exit {process.returncode} after {seconds:.0f} s\n{process.stderr}"
    if process.returncode == 0 and (not counter.exists() or counter.stat().st_size < at):
        return  # units go to who asks first: this time the rank has made fewer calls
    assert process.returncode == 1, told
    assert process.stderr.count("error:") == 1, told
    assert seconds < SECONDS, told


def count(arguments, store, shim, kind, rank, counter):
    store.unlink(missing_ok=True)
    counter.unlink(missing_ok=True)
    process, _ = job(arguments, LD_PRELOAD=shim, FAULT_KIND=kind, FAULT_RANK=rank, FAULT_FILE=".h5", FAULT_COUNT=counter)
    must(process)
    return counter.stat().st_size if counter.exists() else 0


def main():
    shim, every = sys.argv[1], "--every" in sys.argv
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(4) as pool:  # most of them wait
        folder = pathlib.Path(folder)
        samples = write_samples(folder / "samples.jsonl", [3, 21, 5], 60)
        must(run("record", "--history", folder / "run", *MODEL))
        decompose = ["decompose", "--series", SERIES, "--samples", samples, *QUICK]
        jobs = {"two groups": [*decompose, "--segment-groups", "2"], "a group of two": [*decompose, "--shards", "2", "--parameters", "gathered"],
                "scalars": [*decompose, "--component", "parameter"], "plan": ["plan", *decompose[1:], "--losses"],
                "study": ["study", "exactness", "--history", folder / "run", "--rules", "midpoint:1", "--threads", "1"]}
        only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""

        def try_kind(each):
            name, kind, rank = each
            label = f"{name.replace(' ', '-')}-{kind}-{rank}"
            store = folder / f"{label}.h5"
            arguments = jobs[name] + (["--store", store] if jobs[name][0] == "decompose" else [])
            calls = count(arguments, store, shim, kind, rank, folder / f"{label}.count")
            if calls == 0:
                return f"{name}: no call of {kind} on rank {rank}"
            places = {"mpi": 3, "open": 3, "memory": 2}[kind]
            chosen = range(1, calls + 1) if every else sorted({1 + (calls - 1) * i // (places - 1) for i in range(places)})
            for i, at in enumerate(chosen):
                try_fault(name, arguments, store, shim, kind, rank, at, once=i % 2 == 1 and kind != "open")  # HDF5 opens a file twice, and takes either
            return f"{name}: {kind} on rank {rank}, {len(chosen)} of {calls} calls"

        kinds = [(name, kind, rank) for name in jobs for kind in ("mpi", "open", "memory") for rank in (0, 1) if only in name
                 and (kind != "open" or jobs[name][0] == "decompose")]
        for line in pool.map(try_kind, kinds):
            print(line, flush=True)


main()
