"""A store read as its users read it: h5py, xarray with both engines, and the code of the README."""
import os
import pathlib
import re
import shutil
import tempfile

import h5py
import numpy
import xarray

from program import GOLDENS, SOURCE, decompose, must, run
from store_contents import texts

VARIANT = GOLDENS / "grouped_query"
SEGMENTS, SAMPLES, TENSORS = 2, 5, 21


def expect_layout(path):
    with h5py.File(path) as file:
        assert file["psi"].shape == (SEGMENTS, SAMPLES, TENSORS), file["psi"].shape
        assert [scale[0].name for scale in file["psi"].dims] == ["/segment", "/sample", "/component"]
        assert file["psi"].chunks is None and file["psi"].dtype == numpy.float64
        assert file["committed"][()].all()
        assert file.attrs["store_version"].tolist() == [2]
        assert file["component"].dtype == "S1" and texts(file["id"]) == ["a-5", "b-9", "c-12", "d-3", "e-7"]
        assert {"checksum", "seconds", "unit", "run_log", "inputs"} <= set(file["provenance"]) and not {"unit", "run", "seconds"} & set(file)


def expect_dataset(path, engine):
    with xarray.open_dataset(path, engine=engine) as store:
        assert store.psi.dims == ("segment", "sample", "component")
        for name, dim in {"step_from": "segment", "step_to": "segment", "id": "sample", "group": "sample", "layer": "component",
                          "kind": "component", "tensor": "component", "head": "component", "kv_head": "component",
                          "index": "component", "length": "sample"}.items():
            assert store[name].dims == (dim,), name
            assert name in store.psi.coords, name
        assert store.step_from.values.tolist() == [0, 10] and store.step_to.values.tolist() == [10, 100]
        assert [str(each) for each in store.id.values] == ["a-5", "b-9", "c-12", "d-3", "e-7"]
        assert [str(each) for each in store.group.values] == ["de", "en", "de", "", "sv"]
        expect_sums(store)
        expect_groups(store)
        assert store.psi.attrs["units"] == "1" and "in nats" in store.psi.attrs["long_name"] and "negative" in store.psi.attrs["sign_convention"]
        assert store.attrs["Conventions"].startswith("CF-") and "explaind decompose" in store.attrs["history"] and len(store.attrs["identity"]) == 64
        assert all("long_name" in variable.attrs for variable in store.variables.values())
        assert store.length.values.tolist() == [5, 9, 12, 3, 7] and store.step_to.dtype == numpy.int32
        name = "model.layers.0.mlp.up_proj.weight"
        place = [str(each) for each in store.component.values].index(name)
        assert (store.psi.sel(component=name, sample=2).values == store.psi.values[:, 2, place]).all()
        assert store.to_dataframe().shape[0] == SEGMENTS * SAMPLES * TENSORS


def expect_sums(store):
    change = store.value_to - store.value_from
    assert abs(change).min() > 1e-6
    apart = abs(change - store.psi.sum("component") - store.residual)
    assert apart.max() < 1e-12, float(apart.max())
    assert abs(store.residual).max() < 1e-4 * abs(change).max() + 1e-6


def expect_groups(store):
    """Grouping by labels against sums by hand: a label on the wrong entry would show."""
    psi = store.psi
    assert not numpy.isnan(psi).any() and (store.committed == 1).all()
    by_kind = psi.groupby("kind").sum("component")
    kinds = [str(each) for each in store.kind.values]
    for kind in ("attention", "mlp", "norm", "embedding", "unembedding"):
        mine = [c for c, name in enumerate(store.component.values) if kind_of(str(name)) == kind]
        assert mine == [c for c, each in enumerate(kinds) if each == kind], kind
        assert numpy.allclose(by_kind.sel(kind=kind), psi.values[:, :, mine].sum(-1), rtol=1e-12, atol=0), kind
    by_group = psi.sum("component").groupby("group").mean("sample")
    values = psi.values.sum(-1)
    assert numpy.allclose(by_group.sel(group="de"), (values[:, 0] + values[:, 2]) / 2, rtol=1e-12, atol=0)
    assert numpy.allclose(by_group.sel(group="sv"), values[:, 4], rtol=1e-12, atol=0)


def kind_of(name):
    if "norm" in name:
        return "norm"
    if "self_attn" in name:
        return "attention"
    if "mlp" in name:
        return "mlp"
    return "embedding" if "embed_tokens" in name else "unembedding"


def expect_nothing_is_missing_twice(store):
    """A store whose last segment no unit has written: the README's sums skip it, and are not those of zeros."""
    partial = store.parent / "partial" / store.name
    partial.parent.mkdir()
    shutil.copy(store, partial)
    with h5py.File(partial, "r+") as file:
        for item in file.values():
            if isinstance(item, h5py.Dataset) and item.ndim > 1 and "_FillValue" in item.attrs:
                item[1] = item.fillvalue
        file["committed"][1] = 0
    names = readme_names(partial)
    assert not numpy.isnan(names["by_language"]).any() and numpy.isnan(names["when"].isel(segment=1)).all()
    with xarray.open_dataset(store) as whole:
        first = whole.psi.isel(segment=0).groupby("group").mean("sample")
        assert numpy.allclose(names["by_language"], first, rtol=1e-12, atol=0)
        assert numpy.isnan(xarray.open_dataset(partial).node_count.values[1]).all()


