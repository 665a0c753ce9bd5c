"""Places that work against a run. A read-only mount: what is there is read, what would write says so in one message and leaves nothing. A clock that jumps by
days, forth and back, on all ranks: results are the same bit for bit, a killed run is gone on with, and nothing lies beside it.

Where mounts are not permitted, or faketime is not installed, that part says SKIPPED.
"""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from crash_jobs import jobs, said
from program import EXPLAIND, must, run
from shimmed_job import QUICK, SERIES, finish, fresh, names_in

FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
JUMPS = ("+0", "+1d", "-400d", "+3650d", "-1h")
READ_ONLY = ["unshare", "-m", "bash", "-c", 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"']


def on_read_only(folder, *command):
    return finish(["timeout", "-k", "5", "100", *READ_ONLY, str(folder), *map(str, command)])


def read_only_mount(folder):
    place = fresh_folder(folder / "place")
    whole, part = place / "whole.h5", place / "part.h5"
    samples = folder / "samples.jsonl"
    scores = ["decompose", "--series", SERIES, "--samples", samples, "--chunk", "2", *QUICK]
    must(run(*scores, "--store", whole))
    shutil.copy(whole, part)
    if on_read_only(place, "true").returncode != 0:
        print("SKIPPED: a read-only mount (mounting is not permitted here)")
        return
    before = {name: (place / name).read_bytes() for name in names_in(place)}
    for verb in (["query", whole, "--group-by", "kind"], ["inspect", whole], ["verify", whole, "--output", folder / "verified.json"],
                 ["report", whole, "-o", folder / "page.html"]):
        process = on_read_only(place, EXPLAIND, *verb)
        assert process.returncode == 0, (verb, said(process))
    writes = {
        "a new store": [*scores, "--store", place / "new.h5"], "resume": [*scores, "--store", part, "--resume"],
        "overwrite": [*scores, "--store", part, "--overwrite"], "verify": ["verify", whole], "report": ["report", whole, "-o", place / "page.html"],
        "query": ["query", whole, "--output", place / "table"],
        "a run": ["record", "--history", place / "run", "--model", "grokking_transformer", "--modulus", "7", "--train-samples", "20", "--validation-samples", "8",
                  "--hidden", "8", "--heads", "2", "--intermediate", "12", "--epochs", "1"]}
    for name, words in writes.items():
        process = on_read_only(place, EXPLAIND, *words)
        message = process.stderr[process.stderr.find("error:"):]
        assert process.returncode == 1 and process.stderr.count("error:") == 1, (name, said(process))
        assert str(place) in message and "ead-only" in message, (name, message)
        after = {each: (place / each).read_bytes() for each in names_in(place)}
        assert after == before, (name, set(after) ^ set(before))
    print(f"a read-only mount: 4 verbs read, {len(writes)} commands that write are refused, nothing lost")


def fresh_folder(path):
    fresh(path)
    return path


class JumpingClock:
    """Another time of day every few milliseconds, for all processes that look at the file."""

    def __init__(self, folder, seed):
        self.file, self.generator, self.ends = folder / "clock", random.Random(seed), threading.Event()
        self.jump()
        self.thread = threading.Thread(target=self.run)

    def jump(self):
        next_one = self.file.with_suffix(".next")
        next_one.write_text(self.generator.choice(JUMPS) + "\n")
        next_one.rename(self.file)

    def run(self):
        while not self.ends.wait(0.02):
            self.jump()

    def __enter__(self):
        self.thread.start()
        return {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": self.file, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1"}

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()


def jumping_clock(folder):
    if not FAKETIME.exists():
        print("SKIPPED: a clock that jumps (faketime is not installed)")
        return
    with JumpingClock(folder, 0) as variables:
        days, deadline = set(), time.monotonic() + 10
        while len(days) < 2 and time.monotonic() < deadline:
            days.add(subprocess.run(["date", "+%F"], capture_output=True, text=True, env=os.environ | {k: str(v) for k, v in variables.items()}).stdout)
        assert len(days) > 1, f"the clock does not jump: {days}"
    tried = [job for job in jobs(folder) if job.name in ("scores", "scores-of-2-groups", "marked", "run", "series")]
    for number, job in enumerate(tried):
        job.measure(fresh_folder(folder / f"{job.name}-whole"))
        with JumpingClock(folder, number) as variables:
            where = fresh_folder(folder / f"{job.name}-jumping")
            process = finish(job.command(where, **variables))
            assert process.returncode == 0, (job.name, said(process))
            job.expect_whole(where)
            where = fresh_folder(folder / f"{job.name}-killed")
            killed = subprocess.Popen(job.command(where, **variables), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                                      env=dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1"))
            while not any(where.iterdir()) and killed.poll() is None:
                pass
            os.killpg(killed.pid, signal.SIGKILL)
            killed.wait()
        with JumpingClock(folder, -number) as variables:
            job.variables = job.variables | variables
            job.expect_sound(where)
            job.finish_in(where)
        print(f"a clock that jumps, {job.name}: the same result, also after a kill", flush=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder).resolve()
        jobs(folder)  # writes the samples
        read_only_mount(folder)
        jumping_clock(folder)


main()
