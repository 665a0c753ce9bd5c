"""explaind store merge: what was decomposed in parts is, joined, what one run gives, bit for bit; and what does not belong together is refused by name."""
import json
import pathlib
import shutil
import tempfile

import h5py
import numpy as np
import xarray

from program import GOLDENS, SOURCE, decompose, must, run
from store_contents import document, text_attribute, texts

SERIES, SAMPLES = GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl"
OLD = SOURCE / "tests/goldens/stores/version1"
STEPS = SOURCE / "tests/goldens/optimizer_steps"
RUN = ["--model", "grokking_transformer", "--modulus", "7", "--train-samples", "20", "--validation-samples", "8", "--hidden", "8", "--heads", "2",
       "--intermediate", "12", "--batch", "8", "--epochs", "2", "--threads", "1"]
# Of the samples: micro-batches of the parts are those of the whole, and so are their bits.
ALIKE = ["--chunk", "2", "--product-form", "split"]
BY_FILE = {"_Netcdf4Dimid", "_Netcdf4Coordinates", "DIMENSION_LIST", "REFERENCE_LIST"}


def merge(*stores, to, more=()):
    return run("store", "merge", *stores, "-o", to, *more)


def expect_same(whole, merged, rounded=()):
    """By h5py: every dataset outside the provenance, and the checksums; attributes and scales."""
    names, again = [], []
    with h5py.File(whole) as one, h5py.File(merged) as other:
        one.visit(names.append)
        other.visit(again.append)
        kept = {name for name in names if not name.startswith("provenance/")} | {"provenance/checksum", "provenance/unit"}
        assert kept == {name for name in again if not name.startswith("provenance/")} | {"provenance/checksum", "provenance/unit"}, set(names) ^ set(again)
        for name in sorted(kept):
            a, b = one[name], other[name]
            assert {key: str(value) for key, value in a.attrs.items() if key not in BY_FILE} == \
                {key: str(value) for key, value in b.attrs.items() if key not in BY_FILE}, name
            if not isinstance(a, h5py.Dataset):
                continue
            assert a.shape == b.shape and a.dtype == b.dtype and a.is_scale == b.is_scale, (name, a, b)
            if not a.is_scale:
                assert [[scale.name for scale in axis.values()] for axis in a.dims] == [[scale.name for scale in axis.values()] for axis in b.dims], name
            if a.id.get_space_status() != h5py.h5d.SPACE_STATUS_ALLOCATED:
                continue
            if name in rounded:
                assert np.allclose(a[()], b[()], rtol=1e-12, atol=0), name
            else:
                assert a[()].tobytes() == b[()].tobytes(), name
        for name in ("sizes", "label_checksums"):
            assert text_attribute(one, name) == text_attribute(other, name), name


def expect_works(merged, *groups):
    """Verified, asked, shown, and opened by xarray."""
    said = must(run("verify", merged)).stdout
    assert "all that was checked holds" in said, said
    for engine in ("netcdf4", "h5netcdf"):
        with xarray.open_dataset(merged, engine=engine) as store:
            assert bool((store.committed == 1).all()) and store.psi.notnull().all()


def expect_same_answers(whole, merged, *question):
    assert must(run("query", whole, *question, "--format", "csv")).stdout == must(run("query", merged, *question, "--format", "csv")).stdout, question


def split_samples(folder, source=SAMPLES, sizes=(2, 3)):
    lines, parts = source.read_text(encoding="utf-8").splitlines(), []
    for number, size in enumerate(sizes):
        parts.append(folder / f"part{number}.jsonl")
        parts[-1].write_text("\n".join(lines[:size]) + "\n", encoding="utf-8")
        lines = lines[size:]
    assert not lines
    return parts


