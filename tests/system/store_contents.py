"""What a store holds: its texts, and what must be the same in two stores of the same job: every variable but what is said of the runs that wrote it."""
import h5py

COMPARED_PROVENANCE = "provenance/checksum"


def texts(variable):
    """Those of an array of characters, as h5py sees it."""
    return [row.tobytes().rstrip(b"\0").decode() for row in variable[()]]


def text_attribute(item, name):
    """h5py gives texts of fixed length as bytes."""
    return item.attrs[name].decode()


def document(store, name):
    """A text of the group `provenance`."""
    return store["provenance"][name][()].tobytes().decode()


def contents(path):
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset) and (name == COMPARED_PROVENANCE or not name.startswith("provenance/")):
            found[name] = item.shape, item.dtype.str, item[()].tobytes()

    with h5py.File(path) as store:
        store.visititems(keep)
    assert found["psi"][0], "a store without scores"
    return found


def committed(path):
    """Units that are there, of a store that may be being written; 0 where none can be opened yet."""
    try:
        with h5py.File(path, "r", locking=False) as store:
            return int((store["committed"][()] == 1).sum())
    except (OSError, KeyError):
        return 0
