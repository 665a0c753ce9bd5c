"""How the program is started: alone where there is little of a machine, by launchers of several tasks, by those of other MPIs, on nodes whose clocks or
files differ. What runs in namespaces of its own is left out, with a line, where this machine does not allow them."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from program import EXPLAIND, GOLDENS, MPIRUN, copy_series, must, run, write_samples
from shimmed_job import MODEL, NETWORK
from store_contents import contents

SERIES = GOLDENS / "grouped_query/series"
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                   OMPI_MCA_odls_base_sigkill_timeout="0")
TWO = [MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", "2"]
# What launchers give their second task of two: Slurm 22.05 without PMIx and with pmi2, Open MPI 4.1, MPICH 5.0, Intel MPI 2021.19, Open MPI 5.0.
LAUNCHERS = {
    "srun": {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_JOB_ID": "5"},
    "srun, pmi2": {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1", "PMI_SIZE": "2", "PMI_RANK": "1", "SLURM_MPI_TYPE": "pmi2"},
    "mpirun": {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"},
    "MPICH's mpirun": {"PMI_SIZE": "2", "PMI_RANK": "1", "PMI_FD": "9", "HYDI_CONTROL_FD": "7", "MPI_LOCALNRANKS": "2", "MPI_LOCALRANKID": "1"},
    "Intel MPI's mpirun": {"PMI_SIZE": "2", "PMI_RANK": "1", "PMI_FD": "9", "MPI_LOCALRANKID": "1", "HYDRA_BSTRAP_LOCALHOST": "n1",
                           "I_MPI_HYDRA_UUID": "82180000-8569-1a4d-6961-06002946933b"},
    "Open MPI 5's mpirun": {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1", "PRTE_LAUNCHED": "1", "OMPI_VERSION": "5.0.11"},
}
OTHER_MPIS = [name for name in LAUNCHERS if name.endswith("'s mpirun")]


def namespaces():
    """Whether this machine lets a test have mounts and a host name of its own."""
    allowed = subprocess.run(["unshare", "-m", "-u", "sh", "-ec", "mount -t tmpfs none /mnt; hostname other"], capture_output=True).returncode == 0
    if not allowed:
        print("namespaces are not allowed here: places of little, and files and clocks that differ, are left out")
    return allowed


def call(command, variables=None, timeout=120):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=timeout, check=False, env=ENVIRONMENT | (variables or {}))


def single_verbs(folder):
    """Every verb that one process does, its command, and what it makes."""
    samples = write_samples(folder / "samples.jsonl", [5, 7], 60)
    parts = [write_samples(folder / f"part-{i}.jsonl", [4 + i], 60, seed=i + 1) for i in range(2)]
    for i, part in enumerate(parts):
        part.write_text(part.read_text().replace('"s0"', f'"p{i}"'))
        must(run("decompose", "--series", SERIES, "--samples", part, "--store", folder / f"part-{i}.h5"))
    store = folder / "part-0.h5"
    text = folder / "text.txt"
    text.write_text("the cat sat on the mat and the dog sat on the log\n" * 40)
    return {
        "query": (["query", store, "--output", folder / "table.csv", "--format", "csv"], "table.csv"),
        "query to the terminal": (["query", store], None),
        "find": (["find", store], None),
        "report": (["report", store, "-o", folder / "report.html"], "report.html"),
        "verify": (["verify", store, "--output", folder / "v.json"], "v.json"),
        "store repack": (["store", "repack", store, "-o", folder / "packed.h5"], "packed.h5"),
        "store merge": (["store", "merge", folder / "part-0.h5", folder / "part-1.h5", "-o", folder / "merged.h5"], "merged.h5"),
        "inspect a store": (["inspect", store], None),
        "inspect a series": (["inspect", SERIES], None),
        "record a run": (["record", "--history", folder / "run", *MODEL, "--epochs", "1"], "run"),
        "record a series": (["record", "--text", text, "--series", folder / "made", *NETWORK], "made"),
        "tokenize": (["tokenize", SERIES, "--samples", samples], None),
        "help": (["help"], None),
        "version": (["--version"], None),
        "store": (["store", "--help"], None),
        "help of decompose": (["decompose", "--help"], None),
        "help of plan": (["plan", "--help"], None),
        "help of study": (["help", "study"], None),
    }


def listing(folder):
    return sorted((str(path.relative_to(folder)), path.stat().st_mtime_ns) for path in folder.rglob("*"))


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def expect_one_works(folder):
    verbs = single_verbs(folder)
    for name, (command, made) in verbs.items():
        before = listing(folder)
        for launcher in LAUNCHERS if name in ("query", "help") else ["srun"]:
            second = call([EXPLAIND, *command], LAUNCHERS[launcher])
            assert second.returncode == 0 and second.stdout == second.stderr == "", (name, launcher, second)
            assert listing(folder) == before, f"{name}: the second task of {launcher} has touched something"
        first = call([EXPLAIND, *command], LAUNCHERS["srun"] | {"SLURM_PROCID": "0"})
        assert first.returncode == 0 and (made is None or (folder / made).exists()), (name, first)
        assert first.stdout or made, name
        if made:
            remove(folder / made)
        if not made:
            continue
        both = call([*TWO, EXPLAIND, *command])
        assert both.returncode == 0 and (folder / made).exists(), (name, both)
        assert len(both.stdout) < 1.5 * len(first.stdout) + 80, f"{name}: said twice under mpirun\n{both.stdout}"
        remove(folder / made)
    print(f"{len(verbs)} verbs and forms that need one process: of two tasks one works, under every launcher")


def expect_refusals(folder):
    """Verbs of several ranks, under launchers whose tasks cannot find each other: all end, one says why, nothing is written."""
    samples = folder / "samples.jsonl"
    jobs = {"decompose": ["decompose", "--series", SERIES, "--samples", samples, "--store", folder / "no.h5"],
            "plan": ["plan", "--series", SERIES, "--samples", samples],
            "verify": ["verify", folder / "part-0.h5", "--series", SERIES],
            "inspect": ["inspect", SERIES, "--check"]}
    before = listing(folder)
    for launcher, variables in LAUNCHERS.items():
        for name, job in jobs.items() if launcher == "srun" else [("decompose", jobs["decompose"])]:
            second = call([EXPLAIND, *job], variables)
            assert second.returncode == 2 and second.stdout == second.stderr == "", (launcher, name, second)
            first = call([EXPLAIND, *job], {key: "0" if key.endswith(("RANK", "PROCID")) else value for key, value in variables.items()})
            assert first.returncode == 2 and first.stderr.count("error:") == 1, (launcher, name, first)
            assert first.stderr.startswith(f"error: {launcher.split(',')[0]}: it started 2 tasks"), first.stderr
            assert "`srun --mpi=pmix`" in first.stderr and "mpirun of Open MPI" in first.stderr, first.stderr
            assert ("cannot find each other" in first.stderr) == (launcher in OTHER_MPIS), first.stderr
    assert listing(folder) == before
    # One task is no several, whoever started it.
    for launcher in OTHER_MPIS:
        alone = {key: value.replace("2", "1") if key.endswith("SIZE") else "0" if key.endswith("RANK") else value
                 for key, value in LAUNCHERS[launcher].items()}
        must(call([EXPLAIND, *jobs["inspect"]], alone))
    print("launchers of other MPIs, and srun without PMIx, are refused by name")


def expect_little_is_enough(folder):
    """One process where there is no ssh; one and two where /tmp or /dev/shm cannot be written, or hold 64 KiB."""
    job = ["decompose", "--series", SERIES, "--samples", folder / "samples.jsonl", "--chunk", "1", "--overwrite"]
    whole = folder / "whole.h5"
    must(run(*job, "--store", whole))
    empty = folder / "empty"
    empty.mkdir()
    must(call([EXPLAIND, *job, "--store", folder / "o.h5"], {"PATH": str(empty)}))
    assert contents(folder / "o.h5") == contents(whole)
    if not namespaces():
        return
    place = pathlib.Path(tempfile.mkdtemp(dir=os.environ.get("EXPLAIND_TEST_FOLDER", "/var/tmp")))  # /tmp is hidden in some of these
    try:
        shutil.copy(folder / "samples.jsonl", place)
        job[job.index(folder / "samples.jsonl")] = place / "samples.jsonl"
        for mounts, launchers in (("mount -t tmpfs -o ro none /tmp; mount -t tmpfs -o ro none /dev/shm", [[]]),
                                  ("mount -t tmpfs -o ro none /dev/shm", [[], TWO]),
                                  ("mount -t tmpfs -o size=64k none /dev/shm", [[], TWO])):
            for launcher in launchers:
                done = call(["unshare", "-m", "sh", "-ec", mounts + '; exec "$@"', "sh", *launcher, EXPLAIND, *job, "--store", place / "o.h5"])
                assert done.returncode == 0 and contents(place / "o.h5") == contents(whole), (mounts, launcher, done)
                assert sorted(path.name for path in place.iterdir()) == ["o.h5", "samples.jsonl"], "Open MPI has left something beside the store"
    finally:
        shutil.rmtree(place)
    print("no ssh, no /tmp and no shared memory: the same store")


def two_hosts(job, script, *second, variables=None):
    """A rank here, and one on a host called `other` after `script`."""
    other = ["unshare", "-m", "-u", "sh", "-ec", f'hostname other; {script}; exec "$@"', "sh", *second]
    return call([*TWO[:-2], "-n", "1", EXPLAIND, *job, ":", "-n", "1", *other, EXPLAIND, *job], variables)


def expect_other_files(folder):
    """Two nodes that do not see the same are refused before anything is computed, with both hosts named."""
    host = os.uname().nodename
    series = copy_series("grouped_query", folder / "series")
    samples = folder / "samples.jsonl"
    job = ["decompose", "--series", series, "--samples", samples, "--store", folder / "two.h5"]

    def refused(script, *words):
        done = two_hosts(job, script)  # whichever it is by then
        assert done.returncode == 1 and done.stderr.count("error:") == 1, (script, done)
        for word in (host, "other", *words):
            assert word in done.stderr, (word, done.stderr)
        assert not list(folder.glob("two.h5*")), script

    whole = two_hosts(job, "true")
    assert whole.returncode == 0, whole
    (folder / "two.h5").unlink()
    hidden = folder / "hidden"
    shutil.copytree(series, hidden)
    weights = sorted(hidden.rglob("*.safetensors"))[1]
    bytes_ = bytearray(weights.read_bytes())
    for at in range(len(bytes_) // 3, len(bytes_) - 4, 4):
        bytes_[at] ^= 1
    weights.write_bytes(bytes_)
    refused(f"mount --bind {hidden} {series}", "other weights in --series", "same paths")
    changed = folder / "changed.jsonl"
    changed.write_text(samples.read_text().replace("[", "[1, ", 1))
    refused(f"mount --bind {changed} {samples}", "other samples")
    refused(f"mount -t tmpfs none {series}", "had no such trouble", "same paths")
    refused("mount -t tmpfs none /mnt; mkdir /mnt/all; "
            f"cp -r {series} {samples} /mnt/all; mount --bind /mnt/all {folder}", "two.h5.lock", "all nodes share")
    history = folder / "history"
    must(run("record", "--history", history, *MODEL, "--max-steps", "20"))
    shutil.copytree(history, folder / "shorter")
    must(run("record", "--history", folder / "shorter", *MODEL, "--max-steps", "18", "--overwrite"))
    job = ["study", "exactness", "--history", history, "--rules", "midpoint:1", "--threads", "1"]
    must(two_hosts(job, "true"))
    refused(f"mount --bind {folder / 'shorter'} {history}", "do not see the same there")
    print("nodes that see other weights, samples or folders are refused, with both named")


def expect_clocks_do_not_matter(folder):
    if shutil.which("faketime") is None:
        print("SKIPPED: clocks, for want of faketime (launch/setup.sh --tests)")
        return
    job = ["decompose", "--series", SERIES, "--samples", folder / "samples.jsonl", "--store", folder / "clock.h5", "--chunk", "1", "--resume"]
    for offset in ("+1h", "-1h"):
        done = two_hosts(job, "true", "faketime", "-f", offset, variables={"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"})
        assert done.returncode == 0 and "error" not in done.stderr, (offset, done)
        assert contents(folder / "clock.h5") == contents(folder / "whole.h5"), offset
        (folder / "clock.h5").unlink()
    print("clocks an hour apart: the same store")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for part in (expect_one_works, expect_refusals, expect_little_is_enough):
            begin = time.monotonic()
            part(folder)
            print(f"  {time.monotonic() - begin:.0f} s", flush=True)
        if namespaces():
            begin = time.monotonic()
            expect_other_files(folder)
            expect_clocks_do_not_matter(folder)
            print(f"  {time.monotonic() - begin:.0f} s", flush=True)


main()
