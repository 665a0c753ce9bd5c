"""A real job of 3 ranks is killed again and again, at any time, one of its ranks or mpirun with SIGKILL: no unit is lost whose commit was seen before, each has
its checksum and the bytes of the uninterrupted store, --resume goes on until the result is there, and nothing lies beside it.

    killed_jobs.py              a few kills
    killed_jobs.py --kills 100  and the figures
"""
import argparse
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time

from program import EXPLAIND, MPIRUN, write_samples
from shimmed_job import QUICK, SERIES, finish, names_in
from store_contents import contents
from store_units import expect_intact, tiles_of

RANKS = 3


class KilledJob:
    def __init__(self, folder, generator):
        samples = write_samples(folder / "samples.jsonl", [20 + i % 9 for i in range(120)], 60)
        self.generator, self.where = generator, folder / "out"
        self.where.mkdir()
        self.store = self.where / "o.h5"
        self.command = [MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", str(RANKS), EXPLAIND, "decompose", "--series", str(SERIES),
                        "--samples", str(samples), "--store", str(self.store), "--chunk", "1", "--component", "head", *QUICK]
        begin = time.monotonic()
        process = finish(self.command)
        assert process.returncode == 0, process.stderr
        self.seconds = time.monotonic() - begin
        self.reference, self.tiles = contents(self.store), tiles_of(self.store)
        self.store.unlink()
        self.seen, self.kills, self.victims, self.finished = set(), 0, {"rank": 0, "mpirun": 0}, 0

    def run_and_kill(self):
        """One run, which is killed at some time unless it is done before."""
        command = [*self.command, *(["--resume"] if self.store.exists() else [])]
        environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        job = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        time.sleep(self.generator.random() * 0.7 * self.seconds)
        self.kill(job)
        told, _ = job.communicate(timeout=120)
        self.look(job.returncode, told)

    def kill(self, job):
        ranks = children_of(job.pid)
        victim = self.generator.choice(["rank", "rank", "mpirun"])
        if job.poll() is not None or (victim == "rank" and not ranks):
            return
        try:
            os.kill(self.generator.choice(ranks) if victim == "rank" else job.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # it ended by itself just now
        self.kills += 1
        self.victims[victim] += 1
        wait_for_end(ranks)

    def look(self, code, told):
        intact = expect_intact(self.store, self.tiles)
        lost = self.seen - intact
        assert not lost, f"committed before, and not there any more: {sorted(lost)}\n{told}"
        self.seen = intact
        if code != 0:
            assert code in (-signal.SIGKILL, 1, 137, 128 + signal.SIGKILL), f"exit {code}: {told}"
            return
        assert contents(self.store) == self.reference, f"another result\n{told}"
        assert names_in(self.where) == ["o.h5"], names_in(self.where)
        self.finished += 1
        self.store.unlink()
        self.seen = set()


def children_of(process):
    try:
        return [int(each) for each in pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def wait_for_end(processes, patience=60):
    """Ranks notice that mpirun or another rank is gone."""
    end = time.monotonic() + patience
    while any(is_alive(each) for each in processes):
        assert time.monotonic() < end, f"ranks {processes} outlive the killed job by a minute"
        time.sleep(0.01)


def is_alive(process):
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        job = KilledJob(pathlib.Path(folder).resolve(), random.Random(options.seed))
        units = []
        while job.kills < options.kills:
            job.run_and_kill()
            units.append(len(job.seen))
        job.kills = -1  # and to the end
        process = finish([*job.command, *(["--resume"] if job.store.exists() else [])])
        job.look(process.returncode, process.stdout + process.stderr)
        assert job.finished > 0
    print(f"{sum(job.victims.values())} kills ({job.victims['rank']} of a rank, {job.victims['mpirun']} of mpirun), {job.finished} results reached, "
          f"0 lost, 0 unreadable; units committed after each kill: {min(units)} to {max(units)} of {len(job.tiles)}")


main()
