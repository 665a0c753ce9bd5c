"""Statistics of find, written again in NumPy for the tests that compare them."""
import numpy


def shares_of(scores, groups=None):
    """Segment, kind (or component): signed shares of the mean over samples."""
    means = scores.mean(1)
    if groups is not None:
        means = numpy.stack([means[:, [i for i, each in enumerate(groups) if each == name]].sum(1) for name in dict.fromkeys(groups)], 1)
    return means / abs(means).sum(1, keepdims=True)


def corrected(correlation, times):
    return numpy.clip(correlation + (3 + 3 * max(correlation, 0)) / times, 0, 0.9)


def step_statistic(mix):
    """The largest over cuts, by least squares in NumPy."""
    times = len(mix)
    line = numpy.arange(times)
    best = None
    for cut in range(3, times - 2):
        plain = numpy.stack([numpy.ones(times), line], 1)
        full = numpy.column_stack([plain, line >= cut])
        left = [mix - each @ numpy.linalg.lstsq(each, mix, rcond=None)[0] for each in (plain, full)]
        explained = (left[0] ** 2).sum() - (left[1] ** 2).sum()
        if best is None or explained > best[0]:
            best = explained, cut, left[1]
    explained, cut, left = best
    rho = corrected((left[1:] * left[:-1]).sum() / (left**2).sum(), times)
    return (times - 3) * explained / (left**2).sum() * (1 - rho) / (1 + rho), rho


def step_p(mix, drawings, random):
    line = numpy.column_stack([numpy.ones(len(mix)), numpy.arange(len(mix))])
    left = mix - line @ numpy.linalg.lstsq(line, mix, rcond=None)[0]
    observed = step_statistic(mix)[0]
    return (1 + sum(step_statistic(random.permutation(left))[0] >= observed for _ in range(drawings))) / (drawings + 1)


def best_cut(line, least=5):
    """The largest separation over cuts of a line, and the cut."""
    line, best = numpy.sort(line), (0, None)
    for cut in range(least, len(line) - least + 1):
        low, high = line[:cut], line[cut:]
        smaller = min(cut, len(line) - cut)
        best = max(best, ((high.mean() - low.mean()) / (low.std() + high.std()) * smaller / (smaller + 6), line[cut - 1 : cut + 1].mean()))
    return best
