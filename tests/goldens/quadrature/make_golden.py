#!/usr/bin/env python3
"""Golden of the adaptive quadrature: what its executable specification (numpy) makes of integrands in closed form.

    make_golden.py quadrature_spec.py golden.json

A tensor's integrand is a sum of terms [kind, a, b, c]:
    exp a e^(bt) | runge a/(1 + b(t-c)^2) | sin a sin(bt + c) | abs a|t-c| | step a where t > c
Fast sines of small amplitude stand for rounding noise. Every case is checked to be well posed: the specification says the
same of values perturbed by a few units in the last place (where ties decide, only exact terms are used and this is skipped).
"""
import importlib.util
import json
import math
import random
import sys
from collections import Counter

import numpy as np

SINGLE = 1.2e-7  # epsilon of single precision, as the program takes it


class IllPosed(Exception):
    """Rounding decides what the specification says of a case: no golden."""


def value(term, t):
    kind, a, b, c = term
    if kind == "exp":
        return a * math.exp(b * t)
    if kind == "runge":
        return a / (1 + b * (t - c) * (t - c))
    if kind == "sin":
        return a * math.sin(b * t + c)
    if kind == "abs":
        return a * abs(t - c)
    return a if t > c else 0.0


def integral(term):
    kind, a, b, c = term
    if kind == "exp":
        return a * math.expm1(b) / b
    if kind == "runge":
        root = math.sqrt(b)
        return a * (math.atan(root * (1 - c)) + math.atan(root * c)) / root
    if kind == "sin":
        return a * (math.cos(c) - math.cos(b + c)) / b
    if kind == "abs":
        return a * (c * c + (1 - c) * (1 - c)) / 2
    return a * (1 - c)


def exp(a, b):
    return ["exp", a, b, 0.0]


def runge(a, b, c):
    return ["runge", a, b, c]


def sin(a, b, c=0.0):
    return ["sin", a, b, c]


def absolute(a, c):
    return ["abs", a, 0.0, c]


def step(a, c):
    return ["step", a, 0.0, c]


def noise(a, phase):
    return sin(a, 1e4, phase)


