"""Stores of version 1, kept under tests/goldens/stores, are read for ever: query, inspect and xarray give what h5py finds in them; resume refuses them and
leaves them alone."""
import csv
import io
import pathlib
import shutil
import tempfile

import h5py
import numpy as np

from program import GOLDENS, SOURCE, decompose, must, run

STORES = SOURCE / "tests/goldens/stores/version1"
VARIANT = GOLDENS / "grouped_query"


def rows(store, *options):
    return list(csv.reader(io.StringIO(must(run("query", store, "--format", "csv", *options)).stdout)))[1:]


def words(dataset):
    return [each.decode() for each in dataset[()]]


def expect_psi(store):
    with h5py.File(store) as file:
        psi, kinds, ids = file["psi"][()], words(file["kind"]), words(file["id"])
        steps = list(zip(file["step_from"][()], file["step_to"][()]))
    found = rows(store, "--group-by", "step_to,kind,id")
    assert len(found) == len(steps) * len(set(kinds)) * len(ids)
    for step, kind, name, *_, value in found:
        segment, sample = [str(to) for _, to in steps].index(step), ids.index(name)
        expected = psi[segment, sample][[kind == each for each in kinds]].sum()
        assert abs(float(value) - expected) <= 1e-12 * abs(psi).max(), (step, kind, name)
    seconds = rows(store, "--variable", "seconds", "--group-by", "step_to")
    with h5py.File(store) as file:
        assert np.allclose([float(each[-1]) for each in seconds], file["seconds"][()].sum(1))


def expect_groups(store):
    with h5py.File(store) as file:
        psi, groups = file["psi"][()].astype(float), words(file["group"])
    found = {row[0]: float(row[-1]) for row in rows(store, "--group-by", "group")}
    assert set(found) == set(groups)
    for place, group in enumerate(groups):
        assert abs(found[group] - psi[:, place].sum()) <= 1e-9 * abs(psi).max(), group


def expect_scalars(store):
    with h5py.File(store) as file:
        name = next(name for name in words(file["component"]) if "up_proj" in name)
        scores = file["parameter"][name][()].astype(float)
    found = rows(store, "--variable", "parameter/" + name, "--group-by", "row")
    assert np.allclose([float(each[-1]) for each in found], scores.sum((0, 2)), rtol=1e-9, atol=1e-15)


def expect_training_axis(store):
    with h5py.File(store) as file:
        data, names = file["psi_data"][()], words(file["train_id"])
    found = rows(store, "--variable", "psi_data", "--group-by", "train_id,output", "--sum", "sample", "--select", "sample=*0")
    with h5py.File(store) as file:
        chosen = [name.endswith("0") for name in words(file["id"])]
    expected = data[:, chosen].sum((0, 1, 2))
    assert len(found) == expected.size
    for name, output, *_, value in found:
        assert abs(float(value) - expected[names.index(name), int(output)]) <= 1e-12 * abs(data).max()


def expect_no_resume(folder):
    store = folder / "old.h5"
    shutil.copy(STORES / "psi.h5", store)
    before = store.read_bytes()
    refused = decompose(store, VARIANT / "series", VARIANT / "samples.jsonl", "--component", "head", "--steps", "top:1", "--chunk", "2", "--resume")
    assert refused.returncode == 1 and "layout 1" in refused.stderr and "--overwrite" in refused.stderr, refused
    assert store.read_bytes() == before
    must(decompose(store, VARIANT / "series", VARIANT / "samples.jsonl", "--component", "head", "--overwrite"))  # the remedy
    with h5py.File(store) as file:
        assert int(file.attrs["store_version"][0]) == 2


def expect_newer_is_refused(folder):
    store = folder / "newer.h5"
    shutil.copy(STORES / "psi.h5", store)
    with h5py.File(store, "r+") as file:
        file.attrs["store_version"] = "3"
    for verb in ("query", "inspect"):
        refused = run(verb, store)
        assert refused.returncode == 1 and "version '3' is not known" in refused.stderr, refused


def main():
    for name, check in {"psi": expect_psi, "groups": expect_groups, "parameter": expect_scalars, "training_axis": expect_training_axis}.items():
        check(STORES / f"{name}.h5")
        text = must(run("inspect", STORES / f"{name}.h5")).stdout
        assert ", complete" in text and "layout 1" in text, text
        print(f"version 1, {name}: as h5py reads it", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        expect_no_resume(pathlib.Path(folder))
        expect_newer_is_refused(pathlib.Path(folder))


main()
