"""decompose of a run that PyTorch recorded, with its training samples as an axis: psi_data is the golden influence tensor by origin step, element by
element; groups of training samples are sums; the store is the same for any number of ranks and after a resume; what does not go together is refused."""
import pathlib
import sys
import tempfile

import h5py
import numpy
from safetensors.numpy import load_file

from program import SOURCE, must, run
from store_contents import contents

GOLDENS = SOURCE / "tests/goldens/training_axis"
RULE = ["--quadrature", "gauss:12", "--precision", "fp64", "--functional", "logit"]


def decompose(name, store, *more, ranks=0, axes="sample,output,train_sample"):
    return run("decompose", "--series", GOLDENS / name / "run", "--samples", "validation", "--store", store, "--axes", axes, *RULE, *more, ranks=ranks)


def expect_close(found, expected, what):
    allowed = 1e-9 * abs(expected) + 1e-14 * abs(expected).max()
    assert found.shape == expected.shape, (what, found.shape, expected.shape)
    assert (abs(found - expected) <= allowed).all(), (what, abs(found - expected).max())


def expect_golden(name, folder):
    store, golden = folder / f"{name}.h5", load_file(GOLDENS / name / "gamma.safetensors")
    must(decompose(name, store))
    with h5py.File(store) as file:
        data, decay, psi = file["psi_data"][()], file["psi_decay"][()], file["psi"][()]  # s x c k j, s x c j, s x c j
        assert file["psi_data"].attrs["step_index"] in ("origin", b"origin")
        residual, change = file["residual"][()], file["value_to"][()] - file["value_from"][()]
    steps, samples, components, train, outputs = data.shape
    origin = golden["origin"].reshape(samples, outputs, steps, train, components).transpose(2, 0, 4, 3, 1)
    expect_close(data, origin, name)
    if golden["origin_decay"].any():
        expect_close(decay, golden["origin_decay"].reshape(samples, outputs, steps, components).transpose(2, 0, 3, 1), name)
    expect_close(psi.sum(axis=0), data.sum(axis=(0, 3)) + decay.sum(axis=0), f"{name}: parts add up over the steps")
    expect_close(change, psi.sum(axis=2) + residual, f"{name}: residual")
    return data


def expect_groups(name, data, folder):
    must(decompose(name, folder / "groups.h5", axes="sample,output,train_group"))
    labels = load_file(GOLDENS / name / "run/data.safetensors")["train/labels"]
    with h5py.File(folder / "groups.h5") as file:
        names = [text.decode() if isinstance(text, bytes) else text for text in file["train_group"][()]]
        found = file["psi_data"][()]
    assert sorted(names) == sorted({str(label) for label in labels}), names
    for i, group in enumerate(names):
        expect_close(found[:, :, :, i], data[:, :, :, labels == int(group)].sum(axis=3), f"group {group}")


def expect_same_for_any_ranks(name, folder):
    must(decompose(name, folder / "one.h5", "--chunk", "1"))
    must(decompose(name, folder / "two.h5", "--chunk", "1", ranks=2))
    assert contents(folder / "one.h5") == contents(folder / "two.h5")
    with h5py.File(folder / "two.h5", "r+") as file:  # as a crash leaves it
        file["committed"][3:9, 1] = 0
        file["psi_data"][3:9, 1] = 7
    text = must(decompose(name, folder / "two.h5", "--chunk", "1", "--resume")).stdout
    assert "18 of 24 units are there" in text, text
    assert contents(folder / "one.h5") == contents(folder / "two.h5")


def expect_refused(folder):
    for words, more in [("a training axis goes with sample", ["--axes", "output,train_sample"]),
                        ("keeps them all", ["--steps", "top:0.5"]),
                        ("in the run's own type", ["--precision", "fp32"]),
                        ("Use --chunk 1", ["--memory", "10KiB"])]:
        arguments = {"--axes": "sample,output,train_sample", "--quadrature": "gauss:3", "--precision": "fp64", "--functional": "logit"}
        arguments.update(zip(more[::2], more[1::2]))
        process = run("decompose", "--series", GOLDENS / "adam/run", "--samples", "validation", "--store", folder / "no.h5",
                      *[word for pair in arguments.items() for word in pair])
        assert process.returncode == 2 and words in process.stderr, (words, process.returncode, process.stderr)
        assert not (folder / "no.h5").exists()
    process = run("plan", "--series", GOLDENS / "adam/run", "--samples", "validation", "--axes", "sample,train_sample")
    assert process.returncode == 2 and "no estimate of training axes" in process.stderr, process.stderr


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case in ["adamw", "adamw_full_batch", "sgd"]:
            data = expect_golden(case, folder)
            assert numpy.abs(data).max() > 1e-3
        expect_groups("sgd", data, folder)
        expect_same_for_any_ranks("adamw", folder)
        expect_refused(folder)
    print("psi_data of three recorded runs is the golden influence tensor")


sys.exit(main())