def families():
    """(name, tensors, tolerances, further options)."""
    smooth = (1e-2, 1e-3, 1e-5, 1e-8)
    rough = (1e-2, 1e-3, 1e-4)
    yield "decay", [[exp(.8, -1.3)]], smooth, {}
    yield "growth", [[exp(.1, 4)], [exp(-.02, 5)]], smooth, {}
    yield "three tensors", [[exp(1, 3)], [runge(-1, 25, .4)], [sin(1, 9)]], smooth, {}
    yield "cancelling", [[exp(1, 2)], [exp(-1.001, 2), sin(.02, 7)], [runge(.05, 12, .7)]], smooth, {}
    yield "cancelling much", [[sin(3, 11, .3)], [sin(-2.9, 11, .3), exp(.05, 1)]], smooth, {}
    yield "runge 9", [[runge(1, 9, .5)]], smooth, {}
    yield "runge 60", [[runge(1, 60, .3)]], smooth, {}
    yield "runge 150", [[runge(.2, 150, .62)], [exp(.3, 1)]], smooth, {}
    yield "runge 150 single", [[runge(.2, 150, .62)], [exp(.3, 1)]], (1e-2, 1e-4), {"epsilon": SINGLE}
    yield "runge 300 at the end", [[runge(.4, 300, .98)]], smooth, {}
    yield "runge 220", [[runge(.2, 220, .4)], [runge(-.1, 120, .6), exp(.3, 1)]], smooth + (1e-11,), {}
    yield "runge 320", [[runge(1, 320, .45)]], (1e-7, 1e-11), {}
    yield "sine 16", [[sin(.5, 16, .2)], [exp(.4, .5)]], smooth, {}
    yield "sine 24", [[sin(.4, 24, .9), exp(1, -1)]], smooth, {}
    yield "sine 45", [[sin(.01, 45, .4), exp(1, 2)]], smooth, {}
    yield "capped at 9", [[runge(1, 60, .3)]], (1e-5,), {"max_nodes": 9}
    yield "capped at 17", [[sin(.5, 16, .2)]], (1e-8,), {"max_nodes": 17}
    yield "capped at 33", [[runge(1, 60, .3)], [exp(1, 1)]], (1e-8,), {"max_nodes": 33}
    yield "capped at 65", [[runge(1, 60, .3)], [exp(1, 1)]], (1e-8, 1e-14), {"max_nodes": 65}
    yield "kink", [[absolute(1, .3)]], rough, {}
    yield "kinks", [[absolute(1, .3)], [step(1, .71)], [exp(1, .1)]], rough, {}
    yield "kinks that cancel", [[absolute(2, .41), step(.3, .15)], [absolute(-1.8, .43)]], rough, {}
    yield "small kink", [[exp(1, 3), absolute(.02, .37)], [sin(1, 6)]], (1e-3, 1e-5, 1e-6), {}
    yield "small step", [[exp(1, 2), step(.004, .613)]], (1e-3, 1e-4), {}
    weak = [[runge(.5, 60, .3), step(.002, .613)], [exp(1, 1)]]  # seen after 129 nodes only
    yield "weak step", weak, (1e-5, 1e-6), {}
    yield "weak step, smooth", weak, (1e-6,), {"kind": "smooth"}
    yield "weak step, capped", weak, (1e-6,), {"max_nodes": 65}
    yield "many kinks", [[absolute(1, .11), absolute(-2, .27)], [absolute(1.5, .52), step(.2, .83)]], rough, {}
    yield "kink and noise", [[absolute(1, .3), noise(1e-6, .4)], [step(1, .71)]], (1e-2, 1e-3), {"epsilon": SINGLE}
    yield "step capped", [[step(1, .377)]], (1e-4,), {"max_kink_nodes": 41}
    yield "step capped at once", [[step(1, .377)]], (1e-4,), {"max_kink_nodes": 17}
    yield "panels capped at once", [[absolute(1, .25), absolute(1, .75)], [step(1, .5)]], (1e-4,), \
        {"max_kink_nodes": 17, "exact": True}
    yield "step to the last bit", [[step(1, .377), sin(.1, 3)]], (1e-6,), {"max_kink_nodes": 77}
    yield "two equal panels", [[absolute(1, .25), absolute(1, .75)], [step(1, .5)]], rough, {"exact": True}
    yield "four equal kinks", [[absolute(1, .1875), absolute(-1, .3125), absolute(1, .6875), absolute(-1, .8125)],
                              [step(.125, .5)]], rough, {"exact": True}
    single = {"epsilon": SINGLE, "absolute": 1e-9}
    yield "noise", [[exp(1, -1), noise(1e-7, .1)], [exp(.3, .7), noise(4e-8, 2)]], (1e-4, 1e-6, 1e-8), \
        single | {"change_error": 3e-8}
    yield "noise on little change", [[exp(1, -.6), noise(1e-7, 1.1)], [exp(-.999, -.6), noise(1e-7, 2.7)]], \
        (1e-4, 1e-6), single | {"change_error": 2e-8}
    yield "noise on a wave", [[sin(1, 9, .3), noise(6e-8, .8)], [exp(.5, 2), noise(1e-7, .5)]], (1e-5, 1e-8), \
        single | {"change_error": -4e-8}
    yield "noise and a change that rounding does not explain", [[exp(1, -1), noise(1e-7, .1)], [exp(.3, .7), noise(4e-8, 2)]], (1e-6,), \
        single | {"change_error": 1e-4}
    yield "jump below rounding", [[absolute(1, .3), noise(1e-7, .4)], [step(1, .71), noise(1e-7, .9)]], (1e-8,), \
        {"epsilon": SINGLE, "change_error": 2e-7}
    yield "jump and a change that rounding does not explain", [[absolute(1, .3)], [step(1, .71)]], (1e-5,), \
        {"epsilon": SINGLE, "change_error": 1e-4, "max_kink_nodes": 99}
    yield "completeness missed", [[exp(1, 1)], [sin(1, 5)]], (1e-5,), {"change_error": 1e-3, "max_nodes": 9}
    yield "nothing", [[exp(0, 1)], [exp(0, 1)]], (1e-5,), {}
    # Classes, and levels that begin below 9.
    for kind in ("smooth", "jumps", "kinks"):
        for first in (3, 5, 9):
            begins = {"kind": kind, "first_nodes": first}
            yield f"decay {kind} {first}", [[exp(.8, -1.3)]], smooth, begins
            yield f"three tensors {kind} {first}", [[exp(1, 3)], [runge(-1, 25, .4)], [sin(1, 9)]], smooth, begins
            yield f"cancelling {kind} {first}", [[exp(1, 2)], [exp(-1.001, 2), sin(.02, 7)], [runge(.05, 12, .7)]], (1e-2, 1e-3, 1e-5), begins
            yield f"runge 150 {kind} {first}", [[runge(.2, 150, .62)], [exp(.3, 1)]], (1e-2, 1e-3, 1e-4), begins
            yield f"kinks {kind} {first}", [[absolute(1, .3)], [step(1, .71)], [exp(1, .1)]], (1e-2, 1e-3), begins
            yield f"gentle step {kind} {first}", [[exp(1, .02), step(.2, .3)]], (1e-2, 1e-3), begins
            yield f"noise {kind} {first}", [[exp(1, -1), noise(1e-7, .1)], [exp(.3, .7), noise(4e-8, 2)]], (1e-5, 1e-8), \
                begins | {"epsilon": SINGLE, "absolute": 1e-9, "change_error": 3e-8}
            yield f"noise on gentle slopes {kind} {first}", [[exp(1, -.01), noise(1e-7, .1)], [exp(.3, .02), noise(4e-8, 2)]], (1e-9,), \
                begins | {"epsilon": SINGLE, "absolute": 1e-12, "change_error": 3e-8}
    draw = random.Random(7)
    for i in range(8):
        tensors = []
        for _ in range(draw.randint(2, 12)):
            terms = [exp(draw.gauss(0, 1), draw.uniform(-3, 3)), sin(draw.gauss(0, .3), draw.uniform(2, 14), draw.random())]
            if draw.random() < .3:
                terms.append(runge(draw.gauss(0, .2), draw.uniform(5, 60), draw.random()))
            tensors.append([[kind] + [round(x, 6) for x in rest] for kind, *rest in terms])
        yield f"random {i}", tensors, smooth, {}


