"""A unit is marked committed only when all its bytes are on disk: between the last write of its tile and its mark every process that wrote of
it has synced the file. Scores and single scalars, by one rank, two groups, and a group of two that shares a unit.

    commit_order.py SHIM         SHIM: the library of kill_at_write.c
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

from program import EXPLAIND, GOLDENS, MPIRUN, write_samples

SERIES, SEGMENTS, SAMPLES = GOLDENS / "grouped_query/series", 2, 5
COMMON = ["--chunk", "2", "--quadrature", "gauss:2", "--threads", "1", "--device", "cpu"]
CASES = {"scores": ([], 1), "scores of two groups": (["--segment-groups", "2"], 2), "scores shared by two ranks": (["--shards", "2", "--micro-batch", "1"], 2),
         "scalars": (["--component", "parameter"], 1), "scalars of two groups": (["--component", "parameter"], 2)}


def logged_run(store, samples, options, ranks, shim):
    """What was done to the finished file, in order: (write or sync, process, first byte, byte after the last)."""
    log = store.with_suffix(".log")
    command = [MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), "env", f"LD_PRELOAD={shim}", f"KILL_FILE={store}",
               f"KILL_LOG={log}", EXPLAIND, "decompose", "--series", str(SERIES), "--samples", str(samples), "--store", str(store), *COMMON, *options]
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    subprocess.run(["timeout", "-k", "5", "100", *command], check=True, capture_output=True, env=environment)
    lines = [line.split(maxsplit=4) for line in log.read_text().splitlines()]
    return [(what, process, int(first), int(first) + int(size)) for what, process, first, size, path in lines if path == str(store)]


def rows_of(store):
    """Of every (segment, sample) the byte ranges of its tile, and the byte of its mark."""
    tiles = np.empty((SEGMENTS, SAMPLES), dtype=object)
    marks = np.zeros((SEGMENTS, SAMPLES), dtype=int)
    for index in np.ndindex(tiles.shape):
        tiles[index] = []

    def visit(name, item):
        if not isinstance(item, h5py.Dataset) or item.shape[:2] != (SEGMENTS, SAMPLES):
            return
        start, row = item.id.get_offset(), item.nbytes // (SEGMENTS * SAMPLES)
        assert start is not None, f"{name} does not lie in one piece"
        for segment, sample in np.ndindex(tiles.shape):
            first = start + (segment * SAMPLES + sample) * row
            if name == "committed":
                marks[segment, sample] = first
            else:
                tiles[segment, sample].append((first, first + row))

    with h5py.File(store) as file:
        file.visititems(visit)
    return tiles, marks


def expect_order(name, done, tiles, marks):
    seen = 0
    for index in np.ndindex(tiles.shape):
        mark = next((k for k, (what, _, first, end) in enumerate(done) if what == "write" and first <= marks[index] < end), None)
        assert mark is not None, f"{name}: {index} was never marked"
        last = {}  # per process
        covered = {part: 0 for part in tiles[index]}
        for k, (what, process, first, end) in enumerate(done):
            for begin, stop in tiles[index]:
                both = min(end, stop) - max(first, begin)
                if what != "write" or both <= 0:
                    continue
                last[process] = k
                covered[begin, stop] += both
        assert last and all(covered[begin, stop] >= stop - begin for begin, stop in covered), f"{name}: {index}: writes are missing from the log"
        for process, k in last.items():
            assert k < mark, f"{name}: {index} is marked before its tile was written"
            synced = any(what == "sync" and by == process for what, by, _, _ in done[k + 1:mark])
            assert synced, f"{name}: {index} is marked before process {process} has synced what it wrote of it"
        seen += len(last)
    assert any(what == "sync" for what, *_ in done[max(k for k, each in enumerate(done) if each[0] == "write") + 1:]), f"{name}: the end is not synced"
    return seen


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder).resolve()
        samples = write_samples(folder / "samples.jsonl", [3, 11, 5, 7, 9], 60)
        for number, (name, (options, ranks)) in enumerate(CASES.items()):
            store = folder / f"ordered{number}.h5"
            done = logged_run(store, samples, options, ranks, sys.argv[1])
            seen = expect_order(name, done, *rows_of(store))
            assert ranks == 1 or len({process for _, process, _, _ in done}) == ranks, name
            print(f"{name}: {SEGMENTS * SAMPLES} rows of tiles, {len(done)} calls, {seen} last writes before their sync, and that before the mark")


main()
