"""File systems without flock (Lustre mounted without it, NFS without its daemon): all verbs work, one run at a time, and nothing stays.

    no_flock.py SHIM      SHIM: the library of no_flock.c

A process of another machine is played by one of another PID namespace, whose life or death nobody here can know: only what it
renews tells. Where namespaces cannot be made that part says SKIPPED.
"""
import errno
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from program import EXPLAIND, GOLDENS, MPIRUN, must, write_samples
from store_contents import committed, contents

SERIES = GOLDENS / "grouped_query/series"
CODES = {"ENOSYS": errno.ENOSYS, "ENOLCK": errno.ENOLCK, "EOPNOTSUPP": errno.EOPNOTSUPP, "ENOTSUPP": 524}
ELSEWHERE = ["unshare", "--pid", "--fork", "--mount-proc"]


def environment(shim, code=None, **more):
    own = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", LD_PRELOAD=shim)
    return own | ({"FLOCK_ERRNO": str(code)} if code else {}) | more


def command(store, samples, *more, ranks=0):
    mpirun = [MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks else []
    return [*mpirun, EXPLAIND, "decompose", "--series", str(SERIES), "--samples", str(samples), "--store", str(store), *more]


def call(arguments, env, timeout=120):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, env=env, timeout=timeout)


def every_verb(folder, shim, samples, reference):
    for name, code in CODES.items():
        for more in ({}, {"HDF5_USE_FILE_LOCKING": "FALSE"}):
            env = environment(shim, code, **more)
            store = folder / "a.h5"
            process = must(call(command(store, samples, ranks=2 if name == "ENOLCK" else 0), env))
            assert process.stderr.count("a lock of files") == 1, process.stderr
            assert contents(store) == reference
            for verb in (["query", store, "--top", "1"], ["inspect", store]):
                must(call([EXPLAIND, *verb], env))
            process = must(call(command(store, samples, "--resume"), env))
            assert "units are there" in process.stdout
            must(call(command(store, samples, "--overwrite"), env))
            assert contents(store) == reference
            # A run that fails: nothing stays.
            store.unlink()
            process = call(command(folder / "none.h5", folder / "missing.jsonl"), env)
            assert process.returncode == 1
            process = call(command(folder / "samples.jsonl", samples), env)
            assert process.returncode == 1 and "exists" in process.stderr
            assert sorted(p.name for p in folder.iterdir()) == ["apart", "reference.h5", "samples.jsonl"], list(folder.iterdir())
    env = environment(shim, errno.ENOLCK, HDF5_USE_FILE_LOCKING="TRUE")
    process = call([EXPLAIND, "query", folder / "reference.h5"], env)
    assert process.returncode == 1 and "HDF5_USE_FILE_LOCKING" in process.stderr, process.stderr
    print("every verb works without flock, whatever the file system answers")


