"""What must be the same in two stores of the same job: every variable but times and the log of runs."""
import h5py

LEFT_OUT = {"seconds", "run_log"}


def contents(path):
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset) and name not in LEFT_OUT:
            found[name] = item[()].tobytes() if item.dtype.kind != "O" else item[()].tolist()

    with h5py.File(path) as store:
        store.visititems(keep)
    return found
