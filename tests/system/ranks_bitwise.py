"""The same store, bit for bit, with 1, 2, 3 and 4 ranks, alone or in groups that share a unit, and from every parameter source: all
variables, provenance and times aside."""
import itertools
import pathlib
import sys
import tempfile

import h5py

from program import GOLDENS, decompose, must, write_samples
from store_contents import contents

# 7 units on one segment (prime to 2, 3 and 4), lengths odd and far apart: units of unequal cost.
LENGTHS = [3, 41, 5, 17, 29, 7, 11]
# ranks, and how they share the work
GRIDS = [(1, []), (2, []), (3, []), (4, []), (1, ["--parameters", "streamed"]), (2, ["--shards", "2"]), (2, ["--shards", "2", "--parameters", "gathered"]),
         (4, ["--shards", "2", "--segment-groups", "2", "--parameters", "gathered"]), (3, ["--shards", "3", "--parameters", "gathered"]),
         (2, ["--shards", "2", "--parameters", "streamed"])]


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        samples = write_samples(folder / "samples.jsonl", LENGTHS, 60)
        series = GOLDENS / "tied/series"
        cases = [("fp32", ["--component", "row"]), ("fp64", ["--component", "head", "--axes", "sample,position"]),
                 ("fp32", ["--chunk", "3", "--micro-batch", "2"]), ("fp64", ["--axes", "group", "--chunk", "4", "--micro-batch", "1"]),
                 ("bf16", ["--chunk", "3", "--micro-batch", "2", "--product-form", "split", "--component", "row"]),
                 ("fp32", ["--chunk", "7", "--micro-batch", "1", "--component", "layer", "--axes", "sample,position"])]
        for precision, more in cases:
            reference = None
            for ranks, grid in GRIDS:
                store = folder / "out.h5"
                options = ["--chunk", "1", "--precision", precision, "--tolerance", "1e-6", "--overwrite"]
                if "--chunk" in more:
                    options = options[2:]
                done = decompose(store, series, samples, *options, *more, *grid, ranks=ranks)
                must_be_done(done)
                assert ("Gathered parameters over MPI: " in done.stdout) == ("gathered" in grid), done.stdout
                found = contents(store)
                if reference is None:
                    reference = found
                    with h5py.File(store) as file:
                        nodes = file["node_count"][()]
                        assert nodes.min() >= 5 and file["committed"][()].all()
                elif found != reference:
                    different = [name for name in found if found[name] != reference.get(name)]
                    sys.exit(f"{precision} {more}: 1 rank and {ranks} with {grid} differ in {different}")
            print(f"{precision} {' '.join(more)}: the same on {len(GRIDS)} grids; evaluations "
                  f"{sorted(set(itertools.chain(*nodes.tolist())))}")


def must_be_done(process):
    """0, or 3: done, but a sample missed its tolerance (a tight one in fp32)."""
    if process.returncode != 3:
        must(process)


main()
