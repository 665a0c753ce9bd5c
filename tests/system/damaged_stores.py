"""Stores with bytes that are not theirs: every verb that opens one ends by itself, without a signal and before its time is over. Where it refuses, one
message names the file, what is wrong with which part of it, and a remedy. Where `query` answers, the answer is that of the whole store, or `verify` says of
the same file that it does not hold: no damage to what can be asked stays unseen. HDF5 crashes on some of these files or goes round for ever; the program
opens them in a child process first, and says that they are damaged.

    damaged_stores.py                 40 mutations of a store, from a fixed seed
    damaged_stores.py --mutations N   as many; --seed S: others
"""
import argparse
import collections
import concurrent.futures
import pathlib
import random
import re
import subprocess
import tempfile

from program import EXPLAIND, GOLDENS, decompose, must, run

PATIENCE = 90  # s; the program's own is 30 s an object
ASKED = ["--group-by", "step_to,id,kind", "--format", "json"]
OLD = GOLDENS.parent / "stores/version1/psi.h5"  # texts of variable length, which HDF5 keeps in heaps


def mutated(data, generator):
    """Some bytes of the structure, which lies at the beginning and between the numbers, or the end cut off."""
    data = bytearray(data)
    if generator.random() < 0.1:
        return bytes(data[:generator.randrange(1, len(data))])
    for _ in range(generator.choice((1, 4, 16, 64))):
        data[generator.randrange(8, len(data))] = generator.choice((0, 255, generator.randrange(256)))
    return bytes(data)


class Ending:
    """How a verb ends on a file. kind: for the count; wrong: what is wrong with that, or ""."""

    def __init__(self, words, path):
        self.wrong, self.kind, self.answer = "", "read", ""
        try:
            process = subprocess.run([EXPLAIND, *map(str, words)], capture_output=True, text=True, errors="replace", timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.wrong, self.kind = "goes on for ever", "hangs"
            return
        self.code, self.answer = process.returncode, process.stdout
        told = f"{words[0]}, exit {self.code}: {process.stdout[-200:]}{process.stderr[-400:]}"
        if self.code not in (0, 1, 2):
            self.wrong, self.kind = told, "dies"
        elif self.code and not (words[0] == "verify" and re.search("do(es)? not hold", process.stdout)):
            self.kind = kind_of(process.stderr)
            complaint = wrong_with(process.stderr, path, self.code)
            self.wrong = f"{complaint}: {told}" if complaint else ""
        elif self.code:
            self.kind = "found by verify"


def kind_of(message):
    if "HDF5 crashes" in message or "does not come to an end" in message:
        return "HDF5 crashes or hangs in the child"
    return "damaged" if "damaged" in message else "other message"


def wrong_with(message, path, code):
    """Of a refusal: "" where it says what a message must."""
    if message.count("error: ") != 1:
        return "not one message"
    said = message[message.index("error: "):].strip()
    if code == 2 and "It has " in said:  # what is asked for is not there any more: what there is instead is named
        return ""
    if str(path) not in said:
        return "the file is not named"
    what = said[said.index(str(path)) + len(str(path)):]
    if not re.search(r"^:? \S.*\. [A-Z`'][^.]{3,}", what, re.DOTALL):
        return "no part, or no remedy"
    return ""


VERBS = [lambda path: ["query", path, *ASKED], lambda path: ["inspect", path], lambda path: ["verify", path],
         lambda path: ["report", path, "-o", f"{path}.html"]]


def expect_crash_is_said(folder, whole):
    """A heap of texts whose signature is gone makes HDF5 fail or crash; an extent beyond the file is said by the walk."""
    path = folder / "cut.h5"
    path.write_bytes(whole[:len(whole) * 2 // 3])
    for verb in VERBS:
        ending = Ending(verb(path), path)
        assert not ending.wrong and ending.kind != "read", (verb(path), ending.wrong, ending.kind)


def judged(path, verb, answer):
    """How the verb ends, and of a query whether what it answers is true or known to be damaged."""
    ending = Ending(verb(path), path)
    if ending.wrong or verb(path)[0] != "query" or ending.code != 0 or ending.answer == answer:
        return ending
    verified = Ending(["verify", path], path)
    if verified.wrong or verified.kind != "read":
        ending.kind = "another answer, and verify says so"
    else:
        ending.kind, ending.wrong = "another answer, and verify holds", f"{path.name}: query answers otherwise than of the whole store, and verify holds"
    return ending


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mutations", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for files on which something is wrong")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        folder = pathlib.Path(folder)
        must(decompose(folder / "whole.h5", GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl", "--quadrature", "gauss:2"))
        stores = [(folder / "whole.h5").read_bytes(), OLD.read_bytes()]
        answers = []
        for path in (folder / "whole.h5", OLD):
            process = must(run("query", path, *ASKED))
            assert "damaged" not in process.stderr, process.stderr
            answers.append(process.stdout)
        expect_crash_is_said(folder, stores[0])

        def trial(i):
            path = folder / f"{i}.h5"
            path.write_bytes(mutated(stores[i % 2], random.Random(f"{options.seed} {i}")))
            ending = judged(path, VERBS[i // 2 % len(VERBS)], answers[i % 2])
            if options.keep and ending.wrong:
                path.rename(options.keep / path.name)
            path.unlink(missing_ok=True)
            return ending

        results = list(pool.map(trial, range(options.mutations)))
    counts = collections.Counter(ending.kind for ending in results)
    print(f"{options.mutations} mutations: " + ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())))
    wrong = [f"mutation {i}: {ending.wrong}" for i, ending in enumerate(results) if ending.wrong]
    if wrong:
        raise SystemExit("\n".join(wrong))


main()
