"""Every operation of query against NumPy, in random combinations, on a store of random numbers with coordinates of every kind."""
import csv
import io
import itertools
import math
import os
import pathlib
import sys
import tempfile

import numpy

from made_store import components_of, make_store
from program import must, run

COMBINATIONS = int(os.environ.get("EXPLAIND_COMBINATIONS", "100"))
SEGMENTS, SAMPLES, LAYERS, POSITIONS, GROUPS = 5, 9, 2, 3, ("de", "fr", "en")
STEPS = [0, 10, 25, 70, 100, 1000]
MISSING = [(1, 2), (1, 5), (3, 0), (4, 8)]


class Made:
    """A store's numbers and, per axis, its coordinates; the reference knows nothing else of the program."""

    def __init__(self, path, seed, positions, missing):
        self.path, self.missing = path, missing
        self.psi = make_store(path, SEGMENTS, SAMPLES, GROUPS, LAYERS, heads=2, positions=positions, seed=seed, missing=missing,
                              coordinate_steps=STEPS)
        parts = list(components_of(LAYERS, 2))
        self.axes = ["segment", "sample"] + (["position"] if positions else []) + ["component"]
        self.coordinates = {
            "step_from": ("segment", STEPS[:-1]), "step_to": ("segment", STEPS[1:]), "segment": ("segment", list(range(SEGMENTS))),
            "id": ("sample", [f"secret-id-{i}" for i in range(SAMPLES)]), "group": ("sample", [GROUPS[i % 3] for i in range(SAMPLES)]),
            "component": ("component", [each[0] for each in parts]), "layer": ("component", [each[1] for each in parts]),
            "kind": ("component", [each[2] for each in parts]), "tensor": ("component", [each[3] for each in parts]),
            "head": ("component", [each[4] for each in parts]), "index": ("component", [each[5] for each in parts])}
        if positions:
            self.coordinates["position"] = ("position", list(range(positions)))

    def keys(self, axis, names, chosen):
        """Distinct values of the coordinates that stay of an axis, by first appearance, and the entries of each."""
        mine = [name for name in names if self.coordinates[name][0] == axis]
        found = {}
        for entry in chosen:
            found.setdefault(tuple(str(self.coordinates[name][1][entry]) for name in mine), []).append(entry)
        return mine, found


def rows_by_hand(made, names, chosen, sums, means, absolute, resampling=None):
    """{row's key: value} of the entries chosen per axis; with resampling {key: [drawings]}."""
    axes = {axis: made.keys(axis, names, chosen[axis]) for axis in made.axes}
    how = {axis: "sum" if axis in sums else "mean" if axis in means or axis == "sample" else "sum" for axis in made.axes}
    rows = {}
    for combination in itertools.product(*(axes[axis][1] for axis in made.axes)):
        block = made.psi[numpy.ix_(*(axes[axis][1][key] for axis, key in zip(made.axes, combination)))]
        named = {name: value for axis, key in zip(made.axes, combination) for name, value in zip(axes[axis][0], key)}
        key = tuple(named[name] for name in names)
        if resampling:
            rows[key] = drawings_of(made, block, axes["sample"][1][combination[1]], resampling)
        else:
            value = reduced(block, made.axes, how, absolute)
            if not math.isnan(value):
                rows[key] = value
    return rows


def reduced(block, axes, how, absolute):
    """NaN is what is not committed: segments sum the means of the samples that they have."""
    there = ~numpy.isnan(block).reshape(*block.shape[:2], -1).any(-1)
    if not there.any():
        return math.nan
    inside = [axis for axis in range(2, len(axes)) if axes[axis] not in absolute]
    for axis in sorted(inside, reverse=True):
        block = block.sum(axis) if how[axes[axis]] == "sum" else block.mean(axis)
    if absolute:
        block = abs(block)
    while block.ndim > 2:
        block = block.sum(-1)
    per_segment = []
    for segment in range(block.shape[0]):
        mine = block[segment][there[segment]]
        if len(mine):
            per_segment.append(mine.mean() if how["sample"] == "mean" else mine.sum())
    return numpy.mean(per_segment) if how["segment"] == "mean" else sum(per_segment)


