"""A disk that is full, or fails, from some call on: exit 1 and one message that names the file and the cause; never a signal, never a wait.
What was never complete is gone, what is complete stays, and the same command goes on where it can.

    disk_full.py SHIM            SHIM: the library of kill_at_write.c
    disk_full.py SHIM --every    fails at every call instead of a few of them

The unit tests store_disk_full_tests and runs_disk_full_tests do every call of the writers alone; here the whole program ends by itself.
"""
import concurrent.futures
import errno
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from program import EXPLAIND, GOLDENS, MPIRUN, SOURCE, must, run, write_samples
from store_contents import contents

CODES = (errno.ENOSPC, errno.EIO, errno.EDQUOT)
SERIES, STEPS = GOLDENS / "grouped_query/series", SOURCE / "tests/goldens/optimizer_steps"
MODEL = ["--model", "grokking_transformer", "--modulus", "7", "--train-samples", "20", "--validation-samples", "8", "--hidden", "8", "--heads", "2",
         "--intermediate", "12", "--batch", "8", "--threads", "1"]
QUICK = ["--quadrature", "gauss:2", "--threads", "1", "--device", "cpu"]
SPREAD = 4  # calls of a case that fail, unless all do


class Case:
    """A command whose files lie in a folder of its own. output: what is compared; resumed: the option by which the command goes on."""

    def __init__(self, name, arguments, output, read, ranks=0, failing_rank=None, resumed="--resume"):
        self.name, self.arguments, self.output, self.read, self.ranks, self.failing_rank = name, arguments, output, read, ranks, failing_rank
        self.resumed = resumed

    def command(self, folder, **variables):
        words = [str(word).replace("OUT", str(folder)) for word in self.arguments]
        program = ["env", *(f"{name}={value}" for name, value in variables.items()), EXPLAIND, *words]
        if self.ranks:
            program = [MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", str(self.ranks), *program]
        return ["timeout", "-k", "5", "60", *program]


def finish(command):
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    return subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment)


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def expect_one_message(case, at, code, process, folder):
    told = f"{case.name}, call {at}, {errno.errorcode[code]}: exit {process.returncode}\n{process.stderr}"
    assert process.returncode == 1, told
    assert process.stderr.count("error:") == 1, told
    message = process.stderr[process.stderr.index("error:"):]
    assert str(folder) in message, told
    # The tokenizer is another program's work, which has words of its own.
    assert os.strerror(code) in message or "spm_train" in message, told


def expect_nothing_half_made(case, at, folder):
    left = [str(path.relative_to(folder)) for path in folder.rglob("*")]
    half = [path for path in left if path.endswith(".tmp") or ".steps" in path or ".parts" in path]
    assert not half, (case.name, at, half)


def fail_at(case, shim, folder, at, code, reference):
    where = fresh(folder / f"{case.name}-{at}")
    rank = {"KILL_RANK": case.failing_rank} if case.failing_rank is not None else {}
    process = finish(case.command(where, LD_PRELOAD=shim, KILL_FILE=where, KILL_AT=at, KILL_ERRNO=code, **rank))
    # Ranks flush by the clock, and the tokenizer is trained by another program: then fewer calls were made.
    if (case.ranks or case.name == "series") and process.returncode == 0:
        assert case.read(where / case.output) == reference, f"{case.name}, call {at}: not seen, and another result"
        return
    expect_one_message(case, at, code, process, where)
    expect_nothing_half_made(case, at, where)
    if case.name == "run" and (where / "run/complete.json").exists():  # all of it was there already
        assert case.read(where / case.output) == reference, f"{case.name}, call {at}: another result"
        return
    again = finish(case.command(where) + [case.resumed])
    assert again.returncode == 0, (case.name, at, again.stdout, again.stderr)
    assert case.read(where / case.output) == reference, f"{case.name}, call {at}: another result"
    shutil.rmtree(where)


