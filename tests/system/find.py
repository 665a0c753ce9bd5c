"""What find reports: planted things at their places, nothing in noise, its statistics against SciPy and scikit-learn, and what it refuses.

find.py              everything, with a few dozen stores of noise
find.py --nulls N    N stores of noise alone, and a line for each that something was found in
"""
import itertools
import json
import os
import pathlib
import sys
import tempfile

import h5py
import numpy
import scipy.stats
import sklearn.cluster
import sklearn.decomposition
import sklearn.metrics

from made_store import Writer, components_of, make_store
from planted_scores import (KINDS, background, groups_of, null_scores, planted_cluster, planted_divergence, planted_hand_over,
                            planted_phase, smooth)
from program import GOLDENS, decompose, must, run
from reference_statistics import best_cut, corrected, shares_of, step_p, step_statistic

SEGMENTS, SAMPLES, LAYERS, GROUPS = 24, 24, 4, ("de", "fr", "en")
PARTS = list(components_of(LAYERS))
NAMES, PART_KINDS = [each[0] for each in PARTS], [each[2] for each in PARTS]
STEPS = [10 * i for i in range(SEGMENTS + 1)]
TESTED = ("phases", "clusters", "divergences", "handovers")
SHAPES = ((12, 12, 2, ("de", "fr")), (24, 24, 4, ("de", "fr", "en")), (20, 40, 2, ("de", "fr")), (40, 20, 1, ("de", "fr", "en", "ja")),
          (16, 60, 1, ("de", "fr", "en")))


def find(store, *options):
    drawings = () if "--permutations" in options else ("--permutations", "999")
    return json.loads(must(run("find", store, "--format", "json", *drawings, *options)).stdout)


def named(found, name):
    return next(each for each in found["findings"] if each["name"] == name)


def made(path, scores, groups=GROUPS, layers=LAYERS, **more):
    make_store(path, scores.shape[0], scores.shape[1], groups, layers, scores=scores, **more)
    return path


def close(found, expected, text, tolerance=1e-9):
    assert numpy.allclose(found, expected, rtol=tolerance, atol=1e-12), (text, found, expected)


# ---- noise


