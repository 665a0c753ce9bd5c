"""What must be the same in two stores of the same job: every variable but times and the log of runs."""
import h5py

LEFT_OUT = {"seconds", "run_log"}


def contents(path):
    with h5py.File(path) as store:
        return {name: store[name][()].tobytes() if store[name].dtype.kind != "O" else store[name][()].tolist()
                for name in store if name not in LEFT_OUT}
