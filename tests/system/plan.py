"""plan: says what a run takes without writing anything; its bytes are the store's, its choice is the run's."""
import pathlib
import re
import tempfile

import h5py

from program import GOLDENS, decompose, must, run

SERIES, SAMPLES = GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl"


def plan(*options):
    return must(run("plan", "--series", SERIES, "--samples", SAMPLES, *options)).stdout


def value(text, key):
    return re.search(rf"^  {key} +(.*)$", text, re.M).group(1)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        text = plan("--ranks", "4", "--shards", "2", "--chunk", "1")
        assert "2 groups of 2 ranks" in text and value(text, "parameters").startswith("resident"), text
        assert value(text, "sent a rank") == "0 B", text
        gathered = plan("--ranks", "2", "--shards", "2", "--parameters", "gathered")
        assert value(gathered, "parameters") == "gathered: as asked" and value(gathered, "sent a rank") != "0 B", gathered
        small = plan("--memory", "635MB")
        assert value(small, "parameters").startswith(("streamed", "resident")), small
        assert "segments" in plan("--steps", "every:2") and plan("--steps", "every:2").startswith("1 segments"), plan("--steps", "every:2")
        for component, axes in (("tensor", "sample"), ("row", "sample,position"), ("layer", "group")):
            options = ["--component", component, "--axes", axes]
            stated = value(plan(*options), "store").split()
            said = float(stated[0]) * {"B": 1, "kB": 1e3, "MB": 1e6}[stated[1]]
            must(decompose(folder / "s.h5", SERIES, SAMPLES, *options, "--overwrite"))
            with h5py.File(folder / "s.h5") as store:
                stored = sum(store[name].nbytes for name in ("psi", "value_from", "value_to", "residual", "quadrature_error", "node_count",
                                                            "tolerance_met", "limited_by_precision"))
            assert abs(said - stored) < 0.02 * stored, (said, stored, component)
        assert not list(folder.glob("*.tmp"))
        process = run("plan", "--series", SERIES, "--samples", SAMPLES, "--ranks", "3", "--shards", "2")
        assert process.returncode == 2 and "--shards" in process.stderr, process.stderr
        process = run("plan", "--series", SERIES, "--samples", SAMPLES, "--memory", "1MB")
        assert process.returncode == 1 and "needs" in process.stderr, process.stderr
        process = run("plan", "--series", SERIES, "--samples", SAMPLES, "--memory", "lots")
        assert process.returncode == 2 and "'lots'" in process.stderr, process.stderr
        print("plan agrees with the run on units, source and bytes")


main()