def readme_names(store):
    """The Python of the README that opens a store, on this one, and its repacked copy."""
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL) if "open_dataset" in block]
    assert blocks, "README.md shows no Python that opens a store"
    os.chdir(store.parent)
    must(run("store", "repack", store, "-o", "packed.h5", "--overwrite"))
    for block in blocks:
        names = {}
        exec(compile(block, "README.md", "exec"), names)  # raises where the README is wrong
        expect_what_the_readme_says(names)
        names["store"].close()
        names["large"].close()
    return names


def expect_what_the_readme_says(names):
    """Selection by label and sums by dask, against NumPy."""
    psi, kinds = names["psi"].values, [str(each) for each in names["store"].kind.values]
    assert names["by_kind"].shape == (SEGMENTS, SAMPLES, 5)
    assert names["german"].dims == ("segment", "sample", "component") and numpy.array_equal(names["german"].values, psi[:, [0, 2]], equal_nan=True)
    assert [str(each) for each in names["german"].id.values] == ["a-5", "c-12"]
    large = names["large"].psi
    assert large.chunks is not None and names["large"].kind.chunks is None, "no arrays of dask"
    assert numpy.array_equal(large.compute().values, psi, equal_nan=True)
    for kind in set(kinds):
        expected = psi[:, :, [i for i, each in enumerate(kinds) if each == kind]].sum(-1)
        assert numpy.allclose(names["by_kind_of_large"].sel(kind=kind), expected, rtol=1e-12, atol=0, equal_nan=True), kind


def expect_parts_of_chunks(folder):
    """A repacked store in the chunks of its file, and one as it was written in others: labels and sums, whatever the chunks are."""
    store, packed = folder / "rows.h5", folder / "rows.packed.h5"
    must(decompose(store, VARIANT / "series", VARIANT / "samples.jsonl", "--component", "row"))
    must(run("store", "repack", store, "-o", packed))
    with h5py.File(packed) as file:
        stored, psi = file["psi"].chunks, file["psi"][()]
    for engine, path, chunks in (("netcdf4", packed, {}), ("h5netcdf", store, {"sample": 2, "component": 100})):
        with xarray.open_dataset(path, engine=engine) as plain, xarray.open_dataset(path, engine=engine, chunks=chunks) as opened:
            large = opened.assign_coords(plain.coords)
            assert tuple(each[0] for each in large.psi.chunks) == (stored if not chunks else (SEGMENTS, 2, 100)), (large.psi.chunks, stored)
            assert numpy.array_equal(large.psi.set_xindex("group").sel(group="de").compute().values, psi[:, [0, 2]])
            mlp = [i for i, each in enumerate(plain.kind.values) if str(each) == "mlp"]
            assert numpy.allclose(large.psi.groupby("kind").sum().compute().sel(kind="mlp"), psi[:, :, mlp].sum(-1), rtol=1e-12, atol=0)


def expect_other_axes(folder):
    """Heads, positions and groups have the axes that were asked for."""
    path = folder / "positions.h5"
    must(decompose(path, VARIANT / "series", VARIANT / "samples.jsonl", "--axes", "sample,position", "--tolerance", "1e-4"))
    with xarray.open_dataset(path) as positions, xarray.open_dataset(folder / "influence.h5") as whole:
        assert positions.psi.dims == ("segment", "sample", "position", "component")
        assert positions.sizes["position"] == 12
        assert abs(positions.psi.sum("position") - whole.psi).max() < 1e-3 * abs(whole.psi).max()
        assert (positions.psi.values[:, 0, 5:] == 0).all()  # past the end of a sample of 5
    path = folder / "groups.h5"
    must(decompose(path, VARIANT / "series", VARIANT / "samples.jsonl", "--axes", "group", "--component", "head"))
    with xarray.open_dataset(path) as groups:
        assert groups.psi.dims == ("segment", "group", "component")
        assert [str(each) for each in groups["group"].values] == ["de", "en", "", "sv"]
        assert groups.value_from.dims == ("segment", "sample")
        # 2 blocks: queries and outputs of 4 heads, keys and values of 2 that heads share.
        assert (groups["head"] >= 0).sum() == 2 * (4 + 4) and (groups["kv_head"] >= 0).sum() == 2 * (2 + 2)
        assert not ((groups["head"] >= 0) & (groups["kv_head"] >= 0)).any()
        keys = groups["kv_head"].where(groups.tensor == "model.layers.1.self_attn.k_proj.weight", drop=True)
        assert keys.values.tolist() == [0, 1]


def main():
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder) / "influence.h5"
        must(decompose(store, VARIANT / "series", VARIANT / "samples.jsonl", ranks=2))
        expect_layout(store)
        for engine in ("netcdf4", "h5netcdf"):
            expect_dataset(store, engine)
            print(f"xarray with {engine}: as expected")
        expect_other_axes(pathlib.Path(folder))
        readme_names(store)
        print("the README's code runs")
        expect_parts_of_chunks(pathlib.Path(folder))
        expect_nothing_is_missing_twice(store)


main()
