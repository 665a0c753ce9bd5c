"""plan: says what a run takes without writing anything; its bytes are the store's, its choice is the run's."""
import pathlib
import re
import subprocess
import sys
import tempfile

from program import GOLDENS, SOURCE, decompose, must, run
from store_contents import contents

SERIES, SAMPLES = GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl"


def plan(*options):
    return must(run("plan", "--series", SERIES, "--samples", SAMPLES, *options)).stdout


def value(text, key):
    return re.search(rf"^  {key} +(.*)$", text, re.M).group(1)


def choose_a_grid(folder):
    """Weights that two ranks can hold together and one cannot: the default grid follows the memory, the scores do not."""
    subprocess.run([sys.executable, SOURCE / "tests/benchmarks/synthetic_series.py", "--series", folder / "wide", "--model", "tiny",
                    "--checkpoints", "2"], check=True, stdout=subprocess.DEVNULL)
    options = ["--series", folder / "wide", "--samples", folder / "wide-samples.jsonl", "--chunk", "4", "--micro-batch", "2", "--product-form",
               "formed"]
    for ranks, grid, source in ((1, "1 group of 1 rank", "streamed"), (2, "1 group of 2 ranks (the fewest", "gathered"),
                                (4, "2 groups of 2 ranks (the fewest", "gathered")):
        text = must(run("plan", *options, "--memory", "250MB", "--ranks", ranks)).stdout
        assert grid in text and value(text, "parameters").startswith(source), text
    text = must(run("plan", *options, "--memory", "400MB", "--ranks", "2")).stdout
    assert "2 groups of 1 rank (all weights fit" in text and value(text, "parameters").startswith("resident"), text
    expected = None
    for ranks, memory, grid in ((1, "400MB", "1 segment group of 1 rank"), (1, "250MB", "parameters streamed"),
                                (2, "400MB", "2 segment groups of 1 rank"), (2, "250MB", "1 segment group of 2 ranks (the fewest")):
        process = must(run("decompose", *options, "--store", folder / "grid.h5", "--quadrature", "gauss:2", "--memory", memory, "--overwrite",
                           ranks=ranks))
        assert grid in process.stdout, process.stdout
        found = contents(folder / "grid.h5")
        assert expected in (None, found), f"{ranks} ranks with {memory} give other bits"
        expected = found


def table(text):
    """The rows of many ranks: ranks, nodes, efficiency, bytes of a rank and of a node, what limits."""
    rows = re.findall(r"^ +(\d+) +(\d+) +\d.*? +(\d+) % +([\d.]+ \w*B) +([\d.]+ \w*B) +([\d.]+ \w*B) +([\d.]+ \w*B)(?:  (.*))?$", text, re.M)
    return [(int(row[0]), int(row[1]), int(row[2]), *map(size_in, row[3:7]), row[7]) for row in rows]


