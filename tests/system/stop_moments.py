"""SIGUSR1 and SIGTERM at random moments of every verb, from its first one on: it ends in time, with 75 or done, and what is there is whole.

    stop_moments.py [--moments N] [--seed S]      N moments a verb and signal
"""
import argparse
import collections
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time


from program import EXPLAIND, GOLDENS, MPIRUN, must, run, write_samples
from shimmed_job import MODEL, NETWORK
from store_contents import committed, contents

SERIES = GOLDENS / "grouped_query/series"
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
STOPPED = 75


def verbs(folder):
    """Of each verb: its command, and what takes it on where it was stopped."""
    samples = write_samples(folder / "samples.jsonl", [3 + i % 9 for i in range(40)], 60)
    text = folder / "text.txt"
    text.write_text("the cat sat on the mat and the dog sat on the log\n" * 40)
    whole = folder / "whole.h5"
    must(run("decompose", "--series", SERIES, "--samples", samples, "--store", whole, "--chunk", 1))
    must(run("record", "--history", folder / "history", *MODEL, "--epochs", 1))
    series = ["--series", SERIES, "--samples", samples]
    return {
        "decompose": ["decompose", *series, "--store", folder / "o.h5", "--chunk", "1", "--resume"],
        "record a run": ["record", "--history", folder / "o", *MODEL, "--epochs", "40", "--resume"],
        "record a series": ["record", "--text", text, "--series", folder / "s", *NETWORK, "--overwrite"],
        "study": ["study", "exactness", "--history", folder / "history", "--rules", "midpoint:20", "--threads", "1"],
        "plan": ["plan", *series],
        "query": ["query", whole, "--group-by", "kind,step_to,id", "--output", folder / "table.csv", "--format", "csv"],
        "report": ["report", whole, "-o", folder / "report.html", "--overwrite"],
        "verify": ["verify", whole, "--output", folder / "v.json"],
        "verify with weights": ["verify", whole, "--series", SERIES, "--sample", "100%", "--output", folder / "w.json", "--threads", "1"],
        "inspect": ["inspect", whole],
        "inspect a series": ["inspect", SERIES, "--check"],
        "tokenize": ["tokenize", SERIES, "--samples", samples],
    }, whole


