"""A process that is killed at any call by which it changes its files, in the middle of a write: what it had finished is intact by checksums formed
here, its files are read as what they are, and the same command goes on to the same result, bit for bit.

    crash_points.py SHIM             SHIM: the library of kill_at_write.c. The first and last call, and calls of every kind
    crash_points.py SHIM --all       every call of every rank: half an hour
    crash_points.py SHIM --only NAME jobs whose name contains NAME
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import shutil
import signal
import tempfile

from crash_jobs import jobs, said
from program import EXPLAIND
from shimmed_job import fresh

FIRST_OF_THEIR_FORM, OF_OTHERS = ("scores", "run", "series"), 1


class Place:
    """The n-th call of one rank of a job."""

    def __init__(self, job, rank, call):
        self.job, self.rank, self.call = job, rank, call

    def __str__(self):
        return f"{self.job.name}, rank {self.rank}, call {self.call}"


def calls_of(job, rank, shim, folder):
    """What the rank does, in order."""
    where = fresh(folder / f"{job.name}-whole-{rank}")
    process, calls = job.run(where, shim, KILL_REMOVALS=1, KILL_PROGRAM=os.path.basename(EXPLAIND), **({"KILL_RANK": rank} if job.ranks else {}))
    assert process.returncode == 0, (job.name, said(process))
    return calls


def chosen(calls, job, rank, options):
    """From 1. In the suite a job of every form has every kind of call, and a few calls of the others, of which each rank is slow to start."""
    if options.all:
        return range(1, len(calls) + 1)
    generator = random.Random(f"{options.seed} {job.name} {rank}")
    places = collections.defaultdict(list)
    for place, call in enumerate(calls, 1):
        places[call.split()[1]].append(place)
    one_of_each = [generator.choice(each) for each in places.values()]
    if job.name not in FIRST_OF_THEIR_FORM:
        one_of_each = generator.sample(one_of_each, min(OF_OTHERS, len(one_of_each)))
    ends = {len(calls)} if job.ranks else {1, len(calls)}
    return sorted({*ends, *one_of_each})


def kill_at(place, shim, folder):
    """What was complete after the kill; None where the job had ended before it."""
    job, where = place.job, fresh(folder / f"{place.job.name}-{place.rank}-{place.call}")
    process, calls = job.run(where, shim, KILL_AT=place.call, KILL_REMOVALS=1, KILL_PROGRAM=os.path.basename(EXPLAIND),
                             **({"KILL_RANK": place.rank} if job.ranks else {}))
    told = f"{place}: {calls[-1:]}\n{said(process)}\n"
    try:
        if process.returncode == 0:  # ranks flush by the clock, so that fewer calls may be made than were counted
            assert not any(call.startswith("failed") for call in calls), "the call was not killed"
            job.expect_whole(where)
            return None
        assert process.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), "killed, and the exit code is another"
        complete = job.expect_sound(where)
        job.finish_in(where)
    except (AssertionError, OSError) as error:
        raise AssertionError(f"{told}{type(error).__name__}: {error}") from error
    shutil.rmtree(where)
    return complete


def failure_of(trial):
    """(complete, failure): every trial is made, so that faults of one kind are seen together."""
    try:
        return kill_at(*trial), None
    except AssertionError as error:
        return None, str(error)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shim")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    failures = []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        folder = pathlib.Path(folder)
        tried = [job for job in jobs(folder) if options.only in job.name]
        list(pool.map(lambda job: job.measure(fresh(folder / f"{job.name}-whole")), tried))
        pairs = [(job, rank) for job in tried for rank in range(max(1, job.ranks))]
        counted = list(pool.map(lambda pair: calls_of(*pair, options.shim, folder), pairs))
        waiting = []
        for (job, rank), calls in zip(pairs, counted):
            assert len(calls) >= 10 or rank > 0, f"{job.name}: only {calls} were seen: the shim misses some"
            places = list(chosen(calls, job, rank, options))
            print(f"{job.name}, rank {rank}: {len(places)} of {len(calls)} calls", flush=True)
            waiting += [(Place(job, rank, call), options.shim, folder) for call in places]
        found = list(pool.map(failure_of, waiting))
        failures = [failure for _, failure in found if failure]
        for job in tried:
            complete = [done for (place, *_), (done, _) in zip(waiting, found) if place.job is job and done is not None]
            assert failures or (max(complete) > 0 and len(set(complete)) > 1), f"{job.name}: kills left {complete}: all alike"
        killed = sum(done is not None for done, _ in found)
    print(f"{len(found)} attempts, {killed} killed, {len(failures)} lost or unreadable")
    if failures:
        raise SystemExit("\n\n".join(failures))


main()
