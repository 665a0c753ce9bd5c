"""What the goldens of Llama and those of the other families are made with alike."""
import numpy
import torch

import llama_float64 as reference


def require(holds, message):
    if not holds:
        raise SystemExit(f"make_goldens: {message}")


def make_samples(vocabulary, rng):
    """Odd lengths, all different; masked labels at the start, inside and at the end; one label that is not the token; a default group."""
    samples = []
    for i, (length, group) in enumerate(zip((5, 9, 12, 3, 7), ("de", "en", "de", None, "sv"))):
        sample = {"id": f"{'abcde'[i]}-{length}"} | ({"group": group} if group else {})
        sample["input_ids"] = [1] + [rng.randrange(3, vocabulary) for _ in range(length - 1)]
        samples.append(sample)
    samples[0]["input_ids"][3] = samples[0]["input_ids"][1]  # a row of the embedding used twice
    for i, masked in ((1, (0, 1, 2, 5)), (2, (6, 11)), (3, (0, 1))):
        samples[i]["labels"] = [-100 if t in masked else token for t, token in enumerate(samples[i]["input_ids"])]
    samples[2]["labels"][4] = (samples[2]["input_ids"][4] + 7) % vocabulary
    return samples


def labels_of(sample):
    return sample.get("labels", sample["input_ids"])


def score(logits, start, end, sample, copies, nodes=None):
    """Δ ⊙ ∫∇F dt per parameter and F at both ends; Gauss–Legendre, doubled until it changes nothing. logits: of a dict of weights and ids.
    copies: leading axis for positions. nodes: so many, for F with kinks, which no number of them resolves."""
    ids, labels = torch.tensor([sample["input_ids"]]), labels_of(sample)

    def at(t, backward=True):
        weights = {k: (a + t * (end[k] - a)) if t < 1 else end[k] for k, a in start.items()}
        weights = {k: (w.expand(copies, *w.shape) if copies else w).clone().requires_grad_(backward) for k, w in weights.items()}
        value = reference.sample_loss(logits(weights, ids)[0], labels)
        if backward:
            value.backward()
        return value.item(), weights

    def integral(n):
        places, node_weights = numpy.polynomial.legendre.leggauss(n)
        total = {k: 0.0 for k in start}
        for x, w in zip((1 + places) / 2, node_weights / 2):
            for k, v in at(x)[1].items():
                if v.grad is not None:
                    total[k] = total[k] + w * v.grad
        return {k: (end[k] - start[k]) * g for k, g in total.items()}

    if nodes:
        return integral(nodes), at(0, False)[0], at(1, False)[0], nodes
    n, coarse = 8, integral(8)
    while True:
        n, fine = 2 * n, integral(2 * n)
        if max((fine[k] - coarse[k]).abs().max().item() for k in fine) < 1e-13:
            break
        require(n < 64, "64 Gauss nodes do not resolve a segment: make UPDATES smaller")
        coarse = fine
    return fine, at(0, False)[0], at(1, False)[0], n
