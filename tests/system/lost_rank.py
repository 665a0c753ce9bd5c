"""A rank that is lost ends the job, with its name and exit code 70; whoever merely stands still, or is busy, does not.

    lost_rank.py SHIM [--only WORD]      SHIM: the library of fail_on_a_rank.c
"""
import argparse
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

from program import EXPLAIND, GOLDENS, MPIRUN, must, run, write_samples
from store_contents import contents

SERIES = GOLDENS / "grouped_query/series"
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
LOST = 70
SILENCE = 2


class Job:
    """decompose on some ranks, under the mpirun of a shell."""

    def __init__(self, arguments, ranks, prefix=(), faults=()):
        self.began = time.monotonic()
        self.mpirun = subprocess.Popen([*prefix, MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *faults, EXPLAIND, *map(str, arguments)],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.pids = {}
        while len(self.pids) < ranks:
            assert self.mpirun.poll() is None, self.mpirun.communicate()
            for process in pathlib.Path(f"/proc/{self.mpirun.pid}/task/{self.mpirun.pid}/children").read_text().split():
                try:
                    variables = pathlib.Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
                    rank = next(v for v in variables if v.startswith(b"OMPI_COMM_WORLD_RANK="))
                    if pathlib.Path(f"/proc/{process}/comm").read_text().strip() == "explaind":
                        self.pids[int(rank.split(b"=")[1])] = int(process)
                except (FileNotFoundError, ProcessLookupError, StopIteration):
                    pass
            time.sleep(.01)

    def signal(self, number, *ranks):
        for rank in ranks or self.pids:
            os.kill(self.pids[rank], number)

    def end(self, timeout=60):
        """Exit code, standard error; no process is left."""
        try:
            _, said = self.mpirun.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            for pid in self.pids.values():
                os.kill(pid, signal.SIGKILL)
            raise
        until(lambda: all(state_of(pid) in "ZX" for pid in self.pids.values()), {pid: state_of(pid) for pid in self.pids.values()}, 20)
        return self.mpirun.returncode, said


def state_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


def until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(.02)


def ports_of(pid):
    """TCP ports at which a process listens."""
    own = set()
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            own.add(os.readlink(descriptor))
        except OSError:
            pass
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in own:
                ports.add(int(words[1].rsplit(":", 1)[1], 16))
    return ports


class Question:
    def __init__(self, folder, shim):
        self.folder, self.shim = folder, shim
        self.samples = write_samples(folder / "samples.jsonl", [3 + i % 9 for i in range(24)], 60)
        self.long, self.few = {"quadrature": "midpoint:20000"}, {"quadrature": "midpoint:100"}
        must(run(*self.arguments("few.h5", **self.few)))

    def arguments(self, store, **more):
        options = {"series": SERIES, "samples": self.samples, "store": self.folder / store, "chunk": 4, "silence": SILENCE} | more
        return ["decompose", *[word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]]

    def expect_few(self, store):
        """What one process comes to."""
        assert contents(store) == contents(self.folder / "few.h5")


def until_it_works(job, store):
    until(lambda: store.exists() or job.mpirun.poll() is not None, store)
    time.sleep(.5)
    assert job.mpirun.poll() is None, job.mpirun.communicate()


def stopped_rank(question):
    """Each rank in turn: the others end, one of them says who is lost. What was finished is gone on with."""
    for rank in range(3):
        store = question.folder / f"stopped-{rank}.h5"
        job = Job(question.arguments(store.name, **question.long), 3)
        until_it_works(job, store)
        stopped = time.monotonic()
        job.signal(signal.SIGSTOP, rank)
        code, said = job.end()
        assert code == LOST, (code, said)
        named = re.findall(r"error: rank (\d) on (\S+) has not been heard since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(\d+ s\)", said)
        assert named == [(str(rank), socket.gethostname())], said
        assert said.count("error:") == 1 and "--resume goes on" in said, said
        # mpirun lets the stopped one go on, with a SIGTERM: where that is rank 0, it says what it says to any.
        assert rank == 0 or "Stopping" not in said, said
        assert SILENCE <= time.monotonic() - stopped < SILENCE + 10, said


def all_stopped(question):
    """All for longer than the silence, then each a little later than the one before: nobody is blamed, and nobody else has got the store."""
    store = question.folder / "all.h5"
    job = Job(question.arguments(store.name, **question.few), 3)
    until_it_works(job, store)
    job.signal(signal.SIGSTOP)
    stopped = time.monotonic()
    other = run(*question.arguments(store.name, **question.few), "--overwrite")
    assert other.returncode == 1 and "is in use by another run" in other.stderr, other.stderr
    time.sleep(max(0, stopped + 2.5 * SILENCE - time.monotonic()))
    for rank in (2, 0, 1):
        job.signal(signal.SIGCONT, rank)
        time.sleep(SILENCE / 4)
    code, said = job.end(120)
    assert code == 0 and "error" not in said, (code, said)
    question.expect_few(store)


def busy_ranks(question):
    """Eight ranks on one processor, and a unit that lasts longer than the silence."""
    first = sorted(os.sched_getaffinity(0))[0]
    arguments = question.arguments("busy.h5", chunk=24, quadrature="midpoint:60", silence=1)
    job = Job(arguments, 8, prefix=["taskset", "-c", str(first)])
    code, said = job.end(120)
    assert code == 0 and "error" not in said and time.monotonic() - job.began > 2, (code, said)


def strangers(question):
    """Who connects and says something else, or nothing, changes nothing."""
    store = question.folder / "strangers.h5"
    job = Job(question.arguments(store.name, **question.few), 3, prefix=["env", "OMPI_MCA_btl=self,vader"])  # MPI itself has no ports then
    until_it_works(job, store)
    ports = [port for pid in job.pids.values() for port in ports_of(pid)]
    assert len(ports) == 3, ports
    ends, sockets = threading.Event(), []

    def disturb():
        texts = [b"", b"XHB1", b"XHB1" + bytes(24), b"GET / HTTP/1.1\r\n\r\n" * 100, os.urandom(4096)]
        while not ends.is_set() and len(sockets) < 300:
            for port in ports:
                try:
                    stranger = socket.create_connection(("127.0.0.1", port), timeout=1)
                    stranger.sendall(texts[len(sockets) % len(texts)])
                    sockets.append(stranger)
                except OSError:
                    pass
            ends.wait(.01)

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    try:
        code, said = job.end(120)
    finally:
        ends.set()
        disturbing.join()
    assert len(sockets) > 20, "nobody could connect"
    assert code == 0 and "error" not in said, (code, said)
    question.expect_few(store)


def own_error(question):
    """A rank's own error is what is said, although mpirun takes longer than the silence to end the others."""
    faults = ["env", f"LD_PRELOAD={question.shim}", "FAULT_KIND=mpi", "FAULT_RANK=1", "FAULT_AT=20", "FAULT_FILE=.h5", f"FAULT_CALLS={question.folder / 'calls'}"]
    job = Job(question.arguments("own.h5", segment_groups=3, silence=1), 3, faults=faults)
    code, said = job.end()
    assert code == 1 and "heard" not in said and said.count("error:") == 1, (code, said)


def switched_off(question):
    """Nobody is watched: a rank that stands still for longer than the silence of the others is waited for."""
    for silence, ranks in ((0, 2), (SILENCE, 1)):
        store = question.folder / f"off-{ranks}.h5"
        job = Job(question.arguments(store.name, **question.few | {"silence": silence}), ranks)
        until_it_works(job, store)
        threads = len(list(pathlib.Path(f"/proc/{job.pids[0]}/task").iterdir()))
        job.signal(signal.SIGSTOP, ranks - 1)
        time.sleep(1.5 * SILENCE)
        job.signal(signal.SIGCONT, ranks - 1)
        code, said = job.end(120)
        assert code == 0 and "error" not in said, (threads, code, said)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shim")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        question = Question(pathlib.Path(name), options.shim)
        for check in (stopped_rank, all_stopped, busy_ranks, strangers, own_error, switched_off):
            if options.only not in check.__name__:
                continue
            began = time.monotonic()
            check(question)
            print(f"{check.__name__}: {time.monotonic() - began:.1f} s", flush=True)


main()
