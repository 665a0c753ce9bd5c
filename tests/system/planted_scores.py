"""Scores in which there is nothing to find, and scores with one planted thing: arrays of segment, sample and component."""
import numpy

KINDS = ("gaussian", "heavy", "sparse", "factor", "decay")


def base_of(random, components):
    """Contributions of every component, most of which lower the loss."""
    return -numpy.exp(random.normal(-4, 1, components)) * numpy.where(random.random(components) < 0.8, 1, -1)


def smooth(random, segments, shape, persistence):
    """Noise that goes over from one segment into the next, of unit variance."""
    noise = random.normal(size=(segments, *shape))
    for s in range(1, segments):
        noise[s] = persistence * noise[s - 1] + (1 - persistence**2) ** 0.5 * noise[s]
    return noise


def null_scores(kind, segments, samples, components, random):
    shape, base = (segments, samples, components), base_of(random, components)
    size = abs(base)
    if kind == "gaussian":
        return base + random.normal(size=shape) * size
    if kind == "heavy":
        return base + random.standard_t(1.7, shape) * size
    if kind == "sparse":
        return random.laplace(size=shape) * size * (random.random(shape) < 0.15)
    if kind == "factor":
        # How strongly a sample takes part in the one pattern: Gaussian, heavy-tailed, or not at all for most.
        strength = random.choice(["gaussian", "heavy", "sparse"])
        of_sample = {"gaussian": lambda: 1 + random.normal(size=samples), "heavy": lambda: random.standard_t(1.7, samples),
                     "sparse": lambda: random.exponential(size=samples) * (random.random(samples) < 0.3)}[strength]()
        over_steps = random.exponential(size=segments)
        return numpy.einsum("s,n,c->snc", over_steps, of_sample, base) + random.normal(size=shape) * size * 0.1
    assert kind == "decay", kind
    # What training moves shrinks smoothly; noise of segments and of samples, a part of it slow, shrinks with it.
    shrinking = (1 + numpy.arange(segments)) ** -random.uniform(0.3, 1.5)
    common = smooth(random, segments, (1, components), random.uniform(0, 0.5))
    own = smooth(random, segments, (samples, components), 0.5)
    return shrinking[:, None, None] * (base + size * (0.4 * common + 0.4 * own))


def groups_of(samples, groups):
    return [groups[i % len(groups)] for i in range(samples)]


def background(segments, samples, components, random, noise=0.3):
    """A training that slows down, its contributions spread by `noise` of their size over segments and samples."""
    shape, base = (segments, samples, components), base_of(random, components)
    shrinking = (1 + numpy.arange(segments)) ** -0.5
    return shrinking[:, None, None] * base * (1 + noise * random.normal(size=shape))


def planted_phase(scores, members, others, cut):
    """From segment `cut` on, the members' contributions are a fifth, and the others' three times as much."""
    scores = scores.copy()
    scores[cut:, :, members] *= 0.2
    scores[cut:, :, others] *= 3
    return scores


def planted_cluster(scores, samples, components, segments):
    """The samples have a breakthrough in these components and segments."""
    scores = scores.copy()
    size = abs(scores).mean() * 10
    for s in segments:
        for n in samples:
            scores[s, n, components] -= size
    return scores


def planted_divergence(scores, samples, component):
    """The component does for the samples twice what it does for others."""
    scores = scores.copy()
    scores[:, samples, component] *= 2
    return scores


def planted_hand_over(scores, stops, begins, cut):
    """One component lowers the loss before segment `cut` and then hardly; another from there on alone."""
    scores = scores.copy()
    size = abs(scores).mean((1, 2))[:, None] * 5 * (1 + 0.2 * (scores[:, :, stops] / abs(scores[:, :, stops]).mean()))
    scores[:cut, :, stops], scores[cut:, :, stops] = -size[:cut], -0.02 * size[cut:]
    scores[:cut, :, begins], scores[cut:, :, begins] = -0.02 * size[:cut], -size[cut:]
    return scores
