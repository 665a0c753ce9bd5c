"""explaind store repack: the same store in chunks. Every number, attribute, scale and text is there, every question is answered with the same bits, a
slice reads only its chunks, and nothing half-written is ever there.

    store_repack.py LOG_READS     the library of log_reads.c
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import h5py
import netCDF4
import numpy as np
import xarray

from made_store import make_store
from program import EXPLAIND, GOLDENS, SOURCE, decompose, must, run
from store_contents import text_attribute, texts

SERIES, SAMPLES = GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl"
OLD = SOURCE / "tests/goldens/stores/version1"
KINDS = {
    "row": ["--component", "row", "--chunk", "2"],
    "row_f32": ["--component", "row", "--store-dtype", "f32"],
    "head_position": ["--component", "head", "--axes", "sample,position"],
    "group": ["--component", "row", "--axes", "group"],
    "scalars": ["--component", "parameter", "--axes", "group"],
}
QUESTIONS = [[], ["--group-by", "step_to,kind"], ["--group-by", "component", "--top", "5"], ["--variable", "residual"], ["--group-by", "kind,step_to", "--cumulative"],
             ["--group-by", "step_to,layer", "--absolute", "component"], ["--variable", "node_count", "--group-by", "id,step_to"]]
OF_SCALES = {"DIMENSION_LIST", "REFERENCE_LIST"}


def repack(store, output, *options, **how):
    return run("store", "repack", store, "-o", output, *options, **how)


def value_of(attribute):
    return attribute.tobytes() if isinstance(attribute, (np.ndarray, np.generic)) else attribute


def expect_same_objects(one, other):
    """By h5py: names, types, bytes, attributes, scales, links, fill values."""
    with h5py.File(one) as first, h5py.File(other) as second:
        names, again = [], []
        first.visititems(lambda name, _: names.append(name))
        second.visititems(lambda name, _: again.append(name))
        assert names == again
        for name in ["/", *names]:
            a, b = first[name], second[name]
            kept = {key: value_of(value) for key, value in a.attrs.items() if key not in OF_SCALES}
            found = {key: value_of(value) for key, value in b.attrs.items() if key not in OF_SCALES}
            if name == "/":
                assert found.pop("history").startswith(kept.pop("history") + b"\n") and "explaind store repack" in text_attribute(b, "history")
            assert kept == found, name
            if isinstance(a, h5py.Group):
                links = {key: a.get(key, getlink=True) for key in a}
                assert {key: getattr(link, "path", None) for key, link in links.items()} == \
                    {key: getattr(b.get(key, getlink=True), "path", None) for key in b}, name
                continue
            assert a.shape == b.shape and a.dtype == b.dtype and a.is_scale == b.is_scale, name
            assert value_of(np.asarray(a.fillvalue)) == value_of(np.asarray(b.fillvalue)), name
            if not a.is_scale:
                assert [[scale.name for scale in axis.values()] for axis in a.dims] == [[scale.name for scale in axis.values()] for axis in b.dims], name
            if a.id.get_space_status() == h5py.h5d.SPACE_STATUS_ALLOCATED:
                assert np.array_equal(a[()].view(np.uint8) if a.dtype.kind == "f" else a[()], b[()].view(np.uint8) if a.dtype.kind == "f" else b[()]), name


def expect_chunks(store, packed):
    """Large arrays lie in near-cubic chunks of at most 256 KiB, shuffled and compressed."""
    chunked = 0
    with h5py.File(store) as before, h5py.File(packed) as after:
        def look(name, item):
            nonlocal chunked
            if not isinstance(item, h5py.Dataset):
                return
            assert before[name].chunks is None
            if item.chunks is None:
                assert item.size * item.dtype.itemsize < 16 << 10, name
                return
            chunked += 1
            assert np.prod(item.chunks) * item.dtype.itemsize <= 256 << 10 and item.shuffle and item.compression == "gzip", name
        after.visititems(look)
    assert chunked > 0, packed


def answers(store, folder, questions):
    """What the program says of a store, less its name and when it was asked."""
    said = [must(run("query", store, *question, "--format", "csv")) for question in questions]
    page, name = folder / "page.html", str(store)
    if len(questions) > 1:
        must(run("report", store, "-o", page, "--overwrite"))
    verified = must(run("verify", store, "--json", "-o", folder / "verify.json"))
    found = json.loads(verified.stdout)
    for key in ("store", "date", "command"):
        del found[key]
    return [each.stdout + each.stderr for each in said], page.read_text(encoding="utf-8").replace(name, "STORE"), found


def expect_same_answers(one, other, folder, questions):
    for a, b in zip(answers(one, folder, questions), answers(other, folder, questions)):
        assert a == b, (one, other)


def expect_other_readers(one, other):
    for engine in ("netcdf4", "h5netcdf"):
        with xarray.open_dataset(one, engine=engine) as a, xarray.open_dataset(other, engine=engine) as b:
            assert a.drop_attrs(deep=False).identical(b.drop_attrs(deep=False)), engine
    with netCDF4.Dataset(one) as a, netCDF4.Dataset(other) as b:
        assert list(a.dimensions) == list(b.dimensions) and set(a.variables) == set(b.variables)
        assert (a["psi"][:] == b["psi"][:]).all() and b["psi"].filters()["zlib"] == (b["psi"].chunking() != "contiguous")


def check_kinds(folder):
    for name, options in KINDS.items():
        store, packed = folder / f"{name}.h5", folder / f"{name}.packed.h5"
        must(decompose(store, SERIES, SAMPLES, *options))
        done = must(repack(store, packed))
        sizes = re.match(rf"Wrote {packed}: (\S+ \S+), \S+ % of the (\S+ \S+) of {store}, in ", done.stdout)
        assert sizes and "note:" not in done.stdout and packed.stat().st_size < store.stat().st_size, done.stdout
        expect_same_objects(store, packed)
        expect_chunks(store, packed)
        expect_same_answers(store, packed, folder, QUESTIONS if name == "row" else QUESTIONS[1:2])
        if name in ("row", "head_position"):
            expect_other_readers(store, packed)
    plain = folder / "plain.h5"
    must(repack(folder / "row.h5", plain, "--compression", "0", "--memory", "16MiB"))
    expect_same_objects(folder / "row.h5", plain)
    with h5py.File(plain) as file:
        assert file["psi"].chunks and file["psi"].compression is None
    twice = folder / "twice.h5"
    must(repack(plain, twice, "--compression", "9"))
    assert h5py.File(twice)["psi"][()].tobytes() == h5py.File(plain)["psi"][()].tobytes()
    old = sorted(OLD.glob("*.h5"))[0]  # texts of variable length
    must(repack(old, folder / "old.h5"))
    assert must(run("query", old, "--format", "csv")).stdout == must(run("query", folder / "old.h5", "--format", "csv")).stdout


def check_incomplete(folder):
    """Marks are kept, and what is missing stays missing."""
    store, packed = folder / "partial.h5", folder / "partial.packed.h5"
    shutil.copy(folder / "row.h5", store)
    with h5py.File(store, "r+") as file:
        for item in file.values():
            if isinstance(item, h5py.Dataset) and item.ndim > 1 and "_FillValue" in item.attrs:
                item[1, 2:] = item.fillvalue
        file["committed"][1, 2:] = 0
    said = must(repack(store, packed)).stdout
    assert f"note: 4 of 6 units are committed. A repacked store cannot be gone on with: keep {store} for decompose --resume" in said, said
    expect_same_objects(store, packed)
    for name in (packed, folder / "row.packed.h5"):
        refused = decompose(name, SERIES, SAMPLES, *KINDS["row"], "--resume")
        assert refused.returncode == 1 and "lies in chunks" in refused.stderr and "Go on with the store that it was made from" in refused.stderr, refused
    assert must(decompose(store, SERIES, SAMPLES, *KINDS["row"], "--resume"))


def expect_refused(process, code, *words):
    assert process.returncode == code and process.stderr.count("error:") == 1 and all(word in process.stderr for word in words), process


def check_refusals(folder):
    store = folder / "row.h5"
    place = folder / "refused"
    place.mkdir()
    packed = place / "o.h5"
    expect_refused(repack(store, store), 2, "which is read")
    (place / "link.h5").symlink_to(store)
    expect_refused(repack(store, place / "link.h5", "--overwrite"), 2, "which is read")
    expect_refused(repack(SAMPLES, packed), 1, str(SAMPLES), "not an HDF5 file")
    expect_refused(repack(folder / "none.h5", packed), 1, "no such store")
    expect_refused(repack(store, place / "none/o.h5"), 1, "no such directory")
    expect_refused(repack(store, packed, "--compression", "10"), 2, "Use 0 to 9")
    expect_refused(repack(store, packed, "--memory", "1MB"), 2, "Give at least 16MiB")
    expect_refused(run("store"), 2, "store repack STORE -o OUT", "store merge STORE STORE")
    expect_refused(run("store", "pack"), 2, "there is no 'pack'", "store repack STORE -o OUT")
    other = place / "text.h5"
    other.write_text("mine")
    expect_refused(repack(store, other), 1, "the store exists", "another --output")
    expect_refused(repack(store, other, "--overwrite"), 1, "no influence store")
    assert other.read_text() == "mine"
    damaged = place / "damaged.h5"
    shutil.copy(store, damaged)
    with h5py.File(damaged, "r+") as file:
        file["psi"][1, 3, 7] += 1e-9
    expect_refused(repack(damaged, packed), 1, "segment 1 (steps 10 to 100), samples 2 to 3: the bytes' checksum", "was not repacked", "--resume")
    cut = place / "cut.h5"
    cut.write_bytes(store.read_bytes()[:-5000])
    expect_refused(repack(cut, packed), 1, str(cut))
    assert sorted(path.name for path in place.iterdir()) == ["cut.h5", "damaged.h5", "link.h5", "text.h5"], list(place.iterdir())
    shutil.copy(folder / "group.packed.h5", packed)
    expect_refused(repack(store, packed), 1, "the store exists")
    must(repack(store, packed, "--overwrite"))
    expect_same_objects(store, packed)


# --- what a slice reads

def reads_of(library, log, store, *question):
    """(offset, size) of every read of the store's file."""
    log.unlink(missing_ok=True)
    environment = dict(os.environ, LD_PRELOAD=str(library), READ_FILE=f"/{store.name}", READ_LOG=str(log))
    done = subprocess.run([EXPLAIND, "query", str(store), *question, "--format", "npy", "-o", str(log.with_suffix(".npy"))], env=environment,
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done
    return [tuple(map(int, line.split())) for line in log.read_text().splitlines()], np.load(log.with_suffix(".npy"))


def bytes_in(reads, begin, end):
    return sum(max(0, min(offset + size, end) - max(offset, begin)) for offset, size in reads)


def check_bytes(library, folder):
    """Of a store of 34 MB: a slice's chunks, each once, and no other."""
    store, packed, log = folder / "large.h5", folder / "large.packed.h5", folder / "reads"
    psi = make_store(store, segments=40, samples=64, layers=8, rows=28)
    said = must(repack(store, packed, "--compression", "1")).stdout
    assert "note: units were not compared with their checksums: the file has no checksums" in said, said
    with h5py.File(packed) as file:
        array = file["psi"]
        names = texts(file["component"])
        chunks = [array.id.get_chunk_info(i) for i in range(array.id.get_num_chunks())]
        extents = array.chunks
    assert max(extents) <= 3 * min(extents), extents
    place = len(names) // 2
    step = h5py.File(store)["step_to"][11]
    for axis, index, select in ((2, place, f"component={names[place]}"), (1, 50, "id=secret-id-50"), (0, 11, f"step_to={step}")):
        reads, values = reads_of(library, log, packed, "--select", select)
        assert np.array_equal(values.ravel(), np.take(psi, index, axis).ravel()), select
        touched, rest = 0, 0
        for chunk in chunks:
            begin, end = chunk.byte_offset, chunk.byte_offset + chunk.size
            wanted = chunk.chunk_offset[axis] <= index < chunk.chunk_offset[axis] + extents[axis]
            if wanted:
                touched += chunk.size
                assert bytes_in(reads, begin, end) == chunk.size, (select, chunk)
            else:
                rest += bytes_in(reads, begin, end)
        whole = sum(chunk.size for chunk in chunks)
        assert rest == 0 and touched < whole / (psi.shape[axis] // extents[axis]), (select, touched, rest)
        print(f"{select}: {touched} of {whole} bytes of chunks", flush=True)
    with h5py.File(store) as file:
        begin, size = file["psi"].id.get_offset(), file["psi"].id.get_storage_size()
    reads, values = reads_of(library, log, store, "--select", "id=secret-id-50")
    assert np.array_equal(values.ravel(), psi[:, 50].ravel())
    came, rows = bytes_in(reads, begin, begin + size), psi[:, 50].nbytes
    assert rows <= came < rows + 4096, (came, rows)  # a page of HDF5's
    print(f"a sample of a store as decompose writes it: {came} bytes for {rows}", flush=True)


# --- ends before the end

def check_signals(folder):
    """Stopped while it copies, and killed: nothing under the name, and the next run leaves nothing else."""
    place, store = folder / "signals", folder / "large.h5"
    place.mkdir()
    for number, code in ((signal.SIGTERM, 75), (signal.SIGINT, 75), (signal.SIGKILL, -9)):
        process = subprocess.Popen([EXPLAIND, "store", "repack", str(store), "-o", str(place / "o.h5"), "--compression", "9", "--memory", "16MiB"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begun = time.monotonic()
        while not any(path.suffix == ".tmp" and path.stat().st_size > 1 << 20 for path in place.iterdir()):
            assert process.poll() is None and time.monotonic() - begun < 60, "it was over before it could be stopped"
            time.sleep(0.002)
        process.send_signal(number)
        said = process.communicate(timeout=60)
        assert process.returncode == code, (number, said)
        left = sorted(path.name for path in place.iterdir())
        if number == signal.SIGKILL:
            assert "o.h5" not in left and any(name.endswith(".tmp") for name in left), left
        else:
            assert left == [] and "stopped on request" in said[1], (left, said)
    must(repack(store, place / "o.h5", "--compression", "1"))
    assert [path.name for path in place.iterdir()] == ["o.h5"]


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        check_kinds(folder)
        print("all kinds of stores: the same objects, answers, readers", flush=True)
        check_incomplete(folder)
        check_refusals(folder)
        check_bytes(pathlib.Path(sys.argv[1]), folder)
        check_signals(folder)


main()
