"""After any stop the same command with --resume finishes the store, the same bit for bit as one that was never stopped.

    resume.py SHIM            SHIM: the library of kill_at_write.c
    resume.py SHIM --every    kills at every writing call instead of a spread of them
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import h5py

from program import EXPLAIND, GOLDENS, MPIRUN, decompose, must, write_samples
from store_contents import contents

SERIES = GOLDENS / "grouped_query/series"  # 2 segments
OPTIONS = ["--chunk", "2", "--component", "row"]


def committed(path):
    with h5py.File(path) as store:
        return store["committed"][()]


def finish(store, samples, reference, *more, ranks=2):
    process = must(decompose(store, SERIES, samples, *OPTIONS, "--resume", *more, ranks=ranks))
    assert contents(store) == reference, "a resumed store differs"
    assert committed(store).all()
    return process.stdout


def kill_at_every_write(folder, samples, reference, shim, every):
    """One rank, killed in the middle of its n-th write, sync or allocation."""
    store, count = folder / "killed.h5", folder / "count"
    environment = dict(os.environ, LD_PRELOAD=shim, KILL_FILE="killed.h5", OMP_NUM_THREADS="1")
    command = [EXPLAIND, "decompose", "--series", SERIES, "--samples", samples, "--store", store, *OPTIONS]
    subprocess.run(command, check=True, capture_output=True, env=environment | {"KILL_CALLS": str(count)})
    calls = len(count.read_text().splitlines())
    assert contents(store) == reference
    assert calls > 40, f"only {calls} calls were seen: the shim misses some"
    chosen = range(1, calls + 1) if every else sorted({1 + (calls - 1) * i // 11 for i in range(12)})
    kept = []
    for call in chosen:
        for old in folder.glob("killed.h5*"):
            old.unlink()
        process = subprocess.run(command, capture_output=True, env=environment | {"KILL_AT": str(call)})
        assert process.returncode == -signal.SIGKILL, (call, process.returncode)
        kept.append(int(committed(store).sum()) if store.exists() else 0)
        finish(store, samples, reference, ranks=0)
    assert kept == sorted(kept) and kept[-1] > 0, kept
    print(f"killed at {len(chosen)} of {calls} writing calls: nothing committed was lost, all finished the same")


def kill_the_job(folder, samples, reference):
    """mpirun and its ranks, by SIGKILL, when something is committed."""
    store = folder / "job.h5"
    command = [MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", "2", EXPLAIND, "decompose", "--series", str(SERIES), "--samples",
               str(samples), "--store", str(store), *OPTIONS]
    job = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 60
    while job.poll() is None and time.monotonic() < deadline and not (store.exists() and committed_now(store)):
        time.sleep(0.01)
    if job.poll() is None:
        os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    finish(store, samples, reference, ranks=3)
    print("a job killed and gone on with at once, on more ranks: the same")


def committed_now(store):
    """True where some unit's mark is on disk; a file that is being written may be unreadable for a moment."""
    try:
        return committed(store).any()
    except OSError:
        return False


