#!/usr/bin/env python3
"""The quadrature table of a checkpoint series: gradient evaluations and true violations of each strategy, at five tolerances.

Every tensor's integrand of every (segment, sample) is computed in float64 on the 129 Clenshaw–Curtis nodes, whose rule is the truth; the
strategies are replayed on these values. With --explaind the program itself is run in fp64 at each tolerance and held against the same truth.

Run: build/deps/venv/bin/python tests/benchmarks/quadrature_table.py --series build/quickstart/series --samples build/quickstart/held_out.jsonl
       --cache build/quadrature.npz [--explaind build/release/explaind] [--threads 2] [--segments 0,5,11]
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch

import loading
import llama_float64 as reference

TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-8)
ABSOLUTE = 1e-12  # the program's default in fp64
LEVELS = (5, 9, 17, 33, 65, 129)
FIXED = {"midpoint 100": ((numpy.arange(100) + 0.5) / 100, numpy.full(100, 0.01)),
         "Gauss 10": tuple(numpy.add(v, s) / 2 for v, s in zip(numpy.polynomial.legendre.leggauss(10), (1, 0))),
         "Gauss 20": tuple(numpy.add(v, s) / 2 for v, s in zip(numpy.polynomial.legendre.leggauss(20), (1, 0)))}


# ---- integrands -------------------------------------------------------------------------------------------------------------------------

class Contraction(reference.DenseWeights):
    """Scores every parameter of every sample in one backward pass: ⟨δ, op(x; Δ)⟩, δ = ∂F/∂y. values[b, tensor]."""

    def __init__(self, weights, deltas, names, batch):
        super().__init__(weights)
        self.deltas, self.names = reference.DenseWeights(deltas), {n: i for i, n in enumerate(names)}
        self.values = torch.zeros(batch, len(names), dtype=torch.float64)

    def attach(self, y, name, contribution):
        """contribution(): op(x; Δ) of the parameter `name`, shaped like y."""
        def add(delta):
            self.values[:, self.names[name]] += (delta * contribution()).flatten(1).sum(1)
        y.register_hook(add)

    def linear(self, name, x):
        y, x = super().linear(name, x), x.detach()
        self.attach(y, name + ".weight", lambda: x @ self.deltas.weights[name + ".weight"].T)
        if name + ".bias" in self.names:
            self.attach(y, name + ".bias", lambda: self.deltas.weights[name + ".bias"])
        return y

    def embedding(self, name, ids):
        y = super().embedding(name, ids).requires_grad_()
        self.attach(y, name + ".weight", lambda: self.deltas.embedding(name, ids))
        return y

    def gain(self, name, x):
        y, x = super().gain(name, x), x.detach()
        self.attach(y, name + ".weight", lambda: self.deltas.gain(name, x))
        return y


def batch_losses(logits, labels):
    """Mean loss over each sample's predicted tokens. logits: B T V; labels: B T, −100 also past a sample's end."""
    terms = torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], ignore_index=-100, reduction="none")
    return terms.sum(1) / (labels[:, 1:] != -100).sum(1)


def make_batches(samples, size):
    """Right-padded (ids, labels) of `size` samples each."""
    for first in range(0, len(samples), size):
        members = samples[first:first + size]
        longest = max(len(s["input_ids"]) for s in members)
        pad = lambda key, fill: torch.tensor([s[key] + [fill] * (longest - len(s[key])) for s in members])
        yield pad("input_ids", 0), pad("labels", -100)


class Segment:
    """θ + tΔ between two checkpoints. Legend: S samples, C tensors."""

    def __init__(self, llama, start, end, batches):
        self.llama, self.start, self.end, self.batches = llama, start, end, batches
        self.delta = {k: end[k] - start[k] for k in start}
        self.names = llama.tensor_names(start)

    def weights(self, t):
        return self.end if t == 1 else {k: a + t * self.delta[k] for k, a in self.start.items()}

    def values(self, t):
        """F (S) and its directional derivative per tensor (S C)."""
        losses, scores = [], []
        for ids, labels in self.batches:
            ops = Contraction(self.weights(t), self.delta, self.names, len(ids))
            loss = batch_losses(self.llama.logits(ops, ids), labels)
            loss.sum().backward()
            losses.append(loss.detach())
            scores.append(ops.values)
        return torch.cat(losses).numpy(), torch.cat(scores).numpy()

    def check(self, sample):
        """Contraction against the dense gradient of one sample at t = 0.3."""
        leaves = {k: w.clone().requires_grad_() for k, w in self.weights(0.3).items()}
        logits = self.llama.logits(reference.DenseWeights(leaves), torch.tensor([sample["input_ids"]]))[0]
        reference.sample_loss(logits, sample["labels"]).backward()
        dense = numpy.array([(leaves[k].grad * self.delta[k]).sum().item() for k in self.names])
        error = numpy.abs(self.values(0.3)[1][0] - dense).max()
        if error > 1e-11 * (1 + numpy.abs(dense).max()):
            raise SystemExit(f"quadrature_table: contraction and dense gradient differ by {error:.1e}")


def compute(args, segments):
    """nodes [segment 129 S C], losses at the ends [segment 2 S], fixed [segment 130 S C] (NaN where --fixed-segments leaves it out)."""
    checkpoints = [d for _, d in reference.list_checkpoints(args.series)]
    samples = loading.load_samples(args.samples, checkpoints[-1])[:args.limit]
    batches = list(make_batches(samples, args.micro_batch))
    llama = reference.Llama(json.loads((checkpoints[0] / "config.json").read_text()))
    grid, fixed_grid = clenshaw_curtis(129)[0], numpy.concatenate([nodes for nodes, _ in FIXED.values()])
    out = {"nodes": [], "ends": [], "fixed": []}
    for count, s in enumerate(segments):
        segment = Segment(llama, reference.load_weights(checkpoints[s]), reference.load_weights(checkpoints[s + 1]), batches)
        if count == 0:
            segment.check(samples[0])
        losses, values = zip(*(segment.values(t) for t in grid))
        out["nodes"].append(values)
        out["ends"].append((losses[0], losses[-1]))
        with_fixed = count < args.fixed_segments
        out["fixed"].append([segment.values(t)[1] for t in fixed_grid] if with_fixed else numpy.full((len(fixed_grid), *values[0].shape), numpy.nan))
        print(f"segment {s} done ({count + 1} of {len(segments)})", file=sys.stderr, flush=True)
    return {k: numpy.array(v) for k, v in out.items()} | {"tensors": numpy.array(segment.names)}


# ---- the rule's estimates (method of the program, written again in numpy) ---------------------------------------------------------------

def moment(k):
    return 1 / (1 - k * k) if k % 2 == 0 else 0.0


def clenshaw_curtis(n):
    """Nodes on [0, 1], weights, and the matrix that gives Chebyshev coefficients (first and last halved) of values."""
    x = numpy.cos(numpy.pi * numpy.arange(n) / (n - 1))
    vandermonde = numpy.polynomial.chebyshev.chebvander(x, n - 1)
    weights = numpy.linalg.solve(vandermonde.T, [moment(k) for k in range(n)])
    return (1 - x) / 2, weights, numpy.linalg.inv(vandermonde)


RULES = {n: clenshaw_curtis(n) for n in (3, *LEVELS)}


def aliasing(n):
    p = n - 1
    fold = lambda k: min(k % (2 * p), 2 * p - k % (2 * p))
    return numpy.array([abs(moment(p + j) - moment(fold(p + j))) for j in range(2, 4 * p + 1, 2)])


ALIASING = {n: aliasing(n) for n in LEVELS}


def integral(values, n):
    """Integrals [C] by the n-point rule out of values on the 129 nodes [129 C]."""
    return RULES[n][1] @ values[::128 // (n - 1)]


def estimate(values, n, change):
    """Error estimate of a sample's worst tensor: Chebyshev tail, or the residual enlarged by cancellation, plus the rounding floor."""
    p, q = n - 1, (n - 1) // 2
    v = values[::128 // p]
    m = numpy.abs(RULES[n][2] @ v).max(1)
    m2 = m[p - 2:].max()
    m1 = max(m[q - 2:q + 1].max(), m2, 1e-300)
    r = min((m2 / m1) ** (1 / (p - q)), 0.995)
    tail = m2 * (r ** numpy.arange(2, 4 * p + 1, 2) * ALIASING[n]).sum()
    fine = integral(values, n)
    difference = fine - integral(values, q + 1)
    floor = numpy.finfo(float).eps * numpy.abs(RULES[n][1][:, None] * v).sum(0).max()
    enlarged = numpy.clip(numpy.abs(difference).max() / max(abs(difference.sum()), floor, 1e-300), 1, 1e3)
    return max(tail, 2 * abs(change - fine.sum()) * enlarged) + floor, numpy.abs(difference).max(), floor


# ---- replay -----------------------------------------------------------------------------------------------------------------------------

class Integrand:
    """One (segment, sample): what each level gives, against the truth."""

    def __init__(self, values, change):
        self.change, self.truth = change, integral(values, 129)
        fine = {n: integral(values, n) for n in LEVELS}
        self.residual = {n: abs(change - fine[n].sum()) for n in LEVELS}
        self.error = {n: numpy.abs(fine[n] - self.truth).max() for n in LEVELS}
        self.estimate, self.difference, self.floor = {}, {}, {}
        for n in LEVELS[1:]:
            self.estimate[n], self.difference[n], self.floor[n] = estimate(values, n, change)

    def tolerance(self, relative):
        return relative * abs(self.change) + ABSOLUTE

    def level(self, strategy, relative):
        """The first level at which the strategy stops; 129 where none does."""
        tol = self.tolerance(relative)
        for n in LEVELS if strategy in ("residual", "oracle") else LEVELS[1:]:
            limited = n >= 17 and self.difference[n] <= 16 * self.floor[n]
            small = self.residual[n] <= tol
            stops = {"difference": lambda: small and self.difference[n] <= tol, "residual": lambda: small,
                     "estimate": lambda: (small and self.estimate[n] <= tol) or limited,
                     "oracle": lambda: small and self.error[n] <= tol}[strategy]()
            if stops:
                return n
        return LEVELS[-1]

    def violated(self, n, relative):
        return self.error[n] > self.tolerance(relative)


ROWS = (("nested Clenshaw–Curtis, difference of orders, samples share nodes", "difference", True),
        ("the same, estimate of the program, samples share nodes", "estimate", True),
        ("**the same, estimate of the program, each sample stops on its own**", "estimate", False),
        ("residual alone (from 5 nodes)", "residual", False), ("oracle (knows the true error, from 5 nodes)", "oracle", False))


def cell(evaluations, violations, total):
    share = 100 * violations / total if total else 0
    return f"{evaluations:.1f}" + (f" ({share:.{0 if share >= 10 else 1}f} %)" if violations else "")


def replay(segments, strategy, shared, relative):
    """segments: list of lists of Integrand."""
    evaluations = violations = total = 0
    for samples in segments:
        levels = [s.level(strategy, relative) for s in samples]
        if shared:
            levels = [max(levels)] * len(levels)
        evaluations += sum(levels)
        violations += sum(s.violated(n, relative) for s, n in zip(samples, levels))
        total += len(samples)
    return cell(evaluations / total, violations, total)


def fixed_rows(data, segments):
    """Rows of the fixed rules, over the segments that have their values."""
    known = [i for i in range(len(segments)) if not numpy.isnan(data["fixed"][i]).any()]
    first = 0
    for name, (nodes, weights) in FIXED.items():
        cells, pairs = [], [(i, j) for i in known for j in range(len(segments[i]))]
        part = slice(first, first + len(nodes))
        first += len(nodes)
        errors = [numpy.abs(weights @ data["fixed"][i][part, j] - segments[i][j].truth).max() for i, j in pairs]
        worst = max(errors, default=numpy.nan)
        for relative in TOLERANCES:
            violations = sum(e > segments[i][j].tolerance(relative) for e, (i, j) in zip(errors, pairs))
            cells.append(cell(len(nodes), violations, len(pairs)))
        yield f"{name} (fixed; {len(known)} segments; worst error of a tensor {worst:.0e} nats)", cells


def program_row(args, data, segments, chosen):
    """The program's own evaluations, and its errors against the same truth."""
    checkpoints, cells = [d for _, d in reference.list_checkpoints(args.series)], []
    samples, count = loading.load_samples(args.samples, checkpoints[-1]), len(checkpoints) - 1
    for relative in TOLERANCES:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "store.h5"
            subprocess.run([args.explaind, "decompose", "--series", args.series, "--samples", args.samples, "--store", path, "--precision", "fp64",
                            "--component", "tensor", "--axes", "sample", "--tolerance", str(relative), "--absolute-tolerance", str(ABSOLUTE)],
                           check=True, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": str(args.threads)})
            store = loading.Store(path)
        store.require_same_samples(path, samples, count)
        order = [store.tensors.index(name) for name in data["tensors"]]
        pairs = [(i, j) for i in range(len(segments)) for j in range(len(segments[i]))]
        errors = [numpy.abs(store.psi[chosen[i], j][order] - segments[i][j].truth).max() for i, j in pairs]
        violations = sum(e > segments[i][j].tolerance(relative) for e, (i, j) in zip(errors, pairs))
        cells.append(cell(numpy.mean([store.nodes[chosen[i], j] for i, j in pairs]), violations, len(pairs)))
    return "`explaind decompose --precision fp64`, measured", cells


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", required=True)
    parser.add_argument("--samples", required=True)
    parser.add_argument("--segments", help="comma list of segment numbers (default: all)")
    parser.add_argument("--limit", type=int, help="only the first samples")
    parser.add_argument("--fixed-segments", type=int, default=4, help="segments that the fixed rules are evaluated on (default 4)")
    parser.add_argument("--micro-batch", type=int, default=8, help="samples of one float64 pass (default 8)")
    parser.add_argument("--cache", help="npz file that keeps the integrands between runs")
    parser.add_argument("--explaind", help="the program, to be run and added to the table")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    count = len(reference.list_checkpoints(args.series)) - 1
    chosen = [int(s) for s in args.segments.split(",")] if args.segments else list(range(count))
    if args.cache and os.path.exists(args.cache):
        data = dict(numpy.load(args.cache))
        if data["key"] != key_of(args, chosen):
            raise SystemExit(f"{args.cache}: is of another series, samples or segments; remove it")
    else:
        data = compute(args, chosen) | {"key": numpy.array(key_of(args, chosen))}
        if args.cache:
            numpy.savez(args.cache, **data)
    report(args, data, chosen)


def key_of(args, chosen):
    files = [args.samples, *sorted(str(f) for f in pathlib.Path(args.series).rglob("*.safetensors"))]
    return json.dumps([[os.path.realpath(f), os.stat(f).st_mtime] for f in files] + [chosen, args.limit, args.fixed_segments])


def report(args, data, chosen):
    segments = [[Integrand(values[:, j], ends[1, j] - ends[0, j]) for j in range(values.shape[1])]
                for values, ends in zip(data["nodes"], data["ends"])]
    everything = [s for samples in segments for s in samples]
    unresolved = max(max(s.residual[129], numpy.abs(s.estimate[129])) for s in everything)
    changes = [abs(s.change) for s in everything]
    print(f"{len(segments)} segments, {len(everything)} (segment, sample) pairs, |ΔF| {min(changes):.2g} to {max(changes):.2g} nats; the truth (129 "
          f"nodes, float64) is resolved to {unresolved:.0e}. Mean gradient evaluations until the tolerance, relative to |ΔF|, is met; in brackets "
          f"the share of pairs whose true error is above it, where not 0.\n")
    print("| strategy |" + "".join(f" {t:.0e} |".replace("e-0", "e-") for t in TOLERANCES) + "\n|---|" + "---|" * len(TOLERANCES))
    rows = [(label, [replay(segments, strategy, shared, t) for t in TOLERANCES]) for label, strategy, shared in ROWS]
    rows += fixed_rows(data, segments)
    if args.explaind:
        if args.limit:
            raise SystemExit("--explaind runs all samples: leave --limit out")
        rows.append(program_row(args, data, segments, chosen))
    for label, cells in rows:
        print(f"| {label} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