def cases(folder):
    samples = write_samples(folder / "samples.jsonl", [3, 21, 5], 60)
    must(run("record", "--history", folder / "run", *MODEL, "--epochs", "1"))
    text = folder / "text.txt"
    text.write_text("the cat sat on the mat and the dog sat on the log\n" * 40)
    scores = ["decompose", "--series", SERIES, "--samples", samples, "--store", "OUT/o.h5", "--chunk", "2", *QUICK]
    small = ["--hidden", "8", "--layers", "1", "--heads", "2", "--key-value-heads", "1", "--intermediate", "8", "--vocabulary", "300", "--sequence-length",
             "16", "--batch", "2", "--max-steps", "2", "--checkpoints", "2", "--threads", "1"]
    return [
        Case("scores", scores, "o.h5", contents),
        Case("scores-of-2-ranks", [*scores, "--shards", "2"], "o.h5", contents, ranks=2),
        Case("scores-on-rank-1", [*scores, "--shards", "2"], "o.h5", contents, ranks=2, failing_rank=1),
        Case("two-groups-on-rank-1", [*scores, "--segment-groups", "2"], "o.h5", contents, ranks=2, failing_rank=1),
        Case("scalars", [*scores, "--component", "parameter"], "o.h5", contents),
        Case("scalars-of-2-ranks", [*scores, "--component", "parameter"], "o.h5", contents, ranks=2),
        Case("steps", ["decompose", "--series", STEPS / "series", "--samples", STEPS / "samples.jsonl", "--store", "OUT/o.h5", "--source", "steps",
                       "--training-batch", STEPS / "train.jsonl", "--batch-mean", "tokens", "--clip", "0", *QUICK], "o.h5", contents),
        Case("parts", ["decompose", "--series", folder / "run", "--samples", "validation:0-1", "--store", "OUT/o.h5", "--parts", "decay,rounding,data", *QUICK], "o.h5", contents),
        Case("parts-of-2-ranks", ["decompose", "--series", folder / "run", "--samples", "validation:0-1", "--store", "OUT/o.h5", "--parts", "decay,rounding,data", *QUICK], "o.h5",
             contents, ranks=2),
        Case("run", ["record", "--history", "OUT/run", *MODEL, "--epochs", "3", "--block-size", "10kB"], "run", files_of),
        Case("series", ["record", "--text", text, "--series", "OUT/series", *small, "--optimizer-state"], "series", files_of, resumed="--overwrite"),
        Case("study", ["study", "exactness", "--history", folder / "run", "--csv", "OUT/a.csv", "--json", "OUT/a.json", "--rules", "midpoint:1",
                       "--threads", "1"], "a.json", pathlib.Path.exists, resumed="--reports=1"),
        Case("losses", ["plan", "--series", SERIES, "--samples", samples, "--losses", "--losses-file", "OUT/losses.csv", "--threads", "1"],
             "losses.csv", pathlib.Path.read_bytes, resumed="--losses"),
    ]


def try_case(case, shim, folder, every):
    counted = fresh(folder / f"{case.name}-whole")
    count = folder / f"{case.name}.count"
    rank = {"KILL_RANK": case.failing_rank or 0} if case.ranks else {}
    process = finish(case.command(counted, LD_PRELOAD=shim, KILL_FILE=counted, KILL_COUNT=count, **rank))
    assert process.returncode == 0, (case.name, process.stdout, process.stderr)
    calls = count.stat().st_size
    assert calls >= 4, f"{case.name}: only {calls} calls were seen: the shim misses some"
    reference = case.read(counted / case.output)
    chosen = range(1, calls + 1) if every else sorted({1 + (calls - 1) * i // (SPREAD - 1) for i in range(SPREAD)})
    for i, at in enumerate(chosen):
        fail_at(case, shim, folder, at, CODES[(i + len(case.name)) % len(CODES)], reference)
    return f"{case.name}: {len(chosen)} of {calls} calls"


def main():
    shim, every = sys.argv[1], "--every" in sys.argv
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        folder = pathlib.Path(folder)
        for line in pool.map(lambda case: try_case(case, shim, folder, every), [case for case in cases(folder) if only in case.name]):
            print(line, flush=True)


main()
