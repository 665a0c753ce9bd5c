"""What query says: over how many, in every format; what it refuses; how it is cut; and where its output cannot be written."""
import csv
import io
import json
import pathlib
import subprocess
import tempfile

import h5py
import numpy

from program import EXPLAIND, GOLDENS, SOURCE, decompose, must, run

SERIES, SAMPLES = GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl"
GROUPS = {"de": [0, 2], "en": [1], "": [3], "sv": [4]}  # of the 5 samples
SEGMENTS, TENSORS = 2, 21


def query(store, *arguments, **options):
    return run("query", store, *arguments, **options)


def rows_of(process):
    return list(csv.DictReader(io.StringIO(must(process).stdout)))


def refused(process, code, *words):
    assert process.returncode == code, (process.returncode, process.stdout, process.stderr)
    assert process.stderr.count("error:") == 1, process.stderr
    for word in words:
        assert word in process.stderr, (word, process.stderr)


def close(found, expected, text):
    assert numpy.allclose(found, expected, rtol=1e-12, atol=1e-300), (text, found, expected)


def expect_means_and_sums(store, by_group):
    with h5py.File(store) as file:
        psi, values = file["psi"][()], file["value_from"][()]
    table = must(query(store, "--group-by", "group")).stdout
    assert table.splitlines()[0] == "psi [nat]: mean of 1 to 2 samples, sum of 2 segments, sum of 21 components. Negative: lowered F", table
    rows = rows_of(query(store, "--group-by", "group", "--format", "csv"))
    for row in rows:
        members = GROUPS[row["group"]]
        close(float(row["psi"]), psi[:, members].mean(1).sum(), "mean over samples")
        counts = [int(row[name]) for name in ("mean_of_samples", "sum_of_segments", "sum_of_components")]
        assert counts == [len(members), SEGMENTS, TENSORS], row
    assert list(rows[0])[-1] == "psi"
    stored = {row["group"]: float(row["psi"]) for row in rows_of(query(by_group, "--group-by", "group", "--format", "csv"))}
    close([stored[row["group"]] for row in rows], [float(row["psi"]) for row in rows], "as --axes group has them")
    table = must(query(by_group, "--group-by", "kind")).stdout
    assert "mean of 4 groups (weighted by their samples, 1 to 2)" in table and "stored as the mean of each group's" in table, table
    everything = rows_of(query(store, "--group-by", "kind", "--format", "csv"))
    weighted = rows_of(query(by_group, "--group-by", "kind", "--format", "csv"))
    close([float(row["psi"]) for row in weighted], [float(row["psi"]) for row in everything], "weighted means of groups")
    assert "mean_of_groups_weighted_by_samples" in weighted[0], weighted[0]
    found = json.loads(must(query(store, "--group-by", "group", "--sum", "sample", "--mean", "segment", "--format", "json")).stdout)
    for row in found:
        close(row["psi"], psi[:, GROUPS[row["group"]]].sum((1, 2)).mean(), "as asked")
        assert row["sum_of_samples"] == len(GROUPS[row["group"]]) and row["mean_of_segments"] == SEGMENTS, row
    errors = rows_of(query(store, "--group-by", "step_to", "--error", "--format", "csv"))
    for segment, row in enumerate(errors):
        close(float(row["standard_error"]), psi[segment].sum(-1).std(ddof=1) / 5**.5, "standard error")
    rows = rows_of(query(store, "--variable", "value_from", "--group-by", "step_from,group", "--format", "csv"))
    close([float(row["value_from"]) for row in rows],
          [values[s, GROUPS[row["group"]]].mean() for row in rows for s in [[0, 10].index(int(row["step_from"]))]], "mean of F")
    process = subprocess.run([EXPLAIND, "query", store, "--sum", "component", "--mean", "sample", "--format", "npy"], capture_output=True, check=True)
    close(numpy.load(io.BytesIO(process.stdout)), psi.mean(1).sum(1), "array")
    said = json.loads(process.stderr.decode().split("note: ")[1])
    assert said["mean_of_samples"] == [5, 5] and said["sum_of_components"] == [TENSORS, TENSORS] and said["shape"] == [SEGMENTS], said


def expect_mark(store):
    """A byte order mark where it is asked for, and the same table behind it."""
    asked = ["query", store, "--group-by", "id", "--format", "csv"]
    plain, marked = (subprocess.run([EXPLAIND, *asked, *more], capture_output=True, check=True).stdout for more in ([], ["--csv-bom"]))
    assert marked == b"\xef\xbb\xbf" + plain and plain.startswith(b"id,"), marked[:40]


def expect_refusals(store):
    refused(query(store, "--csv-bom"), 2, "--csv-bom", "--format csv")
    refused(query(store, "--variable", "value_from", "--group-by", "group"), 2, "value_from", "2 segments", "--mean segment", "--select step=")
    refused(query(store, "--variable", "tolerance_met", "--group-by", "group"), 2, "2 segments and 2 samples", "--sum segment,sample")
    refused(query(store, "--group-by", "kind", "--select", "group=de", "--select", "group=sv"), 2, "'group'", "twice", "group=ONE|OTHER")
    refused(query(store, "--group-by", "kind", "--select", "group=de|fr"), 1, "group=fr", "de, en, (empty), sv")
    refused(query(store, "--select", "id=a,b"), 2, "'b'", "\\,")
    refused(query(store, "--gruop-by", "kind"), 2, "--gruop-by", "Did you mean --group-by?")
    refused(query(store, "--variable", "id"), 2, "is text")
    only = rows_of(query(store, "--group-by", "id", "--select", r"id=a\-5|e*", "--format", "csv"))
    assert [row["id"] for row in only] == ["a-5", "e-7"], only


