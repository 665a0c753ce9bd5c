"""Ctrl-C and the signals of schedulers: what is finished is kept, what was said is true, and --resume goes on to the same result."""
import os
import pathlib
import pty
import signal
import subprocess
import tempfile
import time

import h5py
from safetensors.numpy import load_file

from program import EXPLAIND, GOLDENS, MPIRUN, must, run, write_samples
from store_contents import contents

SERIES = GOLDENS / "grouped_query/series"
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
KEPT = "--resume goes on"
MODULAR = ["--model", "grokking_transformer", "--modulus", "11", "--hidden", "16", "--heads", "2", "--intermediate", "16",
           "--validation-samples", "10", "--learning-rate", "0.01"]


class Terminal:
    """A program in the foreground of a terminal of its own, where Ctrl-C is a key."""

    def __init__(self, command):
        self.screen, slave = pty.openpty()
        def own_terminal():
            os.setsid()
            import fcntl, termios
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.job = subprocess.Popen([str(c) for c in command], stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal, env=ENVIRONMENT)
        os.close(slave)
        self.text = ""

    def read_until(self, done, seconds=60):
        deadline = time.monotonic() + seconds
        os.set_blocking(self.screen, False)
        while time.monotonic() < deadline and not done(self.text):
            try:
                piece = os.read(self.screen, 65536)
                if not piece:
                    return
                self.text += piece.decode(errors="replace")
            except BlockingIOError:
                time.sleep(0.005)
            except OSError:  # the program has ended
                return

    def press_control_c(self):
        os.write(self.screen, b"\x03")

    def end(self):
        self.read_until(lambda text: False)
        code = self.job.wait(timeout=60)
        os.close(self.screen)
        return code


def committed(path):
    try:
        with h5py.File(path) as store:
            return int((store["committed"][()] == 1).sum())
    except (OSError, KeyError):
        return 0  # not there, or being written


