"""A rank that fails ends the whole job, also where others wait for it: one message that names it, soon."""
import concurrent.futures
import os
import subprocess
import sys
import time

run, failing_rank, lone_error, mpirun = sys.argv[1:]


def job(ranks, *command):
    """Its exit code, and what it said."""
    start = time.monotonic()
    process = subprocess.run(["timeout", "-k", "5", "60", run, "-n", str(ranks), *map(str, command)], capture_output=True, text=True,
                             env=dict(os.environ, MPIRUN=mpirun))
    assert time.monotonic() - start < 30, command
    return process.returncode, process.stdout + process.stderr


def one_message(text):
    """The only line; "[host:pid] …" is Open MPI's own, now and then."""
    said = [line for line in text.splitlines() if not line.startswith("[")]
    assert len(said) == 1 and said[0].count("error:") == 1, text
    return said[0]


# Units: ranks, shards, the one that fails, how it does, exit code, what is said once, and by whom
UNITS = [(1, 1, 0, "fails", 1, "the disk is on fire"), (3, 1, 0, "fails", 1, "the disk is on fire"), (3, 1, 2, "fails", 1, "the disk is on fire"),
         (4, 2, 3, "fails", 1, "the disk is on fire"), (2, 2, 0, "fails", 1, "the disk is on fire"),
         (3, 1, 0, "device", 70, "its device is gone"), (3, 1, 2, "device", 70, "its device is gone"),
         (3, 3, 2, "lost", 70, "rank 2: did not come to gather"), (4, 2, 2, "lost", 70, "rank 2: did not come to gather"),
         (2, 2, 1, "killed", 137, "rank 1"), (4, 2, 2, "killed", 137, "rank 2")]


def expect_unit(case):
    ranks, shards, failing, how, code, message = case
    returned, text = job(ranks, failing_rank, failing, shards, how)
    assert returned == code, (returned, text)
    assert text.count(message) == 1 and f"rank {failing}" in one_message(text), text
    assert ("signal 9" if how == "killed" else "unit") in text, text


# Anywhere else: ranks, the one that fails, how, and who is named
ALONE = [(2, 0, "inside", "rank 0: "), (3, 2, "inside", "rank 2: "), (2, 1, "between", "rank 1: "), (3, 0, "between", "rank 0: "),
         (2, 0, "away", "rank 0: "), (3, 2, "away", "rank 2: "), (2, 1, "at_end", "rank 1: "), (2, 0, "at_end", "rank 0: "),
         (3, 0, "late", "rank 1: "), (3, 2, "late", "rank 0: "), (4, 1, "and_the_next", "rank 1: "), (3, 0, "all", "")]


def expect_named(case):
    ranks, failing, how, named = case
    returned, text = job(ranks, lone_error, failing, how)
    assert returned == 1, (how, returned, text)
    assert one_message(text) == f"error: {named}disk: is on fire", (how, text)


with concurrent.futures.ThreadPoolExecutor(4) as pool:  # most of the time they wait
    for done in [pool.submit(expect_unit, case) for case in UNITS] + [pool.submit(expect_named, case) for case in ALONE]:
        done.result()
print("one message, soon")
