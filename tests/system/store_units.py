"""The units of a store as h5py and zlib see them: which are marked, and whether their bytes have the checksum that src/store/layout.md defines."""
import collections
import json
import zlib

import h5py
import numpy as np

from store_contents import text_attribute, texts

Unit = collections.namedtuple("Unit", "segment chunk first last")  # samples first … last − 1
BEFORE = ["psi", "psi_decay", "psi_momentum", "psi_rounding", "psi_data", "psi_abs", "balance"]
AFTER = ["value_from", "value_to", "residual", "quadrature_error", "node_count", "tolerance_met", "limited_by_precision"]


def units_of(store):
    """Of a store with a sample axis."""
    size = int(json.loads(text_attribute(store, "configuration"))["chunk"])
    segments, samples = store["committed"].shape
    chunks = store["provenance/checksum"].shape[1]
    size = size or samples
    assert chunks == -(-samples // size), (chunks, samples, size)
    return [Unit(segment, chunk, chunk * size, min(samples, (chunk + 1) * size)) for segment in range(segments) for chunk in range(chunks)]


def is_marked(store, unit):
    marks = store["committed"][unit.segment, unit.first:unit.last]
    assert np.isin(marks, (0, 1)).all(), f"marks of {unit} are {marks}"
    return bool((marks == 1).all())


def bytes_of(store, unit):
    """As stored, all variables in the order of the table; scores of scalars tensor by tensor in the order of the components."""
    scalars = ["parameter/" + name for name in texts(store["component"])] if "parameter" in store else []
    names = [name for name in BEFORE if name in store] + scalars + AFTER
    return b"".join(store[name][unit.segment, unit.first:unit.last].tobytes() for name in names)


def tiles_of(path):
    """Of every unit that is marked its bytes; fails where they do not have their checksum."""
    with h5py.File(path) as store:
        found = {}
        for unit in units_of(store):
            if not is_marked(store, unit):
                continue
            found[unit] = bytes_of(store, unit)
            stored = int(store["provenance/checksum"][unit.segment, unit.chunk]) & 0xFFFFFFFF
            assert zlib.crc32(found[unit]) == stored, f"{path}: {unit} is marked as committed and its bytes are others"
        return found


def expect_intact(path, reference):
    """The units that are marked, each with its checksum and the bytes of the uninterrupted store. None where there is no file."""
    if not path.exists():
        return set()
    tiles = tiles_of(path)
    for unit, tile in tiles.items():
        assert tile == reference[unit], f"{path}: {unit} differs from the uninterrupted store's"
    return set(tiles)
