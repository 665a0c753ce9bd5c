"""A disk that is full, or fails, from some call on: exit 1 and one message that names the file and the cause; never a signal, never a wait.
What was never complete is gone, what is complete stays, and the same command goes on where it can.

    disk_full.py SHIM             SHIM: the library of kill_at_write.c
    disk_full.py SHIM --every     fails at every call: half an hour
    disk_full.py SHIM --seed 7    other calls than those of the suite
    disk_full.py SHIM --only NAME cases whose name contains NAME

Of a case's calls the first ones are all tried, and of the others every k-th, from a place that the seed and the case's name draw, so that a run
takes less than a minute on two cores. The unit tests store_disk_full_tests and runs_disk_full_tests do every call of the writers alone; here the
whole program ends by itself.
"""
import argparse
import collections
import concurrent.futures
import errno
import os
import pathlib
import random
import shutil
import tempfile

from program import SOURCE, must, run, write_samples
from shimmed_job import MODEL, NETWORK, QUICK, SERIES, Job, files_of, finish, fresh, names_in
from store_contents import contents

CODES = (errno.ENOSPC, errno.EIO, errno.EDQUOT)
STEPS = SOURCE / "tests/goldens/optimizer_steps"
FIRST, SPREAD = 2, 4  # calls of a case that fail
FIRST_OF_RANKS, SPREAD_OF_RANKS = 0, 3


def loses_nothing(call):
    """A claim's lock file is closed when all is written and the file is removed: that this fails is rightly no error."""
    return call.startswith("failed close ") and call.endswith(".lock (deleted)")


def expect_one_message(told, code, process, folder):
    assert process.returncode == 1, told
    assert process.stderr.count("error:") == 1, told
    message = process.stderr[process.stderr.index("error:"):]
    assert str(folder) in message, told
    # The tokenizer is another program's work, which has words of its own.
    assert os.strerror(code) in message or "spm_train" in message, told


def expect_what_is_left(told, case, calls, folder):
    left = names_in(folder)
    if case.ranks:  # a rank that ends the job leaves the others' locks and scratch folders, which the next run removes
        left = [path for path in left if ".lock" not in path and ".steps" not in path and ".parts" not in path]
    half = [path for path in left if path.endswith((".tmp", ".lock", ".steps", ".parts"))]
    assert not half, f"{told}\nleft: {half}"
    if case.whole:
        there = sorted({call.split("/")[-1] for call in calls if call.startswith("done rename ")})
        assert case.failing_rank or left == there, f"{told}\nleft: {left}, renamed: {there}"


def fail_at(case, shim, folder, at, code, reference):
    where = fresh(folder / f"{case.name}-{at}")
    process, calls = case.run(where, shim, KILL_AT=at, KILL_ERRNO=code)
    failed = [call for call in calls if call.startswith("failed")]
    told = f"{case.name}, call {at} of {len(calls)}, {errno.errorcode[code]}: exit {process.returncode}\n{process.stderr}\nfailed: {failed[:5]}"
    # Fewer calls may be made than were counted: ranks flush by the clock, and the tokenizer is trained by another program.
    if process.returncode == 0 and all(loses_nothing(call) for call in failed):
        assert case.read(where / case.output) == reference, f"{told}: another result"
        return
    expect_one_message(told, code, process, where)
    expect_what_is_left(told, case, calls, where)
    if case.name == "run" and (where / "run/complete.json").exists():  # all of it was there already
        assert case.read(where / case.output) == reference, f"{told}: another result"
    elif any(where.iterdir()):  # from nothing the command began already
        again = finish(case.command(where) + case.resumed)
        assert again.returncode == 0, (told, again.stdout, again.stderr)
        assert case.read(where / case.output) == reference, f"{told}: another result"
        assert not case.whole or names_in(where) == case.whole, f"{told}\nleft by --resume: {names_in(where)}"
    shutil.rmtree(where)


