"""Ctrl-C and the signals of schedulers: what is finished is kept, what was said is true, and --resume goes on to the same result.

A job is stopped, gone on with and stopped again, by one signal after another, and compared once it has come to its end: so each part takes little
more than the work of two whole runs. Every wait has a deadline, and everything that was started is ended.
"""
import fcntl
import os
import pathlib
import pty
import re
import signal
import subprocess
import tempfile
import termios
import time

import h5py
from safetensors.numpy import load_file

from program import EXPLAIND, GOLDENS, MPIRUN, must, run, write_samples
from store_contents import committed, contents

SERIES = GOLDENS / "grouped_query/series"
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
KEPT = "--resume goes on"
MODULAR = ["--model", "grokking_transformer", "--modulus", "11", "--hidden", "16", "--heads", "2", "--intermediate", "16",
           "--validation-samples", "10", "--learning-rate", "0.01", "--threads", "1"]
SAMPLES, UNITS = 120, 240  # two segments
DEADLINE = 60  # seconds, for what takes one
STOPPED = 75


class Job:
    """A program that never outlives its test. Under mpirun `ranks` of them."""

    def __init__(self, *command, ranks=0):
        launcher = [MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks else []
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen(launcher + [EXPLAIND, *map(str, command)], stdout=self.said, stderr=subprocess.STDOUT, env=ENVIRONMENT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()  # mpirun ends its ranks
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.said.close()

    def text(self):
        return os.pread(self.said.fileno(), 1 << 20, 0).decode(errors="replace")

    def stop(self, number):
        self.process.send_signal(number)

    def end(self):
        return self.process.wait(timeout=DEADLINE), self.text()


class Terminal:
    """A program in the foreground of a terminal of its own, where Ctrl-C is a key."""

    def __init__(self, *command):
        self.screen, slave = pty.openpty()

        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([EXPLAIND, *map(str, command)], stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal,
                                        env=ENVIRONMENT)
        os.close(slave)
        os.set_blocking(self.screen, False)
        self.read = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.screen)

    def text(self):
        """What is on the screen by now."""
        try:
            while piece := os.read(self.screen, 65536):
                self.read += piece.decode(errors="replace")
        except OSError:  # nothing more at present, or the program has ended
            pass
        return self.read

    def stop(self, _):
        os.write(self.screen, b"\x03")

    def end(self):
        deadline = time.monotonic() + DEADLINE
        while self.process.poll() is None and time.monotonic() < deadline:
            self.text()  # a screen that nobody reads is full some time
            time.sleep(0.01)
        return self.process.wait(0), self.text()


def wait_for(condition, job):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert job.process.poll() is None, f"the run had ended before it could be stopped: {job.text()}"
        assert time.monotonic() < deadline, f"the run stands still: {job.text()}"
        time.sleep(0.01)


def stopped_after_more_units(job, store, number):
    """Sends the signal once units have been added. Exit code, text, units that are there."""
    before = committed(store)
    with job:
        wait_for(lambda: re.search(r"decompose [^\n]*\b[1-9][0-9]*/", job.text()), job)  # the store may say so a second later
        job.stop(number)
        code, text = job.end()
    done = committed(store)
    assert before < done < UNITS, f"{number}: {before} of {UNITS} units, then {done}\n{text}"
    assert KEPT in text, (number, code, text)
    assert not [path for path in store.parent.glob(f"{store.name}.*") if ".lock" not in path.name], "what is not finished goes"
    return code, text, done


def decomposition(folder):
    samples = write_samples(folder / "samples.jsonl", [30] * SAMPLES, 60)
    # mpirun takes a second to pass TERM on: units must be long enough that some are left then, on a fast machine too.
    options = ["--series", SERIES, "--samples", samples, "--chunk", "1", "--component", "row", "--quadrature", "gauss:30", "--threads", "1"]
    must(run("decompose", *options, "--store", folder / "whole.h5"))
    whole = contents(folder / "whole.h5")
    assert committed(folder / "whole.h5") == UNITS
    store = folder / "stopped.h5"
    command = ["decompose", *options, "--store", store, "--resume"]

    def comes_to_the_same():
        must(run(*command))
        assert contents(store) == whole
        assert sorted(path.name for path in folder.glob("stopped.h5*")) == ["stopped.h5"]
        store.unlink()

    # Before the first unit: while the weights are read, or earlier.
    for delay in (0.15, 0.4):
        with Job(*command) as job:
            time.sleep(delay)
            job.stop(signal.SIGTERM)
            code, text = job.end()
        assert code in (STOPPED, -signal.SIGTERM), (code, text)  # before main there is no handler
        assert "error" not in text, text

    # One rank: a key in a terminal, and what schedulers send. The first range that a rank alone is handed is half of all units.
    counts = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        code, text, done = stopped_after_more_units(Terminal(*command) if number == signal.SIGINT else Job(*command), store, number)
        assert code == STOPPED and "Stopped on request" in text, (number, code, text)
        counts.append(done)
    comes_to_the_same()
    print(f"Ctrl-C, TERM and USR1 to one rank, one after the other: exit 75 after {counts} of {UNITS} units, gone on with: the same")

    # Two ranks. mpirun passes USR1 on; Ctrl-C and TERM make it end all ranks within a second or so, and its own exit code is 1.
    counts, codes = [], {}
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
        codes[number.name], text, done = stopped_after_more_units(Job(*command, ranks=2), store, number)
        assert "error:" not in text, (number, text)
        counts.append(done)
    assert codes["SIGUSR1"] == STOPPED and 0 not in codes.values(), codes
    comes_to_the_same()
    print(f"under mpirun: {codes} after {counts} units; what was finished is kept, and gone on with: the same")

    # A second Ctrl-C ends at once: a unit here is made to last.
    long = write_samples(folder / "long.jsonl", [60] * 400, 60)
    with Terminal("decompose", "--series", SERIES, "--samples", long, "--chunk", "400", "--quadrature", "gauss:300", "--store", store) as terminal:
        wait_for(store.exists, terminal)
        time.sleep(2)  # until the unit is in work: before it the run would just end
        terminal.stop(signal.SIGINT)
        wait_for(lambda: KEPT in terminal.text(), terminal)
        time.sleep(0.2)
        assert terminal.process.poll() is None, "the unit in work goes on after the first"
        terminal.stop(signal.SIGINT)
        begin = time.monotonic()
        code, text = terminal.end()
    assert code == -signal.SIGINT and time.monotonic() - begin < 10, (code, text)
    must(run("decompose", "--series", SERIES, "--samples", samples, "--chunk", str(SAMPLES), "--quadrature", "gauss:1", "--store", store, "--overwrite"))
    print("a second Ctrl-C ends at once, and the next run takes the store")


def history(folder):
    parts = [load_file(block) for block in sorted((folder / "blocks").iterdir())]
    return {name: b"".join(part[name].tobytes() for part in parts) for name in parts[0]}


def recorded(folder):
    steps = ["--max-steps", "1000", "--block-size", "64KiB"]
    must(run("record", *MODULAR, *steps, "--history", folder / "whole"))
    path = folder / "stopped"
    command = ["record", *MODULAR, *steps, "--history", path, "--resume"]

    def blocks():
        return len(list((path / "blocks").glob("*")))

    for number, job in ((signal.SIGINT, Terminal), (signal.SIGTERM, Job)):
        before = blocks()
        with job(*command) as started:
            wait_for(lambda: (path / "state.safetensors").exists() and blocks() > before, started)
            started.stop(number)
            code, text = started.end()
        assert code == STOPPED and KEPT in text and "Stopped on request after step" in text, (code, text)
        assert not (path / ".lock").exists() and not (path / "complete.json").exists()
    # The program records with one rank; a launcher may start it all the same.
    before = blocks()
    with Job(*command, ranks=1) as job:
        wait_for(lambda: blocks() > before, job)
        job.stop(signal.SIGUSR1)
        code, text = job.end()
    assert code == STOPPED and KEPT in text, (code, text)
    must(run(*command))
    assert history(path) == history(folder / "whole"), "a stopped and resumed run differs"
    assert (path / "complete.json").read_text() == (folder / "whole/complete.json").read_text()
    print("a recorded run that was stopped three times goes on to the same history")

    # A study has nothing to keep, and says so.
    with Job("study", "exactness", "--history", folder / "whole", "--rules", "midpoint:20", "--csv", folder / "study.csv") as job:
        wait_for((folder / "study.csv.lock").exists, job)
        job.stop(signal.SIGINT)
        code, text = job.end()
    assert code == STOPPED and "leaves nothing" in text and not list(folder.glob("study.csv*")), (code, text)


def training_axis(folder):
    """Every step of a chunk is a unit, and the chunk is left between two."""
    must(run("record", *MODULAR, "--max-steps", "60", "--history", folder / "run"))
    store = folder / "axis_stopped.h5"
    options = ["--series", folder / "run", "--samples", "validation", "--axes", "sample,train_group", "--component", "tensor", "--quadrature", "gauss:2"]
    must(run("decompose", *options, "--store", folder / "axis.h5"))
    command = ["decompose", *options, "--store", store, "--resume"]
    with Job(*command) as job:
        wait_for(lambda: committed(store) >= 1, job)
        job.stop(signal.SIGINT)
        code, text = job.end()
    assert code == STOPPED and KEPT in text, (code, text)
    with h5py.File(store) as file:
        assert 0 < file["committed"][()].sum() < file["committed"].size
    must(run(*command))
    assert contents(store) == contents(folder / "axis.h5")
    print("a training axis stops inside a chunk, and goes on to the same")


def series(folder):
    text = folder / "text.txt"
    text.write_text("one two three four five six seven eight nine ten\n" * 400)
    path = folder / "series"
    with Job("record", "--text", text, "--series", path, "--hidden", "32", "--intermediate", "32", "--layers", "1", "--heads", "2",
             "--key-value-heads", "2", "--vocabulary", "300", "--max-steps", "100000", "--checkpoints", "500", "--sequence-length", "16",
             "--batch", "2", "--threads", "1") as job:
        wait_for(lambda: len(list(path.glob("step-*"))) >= 3, job)
        job.stop(signal.SIGINT)
        code, said = job.end()
    assert code == STOPPED and "cannot be gone on with" in said, (code, said)
    left = sorted(p.name for p in path.iterdir() if not p.name.startswith("step-"))
    assert left == [".explaind"], left
    must(run("inspect", path))
    print("a series that was stopped keeps its checkpoints and says that it cannot go on")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for part in (decomposition, recorded, training_axis, series):
            own = pathlib.Path(folder) / part.__name__
            own.mkdir()
            begin = time.monotonic()
            part(own)
            print(f"  {time.monotonic() - begin:.0f} s", flush=True)


main()
