"""What query writes, read back by pandas, pyarrow, xarray, zarr and NumPy: the same numbers as h5py has, with their coordinates, whole or by parts."""
import csv
import json
import os
import pathlib
import subprocess
import tempfile

import h5py
import numpy
import pandas
import pyarrow.feather
import pyarrow.parquet
import xarray
import zarr

from made_store import make_store
from program import EXPLAIND, must, run
from store_contents import texts

GROUPS = ("de", "日本", "", "a,\"b\"\nc")
MISSING = [(0, 3), (2, 0), (2, 1), (2, 2), (2, 3), (2, 4)]  # of segment 2 nothing is there
AXES = {"segment": ["step_from", "step_to", "segment"], "sample": ["id", "group", "sample", "length"], "position": ["position"],
        "component": ["component", "layer", "kind", "tensor", "head", "index"]}


def query(store, *arguments, **options):
    return run("query", store, *arguments, **options)


def refused(process, *words, code=2):
    assert process.returncode == code and [line[:6] for line in process.stderr.splitlines()].count("error:") == 1, (process.args, process.stderr)
    for word in words:
        assert word in process.stderr, (word, process.stderr)


def plain(values):
    return [value.decode() if isinstance(value, bytes) else value.item() if hasattr(value, "item") else value for value in values]


def contents(path):
    """psi, NaN where nothing is there, and every coordinate, by h5py."""
    with h5py.File(path) as file:
        names = [name for axis in AXES.values() for name in axis]
        return file["psi"][()], {name: plain(texts(file[name]) if file[name].dtype.kind == "S" else file[name][()]) for name in names}


def expect_rows(frame, path, whole):
    """A table without --group-by has every entry and every coordinate."""
    psi, coordinates = contents(path)
    assert list(frame.columns) == [name for axis in AXES.values() for name in axis] + ["psi"], list(frame.columns)
    place = numpy.indices(psi.shape).reshape(psi.ndim, -1)
    there = numpy.ones(psi.size, bool) if whole else ~numpy.isnan(psi).ravel()
    assert len(frame) == there.sum(), (len(frame), there.sum())
    for axis, (name, labels) in enumerate(AXES.items()):
        for label in labels:
            expected = numpy.array(coordinates[label], object)[place[axis][there]]
            assert (frame[label].to_numpy(object) == expected).all(), label
    assert numpy.array_equal(frame["psi"].to_numpy(), psi.ravel()[there], equal_nan=True)


def frame_of(path, format):
    if format == "csv":
        return pandas.read_csv(path, keep_default_na=False, na_values={"psi": ["nan"]}, float_precision="round_trip")
    if format == "json":
        frame = pandas.DataFrame(json.loads(path.read_text()))
        return frame.assign(psi=frame["psi"].astype(float))
    return pyarrow.parquet.read_table(path).to_pandas() if format == "parquet" else pyarrow.feather.read_table(path).to_pandas()


def expect_tables(store, folder):
    for format in ("csv", "json", "parquet", "arrow"):
        for more in ([], ["--whole"], ["--memory", "9MB"]):  # the last: a key of the first axis at a time
            path = folder / f"rows.{format}"
            process = must(query(store, "--format", format, "--output", path, *more))
            assert "psi [nat]. Negative: lowered F" in process.stderr and ("not committed yet" in process.stderr) == True, process.stderr
            expect_rows(frame_of(path, format), store, "--whole" in more)
        print(format, "as h5py has it")
    for format, opened in (("parquet", pyarrow.parquet.read_table), ("arrow", pyarrow.feather.read_table)):
        path = folder / f"grouped.{format}"
        must(query(store, "--group-by", "kind,group", "--error", "--select", "step=0:2", "--select", "id=*-0|*-1|*-4", "--format", format, "--output", path))
        table = opened(path)
        said = {name.decode(): text.decode() for name, text in table.schema.metadata.items()}
        assert said["heading"].startswith("psi [nat]: mean of 1 to 2 samples, sum of 3 positions") and json.loads(said["statement"])["units"] == "nat", said
        types = {field.name: str(field.type) for field in table.schema}
        assert types == {"kind": "string", "group": "string", "mean_of_samples": "int64", "sum_of_positions": "int64",
                         "sum_of_components": "int64", "psi": "double", "standard_error": "double"}, types
        psi, coordinates = contents(store)
        for row in table.to_pylist():
            mine = psi[0][[s for s in (0, 1, 4) if coordinates["group"][s] == row["group"]]][..., [k == row["kind"] for k in coordinates["kind"]]].sum((1, 2))
            assert numpy.isclose(row["psi"], mine.mean(), rtol=1e-12), row
            assert row["mean_of_samples"] == len(mine) and (len(mine) < 2 or numpy.isclose(row["standard_error"], mine.std(ddof=1) / len(mine) ** .5)), row


