"""Stores with bytes that are not theirs: every verb that opens one ends by itself, without a signal and before its time is over, with a message where
it refuses. HDF5 crashes on some of them or goes round for ever; the program opens them in a child process first, and says that they are damaged.

    damaged_stores.py                 40 mutations of a store, from a fixed seed
    damaged_stores.py --mutations N   as many; --seed S: others
"""
import argparse
import collections
import concurrent.futures
import pathlib
import random
import subprocess
import tempfile

from program import EXPLAIND, GOLDENS, decompose, must, run

PATIENCE = 90  # s; the program's own is 30 s an object


def mutated(data, generator):
    """Some bytes of the structure, which lies at the beginning and between the numbers, or the end cut off."""
    data = bytearray(data)
    if generator.random() < 0.1:
        return bytes(data[:generator.randrange(1, len(data))])
    for _ in range(generator.choice((1, 4, 16, 64))):
        data[generator.randrange(8, len(data))] = generator.choice((0, 255, generator.randrange(256)))
    return bytes(data)


def ended(verb, path):
    """How a verb ends on a file: what is wrong with that, or "", and its kind."""
    try:
        process = subprocess.run([EXPLAIND, *verb(path)], capture_output=True, text=True, errors="replace", timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return "goes on for ever", "hangs"
    if process.returncode not in (0, 1, 2):  # 2: what is asked for is not there any more
        return f"exit {process.returncode}: {process.stderr[-300:]}", "dies"
    if process.returncode != 0 and "error: " not in process.stderr and "verify" not in verb(path):
        return f"no message: {process.stdout[-300:]}{process.stderr[-300:]}", "silent"
    if "HDF5 crashes" in process.stderr or "does not come to an end" in process.stderr:
        return "", "HDF5 crashes or hangs in the child"
    if "damaged" in process.stderr:
        return "", "damaged"
    return "", "other message" if process.returncode else "read"


VERBS = [lambda path: ["query", str(path), "--group-by", "kind"], lambda path: ["inspect", str(path)], lambda path: ["verify", str(path)],
         lambda path: ["report", str(path), "-o", f"{path}.html"]]


def expect_crash_is_said(folder, whole):
    """A heap of texts whose signature is gone makes HDF5 fail or crash; an extent beyond the file is said by the walk."""
    path = folder / "cut.h5"
    path.write_bytes(whole[:len(whole) * 2 // 3])
    for verb in VERBS:
        wrong, kind = ended(verb, path)
        assert not wrong and kind != "read", (verb(path), wrong, kind)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mutations", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        folder = pathlib.Path(folder)
        must(decompose(folder / "whole.h5", GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl", "--quadrature", "gauss:2"))
        whole = (folder / "whole.h5").read_bytes()
        process = must(run("query", folder / "whole.h5"))
        assert "damaged" not in process.stderr, process.stderr
        old = (GOLDENS.parent / "stores/version1/psi.h5").read_bytes()  # texts of variable length, which HDF5 keeps in heaps
        expect_crash_is_said(folder, whole)

        def trial(i):
            path = folder / f"{i}.h5"
            path.write_bytes(mutated(old if i % 2 else whole, random.Random(f"{options.seed} {i}")))
            result = ended(VERBS[i // 2 % len(VERBS)], path)
            path.unlink()
            return result

        results = list(pool.map(trial, range(options.mutations)))
    counts = collections.Counter(kind for _, kind in results)
    print(f"{options.mutations} mutations: " + ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())))
    wrong = [f"mutation {i}: {told}" for i, (told, _) in enumerate(results) if told]
    if wrong:
        raise SystemExit("\n".join(wrong))


main()