def check_samples(folder):
    kinds = {
        "row": ["--component", "row", "--store-dtype", "f32"],
        "position": ["--component", "head", "--axes", "sample,position"],
        "scalars": ["--component", "parameter"],
        "curve": ["--steps", "every:2", "--step-policy", "drop"],
    }
    parts = split_samples(folder)
    for name, options in kinds.items():
        whole, merged, stores = folder / f"{name}.h5", folder / f"{name}.merged.h5", []
        must(decompose(whole, SERIES, SAMPLES, *ALIKE, *options))
        for number, part in enumerate(parts):
            stores.append(folder / f"{name}.{number}.h5")
            must(decompose(stores[-1], SERIES, part, *ALIKE, *options))
        said = must(merge(*stores, to=merged)).stdout
        assert "5 samples joined along their samples" in said and "note:" not in said, said
        expect_same(whole, merged, rounded=("interval_change", "explained_share"))
        expect_works(merged)
    with h5py.File(folder / "position.merged.h5") as file, h5py.File(folder / "position.h5") as whole:
        assert json.loads(document(file, "tokens")) == json.loads(document(whole, "tokens"))
        origins = json.loads(document(file, "merged_from"))
        assert [each["file"] for each in origins] == ["position.0.h5", "position.1.h5"] and origins[0]["configuration"]["samples"] == str(parts[0])
        assert all(each["identity"] and each["revision"] and "explaind decompose" in each["history"] for each in origins)
        assert len(json.loads(document(file, "inputs"))["samples"]) == 2 and len(text_attribute(file, "identity")) == 64
        assert "explaind store merge position.0.h5 position.1.h5" in text_attribute(file, "history")
        lines = texts(file["provenance/run_log"])
        assert len([line for line in lines if line]) == 2, lines
    expect_same_answers(folder / "row.h5", folder / "row.merged.h5", "--group-by", "group,kind,step_to")
    expect_same_answers(folder / "row.h5", folder / "row.merged.h5", "--variable", "residual")
    must(run("report", folder / "position.merged.h5", "-o", folder / "page.html"))
    # Stores that were repacked or merged are stores.
    must(run("store", "repack", folder / "row.0.h5", "-o", folder / "packed.h5"))
    must(merge(folder / "packed.h5", folder / "row.1.h5", to=folder / "of_packed.h5"))
    expect_same(folder / "row.h5", folder / "of_packed.h5")
    must(run("store", "repack", folder / "of_packed.h5", "-o", folder / "packed_again.h5"))
    expect_works(folder / "packed_again.h5")
    three, stores = split_samples(folder, sizes=(2, 2, 1)), []
    for number, part in enumerate(three):
        stores.append(folder / f"third.{number}.h5")
        must(decompose(stores[-1], SERIES, part, *ALIKE, *kinds["row"]))
    must(merge(*stores[:2], to=folder / "two.h5"))
    must(merge(folder / "two.h5", stores[2], to=folder / "three.h5", more=["--memory", "16MiB"]))
    expect_same(folder / "row.h5", folder / "three.h5")
    with h5py.File(folder / "three.h5") as file:
        assert [each["file"] for each in json.loads(document(file, "merged_from"))] == [store.name for store in stores]