def run(spec, case, perturb=None):
    """The specification's (integrals, error, evaluations, verdict) and its nodes, ascending."""
    nodes = set()

    def integrand(t):
        nodes.add(t)
        values = np.array([sum(value(term, t) for term in terms) for terms in case["tensors"]])
        return values if perturb is None else values * (1 + 4e-16 * perturb.standard_normal(len(values)))

    got = spec.integrate(integrand, case["value_to"] - case["value_from"], case["relative"], case["absolute"], case["kind"],
                         case["first_nodes"], case["max_nodes"], case["max_kink_nodes"], case["epsilon"])
    return got, sorted(nodes)


def make_case(spec, name, tensors, relative, options):
    truth = [sum(integral(term) for term in terms) for terms in tensors]
    case = {"name": f"{name}, {relative:g}", "tensors": tensors, "relative": relative,
            "absolute": options.get("absolute", 1e-12), "epsilon": options.get("epsilon", 2.0 ** -52),
            "kind": options.get("kind", "kinks"), "first_nodes": options.get("first_nodes", 9),
            "max_nodes": options.get("max_nodes", 129), "max_kink_nodes": options.get("max_kink_nodes", 1500),
            "value_from": 1.25, "value_to": 1.25 + sum(truth) + options.get("change_error", 0.0)}
    (got, error, evaluations, verdict), nodes = run(spec, case)
    tolerance = relative * abs(case["value_to"] - case["value_from"]) + case["absolute"]
    true_error = float(np.abs(got - truth).max())
    # Of an integrand of another class than is said nothing is promised.
    rough = any(term[0] in ("abs", "step") for terms in tensors for term in terms)
    if verdict in ("met", "kinks") and (case["kind"] == "kinks" or not rough) and case["first_nodes"] > 3:
        assert true_error <= 1.2 * tolerance, (case["name"], true_error, tolerance)
    assert len(nodes) == evaluations
    if not options.get("exact"):
        rng = np.random.default_rng(3)
        for _ in range(6):
            (_, other, spent, said), _ = run(spec, case, rng)
            if (spent, said) != (evaluations, verdict) or abs(other - error) > 3e-7 * error:
                raise IllPosed(f"{case['name']}: {evaluations} {verdict} {error:.3e}, else {spent} {said} {other:.3e}")
    case |= {"integrals": [float(x) for x in got], "error": float(error), "evaluations": evaluations,
             "verdict": verdict, "true_error": true_error}
    if evaluations <= 100:
        case["nodes"] = nodes
    return case


def main(specification, output):
    found = importlib.util.spec_from_file_location("specification", specification)
    spec = importlib.util.module_from_spec(found)
    found.loader.exec_module(spec)
    cases, left_out = [], []
    for name, tensors, tolerances, options in families():
        for relative in tolerances:
            try:
                cases.append(make_case(spec, name, tensors, relative, options))
            except IllPosed as ill_posed:
                left_out.append(str(ill_posed))
    for line in left_out:
        print("left out:", line)
    seen = Counter((case["verdict"], case["evaluations"] if case["verdict"] != "kinks" else 0) for case in cases)
    print(len({case["name"].rsplit(",", 1)[0] for case in cases}), "families,", len(cases), "cases,",
          sorted(seen.items(), key=str))
    for needed in [("met", n) for n in (3, 5, 9, 17, 33, 65, 129)] + [("kinks", 0), ("limited", 9), ("limited", 17)]:
        assert seen[needed], needed
    with open(output, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