def wait_for(condition, job, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition() and job.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert job.poll() is None, "the run had ended before it could be stopped"


def decomposition(folder):
    samples = write_samples(folder / "samples.jsonl", [30] * 120, 60)
    options = ["--series", SERIES, "--samples", samples, "--chunk", "1", "--component", "row"]
    must(run("decompose", *options, "--store", folder / "whole.h5"))
    whole, units = contents(folder / "whole.h5"), 240
    store = folder / "stopped.h5"
    command = [EXPLAIND, "decompose", *options, "--store", store]

    def goes_on(what, least=1):
        done = committed(store)
        assert least <= done < units - 20, f"{what}: {done} of {units} units were done"
        assert not list(folder.glob("stopped.h5.*")), "what is not finished goes"
        must(run("decompose", *options, "--store", store, "--resume"))
        assert contents(store) == whole, what
        store.unlink()
        return done

    # Ctrl-C in a terminal. The first range that a rank alone is handed is half of all units.
    terminal = Terminal(command)
    wait_for(lambda: committed(store) >= 1, terminal.job)
    terminal.press_control_c()
    terminal.read_until(lambda text: KEPT in text)
    assert terminal.end() == 75 and "Stopped on request" in terminal.text, terminal.text
    done = goes_on("Ctrl-C")
    for number in (signal.SIGTERM, signal.SIGUSR1):
        job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        wait_for(lambda: committed(store) >= 1, job)
        job.send_signal(number)
        out, err = job.communicate(timeout=60)
        assert job.returncode == 75 and KEPT in out and KEPT in err, (number, job.returncode, out, err)
        goes_on(number)
    print(f"Ctrl-C, TERM and USR1 to one rank: exit 75 after the unit in work ({done} of {units} done), gone on with: the same")

    # A second Ctrl-C ends at once: a unit here is made to last.
    long = write_samples(folder / "long.jsonl", [60] * 400, 60)
    terminal = Terminal([EXPLAIND, "decompose", "--series", SERIES, "--samples", long, "--chunk", "400", "--quadrature", "gauss:300",
                         "--store", folder / "long.h5"])
    wait_for((folder / "long.h5").exists, terminal.job)
    terminal.press_control_c()
    terminal.read_until(lambda text: KEPT in text)
    time.sleep(0.2)
    assert terminal.job.poll() is None, "the unit in work goes on after the first"
    terminal.press_control_c()
    begin = time.monotonic()
    assert terminal.end() == -signal.SIGINT and time.monotonic() - begin < 10, terminal.text
    must(run("decompose", "--series", SERIES, "--samples", samples, "--chunk", "1", "--store", folder / "long.h5", "--overwrite"))
    print("a second Ctrl-C ends at once, and the next run takes the store")

    # Before the first unit: while the weights are read, or earlier.
    seen = set()
    for delay in (0.15, 0.3, 0.45):
        job = subprocess.Popen([*command, "--resume"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        time.sleep(delay)
        job.send_signal(signal.SIGTERM)
        out, err = job.communicate(timeout=60)
        assert job.returncode in (75, -signal.SIGTERM), (job.returncode, out, err)  # before main there is no handler
        assert "error" not in err, err
        seen.add(job.returncode)
    must(run("decompose", *options, "--store", store, "--resume"))
    assert contents(store) == whole
    store.unlink()

    # Under mpirun: USR1 is passed on to all ranks; Ctrl-C and TERM make mpirun end them within a second or so.
    command = [MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", "2", *command]
    codes = {}
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
        job = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        wait_for(lambda: committed(store) >= 1, job)
        job.send_signal(number)
        out, err = job.communicate(timeout=60)
        codes[number.name] = job.returncode
        assert KEPT in out + err, (number, out, err)
        before = committed(store)
        assert before >= 1
        must(run("decompose", *options, "--store", store, "--resume"))
        assert contents(store) == whole
        store.unlink()
    assert codes["SIGUSR1"] == 75, codes
    print(f"under mpirun: {codes}; what was finished is kept")


def recorded(folder):
    steps = ["--max-steps", "3000", "--block-size", "64KiB"]
    must(run("record", *MODULAR, "--max-steps", "200", "--history", folder / "short"))
    must(run("record", *MODULAR, *steps, "--history", folder / "whole", timeout=300))
    path = folder / "stopped"
    terminal = Terminal([EXPLAIND, "record", *MODULAR, *steps, "--history", path])
    wait_for(lambda: (path / "state.safetensors").exists(), terminal.job)
    terminal.press_control_c()
    assert terminal.end() == 75 and KEPT in terminal.text and "Stopped on request after step" in terminal.text, terminal.text
    assert not (path / ".lock").exists() and not (path / "complete.json").exists()
    process = must(run("record", *MODULAR, *steps, "--history", path, "--resume", timeout=300))
    def history(run_folder):
        parts = [load_file(block) for block in sorted((run_folder / "blocks").iterdir())]
        return {name: b"".join(part[name].tobytes() for part in parts) for name in parts[0]}
    assert history(path) == history(folder / "whole"), "a stopped and resumed run differs"
    assert (path / "complete.json").read_text() == (folder / "whole/complete.json").read_text()
    print("a recorded run that was stopped goes on to the same history")

    # A training axis: every step of a chunk is a unit, and the chunk is left between two.
    options = ["--series", folder / "short", "--samples", "validation", "--axes", "sample,train_group", "--component", "tensor", "--quadrature", "gauss:9"]
    must(run("decompose", *options, "--store", folder / "axis.h5", timeout=300))
    whole = contents(folder / "axis.h5")
    store = folder / "axis_stopped.h5"
    job = subprocess.Popen([str(c) for c in [EXPLAIND, "decompose", *options, "--store", store]], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    wait_for(lambda: committed(store) >= 1, job)
    job.send_signal(signal.SIGINT)
    out, err = job.communicate(timeout=60)
    assert job.returncode == 75 and KEPT in out, (job.returncode, out, err)
    with h5py.File(store) as file:
        assert 0 < file["committed"][()].sum() < file["committed"].size
    must(run("decompose", *options, "--store", store, "--resume", timeout=300))
    assert contents(store) == whole
    print("a training axis stops inside a chunk, and goes on to the same")

    # A study has nothing to keep, and says so.
    job = subprocess.Popen([str(c) for c in [EXPLAIND, "study", "exactness", "--history", folder / "whole", "--rules", "midpoint:20",
                                             "--csv", folder / "study.csv"]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    wait_for((folder / "study.csv.lock").exists, job)
    job.send_signal(signal.SIGINT)
    out, err = job.communicate(timeout=60)
    assert job.returncode == 75 and "leaves nothing" in err and not list(folder.glob("study.csv*")), (job.returncode, out, err)


def series(folder):
    text = folder / "text.txt"
    text.write_text("one two three four five six seven eight nine ten\n" * 400)
    path = folder / "series"
    job = subprocess.Popen([str(c) for c in [EXPLAIND, "record", "--text", text, "--series", path, "--hidden", "32", "--intermediate", "32",
                                             "--layers", "1", "--heads", "2", "--key-value-heads", "2", "--vocabulary", "300",
                                             "--max-steps", "100000", "--checkpoints", "20", "--sequence-length", "16", "--batch", "2"]],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    wait_for(lambda: len(list(path.glob("step-*"))) >= 3, job)
    job.send_signal(signal.SIGINT)
    out, err = job.communicate(timeout=60)
    assert job.returncode == 75 and "cannot be gone on with" in err, (job.returncode, out, err)
    left = sorted(p.name for p in path.iterdir() if not p.name.startswith("step-"))
    assert left == [".explaind"], left
    must(run("inspect", path))
    print("a series that was stopped keeps its checkpoints and says that it cannot go on")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for part in (decomposition, recorded, series):
            (folder / part.__name__).mkdir()
            begin = time.monotonic()
            part(folder / part.__name__)
            print(f"  {time.monotonic() - begin:.0f} s", flush=True)


main()
