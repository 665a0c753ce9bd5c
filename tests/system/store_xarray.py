"""A store read as its users read it: h5py, xarray with both engines, and the code of the README."""
import os
import pathlib
import re
import tempfile

import h5py
import numpy
import xarray

from program import GOLDENS, SOURCE, decompose, must

VARIANT = GOLDENS / "grouped_query"
SEGMENTS, SAMPLES, TENSORS = 2, 5, 21


def expect_layout(path):
    with h5py.File(path) as file:
        assert file["psi"].shape == (SEGMENTS, SAMPLES, TENSORS), file["psi"].shape
        assert [scale[0].name for scale in file["psi"].dims] == ["/segment", "/sample", "/component"]
        assert file["psi"].chunks is None and file["psi"].dtype == numpy.float64
        assert file["committed"][()].all()
        assert file.attrs["store_version"] == 1 or file.attrs["store_version"] == "1"


def expect_dataset(path, engine):
    with xarray.open_dataset(path, engine=engine) as store:
        assert store.psi.dims == ("segment", "sample", "component")
        for name, dim in {"step_from": "segment", "step_to": "segment", "id": "sample", "group": "sample", "layer": "component",
                          "kind": "component", "tensor": "component", "head": "component", "index": "component"}.items():
            assert store[name].dims == (dim,), name
            assert name in store.psi.coords, name
        assert store.step_from.values.tolist() == [0, 10] and store.step_to.values.tolist() == [10, 100]
        assert [str(each) for each in store.id.values] == ["a-5", "b-9", "c-12", "d-3", "e-7"]
        assert [str(each) for each in store.group.values] == ["de", "en", "de", "", "sv"]
        expect_sums(store)
        expect_groups(store)
        assert store.psi.attrs["units"] == "nat" and "negative" in store.psi.attrs["sign_convention"]


def expect_sums(store):
    change = store.value_to - store.value_from
    assert abs(change).min() > 1e-6
    apart = abs(change - store.psi.sum("component") - store.residual)
    assert apart.max() < 1e-12, float(apart.max())
    assert abs(store.residual).max() < 1e-4 * abs(change).max() + 1e-6


def expect_groups(store):
    """Grouping by labels against sums by hand: a label on the wrong entry would show."""
    psi = store.psi.where(store.committed == 1)
    assert not numpy.isnan(psi).any()
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


def run_readme(store):
    """The Python of the README that opens a store, on this one."""
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL) if "open_dataset" in block]
    assert blocks, "README.md shows no Python that opens a store"
    os.chdir(store.parent)
    for block in blocks:
        names = {}
        exec(compile(block, "README.md", "exec"), names)  # raises where the README is wrong
        assert names["by_kind"].shape == (SEGMENTS, SAMPLES, 5)
        names["store"].close()


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
        heads = groups.psi.where(groups["head"] >= 0, drop=True)
        assert heads.sizes["component"] == 2 * (4 + 2 + 2 + 4)


def main():
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder) / "influence.h5"
        must(decompose(store, VARIANT / "series", VARIANT / "samples.jsonl", ranks=2))
        expect_layout(store)
        for engine in ("netcdf4", "h5netcdf"):
            expect_dataset(store, engine)
            print(f"xarray with {engine}: as expected")
        expect_other_axes(pathlib.Path(folder))
        run_readme(store)
        print("the README's code runs")


main()
