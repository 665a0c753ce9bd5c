#!/usr/bin/env python3
"""Executable specification of the program's adaptive quadrature (needs numpy; run it: it checks itself).

An integrand is `f(t) -> array [C]`: the directional derivatives of one sample along the segment, one per tensor, so that
sum_c integral f_c = dF. All integrals are over [0, 1]; estimates are absolute, in the unit of F.

What differs from the first version of this specification:
- An integrand has a class. Only integrands with kinks, or with jumps in the second derivative of F, are bisected after 17 nodes; smooth ones after
  33 at the earliest, since before that a few coefficients that are not small yet look the same as a kink.
- What 129 nodes have not resolved of an integrand with kinks or jumps is bisected too: a few weak kinks among smooth terms show that late.
- Levels may begin with 3 or 5 nodes. Single steps of a model with kinks go over to bisection from there already.
- The change of F is taken as exact (it is computed in fp64). A residual that the rounding of the scores explains is no sign of a quadrature error:
  it enters the estimate less the floor.
- 'limited' also ends at 9 nodes and in bisection, where the rule has converged to rounding and the residual is no larger than rounding makes it.
"""
import numpy as np

SMOOTH, JUMPS, KINKS = "smooth", "jumps", "kinks"  # F: analytic; C1, its second derivative jumps (xIELU); C0 (ReLU, windows of max)


def clenshaw_curtis(n):
    """Nodes on [0, 1] (ascending, both ends), weights (sum 1), and the matrix B with a = B @ values, the interpolant's
    Chebyshev coefficients (a_0 and a_p are the halved ones of the DCT-I)."""
    p = n - 1
    x = np.cos(np.pi * np.arange(n) / p)
    vandermonde = np.polynomial.chebyshev.chebvander(x, p)
    moments = np.array([moment(k) for k in range(n)])
    return (1 - x) / 2, np.linalg.solve(vandermonde.T, moments), np.linalg.inv(vandermonde)


def moment(k):
    """Integral over [0, 1] of the Chebyshev polynomial T_k(2t - 1)."""
    return 1 / (1 - k * k) if k % 2 == 0 else 0.0


def aliasing(n):
    """|moment(p + j) - moment(fold(p + j))| for j = 2, 4 .. 4p: what the rule makes of the first coefficients it cannot see."""
    p, out = n - 1, []
    for j in range(2, 4 * p + 1, 2):
        fold = (p + j) % (2 * p)
        out.append(abs(moment(p + j) - moment(2 * p - fold if fold > p else fold)))
    return np.array(out)


