"""Minimal pairs: F is log p(good) - log p(bad). Against float64 PyTorch, against the two sentences alone, and what is refused."""
import json
import pathlib
import sys
import tempfile

import h5py
import numpy
import torch

from program import GOLDENS, SOURCE, must, run
from store_contents import contents, texts

sys.path.insert(0, str(SOURCE / "tests/goldens/llama"))
import llama_float64  # noqa: E402

SERIES = GOLDENS / "grouped_query/series"
EXACT = ("--precision", "fp64", "--quadrature", "gauss:10")
# Of other lengths, in which another token predicts the other; the last one's sentences hardly differ in F.
PAIRS = [([1, 52, 56, 52, 36], [1, 52, 56, 9]), ([1, 68, 65], [1, 68, 65, 54, 41, 64, 48]), ([1, 20, 39, 20, 15], [1, 20, 39, 21, 15]),
         ([1, 7, 7, 7, 12, 13], [1, 7, 7, 12, 7, 13]), ([1, 33, 30, 31], [1, 33, 30, 32])]
GROUPS = ["x", "y", "x", "y", "y"]


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def decompose(store, samples, *more, ranks=0):
    return run("decompose", "--series", SERIES, "--samples", samples, "--store", store, *more, ranks=ranks)


def read(path):
    with h5py.File(path) as file:
        found = {name: file[name][()] for name in ("psi", "value_from", "value_to", "residual", "node_count", "tolerance_met", "length")}
        return found | {"names": texts(file["component"]), "ids": texts(file["id"]), "functional": json.loads(file.attrs["configuration"])["functional"]}


def log_probability(llama, weights, ids):
    logits = llama.logits(llama_float64.DenseWeights(weights), torch.tensor([ids]))[0]
    return sum(logits[t - 1].log_softmax(0)[ids[t]] for t in range(1, len(ids)))


def reference(names):
    """psi and F of every segment and pair, by autograd at the nodes of a Gauss rule."""
    llama = llama_float64.Llama(json.loads((llama_float64.list_checkpoints(SERIES)[0][1] / "config.json").read_text()))
    points = [llama_float64.load_weights(folder) for _, folder in llama_float64.list_checkpoints(SERIES)]
    f = lambda weights, pair: log_probability(llama, weights, pair[0]) - log_probability(llama, weights, pair[1])
    nodes, quadrature = numpy.polynomial.legendre.leggauss(10)
    psi = numpy.zeros((len(points) - 1, len(PAIRS), len(names)))
    for s, (start, end) in enumerate(zip(points, points[1:])):
        for p, pair in enumerate(PAIRS):
            for node, weight in zip(nodes, quadrature):
                at = {n: (start[n] + (node + 1) / 2 * (end[n] - start[n])).requires_grad_(True) for n in start}
                f(at, pair).backward()
                for i, n in enumerate(names):
                    psi[s, p, i] += weight / 2 * (at[n].grad * (end[n] - start[n])).sum().item()
    values = numpy.array([[f(weights, pair).item() for pair in PAIRS] for weights in points])
    return psi, values


def close(found, expected, tolerance, what):
    apart = abs(found - expected).max() / abs(expected).max()
    assert found.shape == expected.shape and apart < tolerance, (what, found.shape, expected.shape, apart)


def expect_exact(folder):
    pairs = lines(folder / "pairs.jsonl", [{"id": f"p{i}", "group": g, "good": a, "bad": b} for i, ((a, b), g) in enumerate(zip(PAIRS, GROUPS))])
    said = must(decompose(folder / "exact.h5", pairs, *EXACT, "--micro-batch", 2, "--chunk", 4)).stdout
    assert "5 minimal pairs: F is log p(good) - log p(bad) in nats" in said and "logprob_diff" in said, said
    found = read(folder / "exact.h5")
    assert found["functional"] == "logprob_diff" and found["ids"] == [f"p{i}" for i in range(5)]
    assert list(found["length"]) == [len(a) + len(b) for a, b in PAIRS]
    psi, values = reference(found["names"])
    close(found["psi"], psi, 1e-9, "psi")
    close(found["value_from"], values[:-1], 1e-12, "value_from")
    close(found["value_to"], values[1:], 1e-12, "value_to")
    assert abs(found["residual"] - (found["value_to"] - found["value_from"] - found["psi"].sum(-1))).max() < 1e-14
    assert "minimal pairs" in must(run("inspect", folder / "exact.h5")).stdout
    # What was left out is what it says.
    must(decompose(folder / "said.h5", pairs, *EXACT, "--micro-batch", 2, "--chunk", 4, "--functional", "logprob_diff"))
    assert contents(folder / "said.h5") == contents(folder / "exact.h5")
    return pairs, found


