"""How the system tests run the program: as a user does, from a shell, with and without mpirun."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("EXPLAIND_SOURCE", pathlib.Path(__file__).parents[2]))
EXPLAIND = os.environ.get("EXPLAIND", str(SOURCE / "build/release/explaind"))
MPIRUN = os.environ.get("MPIRUN", "mpirun")
GOLDENS = SOURCE / "tests/goldens/llama"
COLLECTIVE = ("decompose", "plan", "study")


def run(*arguments, ranks=0, timeout=120, **options):
    """explaind ARGUMENTS, under mpirun where ranks > 0. Returns the finished process with its text."""
    command = [EXPLAIND, *map(str, arguments)]
    if ranks:
        command = ["timeout", "-k", "5", str(timeout), MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none",
                   "-n", str(ranks), *command]
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1",
                       OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    if arguments and arguments[0] in COLLECTIVE:
        # Their ranks meet after the message of an error, and then end. mpirun would sleep for a second to let them.
        environment["OMPI_MCA_odls_base_sigkill_timeout"] = "0"
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout + 20, env=environment, **options)


def decompose(store, series=GOLDENS / "grouped_query/series", samples=GOLDENS / "grouped_query/samples.jsonl", *more,
              ranks=0, **options):
    return run("decompose", "--series", series, "--samples", samples, "--store", store, *more, ranks=ranks, **options)


def must(process):
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, process.args))}\nexit {process.returncode}\n{process.stdout}{process.stderr}")
    return process


def write_samples(path, lengths, vocabulary, seed=1):
    """Token samples of the given lengths from a small generator of our own (the same on every machine)."""
    state = seed
    with open(path, "w", encoding="utf-8") as out:
        for i, length in enumerate(lengths):
            ids = []
            for _ in range(length):
                state = (1103515245 * state + 12345) % 2**31
                ids.append(state // 65536 % vocabulary)
            out.write(json.dumps({"id": f"s{i}", "group": "odd" if i % 2 else "even", "input_ids": ids}) + "\n")
    return path


def copy_series(variant, target):
    shutil.copytree(GOLDENS / variant / "series", target)
    return target