def decay(values, n):
    """(M2, r, M2/M1): size and decay rate of the last Chebyshev coefficients, largest over tensors. values [n, C]. The last are three, lest one
    that is 0 by symmetry decide; fewer where that would reach into the middle, with which they are compared."""
    p, q = n - 1, max(1, (n - 1) // 2)
    m = np.abs(clenshaw_curtis(n)[2] @ values).max(1)
    m2 = m[p - 2 if p >= 8 else max(q + 1, p - 1):].max()
    m1 = max(m[max(1, q - 2):q + 1].max(), m2, 1e-300)
    return m2, min((m2 / m1) ** (1 / (p - q)), 0.995), m2 / m1


def tail_estimate(values, n):
    """T: aliasing error of the n-point rule if the coefficients go on decaying at the observed rate."""
    m2, r, _ = decay(values, n)
    return m2 * (r ** np.arange(2, 4 * (n - 1) + 1, 2) * aliasing(n)).sum()


def residual_estimate(rho, fine, coarse, floor):
    """R: the residual beyond rounding, enlarged by how much the tensors' changes cancel in their sum."""
    d = fine - coarse
    return 2 * max(abs(rho) - floor, 0.0) * np.clip(np.abs(d).max() / max(abs(d.sum()), floor, 1e-300), 1, 1e3)


def looks_like_kinks(n, ratio, kind, first):
    if kind == SMOOTH:
        return n == 33 and ratio > 0.25
    # Where few nodes are begun with, an integrand of single steps is nearly constant but for its kinks.
    early = kind == KINKS and first < 9 and n in (5, 9) and ratio > 0.1
    return early or (n == 17 and ratio > 0.6) or (n == 33 and ratio > 0.25) or n == 129


def explained_by_rounding(rho, gross, eps):
    """Whether the rounding of the tensors' scores may leave such a residual."""
    return abs(rho) <= 16 * eps * gross.sum()


def integrate(f, dF, rel, absolute, kind=KINKS, first=9, most=129, cap=1500, eps=np.finfo(float).eps):
    """Integral per tensor [C], error estimate, evaluations spent, verdict 'met' | 'kinks' | 'limited' | 'missed'.

    eps: of the compute precision, a constant. 'limited': the rounding floor ends refinement, more nodes would not help.
    Nodes are keyed by index in C++; here by their rounded value."""
    tol, cache = rel * abs(dF) + absolute, {}
    value = lambda t: cache.setdefault(float(t), np.asarray(f(float(t)), float))
    for n in (n for n in (3, 5, 9, 17, 33, 65, 129) if first <= n <= most):
        t, w, _ = clenshaw_curtis(n)
        v = np.stack([value(np.round(x, 15)) for x in t])
        fine, coarse = w @ v, clenshaw_curtis((n + 1) // 2)[1] @ v[::2]
        rho, gross = dF - fine.sum(), np.abs(w[:, None] * v).sum(0)
        floor = eps * gross.max()
        err = max(tail_estimate(v, n), residual_estimate(rho, fine, coarse, floor)) + floor
        if abs(rho) <= tol and err <= tol:
            return fine, err, len(cache), "met"
        converged = np.abs(fine - coarse).max() <= 16 * floor
        if converged and (n >= 17 or (n == 9 and explained_by_rounding(rho, gross, eps))):
            return fine, err, len(cache), "limited"
        if not converged and looks_like_kinks(n, decay(v, n)[2], kind, first):
            return simpson(value, dF, tol, cache, cap, eps)
    return fine, err, len(cache), "missed"


def simpson(value, dF, tol, cache, cap, eps):
    """Adaptive Simpson with one global error budget, for integrands with kinks: bisect the worst panel (the first of equals
    in list order; children are appended left, right)."""
    def panel(a, b):
        fa, fm, fb, h = value(a), value((a + b) / 2), value(b), b - a
        s = h / 6 * (fa + 4 * fm + fb)
        return a, b, s, np.abs(s - h / 2 * (fa + fb)).max() / 2, h / 6 * (abs(fa) + 4 * abs(fm) + abs(fb))
    panels = [panel(0.0, 1.0)]
    while True:
        total, err, gross = (sum(q[i] for q in panels) for i in (2, 3, 4))
        rho, floor = dF - total.sum(), eps * gross.max()
        if err <= tol and abs(rho) <= tol:
            return total, err, len(cache), "kinks"
        if err <= max(tol, 16 * floor) and (abs(rho) <= tol or explained_by_rounding(rho, gross, eps)):
            return total, err, len(cache), "limited"
        if len(cache) > cap:
            return total, err, len(cache), "missed"
        a, b, *_ = panels.pop(max(range(len(panels)), key=lambda i: panels[i][3]))
        panels += [panel(a, (a + b) / 2), panel((a + b) / 2, b)]


if __name__ == "__main__":
    for n in (3, 5, 9, 17, 33):
        t, w, _ = clenshaw_curtis(n)
        assert np.all(w > 0) and abs(w.sum() - 1) < 1e-14 and np.allclose(t[::2], clenshaw_curtis((n + 1) // 2)[0])
        assert abs(w @ t ** (n - 1) - 1 / n) < 1e-14
    smooth = lambda t: np.array([np.exp(3 * t), -1 / (1 + 25 * (t - .4) ** 2), np.sin(9 * t)])
    exact = np.array([(np.exp(3) - 1) / 3, -(np.arctan(3.0) + np.arctan(2.0)) / 5, (1 - np.cos(9)) / 9])
    kinks = lambda t: np.array([abs(t - .3), float(t > .71), t])
    exact_kinks = np.array([(.09 + .49) / 2, .29, .5])
    for name, f, truth, kind, first in (("smooth", smooth, exact, SMOOTH, 5), ("kinks", kinks, exact_kinks, KINKS, 9)):
        for rel in (1e-2, 1e-3, 1e-5, 1e-8)[: 4 if name == "smooth" else 2]:
            got, est, cost, verdict = integrate(f, truth.sum(), rel, 0.0, kind, first)
            true = np.abs(got - truth).max()
            print(f"{name:7s} rel {rel:.0e}: {cost:4d} evaluations, estimate {est:.1e}, true error {true:.1e}, {verdict}")
            assert verdict != "missed" and true <= rel * abs(truth.sum())
    # A jump that rounding hides from the tolerance: bisection stops at the floor, far from its cap.
    rng = np.random.default_rng(1)
    noisy = lambda t: kinks(t) * (1 + 1e-7 * rng.standard_normal(3))
    got, est, cost, verdict = integrate(noisy, exact_kinks.sum() * (1 + 1e-7), 1e-9, 1e-12, eps=1.2e-7)
    print(f"kinks in fp32, tolerance below rounding: {cost} evaluations, {verdict}")
    assert verdict == "limited" and cost < 150
    rng = np.random.default_rng(0)  # fp32-like noise must not look like a kink
    for scale in (1.0, 1e-3):
        costs = []
        for _ in range(50):
            size, rate = scale * rng.standard_normal(40), rng.uniform(.1, 2, 40)
            dF = (size * (1 - np.exp(-rate)) / rate).sum()
            noisy = lambda t: size * np.exp(-rate * t) * (1 + 1e-7 * rng.standard_normal(40))
            got, est, cost, verdict = integrate(noisy, dF, 1e-5, 3e-8, SMOOTH, 5, eps=1.2e-7)
            assert verdict in ("met", "limited"), verdict
            costs.append(cost)
        print(f"noise at scale {scale:.0e}: mean {np.mean(costs):.1f}, most {max(costs)} evaluations")
        assert max(costs) <= 17
