"""Stores read, copied and converted by programs that are not ours: netCDF's tools, NCO, CDO, R, Octave, GDAL, kerchunk, zarr, xarray. All find the same
sum of psi, and what they write is a store again to `query` and `inspect`. What is not installed is SKIPPED (launch/setup.sh --tests brings most)."""
import csv
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import xarray

from program import GOLDENS, decompose, must, run

VARIANT = GOLDENS / "grouped_query"
READERS = {"ncdump", "nccopy", "ncks", "ncwa", "cdo", "Rscript", "octave-cli", "gdalinfo"}


def call(*command, **options):
    process = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=100, **options)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {process.returncode}\n{process.stdout}{process.stderr}")
    return process.stdout


def expect_sum(found, store, what, tolerance=1e-6):
    expected = total(store)
    assert abs(expected) > 1e-3 and abs(float(found) - expected) <= tolerance * abs(expected), (what, found, expected)
    print(f"{what}: the sum of psi", flush=True)


def total(store):
    """By h5py, of what is committed."""
    with h5py.File(store) as file:
        return float(np.nansum(file["psi"][()]))


def queried(path):
    """The sum of psi by the program."""
    rows = list(csv.reader(io.StringIO(must(run("query", path, "--group-by", "kind", "--sum", "sample", "--format", "csv")).stdout)))
    return sum(float(row[-1]) for row in rows[1:])


def expect_store_again(path, store, what):
    """A file that another program wrote of a whole store."""
    expect_sum(queried(path), store, what)
    by_id = must(run("query", path, "--group-by", "id", "--format", "csv")).stdout
    assert by_id == must(run("query", store, "--group-by", "id", "--format", "csv")).stdout, what
    text = must(run("inspect", path)).stdout
    assert ", complete" in text and "d-3" in text and "Variables" in text, (what, text)


# --- one function a program; each is given a finished store, one of which half is committed, and a folder

def ncdump(store, partial, folder):
    header = call("ncdump", "-h", store)
    assert "psi(segment, sample, component)" in header and 'psi:units = "1"' in header and "NaN" in header, header
    text = call("ncdump", "-v", "psi", partial)
    first = text.index("psi =", text.index("data:")) + 5
    values = text[first:text.index(";", first)]
    numbers = [value.strip() for value in values.replace("NaN", "_").split(",")]
    assert numbers.count("_") == len(numbers) / 2, (numbers.count("_"), len(numbers))
    expect_sum(sum(float(value) for value in numbers if value != "_"), partial, "ncdump")
    names = call("ncdump", "-v", "id,component", store)
    assert '"a-5"' in names and '"model.layers.0.self_attn.q_proj.weight"' in names, names
    assert "run_log" in call("ncdump", "-g", "provenance", store)


def nccopy(store, partial, folder):
    call("nccopy", store, folder / "copy.nc")  # with its groups
    expect_store_again(folder / "copy.nc", store, "nccopy")
    call("nccopy", "-d1", "-c", "sample/2", store, folder / "packed.hdf5")
    expect_store_again(folder / "packed.hdf5", store, "nccopy, compressed")
    call("nccopy", "-k", "cdf5", "-G", "/", store, folder / "classic.nc")
    for verb in (["inspect", folder / "classic.nc"], ["query", folder / "classic.nc"]):
        refused = run(*verb)
        assert refused.returncode == 1 and "nccopy -k nc4" in refused.stderr, refused
    call("nccopy", "-k", "nc4", folder / "classic.nc", folder / "back.nc")
    expect_store_again(folder / "back.nc", store, "nccopy to cdf5 and back")


