"""Series whose names say more than the step: tokens, stages, phases and seeds. What is refused says the option to give; given it, the store is that of
the plain series, with tokens and phases as coordinates."""
import pathlib
import re
import shlex
import shutil
import tempfile

import h5py
import numpy as np

from program import GOLDENS, decompose, must, run

SERIES = GOLDENS / "grouped_query/series"
STEPS = sorted(SERIES.iterdir(), key=lambda p: int(p.name.split("-")[-1]))  # 0, 10, 100
FAST = ("--quadrature", "gauss:2")


def folder_of(root, names):
    """The golden's checkpoints in turn, under these names."""
    for k, name in enumerate(names):
        shutil.copytree(STEPS[k % len(STEPS)], root / name)
    return root


def cache_of(root, revisions):
    """A cache of the Hub whose revisions are these, to the golden's checkpoints in turn."""
    for k, revision in enumerate(revisions):
        commit = f"{k % len(STEPS):040x}"
        if not (root / "snapshots" / commit).exists():
            shutil.copytree(STEPS[k % len(STEPS)], root / "snapshots" / commit)
        file = root / "refs" / revision
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(commit)
    return root


def numbers(store):
    with h5py.File(store) as file:
        return {name: file[name][()] for name in ("psi", "value_from", "value_to")}


def texts(file, name):
    return [row.tobytes().rstrip(b"\0").decode() for row in file[name][()]]


def refused(process, *words, code=1):
    assert process.returncode == code, (process.returncode, process.stdout, process.stderr)
    for word in words:
        assert word in process.stderr, (word, process.stderr)
    return process.stderr


def stages(root, plain):
    series = folder_of(root / "stages", ["stage1-step1000-tokens5B", "stage1-step2000-tokens10B", "stage2-step500-tokens12.5B"])
    said = refused(decompose(root / "no.h5", series), "differ in more than the step", "Understood are stage1 (2 checkpoints, steps 1000 to 2000)")
    assert not (root / "no.h5").exists()
    options = shlex.split(re.search(r"`(--phases [^`]*)`", said).group(1))
    assert options == ["--phases", "stage1=0,stage2=2000"], options
    store = root / "stages.h5"
    must(decompose(store, series, GOLDENS / "grouped_query/samples.jsonl", *FAST, *options))
    same = numbers(store)
    for name, values in plain.items():
        assert np.array_equal(values, same[name]), name
    with h5py.File(store) as file:
        assert file["step_from"][()].tolist() == [1000, 2000] and file["step_to"][()].tolist() == [2000, 2500]
        assert file["tokens_from"][()].tolist() == [5e9, 10e9] and file["tokens_to"][()].tolist() == [10e9, 12.5e9]
        assert texts(file, "phase_from") == ["stage1", "stage1"] and texts(file, "phase_to") == ["stage1", "stage2"]
    table = must(run("query", store, "--group-by", "phase", "--format", "csv")).stdout.splitlines()
    assert table[0].startswith("phase_to,") and [line.split(",")[0] for line in table[1:]] == ["stage1", "stage2"], table
    one = must(run("query", store, "--select", "phase_to=stage2", "--group-by", "tokens", "--format", "csv")).stdout.splitlines()
    assert [line.split(",")[0] for line in one] == ["tokens_to", "12500000000"], one
    shown = must(run("inspect", series, *options)).stdout
    for word in ("phase       stage1: 2 checkpoints, steps 1000 to 2000", "phase       stage2: 1 checkpoint, step 2500", "5B to 12.5B"):
        assert word in shown, shown
    assert "phase_to" in must(run("inspect", store)).stdout
    must(decompose(store, series, GOLDENS / "grouped_query/samples.jsonl", *FAST, *options, "--resume"))
    refused(decompose(store, series, GOLDENS / "grouped_query/samples.jsonl", *FAST, "--phases", "stage1=0,stage2=1000"), "overlap")
    # Folders of phases say theirs too.
    inner = root / "folders"
    folder_of(inner / "pre", ["iter_0001000", "iter_0002000"])
    shutil.copytree(STEPS[2], inner / "stage2/iter_500")
    said = refused(decompose(root / "no.h5", inner), "but folders that do: pre (2 checkpoints, steps 1000 to 2000)")
    assert re.search(r"`(--phases [^`]*)`", said).group(1) == "--phases stage2=0,pre=0", said
    must(decompose(root / "folders.h5", inner, GOLDENS / "grouped_query/samples.jsonl", *FAST, "--phases", "pre=0,stage2=2000"))
    with h5py.File(root / "folders.h5") as file:
        assert texts(file, "phase_to") == ["pre", "stage2"] and "tokens_to" not in file