def open_zarr(path):
    return xarray.open_zarr(path, chunks=None)


def expect_arrays(store, folder):
    """netCDF and Zarr are one dataset with the variable's own axes; with --group-by those that stay."""
    psi, coordinates = contents(store)
    for format, opened in (("netcdf", xarray.open_dataset), ("zarr", open_zarr)):
        for more in ([], ["--memory", "9MB"]):
            path = folder / f"array{len(more)}.{format}"
            must(query(store, "--format", format, "--output", path, *more))
            with opened(path) as found:
                assert found.psi.dims == tuple(AXES) and numpy.array_equal(found.psi, psi, equal_nan=True), found
                for axis, labels in AXES.items():
                    for label in labels:
                        assert found[label].dims == (axis,) and label in found.psi.coords and plain(found[label].values) == coordinates[label], label
                assert found.psi.attrs["units"] == "1" and found.psi.attrs["unit_name"] == "nat" and found.psi.attrs["sign_convention"] == "negative: lowered F"
                by_kind = found.psi.groupby("kind").sum("component", min_count=1)
                assert numpy.isnan(by_kind.isel(segment=2)).all()
        path = folder / f"groups.{format}"
        must(query(store, "--group-by", "layer,kind,group", "--select", "step=0:2", "--bootstrap", 20, "--format", format, "--output", path,
                   "--select", "id=*-0|*-1|*-4"))
        with opened(path) as found:
            assert found.psi.dims == ("group", "component") and found.kind.dims == found.layer.dims == ("component",), found
            mine = psi[0][[0, 4]][..., [k == "mlp" and a == 1 for k, a in zip(coordinates["kind"], coordinates["layer"])]].sum((1, 2))
            cell = found.sel(group="de").isel(component=((found.kind == "mlp") & (found.layer == 1)).values.argmax())
            assert numpy.isclose(cell.psi, mine.mean(), rtol=1e-12) and cell.interval_low <= cell.psi <= cell.interval_high
            assert "95 %" in found.psi.attrs["long_name"] and numpy.isnan(found.interval_low.sel(group="日本")).all()
        for words in (["--similarity", "kind"], ["--group-by", "component", "--top", "3"], ["--group-by", "step_to", "--select", "step=7"], ["--sum", "segment,component,position", "--mean", "sample"]):
            path = folder / f"{words[0][2:]}-{words[1]}.{format}"
            must(query(store, *words, "--format", format, "--output", path))
            rows = list(csv.DictReader(must(query(store, *words, "--format", "csv", "--whole")).stdout.splitlines()))
            with opened(path) as found:
                name = "cosine" if "--similarity" in words else "psi"
                assert numpy.allclose(found[name].values.ravel(), [float(row[name]) for row in rows], rtol=0, atol=0, equal_nan=True), (words, found)
        print(format, "as h5py has it")