def ncks(store, partial, folder):
    call("ncks", "-O", store, folder / "same.nc")
    expect_store_again(folder / "same.nc", store, "ncks")
    call("ncks", "-O", "-d", "segment,0,0", store, folder / "first.nc")
    text = must(run("inspect", folder / "first.nc")).stdout
    assert "a part of a store (segment: 1 of 2)" in text and ", complete" not in text, text
    with h5py.File(store) as file:
        assert abs(queried(folder / "first.nc") - file["psi"][0].sum()) < 1e-6
    call("ncks", "-O", "-v", "psi", store, folder / "psi.nc")
    text = must(run("inspect", folder / "psi.nc")).stdout
    assert "what is committed is not said" in text and ", complete" not in text, text
    expect_sum(queried(folder / "psi.nc"), store, "ncks, psi alone")


def ncwa(store, partial, folder):
    call("ncwa", "-O", "-v", "psi", "-y", "ttl", store, folder / "sum.nc")
    with xarray.open_dataset(folder / "sum.nc") as found:
        expect_sum(found.psi, store, "ncwa")
    call("ncwa", "-O", "-v", "psi", "-y", "ttl", partial, folder / "none.nc")  # NCO adds NaN: better than zeros
    with xarray.open_dataset(folder / "none.nc") as found:
        assert np.isnan(found.psi)
    call("ncwa", "-O", "-a", "segment", store, folder / "mean.nc")
    text = must(run("inspect", folder / "mean.nc")).stdout
    assert "a part of a store (without segment)" in text, text


def cdo(store, partial, folder):
    text = call("cdo", "-s", "infon", "-selname,psi", partial)
    rows = [line.split() for line in text.splitlines() if line.rstrip().endswith("psi")]
    assert rows, text
    found = 0.0
    for row in rows:  # number : date time level size missing : minimum mean maximum : name
        level, size, missing = (int(float(each)) for each in row[4:7])
        found += 0.0 if size == missing else float(row[9]) * (size - missing)
    assert sum(int(row[6]) for row in rows) * 2 == sum(int(row[5]) for row in rows), text
    expect_sum(found, partial, "CDO", 1e-3)  # it prints five digits


def rscript(store, partial, folder):
    program = f'''library(ncdf4)
nc <- nc_open("{partial}")
cat(sum(ncvar_get(nc, "psi"), na.rm = TRUE), "\\n")
cat(ncvar_get(nc, "id"), sep = "\\n")
cat(dim(ncvar_get(nc, "provenance/run_log")), "\\n")'''
    lines = call("Rscript", "-e", program).split("\n")
    expect_sum(lines[0], partial, "R ncdf4")
    assert "a-5" in lines, lines


def octave(store, partial, folder):
    program = f'''pkg load netcdf; psi = ncread("{partial}", "psi"); printf("%.17g\\n", sum(psi(! isnan(psi))));
id = ncread("{partial}", "id"); disp(id(:, 1)');'''
    process = subprocess.run(["octave-cli", "--no-gui", "--norc", "--eval", program], capture_output=True, text=True, timeout=100)
    if "package" in process.stderr and "netcdf" in process.stderr:
        print("SKIPPED: Octave has no netcdf package", flush=True)
        return
    lines = process.stdout.split("\n")
    expect_sum(lines[0], partial, "Octave ncread")
    assert "a-5" in lines[1], lines


def gdal(store, partial, folder):
    if "netCDF" not in call("gdalinfo", "--formats"):
        print("SKIPPED: GDAL without netCDF", flush=True)
        return
    text = call("gdalinfo", "-stats", "-json", f"NETCDF:{store}:psi", env=dict(os.environ, GDAL_PAM_ENABLED="NO"))
    found = json.loads(text[text.index("{"):])
    width, height = found["size"]
    expect_sum(sum(float(band["metadata"][""]["STATISTICS_MEAN"]) for band in found["bands"]) * width * height, store, "GDAL")