def seeds(root, plain):
    names = [f"step{step}-seed-{seed}" for seed in ("default", "small-aux-2") for step in (0, 10, 100)]
    cache = cache_of(root / "models--a--seeds", [*names, "main"])
    said = refused(decompose(root / "no.h5", cache), "holds 2 series, by the seeds in their names: default (3 checkpoints), small-aux-2 (3 checkpoints)",
                   "`--series-seed small-aux-2`")
    assert "main" not in said, said
    store = root / "seeds.h5"
    must(decompose(store, cache, GOLDENS / "grouped_query/samples.jsonl", *FAST, "--series-seed", "default"))
    for name, values in plain.items():
        assert np.array_equal(values, numbers(store)[name]), name
    with h5py.File(store) as file:
        assert '"series-seed": "default"' in file.attrs["configuration"].decode() and "tokens_to" not in file and "phase_to" not in file
    assert "seed        default" in must(run("inspect", cache, "--series-seed", "default")).stdout
    refused(decompose(root / "no.h5", cache, GOLDENS / "grouped_query/samples.jsonl", "--series-seed", "7"), "'7' is none of those in")
    refused(decompose(root / "no.h5", SERIES, GOLDENS / "grouped_query/samples.jsonl", "--series-seed", "7"), "say no seed")


def branches_and_patterns(root, plain):
    cache = cache_of(root / "models--a--slashes", ["stage1/step-0", "stage1/step-10", "stage1/step-100", "main", "stage1-step0"])
    (cache / "refs/stage1-step0").write_text(f"{0:040x}")
    said = must(decompose(root / "slashes.h5", cache, GOLDENS / "grouped_query/samples.jsonl", *FAST)).stdout
    assert "names of one commit: stage1-step0 and stage1/step-0" in said and "say no step: main" in said, said
    own = folder_of(root / "own", ["s0-blue", "s10-blue", "s100-blue"])
    refused(decompose(root / "no.h5", own), "no step is in it")
    must(decompose(root / "own.h5", own, GOLDENS / "grouped_query/samples.jsonl", *FAST, "--step-pattern", r"s(?<step>\d+)-blue"))
    for store in ("slashes.h5", "own.h5"):
        for name, values in plain.items():
            assert np.array_equal(values, numbers(root / store)[name]), (store, name)
        with h5py.File(root / store) as file:
            assert file["step_to"][()].tolist() == [10, 100], store
    refused(decompose(root / "no.h5", own, GOLDENS / "grouped_query/samples.jsonl", "--step-pattern", "s(.*)"), "has no group (?<step>", code=2)
    refused(decompose(root / "no.h5", own, GOLDENS / "grouped_query/samples.jsonl", "--step-pattern", r"q(?<step>\d+)"), "holds no checkpoint that is meant")


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        store = root / "plain.h5"
        must(decompose(store, SERIES, GOLDENS / "grouped_query/samples.jsonl", *FAST))
        plain = numbers(store)
        with h5py.File(store) as file:
            words = file.attrs["configuration"].decode()
            assert '"series-seed"' not in words and '"step-pattern"' not in words, words  # stores of before are gone on with
            assert "tokens_to" not in file and "phase_to" not in file
        stages(root, plain)
        seeds(root, plain)
        branches_and_patterns(root, plain)
    print("names with tokens, stages, phases and seeds give the store of the plain series")


main()