def cases(folder):
    samples = write_samples(folder / "samples.jsonl", [3, 21, 5], 60)
    must(run("record", "--history", folder / "run", *MODEL, "--epochs", "1"))
    text = folder / "text.txt"
    text.write_text("the cat sat on the mat and the dog sat on the log\n" * 40)
    series = ["decompose", "--series", SERIES, "--samples", samples, "--store"]
    must(run(*series, folder / "store.h5", *QUICK))
    scores = [*series, "OUT/o.h5", "--chunk", "2", *QUICK]
    parts = ["decompose", "--series", folder / "run", "--samples", "validation:0-1", "--store", "OUT/o.h5", "--parts", "decay,rounding,data", *QUICK]
    table = ["query", folder / "store.h5", "--output", "OUT/table"]
    rows = [folder / f"rows{number}.h5" for number in range(2)]
    for store, more in zip(rows, ([7, 9], [4])):
        others = write_samples(folder / f"{store.stem}.jsonl", more, 60)
        others.write_text(others.read_text().replace('"id": "', f'"id": "{store.stem}-'))
        must(run("decompose", "--series", SERIES, "--samples", others, "--store", store, "--component", "row", "--product-form", "split", *QUICK))
    return [
        Job("scores", scores, "o.h5", contents),
        Job("scores-of-2-ranks", [*scores, "--shards", "2"], "o.h5", contents, ranks=2),
        Job("scores-on-rank-1", [*scores, "--shards", "2"], "o.h5", contents, ranks=2, failing_rank=1),
        Job("two-groups-on-rank-1", [*scores, "--segment-groups", "2"], "o.h5", contents, ranks=2, failing_rank=1),
        Job("scalars", [*scores, "--component", "parameter"], "o.h5", contents),
        Job("scalars-of-2-ranks", [*scores, "--component", "parameter"], "o.h5", contents, ranks=2),
        Job("steps", ["decompose", "--series", STEPS / "series", "--samples", STEPS / "samples.jsonl", "--store", "OUT/o.h5", "--source", "steps",
                       "--training-batch", STEPS / "train.jsonl", "--batch-mean", "tokens", "--clip", "0", *QUICK], "o.h5", contents),
        Job("parts", parts, "o.h5", contents),
        Job("parts-of-2-ranks", parts, "o.h5", contents, ranks=2),
        Job("run", ["record", "--history", "OUT/run", *MODEL, "--epochs", "3", "--block-size", "10kB"], "run", files_of, whole=[]),
        Job("series", ["record", "--text", text, "--series", "OUT/series", *NETWORK, "--optimizer-state"], "series", files_of, resumed=["--overwrite"],
             whole=[]),
        Job("study", ["study", "exactness", "--history", folder / "run", "--csv", "OUT/a.csv", "--json", "OUT/a.json", "--rules", "midpoint:1",
                       "--threads", "1"], "a.json", pathlib.Path.exists, resumed=[], whole=["a.csv", "a.json"]),
        Job("losses", ["plan", "--series", SERIES, "--samples", samples, "--losses", "--losses-file", "OUT/losses.csv", "--threads", "1"],
             "losses.csv", pathlib.Path.read_bytes, resumed=[]),
        Job("repacked", ["store", "repack", rows[0], "-o", "OUT/o.h5"], "o.h5", contents, resumed=[]),
        Job("merged", ["store", "merge", *rows, "-o", "OUT/o.h5"], "o.h5", contents, resumed=[]),
        *[Job(form, [*table, "--format", form], "table", pathlib.Path.read_bytes, resumed=[]) for form in ("csv", "npy", "netcdf", "parquet")],
        Job("zarr", [*table, "--format", "zarr"], "table", files_of, resumed=[]),
    ]


def chosen(case, calls, options):
    """The calls to fail at, from 1."""
    if options.every:
        return range(1, calls + 1)
    first, spread = (FIRST_OF_RANKS, SPREAD_OF_RANKS) if case.ranks else (FIRST, SPREAD)
    every = max(1, (calls - first) // spread)
    begin = random.Random(f"{options.seed} {case.name}").randrange(every)
    return [*range(1, min(first, calls) + 1), *range(first + 1 + begin, calls + 1, every)]


def code_of(options, number):
    return getattr(errno, options.error) if options.error else CODES[number % len(CODES)]


def measure(case, shim, folder):
    """Calls of the command where the disk is well, and what it leaves."""
    where = fresh(folder / f"{case.name}-whole")
    process, calls = case.run(where, shim, **({"KILL_RANK": 0} if case.ranks else {}))  # each rank counts its own
    assert process.returncode == 0, (case.name, process.stdout, process.stderr)
    assert len(calls) >= 4, f"{case.name}: only {calls} were seen: the shim misses some"
    return case.read(where / case.output), len(calls)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shim")
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--error", choices=[errno.errorcode[code] for code in CODES], help="this one alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        folder = pathlib.Path(folder)
        tried = [case for case in cases(folder) if options.only in case.name]
        waiting = collections.deque()
        for case, (reference, calls) in zip(tried, pool.map(lambda case: measure(case, options.shim, folder), tried)):
            places = chosen(case, calls, options)
            print(f"{case.name}: {len(places)} of {calls} calls", flush=True)
            for i, at in enumerate(places):
                waiting.append((case, options.shim, folder, at, code_of(options, i + len(case.name)), reference))
        failures = [failure for failure in pool.map(failure_of, waiting) if failure]
        print(f"{len(waiting)} failing disks, {len(failures)} wrong")
    if failures:
        raise SystemExit("\n\n".join(failures))


def failure_of(trial):
    """Empty where all is as it should be: every trial is made, so that faults of one kind are seen together."""
    try:
        fail_at(*trial)
    except (AssertionError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


main()
