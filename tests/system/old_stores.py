"""Stores of every version, kept under tests/goldens/stores, are read for ever: h5py finds the numbers that were put down when they were made, query and
inspect give what h5py finds, verify holds. Resume refuses those of older versions and leaves them alone; newer versions are refused.

    old_stores.py --keep VERSION     puts down the numbers of that version's stores: once, when they are made
"""
import argparse
import csv
import hashlib
import io
import json
import pathlib
import shutil
import tempfile

import h5py
import numpy as np

from program import GOLDENS, SOURCE, decompose, must, run

STORES = SOURCE / "tests/goldens/stores"
CURRENT = 2  # the version that the program writes
VARIANT = GOLDENS / "grouped_query"


def rows(store, *options):
    return list(csv.reader(io.StringIO(must(run("query", store, "--format", "csv", *options)).stdout)))[1:]


def words(dataset):
    """Texts: of variable length in version 1, arrays of characters since."""
    values = dataset[()]
    return [(each if values.ndim == 1 else each.tobytes().rstrip(b"\0")).decode() for each in values]


def numbers_in(store):
    """Of every dataset of numbers its shape, its type, the hash of its values (as little-endian f64) and their sum."""
    found = {}

    def look(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
            values = item[()].astype("<f8")
            found[name] = {"shape": item.shape, "type": item.dtype.str, "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
                           "sum": float(np.nansum(values))}

    with h5py.File(store) as file:
        file.visititems(look)
    return json.loads(json.dumps(found))


def kept_numbers(version):
    return STORES / f"version{version}/numbers.json"


def keep(version):
    numbers = {store.stem: numbers_in(store) for store in sorted((STORES / f"version{version}").glob("*.h5"))}
    kept_numbers(version).write_text(json.dumps(numbers, indent=1) + "\n")


def expect_numbers_kept(store, kept):
    found = numbers_in(store)
    assert "psi" in found and set(found) == set(kept), set(found) ^ set(kept)
    for name, numbers in kept.items():
        assert found[name] == numbers, f"{store}: {name} is {found[name]}, and was {numbers}"


def expect_verified(store, folder):
    said = must(run("verify", store, "--output", folder / "verified.json")).stdout
    assert "all that was checked holds" in said, said


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
        stored = file["seconds"] if "seconds" in file else file["provenance/seconds"]
        assert np.allclose([float(each[-1]) for each in seconds], stored[()].sum(1))


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
    shutil.copy(STORES / "version1/psi.h5", store)
    before = store.read_bytes()
    refused = decompose(store, VARIANT / "series", VARIANT / "samples.jsonl", "--component", "head", "--steps", "top:1", "--chunk", "2", "--resume")
    assert refused.returncode == 1 and "layout 1" in refused.stderr and "--overwrite" in refused.stderr, refused
    assert store.read_bytes() == before
    must(decompose(store, VARIANT / "series", VARIANT / "samples.jsonl", "--component", "head", "--overwrite"))  # the remedy
    with h5py.File(store) as file:
        assert int(file.attrs["store_version"][0]) == CURRENT


def expect_newer_is_refused(folder):
    """Whatever the newer version writes, as version 1 wrote its number (a text) or as version 2 does (a number), and at once."""
    store = folder / "newer.h5"
    for version, newer in (("version1", str(CURRENT + 1)), (f"version{CURRENT}", np.array([CURRENT + 1], "<i4"))):
        shutil.copy(STORES / version / "psi.h5", store)
        with h5py.File(store, "r+") as file:
            file.attrs["store_version"] = newer
        before = store.read_bytes()
        for verb in (["query"], ["inspect"], ["verify"], ["report", "-o", folder / "page.html"]):
            refused = run(verb[0], store, *verb[1:])
            assert refused.returncode == 1 and f"version '{CURRENT + 1}' is not known" in refused.stderr, (verb, refused)
            assert refused.stderr.count("error:") == 1 and "program that wrote it" in refused.stderr, refused
        gone_on = decompose(store, VARIANT / "series", VARIANT / "samples.jsonl", "--component", "head", "--steps", "top:1", "--chunk", "2", "--resume")
        assert gone_on.returncode == 1 and gone_on.stderr.count("error:") == 1 and store.read_bytes() == before, gone_on
        assert sorted(each.name for each in folder.glob("*.h5*")) == ["newer.h5"], list(folder.iterdir())
    print(f"version {CURRENT + 1}: refused by every verb, and left as it was", flush=True)


CHECKS = {"psi": expect_psi, "groups": expect_groups, "parameter": expect_scalars, "training_axis": expect_training_axis}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep")
    options = parser.parse_args()
    if options.keep:
        keep(options.keep)
        return
    for version in range(1, CURRENT + 1):
        kept = json.loads(kept_numbers(version).read_text())
        assert set(kept) == set(CHECKS), kept.keys()
        for name, check in CHECKS.items():
            store = STORES / f"version{version}/{name}.h5"
            expect_numbers_kept(store, kept[name])
            check(store)
            text = must(run("inspect", store)).stdout
            assert ", complete" in text and f"layout {version}" in text, text
            with tempfile.TemporaryDirectory() as folder:
                expect_verified(store, pathlib.Path(folder))
            print(f"version {version}, {name}: as it was made, and as h5py reads it", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        expect_newer_is_refused(pathlib.Path(folder))
        expect_no_resume(pathlib.Path(folder))


main()