def check_groups(folder):
    """Groups of stores follow one another; one that is in both is refused."""
    lines = SAMPLES.read_text(encoding="utf-8").splitlines()
    samples = [dict(json.loads(line), group=group) for line, group in zip(lines, ("de", "de", "français", "sv", "français"))]
    for name, chosen in (("all", samples), ("first", samples[:2]), ("rest", samples[2:]), ("mixed", samples[1:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in chosen), encoding="utf-8")
    options = ["--axes", "group,position", "--micro-batch", "1", "--product-form", "split"]
    for name in ("all", "first", "rest"):
        must(decompose(folder / f"group.{name}.h5", SERIES, folder / f"{name}.jsonl", *options))
    merged = folder / "group.h5"
    must(merge(folder / "group.first.h5", folder / "group.rest.h5", to=merged))
    expect_same(folder / "group.all.h5", merged)
    expect_works(merged)
    expect_same_answers(folder / "group.all.h5", merged, "--group-by", "group,kind")
    other = [dict(sample, id=f"other-{sample['id']}") for sample in samples[1:]]
    (folder / "mixed.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in other), encoding="utf-8")
    must(decompose(folder / "group.mixed.h5", SERIES, folder / "mixed.jsonl", *options))
    refused(merge(folder / "group.first.h5", folder / "group.mixed.h5", to=folder / "no.h5"), 1, "group 'de' is in", "--axes sample")


def check_segments(folder):
    stores = []
    for first, last in ((10, 10), (0, 0)):
        stores.append(folder / f"from{first}.h5")
        must(decompose(stores[-1], SERIES, SAMPLES, "--steps", f"range:{first}:{last}"))
    must(decompose(folder / "segments.h5", SERIES, SAMPLES))
    merged = folder / "segments.merged.h5"
    said = must(merge(*stores, to=merged)).stdout
    assert "2 segments of 5 samples joined along their segments" in said and "note:" not in said, said
    expect_same(folder / "segments.h5", merged)
    expect_works(merged)
    with h5py.File(merged) as file:
        assert json.loads(text_attribute(file, "configuration"))["steps"] == "range:0:10"
    # Two series of one training: the checkpoint that both have is one, and steps need 64 bits where the later ones do.
    last = 3_000_000_000
    for name, steps in (("early", (0, 10)), ("late", (10, last)), ("long", (0, 10, last))):
        for step in steps:
            shutil.copytree(SERIES / f"step-{min(step, 100)}", folder / name / f"step-{step}")
        must(decompose(folder / f"{name}.h5", folder / name, SAMPLES))
    must(merge(folder / "late.h5", folder / "early.h5", to=folder / "series.h5"))
    expect_same(folder / "long.h5", folder / "series.h5")
    with h5py.File(folder / "series.h5") as file:
        assert [each["step"] for each in json.loads(document(file, "inputs"))["series"]] == [0, 10, last] and file["step_to"].dtype == np.int64
    refused(merge(folder / "segments.h5", stores[0], to=folder / "no.h5"), 1, "overlaps that of steps 10 to 100", str(stores[0]))


def check_runs(folder):
    """Outputs, parts and training axes; segments that lie between each other; steps that none has."""
    must(run("record", "--history", folder / "run", *RUN))
    batch = ["--chunk", "2", "--quadrature", "gauss:3", "--threads", "1"]
    cases = {
        "parts": (["--parts", "decay,rounding,data", "--component", "row"], "validation:0:1", "validation:2:4", "validation:0:4"),
        "output": (["--functional", "logit", "--axes", "sample,output"], "validation:0:1", "train:3:4", "list"),
        "training": (["--axes", "sample,train_sample"], "validation:0:1", "validation:2:4", "validation:0:4"),
    }
    for name, (options, first, second, both) in cases.items():
        stores = [folder / f"{name}.{number}.h5" for number in range(2)]
        for store, samples in zip(stores, (first, second)):
            must(decompose(store, folder / "run", samples, *batch, *options))
        must(merge(*stores, to=folder / f"{name}.h5"))
        expect_works(folder / f"{name}.h5")
        if both != "list":
            must(decompose(folder / f"{name}.whole.h5", folder / "run", both, *batch, *options))
            expect_same(folder / f"{name}.whole.h5", folder / f"{name}.h5")
            continue
        with h5py.File(folder / f"{name}.h5") as file:
            parts = [h5py.File(store)["psi"][()] for store in stores]
            assert file["psi"][()].tobytes() == np.concatenate(parts, 1).tobytes() and len(texts(file["output"])) == parts[0].shape[-1]
    ranges = {"a": "range:0:1", "b": "range:4:5", "c": "range:2:2"}
    for name, steps in ranges.items():
        must(decompose(folder / f"steps.{name}.h5", folder / "run", "validation:0:4", *batch, "--steps", steps))
    must(decompose(folder / "steps.h5", folder / "run", "validation:0:4", *batch))
    said = must(merge(folder / "steps.a.h5", folder / "steps.b.h5", to=folder / "outer.h5")).stdout
    assert "note: no store has steps 2 to 4" in said, said
    said = must(merge(folder / "outer.h5", folder / "steps.c.h5", to=folder / "inner.h5")).stdout
    assert "note: no store has steps 3 to 4" in said, said
    with h5py.File(folder / "inner.h5") as file, h5py.File(folder / "steps.h5") as whole:
        chosen = [0, 1, 2, 4, 5]
        assert file["step_from"][()].tolist() == chosen
        for name in ("psi", "value_from", "value_to", "residual", "node_count"):
            assert file[name][()].tobytes() == whole[name][()][chosen].tobytes(), name
    expect_works(folder / "inner.h5")


def refused(process, code, *words):
    assert process.returncode == code and process.stderr.count("error:") == 1 and all(word in process.stderr for word in words), (words, process)


def check_refusals(folder):
    place = folder / "refused"
    place.mkdir()
    out = place / "o.h5"
    first, second = folder / "row.0.h5", folder / "row.1.h5"
    refused(merge(first, to=out), 2, "one store is nothing to join")
    refused(run("store", "merge", "-o", out), 2, "--stores is missing")
    refused(merge(first, second, to=first), 2, "which is read")
    refused(merge(first, first, to=out), 1, "sample 'a-5' is in")
    refused(merge(first, folder / "row.h5", to=out), 1, "sample 'a-5' is in", str(first), str(folder / "row.h5"))
    refused(merge(first, folder / "position.1.h5", to=out), 1, "component is 'row' there and 'head' here", "axes is 'sample' there and 'sample,position' here",
            "store-dtype is 'f32' there and 'f64' here", str(first), str(folder / "position.1.h5"))
    refused(merge(folder / "from0.h5", second, to=out), 1, "neither the segments nor the samples of")
    refused(merge(next(OLD.glob("*.h5")), second, to=out), 1, "is in layout 1")
    other = place / "other.h5"
    must(decompose(other, SERIES, split_samples(folder)[1], *ALIKE, "--component", "row", "--store-dtype", "f32", "--tolerance", "1e-4"))
    refused(merge(first, other, to=out), 1, "tolerance is '1e-05' there and '0.0001' here")
    for name in ("summed.0", "summed.1"):
        must(decompose(place / f"{name}.h5", SERIES, folder / f"part{name[-1]}.jsonl", "--axes", "segment", "--product-form", "split"))
    refused(merge(place / "summed.0.h5", place / "summed.1.h5", to=out), 1, "keeps no axis sample or group")
    partial = place / "partial.h5"
    shutil.copy(second, partial)
    with h5py.File(partial, "r+") as file:
        file["committed"][1, 2:] = 0
    refused(merge(first, partial, to=out), 1, "is not finished: 1 of 4 units is missing", "segment 1 (steps 10 to 100), samples 2 to 2",
            "--resume")
    weights = place / "weights.h5"
    shutil.copy(second, weights)
    with h5py.File(weights, "r+") as file:
        inputs = json.loads(document(file, "inputs"))
        inputs["series"][1]["size"] += 1
        text = json.dumps(inputs, indent=2).encode()
        del file["provenance/inputs"]
        file["provenance/inputs"] = np.frombuffer(text, "S1")
    refused(merge(first, weights, to=out), 1, "size of weights of step 10 is")
    damaged = place / "damaged.h5"
    damaged.write_bytes(second.read_bytes()[:-3000])
    refused(merge(first, damaged, to=out), 1, str(damaged))
    wrong = place / "wrong.h5"
    shutil.copy(second, wrong)
    with h5py.File(wrong, "r+") as file:
        file["psi"][1, 1, 7] += 1e-3
    refused(merge(first, wrong, to=out), 1, str(wrong), "segment 1 (steps 10 to 100), samples 0 to 1", "bytes' checksum")
    relabelled = place / "relabelled.h5"
    shutil.copy(second, relabelled)
    with h5py.File(relabelled, "r+") as file:
        file["group"][0, 0] = b"X"
    refused(merge(first, relabelled, to=out), 1, str(relabelled), "'group' is not what it was")
    assert not out.exists() and not [path for path in place.iterdir() if path.suffix in (".tmp", ".lock")]
    merged = folder / "row.merged.h5"
    refused(merge(first, second, to=merged), 1, "the store exists", "another --output")
    must(merge(first, second, to=merged, more=["--overwrite"]))
    refused(decompose(merged, SERIES, SAMPLES, *ALIKE, "--component", "row", "--store-dtype", "f32", "--resume"), 1, "was merged from other stores",
            "merge them again")
    refused(run("verify", merged, "--series", SERIES), 1, "was merged from other stores", "this one without it")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        check_samples(folder)
        print("samples: bit for bit", flush=True)
        check_groups(folder)
        check_segments(folder)
        print("groups, segments: bit for bit", flush=True)
        check_runs(folder)
        print("recorded runs: bit for bit", flush=True)
        check_refusals(folder)


main()
