"""The same store, bit for bit, with 1, 2, 3 and 4 ranks: all variables, provenance and times aside."""
import itertools
import pathlib
import sys
import tempfile

import h5py

from program import GOLDENS, decompose, must, write_samples
from store_contents import contents

# 7 units on one segment (prime to 2, 3 and 4), lengths odd and far apart: units of unequal cost.
LENGTHS = [3, 41, 5, 17, 29, 7, 11]


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        samples = write_samples(folder / "samples.jsonl", LENGTHS, 60)
        series = GOLDENS / "tied/series"
        cases = [("fp32", ["--component", "row"]), ("fp64", ["--component", "head", "--axes", "sample,position"]),
                 ("fp32", ["--chunk", "3", "--micro-batch", "2"]), ("fp64", ["--axes", "group", "--chunk", "2"])]
        for precision, more in cases:
            reference = None
            for ranks in (1, 2, 3, 4):
                store = folder / f"{ranks}.h5"
                options = ["--chunk", "1", "--precision", precision, "--tolerance", "1e-6", "--overwrite"]
                if "--chunk" in more:
                    options = options[2:]
                must_be_done(decompose(store, series, samples, *options, *more, ranks=ranks))
                found = contents(store)
                if reference is None:
                    reference = found
                    nodes = h5py.File(store)["node_count"][()]
                    assert nodes.min() >= 9 and h5py.File(store)["committed"][()].all()
                elif found != reference:
                    different = [name for name in found if found[name] != reference.get(name)]
                    sys.exit(f"{precision} {more}: 1 and {ranks} ranks differ in {different}")
            print(f"{precision} {' '.join(more)}: the same for 1, 2, 3 and 4 ranks; evaluations "
                  f"{sorted(set(itertools.chain(*nodes.tolist())))}")


def must_be_done(process):
    """0, or 3: done, but a sample missed its tolerance (a tight one in fp32)."""
    if process.returncode != 3:
        must(process)


main()