def expect_chunks(folder):
    """An array larger than a chunk, along the first axis and within its entries; all chunks at their place, also at the edges."""
    for shape in ({"segments": 37, "samples": 60, "positions": 8}, {"segments": 3, "samples": 210, "positions": 73}):
        store, path = folder / "large.h5", folder / f"large-{shape['segments']}.zarr"
        psi = make_store(store, layers=4, **shape)
        must(query(store, "--format", "zarr", "--output", path, "--memory", "40MB"))
        array = zarr.open(str(path), mode="r")["psi"]
        assert array.nchunks > 1 and numpy.prod(array.chunks) <= 2**19 and array.compressor.codec_id == "zlib", array.info
        assert numpy.array_equal(array[...], psi), shape
        assert json.loads((path / ".zmetadata").read_text())["zarr_consolidated_format"] == 1
        found = open_zarr(path)
        assert numpy.array_equal(found.psi.isel(segment=-1), psi[-1])
        must(query(store, "--format", "npy", "--output", folder / "large.npy", "--memory", "40MB"))
        assert numpy.array_equal(numpy.load(folder / "large.npy"), psi)
    assert int(psi[0].size) > 2**19
    print("zarr's chunks are at their place")


def expect_headers(store):
    lines = must(query(store, "--group-by", "kind", "--format", "csv", "--header")).stdout.splitlines()
    assert lines[0].startswith("# psi [nat]: mean of") and lines[0].endswith(". Negative: lowered F") and lines[1].startswith("kind,"), lines
    found = json.loads(must(query(store, "--group-by", "kind", "--format", "json", "--header")).stdout)
    assert found["units"] == "nat" and found["sign"] == "negative: lowered F" and "mean of" in found["heading"], found
    assert found["rows"] == json.loads(must(query(store, "--group-by", "kind", "--format", "json")).stdout)


def expect_nothing_half(store, folder):
    """A file or folder appears whole or not at all."""
    before = sorted(folder.iterdir())
    for format in ("parquet", "arrow", "netcdf", "zarr"):
        refused(query(store, "--format", format), "--output", f"scores.{format}")
        refused(query(store, "--format", format, "--output", folder / "none" / "x"), code=1)
        refused(query(store, "--format", format, "--output", folder), str(folder), code=1)
        refused(query(store, "--format", format, "--output", store), "would be lost")
        refused(query(store, "--format", format, "--group-by", "knid", "--output", folder / "new"), "kind")
    refused(query(store, "--format", "zarr", "--output", before[0]), "already", code=1)
    refused(query(store, "--format", "npy", "--header"), "netcdf")
    refused(query(store, "--format", "parquet", "--columns", "kind", "--output", folder / "new"), "--columns")
    # A disk with no room for the file: nothing of it stays.
    for format in ("parquet", "arrow", "netcdf", "zarr", "csv", "npy"):
        limited = subprocess.run(["bash", "-c", f"ulimit -f 1; exec {EXPLAIND} query {store} --format {format} --output {folder / 'new'}"],
                                 capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS="1"), check=False)
        assert limited.returncode != 0, format
        for each in folder.glob("new*"):  # a signal may have ended it, which leaves an unfinished name and never the file itself
            assert each.name != "new", (format, each)
            subprocess.run(["rm", "-rf", each], check=True)
    assert sorted(folder.iterdir()) == before


def expect_other_readers(folder):
    """Files of a parquet table are over-written whole; the same question gives the same bytes."""
    store = folder / "same.h5"
    make_store(store, segments=3, samples=4)
    for format in ("csv", "json", "npy", "netcdf", "parquet", "arrow"):
        bytes_of = []
        for _ in range(2):
            must(query(store, "--format", format, "--output", folder / "same.out"))
            bytes_of.append((folder / "same.out").read_bytes())
        assert bytes_of[0] == bytes_of[1], format


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        store = folder / "made.h5"
        make_store(store, segments=4, samples=5, groups=GROUPS, layers=2, heads=2, positions=3, missing=MISSING, coordinate_steps=[0, 2, 5, 7, 99])
        expect_tables(store, folder)
        expect_arrays(store, folder)
        expect_chunks(folder)
        expect_headers(store)
        expect_nothing_half(store, folder)
        expect_other_readers(folder)


main()