def expect_nothing_in_noise(folder, count, permutations, allowed):
    reported = []
    for i in range(count):
        segments, samples, layers, groups = SHAPES[i // len(KINDS) % len(SHAPES)]
        kind, random = KINDS[i % len(KINDS)], numpy.random.default_rng(i)
        scores = null_scores(kind, segments, samples, len(list(components_of(layers))), random)
        found = find(made(folder / "null.h5", scores, groups, layers), "--permutations", str(permutations))
        hits = [f"{each['name']} (p {each['smallest_p_adjusted']:.2g})" for each in found["findings"] if each.get("found")]
        if hits:
            reported.append(i)
            print(f"store {i}, {kind}, {segments} segments, {samples} samples: {', '.join(hits)}", flush=True)
    assert len(reported) <= allowed, f"{len(reported)} of {count} stores of noise, where at most {allowed} may be"
    return len(reported)


# ---- planted


def expect_planted(folder):
    random = numpy.random.default_rng(3)
    plain = background(SEGMENTS, SAMPLES, len(PARTS), random)
    mlp, attention = ([i for i, kind in enumerate(PART_KINDS) if kind == name] for name in ("mlp", "attention"))

    found = find(made(folder / "plain.h5", plain, coordinate_steps=STEPS))
    for name in TESTED:
        assert named(found, name)["found"] == 0, (name, named(found, name)["rows"])

    found = find(made(folder / "phase.h5", planted_phase(plain, mlp, attention, 9), coordinate_steps=STEPS))
    (row,) = named(found, "phases")["rows"]
    assert row["step"] == STEPS[9] and row["p_adjusted"] <= found["level_of_each"], row
    shares = {each["kind"]: (each["before"], each["after"]) for each in row["parts"]}
    assert row["parts"][0]["kind"] == "attention" and abs(shares["mlp"][1]) < abs(shares["mlp"][0]) / 2, row
    before, after = (shares_of(each, PART_KINDS).mean(0) for each in numpy.split(planted_phase(plain, mlp, attention, 9), [9]))
    for place, kind in enumerate(dict.fromkeys(PART_KINDS)):
        if kind in shares:
            close(shares[kind], (before[place], after[place]), "shares of " + kind)

    members, where = [1, 4, 6, 11, 15, 16, 20, 22], [5, 12, 13]
    found = find(made(folder / "cluster.h5", planted_cluster(plain, members, where, range(10, 14)), coordinate_steps=STEPS))
    clusters = named(found, "clusters")
    small = min(clusters["rows"], key=lambda row: row["samples"])
    assert len(clusters["rows"]) == 2 and small["ids"] == [f"secret-id-{i}" for i in members], clusters["rows"]
    assert {each["component"] for each in small["parts"]} == {NAMES[i] for i in where}, small
    assert all(each["mean_inside"] < each["mean_outside"] and 110 <= each["most_to"] <= 140 for each in small["parts"]), small
    with h5py.File(folder / "cluster.h5") as file:
        totals = file["psi"][()].sum(0)
    for each in small["parts"]:
        of_part = totals[:, NAMES.index(each["component"])]
        close([each["mean_inside"], each["mean_outside"]], [of_part[members].mean(), numpy.delete(of_part, members).mean()], "means of a cluster")
    assert clusters["stability"] > 0.8

    french = [i for i, group in enumerate(groups_of(SAMPLES, GROUPS)) if group == "fr"]
    found = find(made(folder / "divergence.h5", planted_divergence(plain, french, 12), coordinate_steps=STEPS), "--groups", "de,fr")
    (row,) = named(found, "divergences")["rows"]
    expected = 2 * plain[:, french, 12].sum(0).mean()
    assert (row["component"], row["group"], row["other"]) == (NAMES[12], "de", "fr"), row
    close(row["other_mean"], expected, "mean of a group")
    assert numpy.sign(row["difference"]) == -numpy.sign(expected) == numpy.sign(row["t"])

    found = find(made(folder / "hand_over.h5", planted_hand_over(plain, 5, 12, 14), coordinate_steps=STEPS))
    (row,) = named(found, "handovers")["rows"]
    assert (row["step"], row["stops"], row["begins"]) == (STEPS[14], NAMES[5], NAMES[12]), row
    assert row["stops_share_before"] > 0.05 > row["stops_share_after"] and row["begins_share_after"] > 0.05 > row["begins_share_before"]
    # What raises F helps where F is a logit: then nothing here stops helping.
    with h5py.File(folder / "hand_over.h5", "r+") as file:
        file.attrs["configuration"] = numpy.bytes_(json.dumps({"functional": "logit:3:5"}))
    turned = named(find(folder / "hand_over.h5", "--what", "handovers"), "handovers")
    assert turned["found"] == 0 and "raising F" in turned["said"][0], turned


def expect_drift_is_no_phase(folder):
    """A mix that goes over from one to another all the time is said to drift."""
    random = numpy.random.default_rng(5)
    plain = background(SEGMENTS, SAMPLES, len(PARTS), random, noise=0.05)
    over = numpy.linspace(0, 1, SEGMENTS)[:, None, None]
    other = plain * numpy.where(numpy.array(PART_KINDS) == "mlp", 0.2, 2)
    phases = named(find(made(folder / "drift.h5", (1 - over) * plain + over * other), "--what", "phases"), "phases")
    assert phases["found"] == 0, phases["rows"]
    # Two shifts are found one after the other, and at their places.
    twice = planted_phase(plain, [i for i, kind in enumerate(PART_KINDS) if kind == "mlp"], [], 8)
    twice[16:] = background(SEGMENTS, SAMPLES, len(PARTS), random, noise=0.05)[16:]
    phases = named(find(made(folder / "twice.h5", twice, coordinate_steps=STEPS), "--what", "phases"), "phases")
    assert [row["step"] for row in phases["rows"]] == [80, 160], phases["rows"]
    # The larger one first, whichever comes first.
    of = {kind: [i for i, each in enumerate(PART_KINDS) if each == kind] for kind in PART_KINDS}
    twice = planted_phase(planted_phase(plain, of["mlp"], of["attention"], 8), [], of["norm"], 16)
    phases = named(find(made(folder / "twice.h5", twice, coordinate_steps=STEPS), "--what", "phases"), "phases")
    assert [row["step"] for row in phases["rows"]] == [80, 160], phases["rows"]


# ---- statistics


def expect_statistics_of_others(folder):
    random = numpy.random.default_rng(14)
    segments, samples, groups = 24, 20, ("de", "fr")
    parts = list(components_of(1))
    scores = null_scores("gaussian", segments, samples, len(parts), random)
    scores += abs(scores).mean() * smooth(random, segments, (1, len(parts)), 0.7)  # residuals that go together
    scores[5:, :, 3] -= 3 * abs(scores).mean()
    scores[:, 10:, 2] *= 2
    store = made(folder / "statistics.h5", scores, groups, 1)

    def all_of(name):
        """At level 1 everything is listed."""
        return named(find(store, "--what", name, "--level", "1"), name)

    expect_step_statistic(scores, parts, all_of("phases"), random)
    expect_welch(scores, all_of("divergences"), [each[0] for each in parts], groups)
    expect_split(scores, all_of("clusters"), groups)
    expect_shares(scores, all_of("structure"))
    handed = planted_hand_over(background(segments, samples, len(parts), random, noise=1), 1, 4, 6)
    made(store, handed, groups, 1, coordinate_steps=STEPS[: segments + 1])
    expect_hand_over_statistic(handed, all_of("handovers"), [each[0] for each in parts])


def expect_step_statistic(scores, parts, phases, random):
    mix = shares_of(scores, [each[2] for each in parts])
    statistic, rho = step_statistic(mix)
    assert rho > 0.05, (rho, "residuals are to be correlated here")
    row = max(phases["rows"], key=lambda row: row["to_step"] - row["from_step"])  # of the whole series
    close(row["statistic"], statistic, "F of a step")
    expected, drawings = step_p(mix, 300, random), 300
    error = (expected * (1 - expected) / drawings) ** 0.5
    assert abs(row["p"] - expected) < 4 * error + 2 / drawings, (row["p"], expected)


def expect_welch(scores, divergences, names, groups):
    totals, mine = scores.sum(0), numpy.array(groups_of(scores.shape[1], groups))
    expected = scipy.stats.ttest_ind(totals[mine == "de"], totals[mine == "fr"], equal_var=False).statistic
    for row in divergences["rows"]:
        close(row["t"], expected[names.index(row["component"])], "Welch's t")
    largest = max(divergences["rows"], key=lambda row: abs(row["t"]))
    close(abs(largest["t"]), abs(expected).max(), "largest t")


def expect_exact_p(folder):
    """All ways to divide eight samples: adjusted p-values are counts, and equal to NumPy's."""
    random = numpy.random.default_rng(2)
    scores = null_scores("heavy", 4, 8, len(list(components_of(1))), random)
    scores[:, ::2, 4] += 3 * abs(scores[:, :, 4]).mean()
    found = named(find(made(folder / "exact.h5", scores, ("de", "fr"), 1), "--what", "divergences", "--level", "1"), "divergences")
    assert found["pairs"] == [{"group": "de", "other": "fr", "drawn": 70, "all_ways": True, "smallest_possible_p": 2 / 70}], found["pairs"]
    totals, order = scores.sum(0), list(range(0, 8, 2)) + list(range(1, 8, 2))
    ways = []
    for first in itertools.combinations(range(8), 4):
        rest = [i for i in range(8) if i not in first]
        a, b = totals[[order[i] for i in first]], totals[[order[i] for i in rest]]
        ways.append(abs(scipy.stats.ttest_ind(a, b, equal_var=False).statistic))
    ways = numpy.array(ways)
    ranked = numpy.argsort(-ways[0])
    p, least = {}, 0.0
    for k, part in enumerate(ranked):
        least = max(least, (ways[:, ranked[k:]].max(1) >= ways[0, part] * (1 - 1e-9)).mean())
        p[part] = least
    names = [each[0] for each in components_of(1)]
    assert len(found["rows"]) == len(names)
    for row in found["rows"]:
        close(row["p_adjusted"], p[names.index(row["component"])], "step-down p")


def expect_split(scores, clusters, groups):
    """scikit-learn's principal axes, every cut of each, and the line through the means of its 2-means."""
    samples = scores.shape[1]
    axes = sklearn.decomposition.PCA(5).fit_transform(scores.transpose(1, 0, 2).reshape(samples, -1))
    best = 0
    for axis in axes.T:
        separation, cut = best_cut(axis)
        means = numpy.stack([axes[axis <= cut].mean(0), axes[axis > cut].mean(0)])
        means = sklearn.cluster.KMeans(2, init=means, n_init=1, tol=0).fit(axes).cluster_centers_
        best = max(best, separation, best_cut(axes @ (means[1] - means[0]))[0])
    close(clusters["splits"][0]["statistic"], best, "separation", 1e-7)
    labels = {name: row["cluster"] for row in clusters["rows"] for name in row["ids"]}
    if labels:
        found = [labels[f"secret-id-{i}"] for i in range(samples)]
        close(clusters["agreement_with_groups"], sklearn.metrics.adjusted_rand_score(groups_of(samples, groups), found), "adjusted Rand")


def expect_shares(scores, structure):
    modes = {"segment": 0, "sample": 1, "component": 2}
    assert [row["mode"] for row in structure["rows"]] == ["segment", "component", "sample"]
    for row in structure["rows"]:
        axis = modes[row["mode"]]
        rows = numpy.moveaxis(scores, axis, 0).reshape(scores.shape[axis], -1)
        left, values, _ = numpy.linalg.svd(rows, full_matrices=False)
        shares = values**2 / (values**2).sum()
        close(row["shares"], shares[:10], "shares of " + row["mode"], 1e-7)
        assert row["patterns_for_90_percent"] == int((numpy.cumsum(shares) < 0.9).sum()) + 1
        first = left[:, 0] * numpy.sign(left[abs(left[:, 0]).argmax(), 0])
        close([each["value"] for each in row["first"]], first, "first pattern", 1e-6)


def expect_hand_over_statistic(scores, handovers, names):
    help_ = -shares_of(scores)
    assert handovers["rows"], "nothing to compare"
    for row in handovers["rows"]:
        a, b = names.index(row["stops"]), names.index(row["begins"])
        cut = STEPS.index(row["step"])
        falls = scipy.stats.ttest_ind(help_[:cut, a], help_[cut:, a]).statistic
        rises = -scipy.stats.ttest_ind(help_[:cut, b], help_[cut:, b]).statistic
        left = numpy.concatenate([help_[:cut] - help_[:cut].mean(0), help_[cut:] - help_[cut:].mean(0)])
        rho = corrected(((left[1:] * left[:-1]).sum(0) / (left**2).sum(0)).mean(), len(left))
        close(row["statistic"], min(falls, rises) * ((1 - rho) / (1 + rho)) ** 0.5, "lesser t of a hand-over")
        close([row["stops_share_before"], row["begins_share_after"]], [help_[:cut, a].mean(), help_[cut:, b].mean()], "shares")


# ---- stores of other kinds


def refused(process, code, *words):
    assert process.returncode == code, (process.returncode, process.stdout, process.stderr)
    assert process.stderr.count("error:") == 1, process.stderr
    for word in words:
        assert word in process.stderr, (word, process.stderr)


def expect_refusals(folder):
    store = folder / "plain.h5"
    refused(run("find", store, "--groups", "de,fre"), 2, "--groups", "'fre'", "Did you mean fr?")
    refused(run("find", store, "--groups", "de,de"), 2, "named twice")
    refused(run("find", store, "--groups", "de"), 2, "names one group")
    refused(run("find", store, "--what", "phases", "--groups", "de,fr"), 2, "--groups", "divergences")
    refused(run("find", store, "--what", "phase"), 2, "--what", "Did you mean phases?")
    refused(run("find", store, "--select", "group=xx"), 1, "group=", "xx")
    refused(run("find", store, "--over", "head"), 2, "--over", "kind, layer")
    refused(run("find", store, "--level", "0"), 2, "--level")
    refused(run("find", store, "--permutations", "5"), 2, "--permutations")
    refused(run("find", folder / "none.h5"), 1, "none.h5")
    (folder / "text.h5").write_text("no store")
    refused(run("find", folder / "text.h5"), 1, "text.h5")
    make_store(folder / "empty.h5", 2, 2, missing=list(itertools.product(range(2), range(2))))
    refused(run("find", folder / "empty.h5"), 1, "committed", "--resume")
    refused(run("find", store, "--output", folder / "no/such/folder/out.json"), 1, "no/such")
    assert not (folder / "no").exists()


def why_not(found):
    return {each["name"]: each.get("why_not", "") for each in found["findings"]}


def expect_reasons(folder):
    must(decompose(folder / "groups.h5", GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl", "--axes", "group"))
    reasons = why_not(find(folder / "groups.h5"))
    assert "10 segments, and there are 2" in reasons["phases"] and "10 segments" in reasons["handovers"], reasons
    assert "holds groups" in reasons["clusters"] and "holds groups" in reasons["divergences"] and "training axis" in reasons["training"], reasons
    assert reasons["structure"] == ""
    make_store(folder / "one.h5", 1, 3, ("de",))
    reasons = why_not(find(folder / "one.h5"))
    assert "there is 1" in reasons["phases"] and "10 samples, and there are 3" in reasons["clusters"], reasons
    assert "4 samples" in reasons["divergences"], reasons
    make_store(folder / "one_group.h5", 12, 12, ("de",))
    assert "two groups, and there is one" in why_not(find(folder / "one_group.h5"))["divergences"]
    text = must(run("find", folder / "one.h5")).stdout
    assert "Not asked: it takes 10 segments, and there is 1." in text, text
    # Four samples in two groups are divided in six ways: nothing could be found, and that is said.
    make_store(folder / "few.h5", 2, 4, ("de", "fr"))
    assert "no difference could be found" in named(find(folder / "few.h5"), "divergences")["said"][0]


def expect_missing_is_said(folder):
    scores = background(SEGMENTS, SAMPLES, len(PARTS), numpy.random.default_rng(4))
    missing = [(SEGMENTS - 1, i) for i in range(20)] + [(2, 7)]
    store = made(folder / "missing.h5", scores, missing=missing)
    found = find(store)
    assert found["notes"] == ["1 of 24 segments and 1 of 24 samples are left out: not all of it is committed, or not finite"], found["notes"]
    assert (found["segments"], found["rows"]) == (SEGMENTS - 1, SAMPLES - 1)
    kept = [i for i in range(SAMPLES) if i != 7]
    expect_shares(scores[: SEGMENTS - 1][:, kept], named(found, "structure"))
    with h5py.File(store, "r+") as file:
        file["tolerance_met"][3, 3] = 0
    assert any("1 pair" in note and "tolerance" in note for note in find(store, "--what", "structure")["notes"])


def expect_training_axis(folder):
    random = numpy.random.default_rng(6)
    samples, trained = 3, 12
    store = folder / "training.h5"
    make_store(store, 2, samples, ("de",), 1)
    data = random.normal(size=(2, samples, len(list(components_of(1))), trained))
    with h5py.File(store, "r+") as file:
        write = Writer(file)
        write.scale("train_sample", numpy.arange(trained))
        write.texts("train_id", [f"t{i}" for i in range(trained)], ("train_sample",))
        write.texts("train_group_name", ["odd", "even"] * (trained // 2), ("train_sample",))
        write.numbers("psi_data", data, ("segment", "sample", "component", "train_sample"), unit_name="nat", units="1")
    rows = named(find(store, "--what", "training"), "training")["rows"]
    totals = data.sum((0, 2))
    for sample in range(samples):
        mine = [row for row in rows if row["prediction"] == f"secret-id-{sample}"]
        order = numpy.argsort(totals[sample])
        helped, harmed = ([row for row in mine if row["effect"] == name] for name in ("helped", "harmed"))
        assert [row["training"] for row in helped] == [f"t{i}" for i in order[:3] if totals[sample, i] < 0]
        assert [row["training"] for row in harmed] == [f"t{i}" for i in order[::-1][:3] if totals[sample, i] > 0]
        close([row["score"] for row in helped], [totals[sample, i] for i in order[: len(helped)]], "training scores")
    only = named(find(store, "--what", "training", "--select", "id=secret-id-1"), "training")["rows"]
    assert only == [row for row in rows if row["prediction"] == "secret-id-1"]


def expect_forms(folder):
    store = folder / "phase.h5"
    table = must(run("find", store)).stdout
    for words in ("level 0.05 for all findings together: 0.0125 for each of 4 searches (Bonferroni)", "seed 1", "9999 drawings",
                  "Correction: Westfall and Young (step-down maxT) over 35 components, Bonferroni over 3 pairs", "negative: lowered F"):
        assert words in table, (words, table)
    assert must(run("find", store)).stdout == table, "the same seed found something else"
    one = find(store, "--what", "phases,structure", "--level", "0.02", "--seed", "7", "--permutations", "499")
    assert (one["tested"], one["level_of_each"], one["seed"], named(one, "phases")["permutations"]) == (1, 0.02, 7, 499)
    must(run("find", store, "--format", "json", "--permutations", "999", "--output", folder / "found.json"))
    assert json.loads((folder / "found.json").read_text()) == find(store)
    over = named(find(store, "--what", "phases", "--over", "component"), "phases")
    assert over["rows"][0]["step"] == STEPS[9] and "component" in over["rows"][0]["parts"][0], over
    some = find(store, "--select", "layer=0:1", "--select", "group=de|fr")
    assert (some["parts"], some["rows"]) == (16, 16), some


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if "--nulls" in sys.argv:
            count = int(sys.argv[sys.argv.index("--nulls") + 1])
            reported = expect_nothing_in_noise(folder, count, 9999, count // 20)
            print(f"{count} stores of noise: something is reported in {reported}")
            return
        expect_planted(folder)
        expect_drift_is_no_phase(folder)
        expect_statistics_of_others(folder)
        expect_exact_p(folder)
        expect_refusals(folder)
        expect_reasons(folder)
        expect_missing_is_said(folder)
        expect_training_axis(folder)
        expect_forms(folder)
        reported = expect_nothing_in_noise(folder, 30, 499, 2)
        print(f"planted findings at their places; statistics are those of SciPy and scikit-learn; something is reported in {reported} of 30 stores of noise")


main()
