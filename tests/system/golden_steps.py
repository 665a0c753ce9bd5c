"""The golden step of AdamW (tests/goldens/optimizer_steps): how it is asked for, and how it is compared."""
import numpy

from program import SOURCE, run

HERE = SOURCE / "tests/goldens/optimizer_steps"
GOLDEN = numpy.load(HERE / "golden.npz")
PARTS = ("psi_decay", "psi_momentum", "psi_rounding")
GROUPS = ["x", "x_0", "x_1", "x", "x_1", "x_0", "x"]


def steps(store, *more, clip="0.3", series=HERE / "series", mean=("--batch-mean", "tokens"), ranks=0):
    clips = ("--clip", clip) if clip is not None else ()
    return run("decompose", "--series", series, "--samples", HERE / "samples.jsonl", "--store", store, "--source", "steps",
               "--training-batch", HERE / "train.jsonl", *mean, *clips, *more, ranks=ranks)


EXACT = ("--precision", "fp64", "--step-precision", "fp64", "--quadrature", "gauss:12")


def expect_close(found, expected, tolerance, what):
    assert found.shape == expected.shape, (what, found.shape, expected.shape)
    apart = abs(found - expected).max() / abs(expected).max()
    assert apart < tolerance, (what, apart)


def expect_refusal(process, code, *words):
    assert process.returncode == code, (process.returncode, process.stdout, process.stderr)
    for word in words:
        assert word in process.stderr, (word, process.stderr)
