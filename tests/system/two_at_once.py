"""Two of anything on one path: one wins, the other says so with exit 1, and what the winner leaves is right. And nothing is deleted that
this program did not make: scratch folders, unfinished files, stores, runs and series that are something else."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from program import EXPLAIND, GOLDENS, MPIRUN, decompose, must, run, write_samples
from store_contents import contents

SERIES = GOLDENS / "grouped_query/series"
STEPS = GOLDENS / "optimizer_steps"
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
MODULAR = ["record", "--model", "grokking_transformer", "--modulus", "7", "--hidden", "8", "--heads", "2", "--intermediate", "8",
           "--validation-samples", "5"]


def race(first, second, delay, wait=60):
    """Two commands, the second `delay` seconds after the first: their exit codes and what they said on standard error."""
    jobs = []
    for command in (first, second):
        jobs.append(subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT))
        time.sleep(delay)
        delay = 0
    return [(job.communicate(timeout=wait)[1], job.returncode)[::-1] for job in jobs]


def second_is_refused(command, lock):
    """The first is stopped while it has the path, so that the second meets it on any machine; then it ends well."""
    first = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    while not (lock.exists() and lock.stat().st_size > 0) and first.poll() is None:  # it is written under the lock
        time.sleep(0.001)
    first.send_signal(signal.SIGSTOP)
    try:
        assert first.poll() is None and lock.exists(), "the first was too fast"
        second = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=ENVIRONMENT)
        assert second.returncode == 1 and "in use" in second.stderr and f"process {first.pid}" in second.stderr, second.stderr
    finally:
        first.send_signal(signal.SIGCONT)
    said = first.communicate(timeout=120)[1]
    assert first.returncode == 0 and not lock.exists(), said


def one_wins(results, words):
    codes = sorted(code for code, _ in results)
    assert codes == [0, 1], results
    said = next(text for code, text in results if code == 1)
    assert any(word in said for word in words) and said.count("error:") == 1, said


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def ranks(count, command):
    return [MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", count, *command] if count else command


def stores(folder):
    samples = write_samples(folder / "samples.jsonl", [9, 12, 5, 7], 60)
    must(decompose(folder / "reference.h5", SERIES, samples))
    reference = contents(folder / "reference.h5")
    store = folder / "raced.h5"
    command = [EXPLAIND, "decompose", "--series", SERIES, "--samples", samples, "--store", store]
    link = folder / "link.h5"
    link.symlink_to(store)
    for i, (a, b) in enumerate([(0, 0), (0, 0), (2, 0), (0, 2), (0, 0)]):
        store.unlink(missing_ok=True)
        other = command if i < 4 else [*command[:-1], link]  # another name of the same file
        one_wins(race(ranks(a, command), ranks(b, other), 0.02 * i), ["in use", "the store exists"])
        assert contents(store) == reference, i
        assert not list(folder.glob("raced.h5?*")), names(folder)
    longer = [EXPLAIND, "decompose", "--series", SERIES, "--samples", write_samples(folder / "many.jsonl", [30] * 60, 60), "--chunk", "1"]
    must(run(*longer[1:], "--store", folder / "longer.h5"))
    second_is_refused([*longer, "--store", store, "--overwrite"], folder / "raced.h5.lock")
    assert contents(store) == contents(folder / "longer.h5")
    # Of two that go on the second may find all done, or wait for the first to end.
    store.unlink()
    for code, said in race([*command, "--resume"], [*command, "--resume"], 0.05):
        assert code == 0 or "in use" in said, said
    assert contents(store) == reference and not list(folder.glob("raced.h5?*"))
    link.unlink()
    print("two runs on one store: one wins, the other says so, and the store is right")


def recorded(folder):
    must(run(*MODULAR, "--max-steps", "40", "--history", folder / "reference"))
    reference = (folder / "reference/complete.json").read_text()
    for i in range(4):
        path = folder / f"run{i}"
        command = [EXPLAIND, *MODULAR, "--max-steps", "40", "--history", path]
        one_wins(race(command, command, 0.03 * i), ["in use", "the run exists"])
        assert (path / "complete.json").read_text() == reference
        assert names(path) == names(folder / "reference"), names(path)
    longer = [EXPLAIND, *MODULAR, "--max-steps", "4000", "--history", folder / "run0", "--overwrite"]
    second_is_refused(longer, folder / "run0/.lock")
    assert json.loads((folder / "run0/complete.json").read_text())["steps"] == 4000
    text = folder / "text.txt"
    text.write_text("one two three four five six seven eight nine ten\n" * 400)
    series = ["record", "--text", text, "--hidden", "16", "--intermediate", "16", "--layers", "1", "--heads", "2", "--key-value-heads", "2",
              "--vocabulary", "300", "--max-steps", "6", "--checkpoints", "3", "--sequence-length", "16", "--batch", "2"]
    must(run(*series, "--series", folder / "series"))
    for i in range(3):
        path = folder / f"series{i}"
        command = [EXPLAIND, *series, "--series", path]
        one_wins(race(command, command, 0.03 * i), ["in use", "the series exists"])
        assert names(path) == names(folder / "series"), names(path)
        for step in path.glob("step-*"):
            assert (step / "model.safetensors").read_bytes() == (folder / "series" / step.name / "model.safetensors").read_bytes()
    second_is_refused([EXPLAIND, *series, "--series", folder / "series", "--overwrite"], folder / "series/.lock")
    study = [EXPLAIND, "study", "exactness", "--history", folder / "reference", "--rules", "midpoint:2", "--csv", folder / "study.csv"]
    must(run(*study[1:-1], folder / "alone.csv"))
    columns = lambda path: [line.split(",")[:6] for line in path.read_text().splitlines()]  # the seventh is a time
    second_is_refused(study, folder / "study.csv.lock")
    assert columns(folder / "study.csv") == columns(folder / "alone.csv")
    assert not list(folder.glob("study.csv?*"))
    print("two recorders, two series, two studies on one path: the same")


def foreign(folder):
    """What is not this program's stays, whatever it is called."""
    samples = write_samples(folder / "few.jsonl", [9, 12], 60)
    store = folder / "x.h5"
    kept = {}
    for name in ("x.h5.tmp", "x.h5.steps/notes.txt", "x.h5.parts/step-0", "x.h5.steps.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
        kept[folder / name] = name
    must(decompose(store, SERIES, samples))
    must(decompose(store, SERIES, samples, "--overwrite"))
    must(decompose(store, SERIES, samples, "--resume"))
    for path, text in kept.items():
        assert path.read_text() == text, path
    assert not list(folder.glob("x.h5.lock*"))
    for name, make in (("notes.txt", lambda p: p.write_text("my notes")), ("empty.h5", lambda p: p.write_text("")),
                       ("weights.h5", lambda p: p.write_bytes((SERIES / "step-0/model.safetensors").read_bytes() if (SERIES / "step-0").exists() else b"w"))):
        path = folder / name
        make(path)
        before = path.read_bytes()
        process = decompose(path, SERIES, samples, "--overwrite")
        assert process.returncode == 1 and "no influence store" in process.stderr, process.stderr
        assert path.read_bytes() == before
    import h5py
    with h5py.File(folder / "other.h5", "w") as file:
        file["mine"] = [1.0]
    assert decompose(folder / "other.h5", SERIES, samples, "--overwrite").returncode == 1
    with h5py.File(folder / "other.h5") as file:
        assert file["mine"][0] == 1
    print("what has a store's name and is none stays")
    # A series of real checkpoints looks like one that record made, file by file.
    mine = folder / "checkpoints"
    for step in ("step-1", "step-2"):
        (mine / step).mkdir(parents=True)
        for name in ("config.json", "model.safetensors", "generation_config.json"):
            (mine / step / name).write_text("dear")
    text = folder / "text.txt"
    text.write_text("one two three four five six seven eight nine ten\n" * 400)
    series = ["record", "--text", text, "--hidden", "16", "--intermediate", "16", "--layers", "1", "--heads", "2", "--key-value-heads", "2",
              "--vocabulary", "300", "--max-steps", "2", "--checkpoints", "2", "--sequence-length", "16", "--batch", "2", "--overwrite"]
    process = run(*series, "--series", mine)
    assert process.returncode == 1 and "not made by this program" in process.stderr, process.stderr
    assert all((mine / step / "model.safetensors").read_text() == "dear" for step in ("step-1", "step-2"))
    own = folder / "own"
    must(run(*series, "--series", own))
    must(run(*series, "--series", own))
    (own / "step-7").mkdir()
    (own / "step-7/config.json").write_text("dear")
    process = run(*series, "--series", own)
    assert process.returncode == 1 and "step-7" in process.stderr and (own / "step-7/config.json").read_text() == "dear", process.stderr
    assert (own / "step-2/model.safetensors").exists(), "a refusal removes nothing"
    # A recorded run: files in its folders that are not its own.
    for history, place in (("history", "blocks/notes.txt"), ("history2", "notes.txt"), ("history3", "blocks/sub/x")):
        path = folder / history
        must(run(*MODULAR, "--history", path))
        (path / place).parent.mkdir(exist_ok=True)
        (path / place).write_text("dear")
        process = run(*MODULAR, "--history", path, "--overwrite")
        assert process.returncode == 1 and (path / place).read_text() == "dear" and (path / "run.json").exists(), process.stderr
        (path / "complete.json").unlink()
        must(run(*MODULAR, "--history", path, "--resume"))
        assert (path / place).read_text() == "dear"
    not_run = folder / "not_run"
    (not_run / "blocks").mkdir(parents=True)
    (not_run / "data.safetensors").write_text("dear")
    for more in ("--overwrite", "--resume"):
        process = run(*MODULAR, "--history", not_run, more)
        assert process.returncode == 1 and (not_run / "data.safetensors").read_text() == "dear", process.stderr
    print("series and runs: nothing goes that was not recorded there")


def launchers(folder):
    """Several tasks that each find themselves alone are refused, whoever started them; one is not."""
    samples = write_samples(folder / "launched.jsonl", [9], 60)
    def with_variables(verb, **variables):
        # OMPI_* and PMI_* alone do not make Open MPI look for a launcher.
        return subprocess.run([EXPLAIND, *map(str, verb)], capture_output=True, text=True, env=ENVIRONMENT | variables)
    store = folder / "launched.h5"
    verb = ["decompose", "--series", SERIES, "--samples", samples, "--store", store]
    for variables in ({"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"}, {"PMI_SIZE": "2", "PMI_RANK": "0"},
                      {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "0", "SLURM_NTASKS": "2"}):
        for each in (verb, ["plan", *verb[1:5]], ["study", "exactness", "--history", folder]):
            process = with_variables(each, **variables)
            assert process.returncode == 2 and "2 tasks" in process.stderr, (each[0], variables, process.stderr)
            assert "srun" in process.stderr, process.stderr
        rank = {k: "1" if "RANK" in k or "PROCID" in k else v for k, v in variables.items()}
        process = with_variables(verb, **rank)
        assert process.returncode == 2 and process.stderr == "", "one of them says it"
        assert with_variables(["decompose", "--help"], **variables).returncode == 0
    assert not store.exists()
    must(with_variables(verb, SLURM_JOB_ID="5", SLURM_NTASKS="3", SLURM_PROCID="0"))  # a batch script
    must(with_variables([*verb, "--overwrite"], SLURM_JOB_ID="5", SLURM_JOBID="5", SLURM_NODELIST="n1", SLURM_STEPID="0",
                        SLURM_STEP_NUM_TASKS="1", SLURM_PROCID="0"))  # srun -n 1 without PMIx
    print("tasks that do not find each other are refused, with the way to start them")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for part in (stores, recorded, foreign, launchers):
            (folder / part.__name__).mkdir()
            begin = time.monotonic()
            part(folder / part.__name__)
            print(f"  {time.monotonic() - begin:.0f} s", flush=True)


main()