def split_mix(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        mixed = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
        yield mixed ^ mixed >> 31


def drawings_of(made, block, members, resampling):
    """Means over samples that are drawn anew, as src/store/operations/bootstrap.hpp says."""
    times, seed = resampling
    state = 0xCBF29CE484222325
    for member in members:
        for byte in made.coordinates["id"][1][member].encode() + b"\0":
            state = (state ^ byte) * 0x100000001B3 % 2**64
    random, each = split_mix(state ^ seed), block.sum(0).reshape(len(members), -1).sum(-1)
    if len(members) < 2:
        return [math.nan] * times
    return [each[[int((next(random) >> 11) * 2.0**-53 * len(members)) for _ in members]].mean() for _ in range(times)]


def share(rows, names, within):
    """NaN where a total cancels, and nothing where all do."""
    totals, sizes = {}, {}
    place = lambda key: tuple(key[names.index(name)] for name in within)
    for key, value in rows.items():
        totals[place(key)] = totals.get(place(key), 0) + value
        sizes[place(key)] = sizes.get(place(key), 0) + abs(value)
    cancelled = {key for key in totals if abs(totals[key]) <= 1e-9 * sizes[key]}
    if len(cancelled) == len(totals):
        return {}
    return {key: math.nan if place(key) in cancelled else value / totals[place(key)] for key, value in rows.items()}


def cumulative(made, rows, names):
    """pandas' way: sort by segment, group by the rest, add up."""
    sums, result = {}, {}
    steps = [i for i, name in enumerate(names) if made.coordinates[name][0] == "segment"]
    for key in sorted(rows, key=lambda key: [int(key[i]) for i in steps]):
        rest = tuple(value for i, value in enumerate(key) if i not in steps)
        missing = math.isnan(rows[key])
        sums[rest] = sums.get(rest, 0) + (0 if missing else rows[key])
        result[key] = math.nan if missing else sums[rest]
    return result


SELECTIONS = {  # what is written, and which of the coordinate's values it means
    "step_to": [("10|1000", lambda v: v in (10, 1000)), ("20:100", lambda v: 20 <= v <= 100)],
    "group": [("de|fr", lambda v: v in ("de", "fr")), ("*e*", lambda v: "e" in v)],
    "id": [("secret-id-1|*-7|*-3|*-0", lambda v: v[-1] in "1730")],
    "component": [("model.layers.*.mlp.*", lambda v: v.startswith("model.layers.") and ".mlp." in v), ("*q_proj*|lm_head.weight", lambda v: "q_proj" in v or v == "lm_head.weight")],
    "layer": [("0:1", lambda v: 0 <= v <= 1), ("-1|1:", lambda v: v == -1 or v >= 1)], "kind": [("mlp|attention", lambda v: v in ("mlp", "attention"))],
    "head": [("-1", lambda v: v == -1), ("0:", lambda v: v >= 0)], "position": [("1:", lambda v: v >= 1)]}


def chosen_by(made, selections):
    chosen = {axis: list(range(length)) for axis, length in zip(made.axes, made.psi.shape)}
    for name, (_, meaning) in selections.items():
        axis, values = made.coordinates[name]
        chosen[axis] = [entry for entry in chosen[axis] if meaning(values[entry])]
    return chosen


def random_selections(random, made, names):
    picked = {name: SELECTIONS[name][random.integers(len(SELECTIONS[name]))] for name in names if name in made.coordinates}
    return picked if all(chosen_by(made, picked).values()) else {}


def option(name, selections):
    return [word for each, (written, _) in selections.items() for word in (name, f"{each}={written}")]


def compare(process, names, expected, text, column, ordered=False):
    found = {}
    for row in csv.DictReader(io.StringIO(must(process).stdout)):
        found[tuple(row[name] for name in names)] = float(row[column])
    if ordered:
        assert list(found) == list(expected), (text, list(found)[:3], list(expected)[:3])
    assert set(found) == set(expected), (text, len(found), len(expected), list(set(found) ^ set(expected))[:3])
    size = max((abs(value) for value in expected.values() if not math.isnan(value)), default=1)
    for key, value in expected.items():
        assert math.isnan(value) and math.isnan(found[key]) or abs(found[key] - value) <= 1e-11 * size + 1e-9 * abs(value), (text, key, found[key], value)


def one(random, made, other):
    """One random question; returns which operations it had."""
    possible = [name for name in made.coordinates if name not in ("segment", "index", "tensor")]
    names = [str(name) for name in random.permutation(possible)[:random.integers(1, 4)]]
    operations = {name for name in ("minus", "minus-store", "share", "cumulative", "rank", "absolute") if random.random() < 0.35}
    selections = random_selections(random, made, random.permutation(list(SELECTIONS))[:random.integers(0, 3)])
    options = ["--variable", "psi", "--group-by", ",".join(names), "--format", "csv", *option("--select", selections)]
    sums = [axis for axis in ("sample",) if random.random() < 0.3]
    means = [axis for axis in ("segment", "position") if axis in made.axes and random.random() < 0.2]
    steps = any(made.coordinates[name][0] == "segment" for name in names)
    absolute = ("segment", "sample", "component") if "absolute" in operations else ()
    if "cumulative" in operations and (not steps or "segment" in means):
        operations.discard("cumulative")
    for flag, axes in (("--sum", sums), ("--mean", means), ("--absolute", absolute)):
        options += [flag, ",".join(axes)] if axes else []
    expected = rows_by_hand(made, names, chosen_by(made, selections), sums, means, absolute)
    column = "psi_abs" if absolute else "psi"
    if operations & {"minus", "minus-store"}:
        less = random_selections(random, made, random.permutation([name for name in SELECTIONS if name not in names])[:1]) if "minus" in operations else {}
        if not less and "minus-store" not in operations:
            return set()
        second = other if "minus-store" in operations else made
        together = {**selections, **less}
        if not all(chosen_by(second, together).values()):
            return set()
        options += option("--minus", less) + (["--minus-store", other.path] if "minus-store" in operations else [])
        subtracted = rows_by_hand(second, names, chosen_by(second, together), sums, means, absolute)
        expected = {key: value - subtracted[key] for key, value in expected.items() if key in subtracted}
        if not expected:
            return set()
        column += "_difference"
    if "share" in operations:
        within = [str(name) for name in random.permutation(names)[:random.integers(0, len(names))]]
        options += ["--share", ",".join(within) or "all"]
        expected = share(expected, names, within)
        if not expected:
            refused(run("query", made.path, *options), "cancels", "--absolute")
            return {"cancelled"}
        column += "_share"
    if "cumulative" in operations:
        options += ["--cumulative"]
        expected = cumulative(made, expected, names)
        column += "_cumulative"
    if "rank" in operations:
        expected, more = ranked(random, expected)
        options += more
    compare(run("query", made.path, *options), names, expected, options, column, "rank" in operations)
    return operations | {"select"} if selections else operations | {"plain"}


def ranked(random, rows):
    """Rows without a value stand last, in their order."""
    high, low = int(random.integers(0, 4)), int(random.integers(0, 4))
    if high + low == 0:
        keys = sorted(rows, key=lambda key: last_if_missing(-abs(rows[key])))[:4]
        return {key: rows[key] for key in keys}, ["--top", 4]
    first = sorted(rows, key=lambda key: last_if_missing(-rows[key]))[:high]
    last = [key for key in sorted(rows, key=lambda key: last_if_missing(rows[key]))[:low] if key not in first]
    return {key: rows[key] for key in first + last}, (["--highest", high] if high else []) + (["--lowest", low] if low else [])


def last_if_missing(value):
    return (math.isnan(value), 0 if math.isnan(value) else value)


def expect_random_combinations(folder):
    random = numpy.random.default_rng(20261129)
    stores = [Made(folder / f"{positions}-{len(missing)}-{seed}.h5", seed, positions, missing)
              for positions, missing in ((0, ()), (POSITIONS, MISSING)) for seed in (1, 2)]
    seen = {}
    while sum(seen.values()) < COMBINATIONS:
        pair = 2 * int(random.integers(2))
        operations = frozenset(one(random, stores[pair], stores[pair + 1]))
        if operations:
            seen[operations] = seen.get(operations, 0) + 1
    counts = {name: sum(count for operations, count in seen.items() if name in operations) for name in sorted(set().union(*seen))}
    counts.pop("cancelled", None)
    assert min(counts.values()) >= 5 or COMBINATIONS < 100, counts
    print(f"{sum(seen.values())} random questions, {len(seen)} combinations of operations:", counts)
    return stores[0], stores[1], stores[2]


def expect_intervals(made, other):
    """Intervals of means, of differences of the same samples and of others, of shares and of running sums."""
    times, seed = 40, 7
    base = ["--group-by", "step_to,kind,group", "--format", "csv", "--bootstrap", times, "--seed", seed]
    names, whole = ["step_to", "kind", "group"], chosen_by(made, {})
    drawn, values = (rows_by_hand(made, names, whole, (), (), (), how) for how in ((times, seed), None))
    less = rows_by_hand(other, names, chosen_by(other, {}), (), (), (), (times, seed))
    def each(operation, *rows):
        return [operation(*({key: row[key][i] for key in row} for row in rows)) for i in range(times)]
    cases = {
        "mean": ([], each(lambda rows: rows, drawn)),
        "difference": (["--minus-store", other.path], each(lambda rows, others: {key: rows[key] - others[key] for key in rows}, drawn, less)),
        "share": (["--share", "group"], each(lambda rows: share(rows, names, ["group"]), drawn)),
        "running": (["--cumulative"], each(lambda rows: cumulative(made, rows, names), drawn))}
    for text, (options, drawings) in cases.items():
        for row in csv.DictReader(io.StringIO(must(run("query", made.path, *base, *options)).stdout)):
            sample = [drawing[tuple(row[name] for name in names)] for drawing in drawings]
            expected = numpy.percentile(sample, [2.5, 97.5])
            found = [float(row["interval_low"]), float(row["interval_high"])]
            assert numpy.allclose(found, expected, rtol=1e-9, atol=1e-12), (text, row, expected)
            assert found[0] < found[1], (text, row)
    assert values.keys() == drawn.keys()
    different = [row["interval_low"] for row in csv.DictReader(io.StringIO(must(run("query", made.path, *base[:-1], 8)).stdout))]
    same = [[row["interval_low"] for row in csv.DictReader(io.StringIO(must(run("query", made.path, *base)).stdout))] for _ in range(2)]
    assert same[0] == same[1] != different
    table = must(run("query", made.path, "--group-by", "group", "--bootstrap", 50, "--seed", 3)).stdout
    assert "95 % by percentiles of 50 drawings of the samples with replacement, seed 3" in table.splitlines()[0] and "95 % interval" in table, table


def expect_similarity(made):
    """Cosines and correlations of samples, kinds, groups and segments, by NumPy; the most and the least alike."""
    psi, part = made.psi, made.coordinates
    vectors = {"sample": psi.transpose(1, 0, 2).reshape(SAMPLES, -1), "step_to": psi.reshape(SEGMENTS, -1)}
    for name, axis in (("kind", 2), ("group", 1), ("layer", 2)):
        values = part[name][1]
        rows = []
        for value in dict.fromkeys(values):
            mine = psi.compress([each == value for each in values], axis)
            rows.append((mine.mean(1) if axis == 1 else mine.sum(2)).ravel())
        vectors[name] = numpy.array(rows)
    for name, rows in vectors.items():
        unit = rows / numpy.linalg.norm(rows, axis=1, keepdims=True)
        for measure, expected in (("cosine", unit @ unit.T), ("correlation", numpy.corrcoef(rows))):
            asked = ["--similarity", name, "--measure", measure, "--format", "csv"]
            found = [float(row[measure]) for row in csv.DictReader(io.StringIO(must(run("query", made.path, *asked)).stdout))]
            assert numpy.allclose(found, expected.ravel(), rtol=0, atol=1e-12), (name, measure)
            pairs = sorted(expected[numpy.triu_indices(len(rows), 1)])
            for flag, chosen in (("--top", pairs[::-1][:2]), ("--lowest", pairs[:2])) if name in ("sample", "kind") else ():
                found = [float(row[measure]) for row in csv.DictReader(io.StringIO(must(run("query", made.path, *asked, flag, 2)).stdout))]
                assert numpy.allclose(found, chosen, rtol=0, atol=1e-12), (name, flag)


def refused(process, *words, code=2):
    assert process.returncode == code and [line[:6] for line in process.stderr.splitlines()].count("error:") == 1, (process.args, process.returncode, process.stderr)
    for word in words:
        assert word in process.stderr, (word, process.stderr)


def expect_refusals(made, other, partial):
    def ask(*options):
        return run("query", made.path, *options)
    refused(ask("--group-by", "kind", "--cumulative"), "--cumulative", "step_to")
    refused(ask("--variable", "value_from", "--group-by", "step_to", "--cumulative"), "do not add up")
    refused(ask("--variable", "quadrature_error", "--group-by", "step_to", "--share", "all"), "no total")
    refused(ask("--group-by", "kind", "--share", "layer"), "'layer'", "It has kind")
    refused(ask("--group-by", "kind,step_to", "--share", "knid"), "Did you mean kind?")
    refused(ask("--group-by", "kind", "--share", "all", "--error"), "--bootstrap")
    refused(ask("--group-by", "step_to", "--cumulative", "--error"), "--bootstrap")
    refused(ask("--group-by", "kind", "--minus", "group=de", "--error"), "--bootstrap")
    refused(ask("--group-by", "kind", "--top", 1, "--lowest", 1), "--highest", "signed")
    refused(ask("--group-by", "group,kind", "--select", "group=de", "--minus", "group=fr"), "no group in common", "--group-by kind")
    refused(ask("--group-by", "kind", "--minus", "group"), "--minus", "NAME=VALUE")
    refused(ask("--group-by", "kind", "--minus", "group=xx"), "group=xx", "de, fr, en", code=1)
    refused(ask("--group-by", "kind", "--minus", "gruop=de"), "Did you mean group?")
    refused(ask("--group-by", "kind", "--minus-store", made.path.parent / "none.h5"), "no such store", code=1)
    refused(ask("--group-by", "id", "--bootstrap", 10), "--bootstrap", "two samples")
    refused(ask("--group-by", "kind", "--sum", "sample", "--bootstrap", 10), "--mean sample")
    refused(run("query", partial.path, "--group-by", "kind", "--bootstrap", 10), "not committed")
    refused(ask("--similarity", "kidn"), "Did you mean kind?")
    refused(ask("--measure", "correlation"), "--similarity")
    refused(ask("--group-by", "kind", "--measure", "corelation"), "correlation")
    for options in (["--share", "all"], ["--cumulative"], ["--minus", "group=de"], ["--bootstrap", 5], ["--error"]):
        refused(ask("--similarity", "sample", *options), options[0], "--similarity")
    refused(ask("--group-by", "knid"), "Did you mean kind?")
    refused(ask("--sum", "segmnet"), "Did you mean segment?")
    refused(ask("--variable", "residul"), "Did you mean residual?", code=1)
    refused(ask("--select", "kind=atention"), "Did you mean attention?", code=1)
    refused(ask("--select", "component=model.layers.0.mlp.upproj.weight"), "Did you mean model.layers.0.mlp.up_proj.weight", code=1)
    refused(ask("--select", "step=11:24"), "step=11:24", code=1)
    refused(ask("--select", "kind=mlp", "--select", "head=0"), "together with")
    refused(ask("--group-by", "kind", "--memory", "1kB"), "--memory", "may be taken", "--select")
    refused(ask("--format", "csv", "--memory", "1kB"), "each entry of its first axis")
    refused(run("query", __file__), "HDF5", code=1)


def expect_notes(made, other):
    """Rows without a partner are counted; totals that cancel have no share; uncommitted rows are NaN when asked for."""
    table = must(run("query", made.path, "--group-by", "step_to,kind", "--select", "step=0:100", "--minus", "step=10:1000", "--format", "csv"))
    assert "5 rows of the first and 5 rows of the second have no partner and are left out" in table.stderr, table.stderr
    assert {row["step_to"] for row in csv.DictReader(io.StringIO(table.stdout))} == {"25", "70", "100"}
    itself = run("query", made.path, "--group-by", "kind", "--minus-store", made.path, "--share", "all")
    refused(itself, "cancels", "--absolute")
    rows = ["--group-by", "step_to,group,kind", "--share", "group,kind", "--format", "csv"]
    some = must(run("query", made.path, *rows, "--minus", "step=0:1000", "--minus-store", other.path, "--select", "group=de"))
    assert "has no share" not in some.stderr
    heading = must(run("query", made.path, "--group-by", "kind", "--select", "group=de", "--minus", "group=fr", "--share", "all")).stdout.splitlines()[0]
    assert "less the same of group=fr; share of the sum of all 5 rows" in heading and "Negative: against the sign of the total" in heading, heading
    assert must(run("query", made.path, "--group-by", "kind")).stdout.splitlines()[0].endswith(". Negative: lowered F")


def main():
    with tempfile.TemporaryDirectory() as name:
        made, other, partial = expect_random_combinations(pathlib.Path(name))
        expect_intervals(made, other)
        expect_similarity(made)
        expect_refusals(made, other, partial)
        expect_notes(made, other)
    print("operations as NumPy has them, intervals, similarities, refusals and notes")


sys.exit(main())
