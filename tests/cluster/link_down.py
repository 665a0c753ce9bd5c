"""The link between two machines goes down under mpirun. The machines are network namespaces of this one, with host names of their own.

    link_down.py [--only WORD]

SKIPPED, exit code 77, where namespaces cannot be made.
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from program import EXPLAIND, GOLDENS, MPIRUN, SOURCE, must, run, write_samples  # noqa: E402
from store_contents import contents  # noqa: E402

SERIES = GOLDENS / "grouped_query/series"
MACHINES = {"a": "10.213.77.1", "b": "10.213.77.2"}
LINK = "lab0"
LOST_NODE = 205  # mpirun's own code
SILENCE = 5


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(77)


def call(*command):
    subprocess.run([*map(str, command)], check=True, capture_output=True, text=True)


class Network:
    """Two machines with a link between them."""

    def __init__(self, folder):
        self.folder, self.own = folder, f"explaind{os.getpid()}"
        self.agent = folder / "agent.sh"  # mpirun's way to another machine: agent HOST COMMAND…
        self.agent.write_text(f"#!/bin/sh\nshift\nexec {self.on('b')} \"$*\"\n")
        self.agent.chmod(0o755)

    def on(self, machine):
        """Before a line of shell."""
        return f"nsenter --net=/run/netns/{self.own}{machine} unshare --uts sh -c 'hostname lab-{machine}; exec sh -c \"$0\"'"

    def __enter__(self):
        try:
            for machine in MACHINES:
                call("ip", "netns", "add", self.own + machine)
            call("ip", "link", "add", LINK, "netns", self.own + "a", "type", "veth", "peer", "name", LINK, "netns", self.own + "b")
            for machine, address in MACHINES.items():
                call("ip", "-n", self.own + machine, "address", "add", f"{address}/24", "dev", LINK)
                call("ip", "-n", self.own + machine, "link", "set", "lo", "up")
            self.set("up")
            must(subprocess.run(["sh", "-c", f"{self.on('b')} true"], capture_output=True, text=True))
        except (subprocess.CalledProcessError, OSError) as error:
            self.__exit__()
            skip(f"there are no network namespaces here: {error}")
        return self

    def __exit__(self, *_):
        for machine in MACHINES:
            left = subprocess.run(["ip", "netns", "pids", self.own + machine], capture_output=True, text=True).stdout.split()
            for process in left:  # a daemon of mpirun's that waits for the other machine
                os.kill(int(process), signal.SIGKILL)
            subprocess.run(["ip", "netns", "delete", self.own + machine], capture_output=True)

    def set(self, state):
        for machine in MACHINES if state == "up" else "b":
            call("ip", "-n", self.own + machine, "link", "set", LINK, state)

    def start(self, launcher, arguments):
        """A rank on the first machine, two on the second."""
        hosts = ",".join(f"{address}:{slots}" for address, slots in zip(MACHINES.values(), (1, 2)))
        environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_pml="ob1",
                           OMPI_MCA_plm_rsh_agent=str(self.agent), MPIRUN=str(self.folder / "mpirun"))
        wrapper = self.folder / "mpirun"
        wrapper.write_text(f"#!/bin/sh\nexec {MPIRUN} --host {hosts} --bind-to none \"$@\"\n")
        wrapper.chmod(0o755)
        line = " ".join(map(str, [*launcher, "-n", 3, EXPLAIND, *arguments]))
        return subprocess.Popen(["sh", "-c", f"exec {self.on('a')} \"$0\"", line], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                start_new_session=True)


def ranks_at(store):
    """Processes of the program that write this store."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"explaind") and str(store).encode() in words and (process / "stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX":
                found.append(int(process.name))
        except OSError:
            pass
    return found


def kill(job):
    """Whatever is left of it."""
    try:
        os.killpg(job.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(.1)


class Question:
    def __init__(self, folder):
        self.samples = write_samples(folder / "samples.jsonl", [3 + i % 9 for i in range(24)], 60)
        self.folder = folder

    def arguments(self, store, *more):
        return ["decompose", "--series", SERIES, "--samples", self.samples, "--store", store, "--chunk", "4", *more]


def job_without_link(network, question, name, launcher, *more):
    """Starts it, and takes the link away once it works. The process, and when that was."""
    store = question.folder / name
    network.set("up")
    job = network.start(launcher, question.arguments(store, "--quadrature", "midpoint:20000", *more))
    until(lambda: store.exists() or job.poll() is not None, lambda: "it does not begin")
    time.sleep(2)
    assert job.poll() is None, job.communicate()
    assert len(ranks_at(store)) == 3
    network.set("down")
    return job, store, time.monotonic()


def launcher_ends(network, question):
    """With the settings of run.sh mpirun finds out by itself, on both machines."""
    job, store, down = job_without_link(network, question, "launcher.h5", [SOURCE / "launch/run.sh"])
    try:
        _, said = job.communicate(timeout=60)
        assert job.returncode == LOST_NODE, (job.returncode, said)
        until(lambda: not ranks_at(store), lambda: f"ranks are left: {ranks_at(store)}", 20)
        print(f"  mpirun ended after {time.monotonic() - down:.0f} s")
    finally:
        kill(job)


def ranks_end(network, question):
    """Ranks on both sides end, one of those that can still be heard says why, although mpirun hangs. What was finished is gone on with."""
    job, store, down = job_without_link(network, question, "ranks.h5", [MPIRUN, "--host", ",".join(f"{a}:{n}" for a, n in zip(MACHINES.values(), (1, 2)))],
                                        "--silence", SILENCE)
    try:
        until(lambda: not ranks_at(store), lambda: f"ranks are left: {ranks_at(store)}", SILENCE + 20)
        print(f"  the ranks ended after {time.monotonic() - down:.0f} s")
    finally:
        kill(job)
        network.set("up")
    _, said = job.communicate(timeout=60)
    assert re.findall(r"error: rank ([12]) on (\S+) has not been heard since", said) in ([("1", "lab-b")], [("2", "lab-b")]), said
    assert said.count("error:") == 1, said


def finishes(network, question):
    """Nothing is wrong: the ranks reach each other, and come to the plain store."""
    network.set("up")
    store, plain = question.folder / "two.h5", question.folder / "plain.h5"
    job = network.start([SOURCE / "launch/run.sh"], question.arguments(store, "--silence", 2, "--quadrature", "midpoint:60"))
    _, said = job.communicate(timeout=120)
    assert job.returncode == 0 and "note:" not in said and "error" not in said, (job.returncode, said)
    must(run(*question.arguments(plain, "--quadrature", "midpoint:60")))
    assert contents(store) == contents(plain)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "nsenter", "unshare"))):
        skip("network namespaces want root, ip (iproute2), nsenter and unshare")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        question = Question(folder)
        with Network(folder) as network:
            for check in (finishes, ranks_end, launcher_ends):
                if options.only not in check.__name__:
                    continue
                began = time.monotonic()
                check(network, question)
                print(f"{check.__name__}: {time.monotonic() - began:.0f} s", flush=True)


main()