def stop_on_request(folder, reference):
    """SIGUSR1 to mpirun: exit code 75, and what is said names the way on."""
    store, samples = folder / "stopped.h5", write_samples(folder / "many.jsonl", [9] * 40, 60)
    options = ["--chunk", "1", "--component", "row"]
    whole = folder / "whole.h5"
    must(decompose(whole, SERIES, samples, *options, ranks=2))
    for old in folder.glob("stopped.h5*"):
        old.unlink()
    job = subprocess.Popen([MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", "2", EXPLAIND, "decompose", "--series",
                            str(SERIES), "--samples", str(samples), "--store", str(store), *options], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while job.poll() is None and time.monotonic() < deadline and not (store.exists() and committed_now(store)):
        time.sleep(0.005)
    job.send_signal(signal.SIGUSR1)
    text = job.communicate(timeout=60)[0]
    if job.returncode == 0:
        print("SKIPPED: the run had ended before the signal came")
        return
    assert job.returncode == 75 and "--resume" in text, (job.returncode, text)
    left = int((committed(store) == 0).sum())
    assert left > 0
    must(decompose(store, SERIES, samples, *options, "--resume", ranks=1))
    assert contents(store) == contents(whole)
    print(f"stopped with {left} of 80 units left, exit 75; gone on with: the same")


def refusals(folder, samples, reference):
    store = folder / "other.h5"
    text = finish(store, samples, reference)  # --resume starts where there is no store
    assert "Going on" not in text
    text = finish(store, samples, reference)
    assert "6 of 6 units are there" in text, text
    before = store.read_bytes()
    for more, words in ((["--tolerance", "1e-4"], ["tolerance"]), (["--precision", "fp64", "--chunk", "3"], ["precision", "chunk"]),
                        (["--functional", "loss_sum"], ["functional"])):
        process = decompose(store, SERIES, samples, *[o for o in OPTIONS if "--chunk" not in more or o not in ("--chunk", "2")], *more, "--resume")
        assert process.returncode == 1 and all(word in process.stderr for word in [*words, str(store)]), process.stderr
    process = decompose(store, SERIES, write_samples(folder / "others.jsonl", [5, 6, 7, 8, 9], 60), *OPTIONS, "--resume")
    assert process.returncode == 1 and "other samples" in process.stderr, process.stderr
    changed = folder / "changed"
    shutil.copytree(SERIES, changed)
    weights = sorted(changed.glob("*/model.safetensors"))[-1]
    weights.write_bytes(weights.read_bytes().replace(b'"__metadata__":{', b'"__metadata__":{"a":"",', 1))
    process = decompose(store, changed, samples, *OPTIONS, "--resume")
    assert process.returncode == 1, process.stderr
    process = decompose(store, SERIES, samples, *OPTIONS, "--resume", "--overwrite")
    assert process.returncode == 2 and "Give one of them" in process.stderr, process.stderr
    assert store.read_bytes() == before, "a refusal changed the store"
    moved = shutil.copytree(SERIES, folder / "moved")
    assert "6 of 6" in must(decompose(store, moved, samples, *OPTIONS, "--resume")).stdout, "another place is no other input"
    print("what does not belong to the store is named and leaves it as it is")


def rewrite(store, change):
    """The store as a program of other options would have begun it."""
    with h5py.File(store, "r+") as file:
        options = json.loads(file.attrs["configuration"])
        change(options)
        file.attrs["configuration"] = json.dumps(options)
        file.attrs["identity"] = "of an older program"


def options_that_came_later(folder, samples):
    """A store that was begun before an option existed is gone on with where the option has its default."""
    store = folder / "older.h5"
    must(decompose(store, SERIES, samples, *OPTIONS))
    rewrite(store, lambda options: [options.pop(key) for key in ("bridge", "tolerance")])
    must(decompose(store, SERIES, samples, *OPTIONS, "--resume"))
    process = decompose(store, SERIES, samples, *OPTIONS, "--resume", "--tolerance", "1e-4")
    assert process.returncode == 1 and "tolerance is" in process.stderr and "not known" in process.stderr, process.stderr
    rewrite(store, lambda options: options.update({"a-lost-option": "3"}))
    process = decompose(store, SERIES, samples, *OPTIONS, "--resume")
    assert process.returncode == 1 and "a-lost-option" in process.stderr, process.stderr


def main():
    shim, every = sys.argv[1], "--every" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        samples = write_samples(folder / "samples.jsonl", [3, 21, 5, 17, 9], 60)
        must(decompose(folder / "reference.h5", SERIES, samples, *OPTIONS))
        reference = contents(folder / "reference.h5")
        kill_at_every_write(folder, samples, reference, shim, every)
        kill_the_job(folder, samples, reference)
        stop_on_request(folder, reference)
        refusals(folder, samples, reference)
        options_that_came_later(folder, samples)


main()