def stopped_at(command, number, after):
    """Exit code, and seconds from the signal to the end."""
    process = subprocess.Popen([EXPLAIND, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT)
    try:
        wait_until_it_listens(process.pid, process)
        time.sleep(after)
        sent = time.monotonic()
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        return process.returncode, time.monotonic() - sent, said.decode()
    finally:
        process.kill()


def wait_until_it_listens(pid, job):
    """Until its handlers are set: while the system still loads the program, a signal ends it whatever it is."""
    while job.poll() is None:
        caught = next(int(line.split()[1], 16) for line in open(f"/proc/{pid}/status") if line.startswith("SigCgt"))
        if caught >> (signal.SIGUSR1 - 1) & 1 and caught >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(.001)


def ranks_of(mpirun):
    """Its processes that run the program."""
    found = []
    for child in pathlib.Path(f"/proc/{mpirun.pid}/task/{mpirun.pid}/children").read_text().split():
        try:
            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "explaind":
                found.append(int(child))
        except FileNotFoundError:
            pass
    return found


def expect_all_ranks_stop(folder, whole, after):
    """SIGUSR1 to mpirun, which passes it on, also while MPI begins."""
    store = folder / "two.h5"
    command = ["decompose", "--series", SERIES, "--samples", folder / "samples.jsonl", "--store", store, "--chunk", "1", "--resume"]
    mpirun = subprocess.Popen([MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", "2", EXPLAIND, *map(str, command)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT)
    try:
        while mpirun.poll() is None and len(ranks_of(mpirun)) < 2:
            time.sleep(.001)
        for rank in ranks_of(mpirun):
            wait_until_it_listens(rank, mpirun)
        time.sleep(after)
        mpirun.send_signal(signal.SIGUSR1)
        said = mpirun.communicate(timeout=60)[1].decode()
    finally:
        mpirun.kill()
    assert mpirun.returncode in (0, STOPPED) and "error" not in said, (after, mpirun.returncode, said)
    must(run(*command))
    assert contents(store) == contents(whole), after
    store.unlink()


class Two:
    """mpirun with two ranks, whose processes are known once they listen."""

    def __init__(self, *command):
        self.mpirun = subprocess.Popen([MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", "2", EXPLAIND, *map(str, command)],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT)
        while self.mpirun.poll() is None and len(ranks_of(self.mpirun)) < 2:
            time.sleep(.001)
        self.ranks = sorted(ranks_of(self.mpirun), key=rank_number)

    def end(self):
        said = self.mpirun.communicate(timeout=60)[1].decode()
        return self.mpirun.returncode, said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.mpirun.kill()
        self.mpirun.wait()


def rank_number(pid):
    words = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return int(next(word.split(b"=")[1] for word in words if word.startswith(b"OMPI_COMM_WORLD_RANK=")))


def expect_one_told_stops_all(folder):
    """Slurm's USR1 reaches remote ranks alone under mpirun: whichever rank is told, all stop, each after the unit that it is in."""
    samples = write_samples(folder / "seven.jsonl", [40] * 7, 60)  # 14 units of a third of a second; a rank asks every second whether another was told
    for told in (0, 1):
        store = folder / "told.h5"
        command = ["decompose", "--series", SERIES, "--samples", samples, "--store", store, "--chunk", "1", "--quadrature", "midpoint:300"]
        with Two(*command) as job:
            while job.mpirun.poll() is None and committed(store) < 2:
                time.sleep(.01)
            before, sent = committed(store), time.monotonic()
            os.kill(job.ranks[told], signal.SIGUSR1)
            code, said = job.end()
            seconds = time.monotonic() - sent
        done = committed(store)
        assert code == STOPPED and "error" not in said, (told, code, said)
        assert before <= done <= before + 6 and seconds < 20, (told, before, done, seconds)
        must(run(*command, "--resume"))
        plain = folder / "all-seven.h5"
        if not plain.exists():
            must(run(*command[:5], "--store", plain, *command[7:]))
        assert contents(store) == contents(plain), told
        store.unlink()
        print(f"USR1 to rank {told} alone: both stop after {seconds:.1f} s, {done - before} units later", flush=True)


def expect_truth_at_the_end(folder):
    """All units are handed out, and each of two ranks is in its last. SIGUSR1 lets them finish; after SIGTERM with a short grace both are given up.
    The exit code is 0 where all is there and 75 where not, and --resume finishes."""
    samples = write_samples(folder / "two.jsonl", [40], 60)
    for number, options, whole in ((signal.SIGUSR1, [], True), (signal.SIGTERM, ["--grace", "0.2"], False)):
        store = folder / "last.h5"
        command = ["decompose", "--series", SERIES, "--samples", samples, "--store", store, "--chunk", "1", "--quadrature", "midpoint:1000"]  # two segments
        with Two(*command, *options) as job:
            while job.mpirun.poll() is None and not store.exists():
                time.sleep(.01)
            time.sleep(.3)
            assert committed(store) == 0 and job.mpirun.poll() is None, "the units were too short"
            for rank in job.ranks:
                os.kill(rank, number)
            code, said = job.end()
        assert committed(store) == (2 if whole else 0), (number, code, said)
        assert code == (0 if whole else STOPPED) and "error" not in said, (number, code, said)
        must(run(*command, "--resume"))
        assert committed(store) == 2
        store.unlink()
    print("with all units handed out: finished and 0, or given up and 75, and --resume goes on", flush=True)


def expect_grace(folder):
    """A unit that takes minutes is given up."""
    command = ["decompose", "--series", SERIES, "--samples", folder / "samples.jsonl", "--store", folder / "long.h5", "--quadrature", "midpoint:20000",
               "--grace", "0.3"]
    code, seconds, said = stopped_at(command, signal.SIGTERM, 2)
    assert code == STOPPED and seconds < 5 and "longer than --grace" in said, (code, seconds, said)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--moments", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        commands, whole = verbs(folder)
        for verb, command in commands.items():
            ended = collections.Counter()
            began = time.monotonic()
            must(run(*command))
            takes = time.monotonic() - began
            for number in (signal.SIGUSR1, signal.SIGTERM):
                for _ in range(options.moments):
                    after = draw.uniform(0, takes / 2)  # loading takes the rest
                    if verb == "decompose":
                        (folder / "o.h5").unlink(missing_ok=True)
                    elif verb == "record a run":
                        subprocess.run(["rm", "-rf", folder / "o"], check=True)
                    elif verb == "query":
                        (folder / "table.csv").unlink(missing_ok=True)
                    code, seconds, said = stopped_at(command, number, after)
                    told = f"{verb}, {signal.Signals(number).name} after {after:.2f} of {takes:.2f} s: exit {code} in {seconds:.2f} s\n{said}"
                    assert code in (0, STOPPED), told
                    assert seconds < 10, told
                    assert "error" not in said, told
                    ended[code] += 1
                    if verb == "decompose":
                        must(run(*command))
                        assert contents(folder / "o.h5") == contents(whole), told
            print(f"{verb}: takes {takes:.2f} s; {ended[STOPPED]} stopped, {ended[0]} done before", flush=True)
        for moment in range(options.moments):
            expect_all_ranks_stop(folder, whole, draw.uniform(0, 1.5))
        expect_grace(folder)
        expect_one_told_stops_all(folder)
        expect_truth_at_the_end(folder)


main()