def size_in(text):
    number, unit = text.split()
    return float(number) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def many_ranks():
    """Tables: their numbers of ranks and nodes, what is known exactly of each, and what limits."""
    fixed = ["--quadrature", "midpoint:20000", "--chunk", "1"]  # units that take longer than messages
    rows = table(plan(*fixed, "--ranks", "12", "--nodes", "3", "--read-rate", "9TB"))
    assert [row[:2] for row in rows] == [(1, 1), (2, 1), (4, 1), (8, 2), (12, 3)], rows
    first = rows[0]
    weights = sum(file.stat().st_size for file in SERIES.glob("*/*.safetensors"))
    assert first[2] == 100 and first[6] == 0, first
    assert .9 * weights < first[5] <= weights, (first, weights)
    for ranks, nodes, efficiency, rank, node, read, between, limit in rows:
        assert abs(node / rank / min(ranks, 4) - 1) < .02, (rank, node, ranks)
        assert first[5] <= read <= 1.01 * nodes * first[5], "a node reads a checkpoint once"
        assert (between > 0) == (nodes > 1), between
        assert bool(limit) == (efficiency < 80), (efficiency, limit)
    rows = table(plan(*fixed, "--ranks", "1024", "--nodes", "128"))
    assert len(rows) == 11 and re.fullmatch(r"units: \d+ for 1024 ranks", rows[-1][-1]) and rows[-1][2] <= 2, rows
    rows = table(plan(*fixed, "--ranks", "8", "--nodes", "4", "--shards", "4", "--parameters", "gathered", "--network-rate", "1kB"))
    assert [row[0] for row in rows] == [4, 8] and rows[0][-1].startswith("gathering"), rows
    rows = table(plan(*fixed, "--ranks", "2", "--nodes", "1", "--read-rate", "1kB"))
    assert all(row[-1].startswith("reading") for row in rows), rows
    rows = table(plan(*fixed, "--ranks", "4", "--nodes", "1", "--shards", "4"))
    assert rows[0][-1].startswith("micro-batches") and rows[0][2] <= 26, rows
    for options, said in ((("--ranks", "2", "--nodes", "3"), "3 nodes for 2 ranks"), (("--nodes", "2"), "2 nodes for 1 rank"),
                          (("--nodes", "1", "--read-rate", "fast"), "'fast' is no size"), (("--network-rate", "0"), "'0' is no size")):
        process = run("plan", "--series", SERIES, "--samples", SAMPLES, *options)
        assert process.returncode == 2 and said in process.stderr, process.stderr


def place_of_store():
    """What the store will lie on; of memory, which is there on every Linux."""
    said = value(plan("--store", "/dev/shm/none.h5"), "store lies on")
    assert said.startswith("tmpfs, of this machine alone; it is memory"), said
    said = value(plan("--store", "/dev/shm/none.h5", "--ranks", "2", "--nodes", "2"), "store lies on")
    assert "ranks are on 2: give a folder that all of them share" in said, said


def main():
    many_ranks()
    place_of_store()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        text = plan("--ranks", "4", "--shards", "2", "--chunk", "1")
        assert "2 groups of 2 ranks" in text and value(text, "parameters").startswith("resident"), text
        assert value(text, "received") == "0 B a rank", text
        gathered = plan("--ranks", "2", "--shards", "2", "--parameters", "gathered")
        assert value(gathered, "parameters") == "gathered: as asked" and value(gathered, "received") != "0 B a rank", gathered
        many = plan("--ranks", "4")
        assert "4 groups of 1 rank (all weights fit every rank)" in many, many
        many = plan("--ranks", "4", "--parameters", "gathered")
        assert "2 groups of 2 ranks (the fewest ranks" in many, many
        many = plan("--ranks", "6", "--segment-groups", "2")
        assert "2 groups of 3 ranks (as asked)" in many, many
        joined = plan("--steps", "every:2")
        assert joined.startswith("1 segment, "), joined
        for component, axes in (("tensor", "sample"), ("row", "sample,position"), ("layer", "group")):
            options = ["--component", component, "--axes", axes]
            stated = value(plan(*options), "store").split()
            said = float(stated[0]) * {"B": 1, "kB": 1e3, "MB": 1e6}[stated[1]]
            must(decompose(folder / "s.h5", SERIES, SAMPLES, *options, "--overwrite"))
            stored = (folder / "s.h5").stat().st_size
            assert 1 / 1.5 < said / stored < 1.5, (said, stored, component)
        choose_a_grid(folder)
        assert not list(folder.glob("*.tmp"))
        process = run("plan", "--series", SERIES, "--samples", SAMPLES, "--ranks", "3", "--shards", "2")
        assert process.returncode == 2 and "--shards" in process.stderr, process.stderr
        process = run("plan", "--series", SERIES, "--samples", SAMPLES, "--memory", "1MB")
        assert process.returncode == 1 and "needs" in process.stderr, process.stderr
        process = run("plan", "--series", SERIES, "--samples", SAMPLES, "--memory", "lots")
        assert process.returncode == 2 and "'lots'" in process.stderr, process.stderr
        print("plan agrees with the run on units, source and bytes")


main()