def long_run(folder, env, ranks):
    """A run that lasts, once it has written something; its store and samples."""
    samples = write_samples(folder / "many.jsonl", [40] * 400, 60)
    store = folder / "long.h5"
    job = subprocess.Popen(command(store, samples, "--chunk", "1", "--component", "row", ranks=ranks), env=env,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 60
    while not store.exists() and job.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert job.poll() is None, "the run ended too soon"
    return job, store, samples


def ranks_of(store):
    """Process numbers of those that hold marks of the store."""
    return {int(p.name.split("-")[-2]) for p in pathlib.Path(f"{store}.lock").iterdir()}


def rank_zero_stopped(folder, shim):
    """The first rank stands still; the other one's mark holds the store, whatever the clocks say. Returns what is to be called at the end."""
    if call([*ELSEWHERE, "true"], environment(shim)).returncode != 0:
        print("SKIPPED: no PID namespaces here")
        return None
    env = environment(shim, errno.ENOSYS)
    job, store, samples = long_run(folder, env, 2)
    deadline = time.monotonic() + 10
    while len(ranks_of(store)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    pids = ranks_of(store)
    assert len(pids) == 2, "every rank holds its mark"
    first = next(p for p in pids if b"OMPI_COMM_WORLD_RANK=0\0" in pathlib.Path(f"/proc/{p}/environ").read_bytes())
    os.kill(first, signal.SIGSTOP)
    try:
        for skew in ("-3600", "3600"):
            process = call([*ELSEWHERE, *command(store, samples, "--chunk", "1", "--component", "row", "--overwrite")],
                           environment(shim, errno.ENOSYS, CLOCK_SKEW=skew))
            assert process.returncode == 1 and "in use" in process.stderr, process.stderr
        here = call(command(store, samples, "--chunk", "1", "--component", "row", "--overwrite"), env)
        assert here.returncode == 1 and "in use" in here.stderr, here.stderr
    finally:
        os.kill(first, signal.SIGCONT)
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
    print("a run whose first rank is stopped keeps its store, with clocks an hour apart")
    # The killed run's marks: at once where its processes are known to be gone, else after half a minute.
    while any(pathlib.Path(f"/proc/{p}").exists() for p in pids):
        time.sleep(0.05)
    copy = folder / "copy.h5"
    shutil.copy(store, copy)
    shutil.copytree(f"{store}.lock", f"{copy}.lock")
    begin = time.monotonic()
    few = ["--chunk", "1", "--component", "row", "--resume"]
    stop = subprocess.Popen(command(store, samples, *few), env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in stop.stdout:
        if line.startswith("Going on"):
            break
    stop.send_signal(signal.SIGTERM)
    stop.communicate()
    assert stop.returncode == 75 and time.monotonic() - begin < 25
    assert not pathlib.Path(f"{store}.lock").exists()
    # From another machine nobody knows whether they are gone: that takes half a minute of watching, while other things are tried.
    begin = time.monotonic()
    waiting = subprocess.Popen(list(map(str, [*ELSEWHERE, *command(copy, folder / "samples.jsonl", "--overwrite")])), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True, env=environment(shim, errno.ENOSYS, CLOCK_SKEW="3600"))

    def finish():
        said = waiting.communicate(timeout=200)[1]
        assert waiting.returncode == 0 and "waiting to see whether" in said, said
        assert time.monotonic() - begin >= 30
        assert not pathlib.Path(f"{copy}.lock").exists()
        print("a killed run's marks are recognised by who comes next")

    return finish


class TakenForDead:
    """All ranks of a run (0: a process alone) are stopped for so long that another run takes its store and ends it; then they go on."""

    def __init__(self, folder, shim, ranks):
        self.folder = folder / f"dead-{ranks}"
        self.folder.mkdir()
        self.samples = write_samples(self.folder / "samples.jsonl", [3 + i % 9 for i in range(40)], 60)
        self.few = ["--chunk", "1", "--quadrature", "midpoint:60"]
        self.store = self.folder / "store.h5"
        self.env = environment(shim, errno.ENOSYS)
        self.job = subprocess.Popen(command(self.store, self.samples, *self.few, ranks=ranks), env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while committed(self.store) < 3:
            assert self.job.poll() is None and time.monotonic() < deadline, "the run ended too soon"
            time.sleep(0.02)
        self.pids = ranks_of(self.store)
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)
        self.stopped = time.monotonic()
        self.there = committed(self.store)
        self.next = subprocess.Popen([*ELSEWHERE, *command(self.store, self.samples, *self.few, "--resume")], env=self.env, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)

    def finish(self):
        try:
            printed, said = self.next.communicate(timeout=200)
            assert self.next.returncode == 0 and "waiting to see whether" in said and f"{self.there} of " in printed, (printed, said)
            assert time.monotonic() - self.stopped > 30
            before = hashlib.sha256(self.store.read_bytes()).hexdigest(), self.store.stat().st_mtime_ns
            for pid in self.pids:
                os.kill(pid, signal.SIGCONT)
            _, said = self.job.communicate(timeout=60)
        finally:
            for pid in self.pids:
                if pathlib.Path(f"/proc/{pid}").exists():
                    os.kill(pid, signal.SIGKILL)
        assert self.job.returncode == 1 and "another run has taken it" in said and said.count("error:") == 1, said
        assert before == (hashlib.sha256(self.store.read_bytes()).hexdigest(), self.store.stat().st_mtime_ns), "it has written"
        plain = self.folder / "plain.h5"
        must(call(command(plain, self.samples, *self.few), environment("")))
        assert contents(self.store) == contents(plain)
        assert sorted(p.name for p in self.folder.iterdir()) == ["plain.h5", "samples.jsonl", "store.h5"]
        print("a run that was taken for dead writes no byte when it goes on")


def main():
    shim = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        samples = write_samples(folder / "samples.jsonl", [9, 12, 5], 60)
        must(call(command(folder / "reference.h5", samples), environment(shim)))
        apart = folder / "apart"
        apart.mkdir()
        shutil.copy(samples, apart)
        other_machines = call([*ELSEWHERE, "true"], environment(shim)).returncode == 0
        dead = [TakenForDead(apart, shim, ranks) for ranks in (0, 2)] if other_machines else []
        finish = rank_zero_stopped(apart, shim)
        every_verb(folder, shim, samples, contents(folder / "reference.h5"))
        if finish:
            finish()
        for each in dead:
            each.finish()


main()