def expect_the_sentences_difference(folder, pairs, exact):
    """psi(pair) = psi of loss_sum of the bad sentence less that of the good one; so are the scalars' and the heads'."""
    for component in ("head", "row", "parameter"):
        stores = {}
        for name, place in (("good", 0), ("bad", 1)):
            single = lines(folder / f"{name}.jsonl", [{"id": f"p{i}", "input_ids": pair[place]} for i, pair in enumerate(PAIRS)])
            stores[name] = folder / f"{name}-{component}.h5"
            must(decompose(stores[name], single, *EXACT, "--functional", "loss_sum", "--component", component))
        store = folder / f"pair-{component}.h5"
        must(decompose(store, pairs, *EXACT, "--component", component, "--product-form", "split" if component == "row" else "formed"))
        with h5py.File(store) as pair, h5py.File(stores["good"]) as good, h5py.File(stores["bad"]) as bad:
            scores = ["psi"]
            if component == "parameter":
                scores += [f"parameter/{name}" for name, item in pair["parameter"].items() if item.dtype.kind == "f" and name not in pair]
            assert component != "parameter" or len(scores) > 10, scores
            for name in scores:
                close(pair[name][()], bad[name][()] - good[name][()], 1e-11, (component, name))
    must(decompose(folder / "groups.h5", pairs, *EXACT, "--axes", "group"))
    with h5py.File(folder / "groups.h5") as file:
        assert texts(file["group"]) == ["x", "y"]
        for row, of in enumerate(([0, 2], [1, 3, 4])):
            close(file["psi"][:, row], exact["psi"][:, of].mean(1), 1e-12, "groups")


def expect_own_certificates(folder, pairs):
    """The rule refines until |residual| is within the tolerance of the pair's own change, whatever its sentences do."""
    must(decompose(folder / "adaptive.h5", pairs, "--precision", "fp64", "--tolerance", 1e-9, "--absolute-tolerance", 1e-14, "--component", "head"))
    found = read(folder / "adaptive.h5")
    change = found["value_to"] - found["value_from"]
    assert found["tolerance_met"].all() and (abs(found["residual"]) <= 1e-9 * abs(change) + 1e-14).all()
    assert abs(found["residual"] - (change - found["psi"].sum(-1))).max() < 1e-15 and len(set(found["node_count"].flatten())) > 1
    # In fp32 the changes come of fp64 passes.
    must(decompose(folder / "single.h5", pairs))
    close(read(folder / "single.h5")["value_to"], found["value_to"], 1e-12, "values of fp32")
    options = ("--micro-batch", 2, "--component", "head")
    must(decompose(folder / "alone.h5", pairs, *options))
    must(decompose(folder / "shared.h5", pairs, *options, "--shards", 2, "--parameters", "gathered", ranks=2))
    assert contents(folder / "alone.h5") == contents(folder / "shared.h5")


def expect_pairs_of_steps(folder):
    """Steps of an optimizer explain pairs too, each part of them; a training batch has no pairs."""
    here = SOURCE / "tests/goldens/optimizer_steps"
    common = ("--source", "steps", "--batch-mean", "tokens", "--clip", "0.3", "--axes", "sample,train_group", *EXACT)

    def steps(name, rows, *more, batch=here / "train.jsonl"):
        return run("decompose", "--series", here / "series", "--samples", lines(folder / f"{name}.jsonl", rows), "--store", folder / f"{name}.h5",
                   "--training-batch", batch, *common, *more)

    must(steps("steps", [{"good": a, "bad": b} for a, b in PAIRS[1:3]]))
    for name, place in (("steps_good", 0), ("steps_bad", 1)):
        must(steps(name, [{"input_ids": pair[place]} for pair in PAIRS[1:3]], "--functional", "loss_sum"))
    with h5py.File(folder / "steps.h5") as pair, h5py.File(folder / "steps_good.h5") as good, h5py.File(folder / "steps_bad.h5") as bad:
        for name in ("psi", "psi_data", "psi_momentum", "psi_decay"):
            close(pair[name][()], bad[name][()] - good[name][()], 1e-11, name)
    process = steps("none", [{"good": a, "bad": b} for a, b in PAIRS[:2]], batch=folder / "steps.jsonl")
    assert process.returncode == 1 and "a training batch has none" in process.stderr, process.stderr


def expect_refusals(folder, pairs):
    def refused(words, rows, *more, code=1):
        samples = lines(folder / "bad.jsonl", rows) if isinstance(rows, list) else rows
        process = decompose(folder / "refused.h5", samples, *more)
        assert process.returncode == code and words in process.stderr, (words, process.returncode, process.stderr)
        assert not (folder / "refused.h5").exists()

    a, b = PAIRS[0]
    plain = lines(folder / "plain.jsonl", [{"input_ids": a}])
    for functional in ("loss", "loss_sum", "logit:0:3", "logprob:-1:3", "activation:1:0:0"):
        refused(f"'{functional}' has no value of a minimal pair", pairs, "--functional", functional, code=2)
    refused("is of minimal pairs", plain, "--functional", "logprob_diff", code=2)
    refused("'logprob_diff:1' is not available", pairs, "--functional", "logprob_diff:1", code=2)
    refused("a minimal pair has no positions", pairs, "--axes", "sample,position", code=2)
    refused("is no minimal pair, and the samples before it are", [{"good": a, "bad": b}, {"input_ids": a}])
    refused("is a minimal pair, and the samples before it are none", [{"input_ids": a}, {"good": a, "bad": b}])
    refused("good has 5 tokens, more than the 4 of a window; a pair is not cut", pairs, "--window", 4, "--stride", 2)
    refused("more than the 4 allowed; a pair is not cut", pairs, "--max-length", 4, "--truncate")


def main():
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pairs, exact = expect_exact(folder)
        expect_the_sentences_difference(folder, pairs, exact)
        expect_own_certificates(folder, pairs)
        expect_pairs_of_steps(folder)
        expect_refusals(folder, pairs)
    print("minimal pairs: exact, the difference of their sentences, with certificates of their own")


main()
