"""Who would not compute the same bits is refused, with both hosts named: ranks, and who goes on with a store or a run; another build, other vector
instructions. --other-build goes on all the same, and what was made says so."""
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import h5py
from safetensors import safe_open

from program import EXPLAIND, GOLDENS, MPIRUN, must
from shimmed_job import MODEL
from store_contents import contents

ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def refused(store, programs, *words, launcher=()):
    """A rank of each program; `launcher`: what mpirun is given for the second."""
    job = ["decompose", "--series", GOLDENS / "grouped_query/series", "--samples", GOLDENS / "grouped_query/samples.jsonl", "--store", store]
    command = [MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", "1", programs[0], *job, ":", "-n", "1", *launcher, programs[1], *job]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False, env=ENVIRONMENT)
    assert done.returncode == 1 and done.stderr.count("error:") == 1, (done.returncode, done.stdout, done.stderr)
    for word in ("rank 0 on", "rank 1 on", *words):
        assert word in done.stderr, (word, done.stderr)
    assert not list(store.parent.glob("o.h5*")), "something was written"


def another_build(program):
    """The same program under another build-id."""
    with tempfile.TemporaryDirectory() as name:
        note = pathlib.Path(name) / "note"
        subprocess.run(["objcopy", "--dump-section", f".note.gnu.build-id={note}", EXPLAIND, pathlib.Path(name) / "copy"], check=True)
        bytes_ = bytearray(note.read_bytes())
        bytes_[-1] ^= 1
        note.write_bytes(bytes_)
        subprocess.run(["objcopy", "--update-section", f".note.gnu.build-id={note}", EXPLAIND, program], check=True)


def call(program, *arguments, **variables):
    return subprocess.run([*map(str, (program, *arguments))], capture_output=True, text=True, timeout=120, check=False, env=ENVIRONMENT | variables)


def refused_to_go_on(path, program, *job, words, **variables):
    before = path.read_bytes() if path.is_file() else None
    done = call(program, *job, "--resume", **variables)
    host = os.uname().nodename
    assert done.returncode == 1 and done.stderr.count("error:") == 1 and done.stderr.count(f"{host}") >= 2, done
    for word in (str(path), "--other-build", "--overwrite", *words):
        assert word in done.stderr, (word, done.stderr)
    assert before is None or path.read_bytes() == before, "a store that is not gone on with has changed"


def forget_units(store):
    """As a run leaves it that was stopped: the last units are not there."""
    with h5py.File(store, "r+") as file:
        file["committed"][1:] = 0


def stores(folder, other):
    store = folder / "s.h5"
    job = ["decompose", "--series", GOLDENS / "grouped_query/series", "--samples", GOLDENS / "grouped_query/samples.jsonl", "--store", store]
    must(call(EXPLAIND, *job))
    whole = contents(store)
    forget_units(store)
    refused_to_go_on(store, other, *job, words=["another build of the program", "with the program that began it"])
    refused_to_go_on(store, EXPLAIND, *job, words=["adds in another order", "has ATEN_CPU_CAPABILITY=default"], ATEN_CPU_CAPABILITY="default")
    done = call(EXPLAIND, *job, "--other-build")
    assert done.returncode == 2 and "--resume is not given" in done.stderr, done
    done = must(call(other, *job, "--resume", "--other-build"))
    assert "another build of the program began it" in done.stdout and contents(store) == whole, done.stdout
    with h5py.File(store) as file:
        lines = [row.tobytes().rstrip(b"\0").decode() for row in file["provenance/run_log"][:3]]
    assert "not the build that began" in lines[1] and "not the" not in lines[0] and lines[2] == "", lines
    done = must(call(EXPLAIND, *job, "--resume"))  # who began it goes on with it
    assert "began it" not in done.stdout and "does not say" not in done.stdout, done.stdout
    # A store of an earlier version does not say who began it.
    forget_units(store)
    with h5py.File(store, "r+") as file:
        del file["provenance/begun_by"]
    done = must(call(other, *job, "--resume"))
    assert done.stdout.count("does not say which build") == 1 and contents(store) == whole, done.stdout
    print("stores: another build and another processor go on only with --other-build, and the store says so")


def runs(folder, other):
    """Stopped after some blocks; the last block and the state say who made them."""
    path = folder / "run"
    job = ["record", "--history", path, *MODEL, "--max-steps", "4000", "--block-size", "4KiB"]
    process = subprocess.Popen([EXPLAIND, *map(str, job)], stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    while process.poll() is None and not (path / "state.safetensors").exists():
        time.sleep(.01)
    process.send_signal(signal.SIGUSR1)
    assert process.wait(60) == 75, "the run had ended before it could be stopped"
    refused_to_go_on(path, other, *job, words=["another build of the program"])
    refused_to_go_on(path, EXPLAIND, *job, words=["adds in another order"], ATEN_CPU_CAPABILITY="default")
    before = {block.name for block in (path / "blocks").iterdir()}
    process = subprocess.Popen([other, *map(str, job), "--resume", "--other-build"], stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    while process.poll() is None and len(list((path / "blocks").iterdir())) <= len(before):
        time.sleep(.01)
    process.send_signal(signal.SIGUSR1)
    assert process.wait(60) == 75
    builds = set()
    for block in (path / "blocks").iterdir():
        with safe_open(block, "np") as file:
            builds.add((block.name in before, file.metadata()["build"]))
    assert len(builds) == 2 and len({build for _, build in builds}) == 2, builds
    refused_to_go_on(path, EXPLAIND, *job, words=["another build of the program"])  # than that of the state
    print("recorded runs: the same, and each block says which build made it")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        refused(folder / "o.h5", [EXPLAIND, EXPLAIND], "has ATEN_CPU_CAPABILITY=default", launcher=["-x", "ATEN_CPU_CAPABILITY=default"])
        other = pathlib.Path(EXPLAIND).with_name("explaind-of-another-build")  # its libraries are found beside it
        try:
            subprocess.run(["objcopy", "--remove-section", ".note.gnu.build-id", EXPLAIND, other], check=True)
            refused(folder / "o.h5", [EXPLAIND, other], "two builds of the program")
            another_build(other)
            refused(folder / "o.h5", [EXPLAIND, other], "two builds of the program")
            stores(folder, other)
            runs(folder, other)
        finally:
            other.unlink(missing_ok=True)


main()
