"""Ranks that would not compute the same bits are refused before anything is written, with both hosts named: another build, other vector instructions."""
import os
import pathlib
import subprocess
import tempfile

from program import EXPLAIND, GOLDENS, MPIRUN

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


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        refused(folder / "o.h5", [EXPLAIND, EXPLAIND], "has ATEN_CPU_CAPABILITY=default", launcher=["-x", "ATEN_CPU_CAPABILITY=default"])
        other = pathlib.Path(EXPLAIND).with_name("explaind-of-another-build")  # its libraries are found beside it
        try:
            subprocess.run(["objcopy", "--remove-section", ".note.gnu.build-id", EXPLAIND, other], check=True)
            refused(folder / "o.h5", [EXPLAIND, other], "two builds of the program")
        finally:
            other.unlink(missing_ok=True)


main()