def expect_cut(store):
    """A bare query of many rows shows 40 and says so; what programs read is never cut."""
    rows = SEGMENTS * 5 * TENSORS
    table = must(query(store)).stdout.splitlines()
    assert len(table) == 2 + 40 + 1 and f"{rows - 40} more rows of {rows} in all" in table[-1] and "--format csv" in table[-1], table[-1]
    assert len(rows_of(query(store, "--format", "csv"))) == rows
    assert len(json.loads(must(query(store, "--format", "json")).stdout)) == rows
    assert len(must(query(store, "--select", "id=a-5")).stdout.splitlines()) == 2 + 40 + 1
    assert len(must(query(store, "--group-by", "component,id")).stdout.splitlines()) == 2 + 5 * TENSORS
    assert len(must(query(store, "--top", "41")).stdout.splitlines()) == 2 + 41
    assert len(must(query(store, "--mean", "sample", "--sum", "segment")).stdout.splitlines()) == 2 + TENSORS


def expect_shared_heads(store, folder):
    """4 heads query 2 key-value heads: head h has half of the keys' and values' scores of head h // 2, in every format."""
    with h5py.File(store) as file:
        psi = file["psi"][()]  # segment, sample, component
        layer, head, shared = (file[name][()] for name in ("layer", "head", "kv_head"))
    scores = psi.mean(1).sum(0)  # mean over samples, sum over segments
    expected = {(a, h): scores[(layer == a) & (head == h)].sum() + scores[(layer == a) & (shared == h // 2)].sum() / 2
                for a in (0, 1) for h in range(4)}
    asked = ["--group-by", "layer,head", "--share-kv-heads"]
    said = "each key-value head's score shared equally among its 2 query heads"
    csv_rows = query(store, *asked, "--format", "csv")
    assert said in csv_rows.stderr, csv_rows.stderr
    for found in (rows_of(csv_rows), json.loads(must(query(store, *asked, "--format", "json")).stdout)):
        found = {(int(row["layer"]), int(row["head"])): row for row in found}
        for key, value in expected.items():
            close(float(found[key]["psi"]), value, key)
            assert int(found[key]["sum_of_components"]) == 4, found[key]
        close(sum(float(row["psi"]) for row in found.values()), scores.sum(), "nothing is lost")
    assert said in must(query(store, *asked)).stdout.splitlines()[0]
    process = subprocess.run([EXPLAIND, "query", store, *asked, "--select", "head=0:3", "--format", "npy"], capture_output=True, check=True)
    assert json.loads(process.stderr.decode().split("note: ")[1])["shared"] == said, process.stderr
    close(numpy.load(io.BytesIO(process.stdout)), [expected[key] for key in sorted(expected)], "array")
    single = rows_of(query(store, "--share-kv-heads", "--format", "csv", "--select", "step=10", "--select", "kv_head=1", "--select", "layer=0"))
    assert len(single) == 5 * 2 * 2 and {row["head"] for row in single} == {"2", "3"}, single
    first = int(numpy.flatnonzero((layer == 0) & (shared == 1))[0])
    close(float(single[0]["psi"]), psi[0, 0, first] / 2, "a row for each head")
    alike = must(query(store, *asked, "--select", "head=0:3", "--similarity", "sample", "--top", "1")).stdout.splitlines()
    assert "cosine" in alike[0] + alike[1], alike
    cut = folder / "cut.h5"
    cut.write_bytes(store.read_bytes())
    with h5py.File(cut, "r+") as file:
        words = bytes(file.attrs["sizes"]).decode().split()
        words[words.index("component") + 1] = str(len(head) + 4)
        file.attrs["sizes"] = numpy.bytes_(" ".join(words))
    refused(query(cut, *asked), 1, "cut.h5", f"{len(head)} components of the {len(head) + 4}", "whole store")
    cut.write_bytes(store.read_bytes())
    with h5py.File(cut, "r+") as file:
        queries = numpy.flatnonzero(head == 0)[0] + numpy.arange(4)
        file["head"][queries] = [0, 3, 3, 3]
    refused(query(cut, *asked), 1, "cut.h5", "of layer 0", "q_proj.weight has 2 heads (the last is number 3)", "kv_head")
    old = SOURCE / "tests/goldens/stores/version1/psi.h5"
    refused(query(old, *asked), 2, "--share-kv-heads", "version 1")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        store, by_group = folder / "samples.h5", folder / "groups.h5"
        must(decompose(store, SERIES, SAMPLES))
        must(decompose(by_group, SERIES, SAMPLES, "--axes", "group"))
        expect_means_and_sums(store, by_group)
        expect_mark(store)
        expect_refusals(store)
        expect_cut(store)
        heads = folder / "heads.h5"
        must(decompose(heads, SERIES, SAMPLES, "--component", "head"))
        expect_shared_heads(heads, folder)
        refused(query(store, "--share-kv-heads"), 2, "not stored by head", "--component head")
        target = folder / "out.csv"
        must(query(store, "--group-by", "kind", "--format", "csv", "--output", target))
        assert target.read_text() == must(query(store, "--group-by", "kind", "--format", "csv")).stdout
    print("query says what it did, over how many, and what it cannot do")


main()
