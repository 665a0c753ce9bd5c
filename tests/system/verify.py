"""explaind verify: stores of every kind hold, and what is changed in one is found and named; the store itself is never touched."""
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import tempfile
import zlib

import h5py
import numpy as np

from program import GOLDENS, SOURCE, decompose, must, run
from store_contents import texts

SERIES, SAMPLES = GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl"
OLD = SOURCE / "tests/goldens/stores/version1"
UNIT = 2  # samples
CHUNK = ["--chunk", str(UNIT)]
CERTIFICATES = ["value_from", "value_to", "residual", "quadrature_error", "node_count", "tolerance_met", "limited_by_precision"]
KINDS = {
    "tensor": [],
    "row_f32": ["--component", "row", "--store-dtype", "f32"],
    "head_position": ["--component", "head", "--axes", "sample,position"],
    "group": ["--component", "kind", "--axes", "group"],
    "no_samples": ["--axes", "segment"],
    "scalars": ["--component", "parameter"],
    "fixed_rule": ["--quadrature", "gauss:3"],
    "summed_steps": ["--steps", "every:2", "--step-policy", "sum"],
    "gross": ["--relative-to", "gross"],
}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verify(store, *options, ranks=0):
    """The finished process, and what it kept."""
    before = digest(store)
    done = run("verify", store, *options, ranks=ranks)
    assert digest(store) == before, "verify changed the store"
    kept = store.with_name(store.name + ".verify.json")
    return done, json.loads(kept.read_text()) if kept.exists() else None


def checks_of(found):
    return {check["name"]: check for check in found["checks"]}


def expect_clean(store, *not_checked):
    done, found = verify(store)
    must(done)
    checks = checks_of(found)
    assert found["holds"] and found["units"]["committed"] > 0, found
    assert "all that was checked holds" in done.stdout and "not checked against weights" in done.stdout, done.stdout
    for name, check in checks.items():
        assert check["verdict"] == ("not checked" if name in not_checked else "holds"), (store, check)
    return checks


def renew_checksum(file, segment, unit):
    """As a program would that wrote the changed numbers itself."""
    samples = slice(unit * UNIT, (unit + 1) * UNIT)
    crc = 0
    for name in ["psi", *CERTIFICATES]:
        crc = zlib.crc32(np.ascontiguousarray(file[name][segment, samples]).tobytes(), crc)
    file["provenance/checksum"][segment, unit] = np.uint32(crc).astype(np.int32)


