"""A slice of a recorded MOD-113 run, all outputs: ours against PyTorch in the loops that the paper's formula reads as.

PyTorch: for every step, node (100 midpoints), sample and output one backward pass, times the update, summed per tensor. Ours: `decompose --functional logit
--axes sample,output`, whole program, to a tolerance at which it is the more exact of the two. Both on one thread, one after the other, several rounds.
"""
import argparse
import math
import pathlib
import subprocess
import time

import h5py
import numpy as np
import torch
from safetensors.torch import load_file, safe_open

EXPLAIND = pathlib.Path(__file__).parents[2] / "build/release/explaind"
NAMES = ["input_emb.weight", "positional_encoding.pe", "attention.encoder.weight", "attention.decoder.weight", "linear1.weight", "linear1.bias",
         "linear2.weight", "linear2.bias", "decoder.weight"]


def weights_after(run, steps):
    """θ after so many steps (at least 1)."""
    for path in sorted((run / "blocks").iterdir()):
        first, last = map(int, path.stem.split("-"))
        if first <= steps - 1 <= last:
            with safe_open(path, "pt") as block:
                return [block.get_slice(f"parameter/{name}")[steps - 1 - first] for name in NAMES]
    raise SystemExit(f"the run has no step {steps}")


def logits_of(weights, tokens, heads):
    """One sample (4 tokens): the model of src/model/grokking_transformer.cpp, plainly."""
    embedding, _, encoder, out, w1, b1, w2, b2, decoder = weights
    x = embedding[tokens] * math.sqrt(embedding.shape[1])
    u = (x @ encoder.T).view(len(tokens), heads, -1).transpose(0, 1)
    mixed = torch.softmax(u @ u.transpose(1, 2) / math.sqrt(u.shape[-1]), -1) @ u
    attention = mixed.transpose(0, 1).reshape(len(tokens), -1) @ out.T
    y = attention + torch.relu(torch.relu(attention @ w1.T + b1) @ w2.T + b2)
    return y[-1] @ decoder.T


def in_pytorch(ends, inputs, heads, nodes):
    """Scores: step, sample, tensor, output."""
    scores = torch.zeros(len(ends), len(inputs), len(NAMES), ends[0][0][-1].shape[0], dtype=torch.float64)
    for s, (a, b) in enumerate(ends):
        for q in range(nodes):
            t = (q + 0.5) / nodes
            weights = [(x + t * (y - x)).requires_grad_(True) for x, y in zip(a, b)]
            for n, tokens in enumerate(inputs):
                logits = logits_of(weights, tokens, heads)
                for j in range(len(logits)):
                    gradients = torch.autograd.grad(logits[j], weights, retain_graph=True, allow_unused=True)
                    for i, gradient in enumerate(gradients):
                        if gradient is not None:
                            scores[s, n, i, j] += (gradient * (b[i] - a[i])).sum().double() / nodes
    return scores.numpy()


def decompose(given, *options):
    """Ours: seconds of the units, and the store's scores, changes of F and mean evaluations."""
    store = given.run.parent / "run_slice.h5"
    process = subprocess.run(
        [str(word) for word in (
            EXPLAIND, "decompose", "--series", given.run, "--samples", f"validation:0-{given.samples - 1}", "--functional", "logit", "--axes", "sample,output",
            "--steps", f"list:{given.steps}", "--step-policy", "drop", "--threads", 1, "--micro-batch", 32, "--store", store, "--overwrite", *options)],
        capture_output=True, text=True)
    if process.returncode not in (0, 3):
        raise SystemExit(process.stderr)
    with h5py.File(store) as file:  # step sample tensor output; step sample output
        return (float(process.stdout.split("Units: ")[1].split(" s")[0]), file["psi"][()], file["value_to"][()] - file["value_from"][()],
                file["node_count"][()].mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=pathlib.Path, default=pathlib.Path("build/mod-113/run"))
    parser.add_argument("--steps", default="300,900,1500")
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--loop-samples", type=int, default=2, help="samples that PyTorch loops over; its time grows with them")
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(1)
    steps = [int(step) for step in given.steps.split(",")]
    ends = [(weights_after(given.run, step), weights_after(given.run, step + 1)) for step in steps]
    inputs = load_file(given.run / "data.safetensors")["validation/inputs"][:given.loop_samples]
    rules = {"the same rule": ["--quadrature", "midpoint:100"],
             "adaptive, 1e-2 and 3e-5": ["--tolerance", "1e-2", "--absolute-tolerance", "3e-5", "--first-nodes", "3"],
             "adaptive, 1e-3 and 1e-5": ["--tolerance", "1e-3", "--absolute-tolerance", "1e-5", "--first-nodes", "3"]}
    loops, ours = [], {name: [] for name in rules}
    for _ in range(given.rounds):
        start = time.perf_counter()
        scores = in_pytorch(ends, inputs, given.heads, 100)
        loops.append((time.perf_counter() - start) / len(inputs) * given.samples)
        for name, options in rules.items():
            ours[name].append(decompose(given, *options))
    change = ours["the same rule"][0][2]
    print(f"{len(steps)} steps × {given.samples} samples × {len(NAMES)} tensors × {scores.shape[3]} outputs, one thread, least of {given.rounds} rounds; "
          f"PyTorch timed on {len(inputs)} samples\n")
    print("| | evaluations | seconds | ratio | largest \\|residual\\| | mean \\|residual\\| |\n|---|---|---|---|---|---|")

    def show(name, evaluations, seconds, found):
        residual = np.abs(change[:, :found.shape[1]] - found.sum(2))
        print(f"| {name} | {evaluations:.1f} | {seconds:.3f} | {min(loops) / seconds:.0f} | {residual.max():.1e} | {residual.mean():.1e} |")

    show("PyTorch, a backward pass per node, sample and output", 100, min(loops), scores)
    for name, results in ours.items():
        show(f"ours, {name}", results[0][3], min(result[0] for result in results), results[0][1])
    same = ours["the same rule"][0][1][:, :len(inputs)]
    print(f"\nThe same rule gives the same scores: largest difference {np.abs(same - scores).max():.1e} of {np.abs(scores).max():.1e}")


main()