def kerchunk(store, partial, folder):
    try:
        import kerchunk.hdf
        import zarr  # noqa: F401
    except ImportError:
        print("SKIPPED: kerchunk is not installed", flush=True)
        return
    with open(partial, "rb") as file:
        references = kerchunk.hdf.SingleHdf5ToZarr(file, str(partial), inline_threshold=300).translate()
    with xarray.open_dataset("reference://", engine="zarr", backend_kwargs={"consolidated": False, "storage_options": {"fo": references}}) as found:
        expect_sum(found.psi.sum(), partial, "kerchunk")
        with xarray.open_dataset(partial) as direct:
            assert int(found.psi.isnull().sum()) == found.psi.size / 2
            for name in ("step_from", "step_to", "committed", "layer", "sample", "segment"):
                assert (found[name].values == direct[name].values).all(), name  # a zero is no missing value
            assert [str(each) for each in found.id.values] == [str(each) for each in direct.id.values]


def to_zarr(store, partial, folder):
    try:
        import zarr  # noqa: F401
    except ImportError:
        print("SKIPPED: zarr is not installed", flush=True)
        return
    with xarray.open_dataset(store) as direct:
        direct.to_zarr(folder / "store.zarr")
    with xarray.open_zarr(folder / "store.zarr") as found:
        expect_sum(found.psi.sum(), store, "zarr")
        found.load().drop_encoding().to_netcdf(folder / "from_zarr.nc", engine="netcdf4")
    expect_store_again(folder / "from_zarr.nc", store, "zarr and back")


def to_netcdf(store, partial, folder):
    """What xarray writes, with both engines: texts as they were, and as strings of HDF5."""
    for engine in ("netcdf4", "h5netcdf"):
        with xarray.open_dataset(store, engine=engine) as direct:
            direct.load().to_netcdf(folder / f"{engine}.nc", engine=engine)
            direct.drop_encoding().to_netcdf(folder / f"{engine}_strings.hdf5", engine=engine)
            direct.isel(segment=[1]).to_netcdf(folder / f"{engine}_cut.nc", engine=engine)
        expect_store_again(folder / f"{engine}.nc", store, f"to_netcdf with {engine}")
        expect_store_again(folder / f"{engine}_strings.hdf5", store, f"to_netcdf with {engine}, as strings")
        text = must(run("inspect", folder / f"{engine}_cut.nc")).stdout
        assert "a part of a store (segment: 1 of 2)" in text, text


def names(store, partial, folder):
    """A store by any name, and no store by one's name."""
    for name in ("store", "store.nc", "store.hdf5", "a.b.c"):
        shutil.copy(store, folder / name)
        expect_store_again(folder / name, store, f"called {name}")
    with h5py.File(folder / "foreign.h5", "w") as file:
        file["x"] = [1.0]
    refused = run("inspect", folder / "foreign.h5")
    assert refused.returncode == 1 and "not an influence store" in refused.stderr, refused


PROGRAMS = {"ncdump": ncdump, "nccopy": nccopy, "ncks": ncks, "ncwa": ncwa, "cdo": cdo, "Rscript": rscript, "octave-cli": octave, "gdalinfo": gdal}


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        store, partial = folder / "whole.h5", folder / "partial.h5"
        must(decompose(store, VARIANT / "series", VARIANT / "samples.jsonl"))
        make_partial(store, partial)
        for check in (names, to_netcdf, kerchunk, to_zarr):
            check(store, partial, folder)
        for program, check in PROGRAMS.items():
            if shutil.which(program) is None:
                print(f"SKIPPED: {program} is not installed", flush=True)
                continue
            check(store, partial, folder)


def make_partial(store, partial):
    """A store of which a segment is not written: as the program makes one, killed before its second unit's tile."""
    shutil.copy(store, partial)
    with h5py.File(partial, "r+") as file:
        for name, item in file.items():
            if isinstance(item, h5py.Dataset) and item.ndim > 1 and "_FillValue" in item.attrs:
                item[1] = item.fillvalue
        file["committed"][1] = 0
        assert np.isnan(file["psi"][1]).all() and not np.isnan(file["psi"][0]).any()


main()