def changed(store, folder, change, renewed=True):
    """A copy in which `change` was made at segment 1, sample 3."""
    copy = folder / "changed.h5"
    shutil.copy(store, copy)
    with h5py.File(copy, "r+") as file:
        change(file)
        if renewed:
            renew_checksum(file, 1, 3 // UNIT)
    return copy


def expect_found(store, name, *words):
    done, found = verify(store)
    failing = [each["name"] for each in found["checks"] if each["verdict"] == "fails"]
    assert done.returncode == 1 and failing == [name], (done.returncode, failing, done.stdout)
    assert not found["holds"] and "FAILS" in done.stdout, done.stdout
    for word in words:
        assert word in done.stdout and word in json.dumps(checks_of(found)[name], ensure_ascii=False), (word, done.stdout)


def put(name, value, place=(1, 3)):
    def change(file):
        file[name][place] = value
    return change


def expect_damage_found(store, folder):
    with h5py.File(store) as file:
        psi, residual = file["psi"][1, 3, 5], file["residual"][1, 3]
        assert file["tolerance_met"][()].all()
    segment = "segment 1 (steps "
    flip = put("psi", np.frombuffer(bytes([psi.tobytes()[0] ^ 1]) + psi.tobytes()[1:]), (1, 3, 5))  # the last bit of a score
    expect_found(changed(store, folder, flip, renewed=False), "checksums", segment, "samples 2 to 3")
    expect_found(changed(store, folder, put("residual", residual + 1e-9)), "changes", segment, "sample 3 (")
    expect_found(changed(store, folder, put("psi", psi + 1e-9, (1, 3, 5))), "changes", "sample 3 (")
    expect_found(changed(store, folder, put("tolerance_met", 0)), "flags", "sample 3 (", "meets the tolerance")
    expect_found(changed(store, folder, put("quadrature_error", 1.0)), "flags", "sample 3 (", "not flagged")
    expect_found(changed(store, folder, put("tolerance_met", 3)), "flags", "neither 0 nor 1")
    done, found = verify(changed(store, folder, put("psi", np.nan, (1, 3, 5))))
    assert done.returncode == 1 and checks_of(found)["finite"]["found"][0].endswith("psi is nan at segment 1, sample 3, component 5"), found
    expect_found(changed(store, folder, put("step_from", 10**6, 1), renewed=False), "coordinates", "1000000")

    expect_found(changed(store, folder, put("layer", 5, 2), renewed=False), "coordinates", "labels layer", "CRC-32")

    def kinds_exchanged(file):
        kinds = file["kind"][()]
        first, other = 0, next(i for i in range(len(kinds)) if (kinds[i] != kinds[0]).any())
        file["kind"][first], file["kind"][other] = kinds[other], kinds[first]
    expect_found(changed(store, folder, kinds_exchanged, renewed=False), "coordinates", "labels kind", "CRC-32")

    def torn(file):
        file["committed"][1, 2] = 0
    expect_found(changed(store, folder, torn, renewed=False), "marks", "samples 2 to 3")

    def every(file):
        file["psi"][()] = file["psi"][()] * (1 + 2**-40)
    done, found = verify(changed(store, folder, every, renewed=False))
    failing = checks_of(found)["changes"]
    assert len(failing["found"]) == 20 or failing["failed"] <= 20, failing  # the rest is counted
    assert done.returncode == 1 and checks_of(found)["checksums"]["failed"] == checks_of(found)["checksums"]["checked"]

    def swapped(file):
        row = file["psi"][1, 3]
        row[[4, 5]] = row[[5, 4]]
        file["psi"][1, 3] = row
    swap = changed(store, folder, swapped)
    done, found = verify(swap)  # nothing within the store shows it, and that is said
    must(done)
    assert found["against_weights"] == "not checked against weights"


def expect_scalar_damage_found(store, folder):
    copy = folder / "scalars-changed.h5"
    shutil.copy(store, copy)
    with h5py.File(copy, "r+") as file:
        name = "parameter/" + texts(file["component"])[2]
        file[name][1, 3, 0] += 1e-2
        file["psi_abs"][0, 0, 0] *= 1 + 1e-9
        wrong = name
    done, found = verify(copy)
    checks = checks_of(found)
    assert done.returncode == 1 and checks["scalars"]["verdict"] == checks["checksums"]["verdict"] == "fails", done.stdout
    assert any(wrong in each for each in checks["scalars"]["found"]), checks["scalars"]
    assert any("psi_abs" in each for each in checks["scalars"]["found"]), checks["scalars"]


def expect_positions_found(store, folder):
    copy = folder / "positions-changed.h5"
    shutil.copy(store, copy)
    with h5py.File(copy, "r+") as file:
        sample = int(np.argmin(file["length"][()]))
        place = (1, sample, int(file["length"][sample]))
        file["psi"][(*place, 0)], file["psi"][(*place, 1)] = 1e-3, -1e-3  # together nothing
    done, found = verify(copy)
    assert done.returncode == 1 and checks_of(found)["positions"]["verdict"] == "fails", done.stdout
    assert checks_of(found)["changes"]["verdict"] == "holds", done.stdout


def expect_missing_units_said(store, folder):
    copy = folder / "unfinished.h5"
    shutil.copy(store, copy)
    with h5py.File(copy, "r+") as file:
        file["committed"][0, :UNIT] = 0
        file["psi"][0, :UNIT] = np.nan  # what no unit has written
    checks = expect_clean(copy, "scalars", "positions")
    done, found = verify(copy)
    assert found["units"]["all"] - found["units"]["committed"] == 1 and "(1 not committed)" in done.stdout, done.stdout
    assert checks["checksums"]["checked"] == found["units"]["committed"]


def expect_refusals(store, folder):
    text = folder / "text.h5"
    text.write_text("no store")
    done, found = verify(text)
    assert done.returncode == 1 and "not an HDF5 file" in done.stderr and found is None, done
    cut = folder / "cut.h5"
    cut.write_bytes(store.read_bytes()[:20000])
    done, found = verify(cut)
    assert done.returncode == 1 and "error: " in done.stderr and found is None, done
    newer = folder / "newer.h5"
    shutil.copy(store, newer)
    with h5py.File(newer, "r+") as file:
        file.attrs["store_version"] = "3"
    done, found = verify(newer)
    assert done.returncode == 1 and "version '3' is not known" in done.stderr, done
    foreign = folder / "foreign.json"
    foreign.write_text("mine")
    done, _ = verify(store, "--output", foreign)
    assert done.returncode == 1 and "no verification of a store" in done.stderr and foreign.read_text() == "mine", done
    done = run("verify", folder / "none.h5")
    assert done.returncode == 1 and "no such store" in done.stderr and not (folder / "none.h5.verify.json").exists(), done


def expect_the_same_by_ranks(store, alone, found, *options):
    """Several ranks compute units, one reads and speaks: the same table and the same document."""
    for ranks in (2, 3):
        done, also = verify(store, *options, ranks=ranks)
        assert done.returncode == alone.returncode and done.stdout == alone.stdout, (ranks, done.stdout, done.stderr)
        assert {**also, "date": found["date"]} == found, (ranks, also)


def expect_against_weights(folder):
    """Scores that changed places are seen when they are computed again, whatever their checksum says."""
    named = ["--series", SERIES, "--samples", SAMPLES]
    for kind in ("tensor", "row_f32", "head_position", "group", "no_samples", "scalars", "fixed_rule", "summed_steps"):
        done, found = verify(folder / f"{kind}.h5", *named, "--sample", "100%")
        must(done)
        checks, again = checks_of(found), found["recomputed"]
        assert checks["scores"]["verdict"] == checks["values"]["verdict"] == "holds", (kind, found)
        assert again["trust"] >= .99 and len(again["units"]) == found["units"]["committed"], (kind, again)
        assert "within their certificates" in done.stdout and again["precision"] == "fp64", done.stdout
        if kind in ("head_position", "group", "scalars"):
            expect_the_same_by_ranks(folder / f"{kind}.h5", done, found, *named, "--sample", "100%")
    store = folder / "tensor.h5"
    done, found = verify(store, "--series", SERIES)  # 5 % of the units, and the samples' file by its stored name
    must(done)
    assert len(found["recomputed"]["units"]) == 1 and found["recomputed"]["seed"] == 1
    other = verify(store, "--series", SERIES, "--seed", "4")[1]["recomputed"]["units"]
    assert other != found["recomputed"]["units"], other

    def swapped(file):
        row = file["psi"][1, 3]
        row[[4, 5]] = row[[5, 4]]
        file["psi"][1, 3] = row
    swap = changed(store, folder, swapped)
    with h5py.File(store) as file:
        names = [texts(file["component"])[place] for place in (4, 5)]
    done, found = verify(swap, *named, "--sample", "100%")
    failing = checks_of(found)["scores"]
    assert done.returncode == 1 and [each["name"] for each in found["checks"] if each["verdict"] == "fails"] == ["scores"], done.stdout
    assert failing["failed"] == 2 and all(f"sample 3 (" in each and f"component {name}:" in each for each, name in zip(failing["found"], names)), failing
    expect_the_same_by_ranks(swap, done, found, *named, "--sample", "100%")
    expect_weights_refused(store, folder, named)


def expect_training_axis(folder):
    run_folder, store = SOURCE / "tests/goldens/training_axis/sgd/run", folder / "training_axis.h5"
    must(run("decompose", "--series", run_folder, "--samples", "validation", "--store", store, "--axes", "sample,output,train_sample", "--functional", "logit",
             "--precision", "fp64", "--quadrature", "gauss:3"))
    expect_clean(store, "scalars", "positions")
    done, found = verify(store, "--series", run_folder, "--sample", "100%")
    must(done)
    assert found["recomputed"]["trust"] == 1 and checks_of(found)["scores"]["checked"] > 0, found


def expect_weights_refused(store, folder, named):
    def refused(code, words, *options, **more):
        done = run("verify", store, *options, **more)
        assert done.returncode == code and all(word in done.stderr for word in words), (done.returncode, done.stderr, done.stdout)
        assert done.stderr.count("error: ") == 1, done.stderr
    kept = store.with_name(store.name + ".verify.json")
    kept.unlink()
    refused(1, ["checkpoint of step", "is not what the store was made from"], "--series", GOLDENS / "tied/series", "--samples", SAMPLES)
    samples = folder / "other.jsonl"
    samples.write_text("".join(line + "\n" for line in reversed(SAMPLES.read_text().splitlines())))
    refused(1, ["other.jsonl", "other samples than"], "--series", SERIES, "--samples", samples)
    refused(2, ["--sample", "no share"], *named, "--sample", "0%")
    refused(2, ["--sample", "no share"], *named, "--sample", "10")
    refused(2, ["--samples", "goes with --series"], "--samples", SAMPLES)
    assert not kept.exists() and not list(folder.glob("*.work*")), sorted(folder.iterdir())
    # Weights of the same names and shapes: F says at which step they differ.
    series = folder / "series"
    shutil.copytree(SERIES, series)
    with h5py.File(store) as file:
        step = int(file["step_from"][1])
    checkpoint = next(path for path in series.iterdir() if path.is_dir() and path.name.endswith(f"-{step}"))
    weights = next(checkpoint.glob("*.safetensors"))
    bytes_ = bytearray(weights.read_bytes())
    bytes_[-4000:-2000] = bytes(2000)
    weights.write_bytes(bytes_)
    done, found = verify(store, "--series", series, "--samples", SAMPLES, "--sample", "100%")
    assert done.returncode == 1 and any(f"at step {step}:" in each for each in checks_of(found)["values"]["found"]), done.stdout + done.stderr


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for kind, options in KINDS.items():
            store = folder / f"{kind}.h5"
            done = decompose(store, SERIES, SAMPLES, *CHUNK, *options)
            assert done.returncode in (0, 3), done.stderr
            not_checked = [each for each, there in {"scalars": kind == "scalars", "positions": kind == "head_position", "flags": kind != "summed_steps"}.items() if not there]
            expect_clean(store, *not_checked)
        for old in sorted(OLD.glob("*.h5")):
            copy = folder / f"old-{old.name}"
            shutil.copy(old, copy)
            not_checked = [each for each, there in {"scalars": old.stem == "parameter", "positions": False, "flags": True}.items() if not there]
            expect_clean(copy, *not_checked)
        print("stores of every kind hold", flush=True)
        expect_training_axis(folder)
        expect_damage_found(folder / "tensor.h5", folder)
        expect_scalar_damage_found(folder / "scalars.h5", folder)
        expect_positions_found(folder / "head_position.h5", folder)
        expect_missing_units_said(folder / "tensor.h5", folder)
        print("damage of every kind is found", flush=True)
        expect_refusals(folder / "tensor.h5", folder)
        done, found = verify(folder / "tensor.h5", "--json")
        assert json.loads(done.stdout) == found and found["revision"] and found["date"].endswith("Z") and "--json" in found["command"], done.stdout
        spaced = shutil.copy(folder / "tensor.h5", folder / "a store's.h5")
        assert shlex.split(verify(spaced)[1]["command"]) == ["explaind", "verify", str(spaced), *shlex.split(found["command"])[3:-1]], found
        expect_against_weights(folder)
        print("what the weights do not say is found", flush=True)
        os.chmod(folder / "tensor.h5", 0o400)
        expect_clean(folder / "tensor.h5", "scalars", "positions")


main()
