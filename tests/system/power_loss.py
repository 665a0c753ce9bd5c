"""A power failure at any moment, simulated: of a job's files only what was synced is left, or that and any part of the rest. Then the store opens or is not
there, units whose commit was synced are intact, and the same command goes on to the same result, bit for bit.

    power_loss.py SHIM             SHIM: the library of kill_at_write.c. A few moments of a job of every form
    power_loss.py SHIM --moments N N moments of every job
    power_loss.py SHIM --all       every moment of every job, three states each: an hour
    power_loss.py SHIM --only NAME jobs whose name contains NAME
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import shutil
import tempfile

from crash_jobs import jobs, said
from program import EXPLAIND
from shimmed_job import fresh
from simulated_disk import Disk

IN_THE_SUITE, MOMENTS = ("scores", "run", "series"), 4
STATES = ("nothing more", "names without bytes", "some of it")


class Log:
    """What an uninterrupted job did to its files."""

    def __init__(self, job, shim, folder):
        self.where, log, data = fresh(folder / f"{job.name}-logged"), folder / f"{job.name}.log", folder / f"{job.name}.data"
        process, _ = job.run(self.where, shim, KILL_FILE=self.where, KILL_LOG=log, KILL_DATA=data, KILL_PROGRAM=os.path.basename(EXPLAIND))
        assert process.returncode == 0, (job.name, said(process))
        self.job, self.lines, self.data = job, log.read_text().splitlines(), data.read_bytes()
        self.expect_whole()

    def disk_after(self, moment):
        """The disk once the first `moment` lines were done."""
        disk, taken = Disk(self.where), 0

        def take(size):
            nonlocal taken
            taken += size
            return self.data[taken - size:taken]

        for line in self.lines[:moment]:
            disk.act(line, take)
        return disk

    def expect_whole(self):
        """The log misses nothing: all of it makes the files that are there. And nothing waits for a sync when the program has ended."""
        disk = self.disk_after(len(self.lines))
        for how, renames, kept in (("what was done", len(disk.waiting), True), ("what was synced", 0, False)):
            target = fresh(self.where.with_suffix(".made"))
            disk.leave(target, renames, lambda: kept)
            for lock in list(target.rglob("*.lock")):  # that it is gone need not be synced: the next run sees that nobody holds it
                assert not kept
                shutil.rmtree(lock) if lock.is_dir() else lock.unlink()
            try:
                self.job.expect_whole(target)
            except (AssertionError, OSError) as error:
                raise SystemExit(f"{self.job.name}: {how} until the program ended is not all of its result: {error}") from error


def lose_power(log, moment, state, seed, folder):
    """What was complete afterwards."""
    job, generator = log.job, random.Random(f"{seed} {log.job.name} {moment}")
    where = fresh(folder / f"{job.name}-{moment}-{STATES.index(state)}")
    disk = log.disk_after(moment)
    if state == "nothing more":
        disk.leave(where, 0, lambda: False)
    elif state == "names without bytes":
        disk.leave(where, len(disk.waiting), lambda: False)
    else:
        disk.leave(where, generator.randrange(len(disk.waiting) + 1), lambda: generator.random() < 0.5)
    left = sorted(str(each.relative_to(where)) for each in where.rglob("*"))
    told = f"{job.name}, after {moment} of {len(log.lines)} calls, {state}: {log.lines[moment - 1]}; left: {left}\n"
    try:
        complete = job.expect_sound(where)
        job.finish_in(where)
    except Exception as error:  # whatever h5py says of a file that it cannot read
        raise AssertionError(f"{told}{type(error).__name__}: {error}") from error
    shutil.rmtree(where)
    return complete


def outcome(trial):
    """(complete, failure)"""
    try:
        return lose_power(*trial), None
    except AssertionError as error:
        return None, str(error)


def moments_of(log, options):
    """States differ only where something was done since: a moment after each call, of the suite's a few, the last among them."""
    every = range(1, len(log.lines) + 1)
    if options.all:
        return [(moment, state) for moment in every for state in STATES]
    generator = random.Random(f"{options.seed} {log.job.name}")
    chosen = sorted(generator.sample(every, min(options.moments or MOMENTS, len(every))))
    return [(moment, STATES[i % len(STATES)]) for i, moment in enumerate(chosen)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shim")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--moments", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        folder = pathlib.Path(folder).resolve()
        tried = [job for job in jobs(folder) if options.only in job.name and (options.all or options.moments or options.only or job.name in IN_THE_SUITE)]
        list(pool.map(lambda job: job.measure(fresh(folder / f"{job.name}-whole")), tried))
        logs = list(pool.map(lambda job: Log(job, options.shim, folder), tried))
        trials = []
        for log in logs:
            moments = moments_of(log, options)
            print(f"{log.job.name}: {len(moments)} states of {len(log.lines)} moments", flush=True)
            trials += [(log, moment, state, options.seed, folder) for moment, state in moments]
        found = list(pool.map(outcome, trials))
    failures = [failure for _, failure in found if failure]
    for log in logs if options.all else []:
        complete = [done for (where, *_), (done, failure) in zip(trials, found) if where is log and not failure]
        assert failures or (max(complete) > 0 and len(set(complete)) > 1), f"{log.job.name}: failures left {complete}: all alike"
    print(f"{len(found)} power failures, {len(failures)} lost or unreadable")
    if failures:
        raise SystemExit("\n\n".join(failures))


main()
