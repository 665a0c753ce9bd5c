"""decompose of a recorded run: every step exactly, on any number of ranks the same bits; its bad input."""
import os
import pathlib
import tempfile

import h5py
import numpy as np

from program import must, run
from store_contents import contents, texts

MODEL = ["--model", "grokking_transformer", "--modulus", "7", "--train-samples", "20", "--validation-samples", "8", "--hidden", "8", "--heads", "2",
         "--intermediate", "12", "--batch", "8", "--epochs", "4", "--warmup", "2", "--learning-rate", "1e-3", "--precision", "fp64", "--threads", "1"]
STEPS = 12
EXACT = ["--precision", "fp64", "--threads", "1", "--chunk", "4", "--micro-batch", "2"]


def decompose(folder, store, *options, ranks=1):
    rule = [] if "--quadrature" in options else ["--quadrature", "gauss:20"]
    return run("decompose", "--series", folder / "run", "--store", folder / store, "--overwrite", *EXACT, *rule, *options, ranks=ranks)


def read(path, name):
    with h5py.File(path) as store:
        return store[name][()]


def names_of(path, name):
    with h5py.File(path) as store:
        return texts(store[name])


def expect_every_step(folder):
    must(decompose(folder, "loss.h5", "--samples", "validation"))
    psi, ends = read(folder / "loss.h5", "psi"), [read(folder / "loss.h5", f"value_{end}") for end in ("from", "to")]
    assert psi.shape == (STEPS, 8, 9), psi.shape
    change = np.abs(ends[1] - ends[0])
    assert change.min() > 1e-7 and np.array_equal(ends[0][1:], ends[1][:-1])
    # A fixed rule on a ReLU network: what kinks cost stays small beside the change (method.md §4).
    assert np.abs(psi.sum(2) - (ends[1] - ends[0])).max() < 2e-2 * change.max()
    names = names_of(folder / "loss.h5", "tensor")
    untouched = names.index("positional_encoding.pe")
    assert (psi[:, :, untouched] == 0).all() and (np.abs(psi).sum((0, 1)) > 0).sum() == 8


def expect_sums(folder):
    """Steps added up piece by piece are the steps; joined into one straight segment they are not."""
    must(decompose(folder, "sum.h5", "--samples", "validation", "--steps", "every:5", "--step-policy", "sum"))
    must(decompose(folder, "merge.h5", "--samples", "validation", "--steps", "every:5", "--step-policy", "merge"))
    steps, summed, merged = (read(folder / f"{name}.h5", "psi") for name in ("loss", "sum", "merge"))
    blocks = np.stack([steps[at:at + 5].sum(0) for at in (0, 5, 10)])
    assert np.abs(summed - blocks).max() < 1e-15, np.abs(summed - blocks).max()
    assert np.abs(merged - blocks).max() > 1e-6
    assert read(folder / "sum.h5", "step_from").tolist() == [0, 5, 10] and read(folder / "sum.h5", "step_to").tolist() == [5, 10, 12]
    assert (read(folder / "sum.h5", "node_count") == read(folder / "loss.h5", "node_count")[:3] * [[5], [5], [2]]).all()


def expect_outputs(folder):
    must(decompose(folder, "all.h5", "--samples", "train:3-8", "--functional", "logit", "--axes", "sample,output", "--component", "row"))
    psi = read(folder / "all.h5", "psi")
    assert psi.shape[:2] + psi.shape[3:] == (STEPS, 6, 9), psi.shape
    assert names_of(folder / "all.h5", "id") == [f"train/{i}" for i in range(3, 9)]
    must(decompose(folder, "one.h5", "--samples", "train:3-8", "--functional", "logit:4", "--component", "row"))
    assert np.abs(psi[..., 4] - read(folder / "one.h5", "psi")).max() < 1e-14
    # −log softmax of the outputs is the loss: the same F by two ways.
    must(decompose(folder, "train.h5", "--samples", "train:3-8"))
    logits = read(folder / "all.h5", "value_to")
    labels = np.array([int(name) for name in names_of(folder / "all.h5", "group")])
    normal = np.log(np.exp(logits).sum(2))
    assert np.abs(normal - np.take_along_axis(logits, labels[None, :, None], 2)[..., 0] - read(folder / "train.h5", "value_to")).max() < 1e-12


def expect_same_bits(folder):
    options = ["--samples", "validation", "--functional", "logit", "--axes", "sample,output", "--component", "row", "--quadrature", "adaptive",
               "--tolerance", "1e-2", "--steps", "every:4", "--step-policy", "sum"]
    assert decompose(folder, "ranks1.h5", *options).returncode in (0, 3)
    for ranks, more in ((2, ["--shards", "2"]), (3, [])):
        assert decompose(folder, f"ranks{ranks}.h5", *options, *more, ranks=ranks).returncode in (0, 3)
        assert contents(folder / f"ranks{ranks}.h5") == contents(folder / "ranks1.h5"), ranks


def expect_language_model(folder):
    """A small Llama's run: its own validation windows as samples, and a file of token ids."""
    text = folder / "text"
    text.mkdir()
    (text / "a.txt").write_text("\n".join(f"the {i} of {i * i % 7} and {i % 5} words" for i in range(400)))
    must(run("record", "--history", folder / "llama", "--model", "llama", "--text", text, "--validation-samples", "4", "--vocabulary", "300", "--layers", "1", "--hidden", "16",
             "--heads", "2", "--key-value-heads", "1", "--intermediate", "24", "--sequence-length", "12", "--batch", "4", "--max-steps", "3", "--warmup", "1",
             "--learning-rate", "1e-3", "--precision", "fp64", "--threads", "1"))
    options = ["decompose", "--series", folder / "llama", "--overwrite", "--precision", "fp64", "--tolerance", "1e-6", "--threads", "1"]
    must(run(*options, "--samples", "validation:0-2", "--store", folder / "llama.h5"))
    assert np.abs(read(folder / "llama.h5", "residual")).max() < 1e-10
    (folder / "ids.jsonl").write_text('{"id": "a", "input_ids": [1, 7, 9, 30]}\n')
    must(run(*options, "--samples", folder / "ids.jsonl", "--functional", "logit:-1:9", "--store", folder / "logit.h5"))
    psi, ends = read(folder / "logit.h5", "psi"), [read(folder / "logit.h5", f"value_{end}") for end in ("from", "to")]
    assert np.abs(psi.sum(2) - ends[1] + ends[0]).max() < 1e-10 and np.abs(ends[1] - ends[0]).min() > 1e-8
    # The same F with training samples behind it comes by another engine.
    for functional in ("loss", "logit:-1:9", "logit:1:4", "logit_diff:2:9:5", "logprob:0:7"):
        fixed = [*options, "--samples", folder / "ids.jsonl", "--functional", functional, "--quadrature", "gauss:8"]
        must(run(*fixed, "--store", folder / "plain.h5"))
        must(run(*fixed, "--store", folder / "train.h5", "--axes", "sample,train_sample"))
        whole, psi = read(folder / "plain.h5", "psi"), read(folder / "train.h5", "psi")
        assert np.abs(whole).max() > 1e-6 and np.abs(psi - whole).max() < 1e-12, (functional, np.abs(psi - whole).max())
        parts = read(folder / "train.h5", "psi_data").sum((0, 3)) + read(folder / "train.h5", "psi_decay").sum(0)
        assert np.abs(parts - psi.sum(0)).max() < 1e-12, functional
    for axes in ("sample", "sample,train_sample"):
        process = run(*options, "--samples", folder / "ids.jsonl", "--functional", "logit:4:9", "--store", folder / "none.h5", "--axes", axes)
        assert process.returncode == 1 and "sample a: has 4 tokens" in process.stderr and not (folder / "none.h5").exists(), process.stderr


def expect_inspect(folder):
    text = must(run("inspect", folder / "all.h5")).stdout
    for word in ("complete", "(segment: 12, sample: 6, component: 84, output: 9)", "run: a recorded run, ", "samples     train:3-8"):
        assert word in text, (word, text)


def expect_plan(folder):
    options = ["plan", "--series", folder / "run", "--samples", "validation", "--precision", "fp64", "--threads", "1"]
    text = must(run(*options, "--functional", "logit", "--axes", "sample,output")).stdout
    for word in ("12 steps in 12 segments, 8 samples, 9 outputs, 9 components", "C: tangents", "memory", "time"):
        assert word in text, (word, text)
    text = must(run(*options, "--component", "row", "--steps", "every:5", "--step-policy", "sum", "--losses")).stdout
    for word in ("12 steps in 3 segments", "A: contraction", "mean F"):
        assert word in text, (word, text)


def expect_bad_input(folder):
    def refused(code, words, *options):
        process = decompose(folder, "bad.h5", *options, ranks=2)
        assert process.returncode == code, (process.returncode, process.stderr)
        assert process.stderr.count("error:") == 1, process.stderr
        for word in words:
            assert word in process.stderr, (word, process.stderr)
        assert not (folder / "bad.h5").exists() and not (folder / "bad.h5.tmp").exists()

    refused(2, ["--samples", "validation:0:99"], "--samples", "samples.jsonl")
    refused(1, ["8 validation samples"], "--samples", "validation:0-8")
    refused(2, ["no range"], "--samples", "validation:5-2")
    refused(2, ["5:2"], "--samples", "validation:5:2")
    refused(1, ["8 validation samples"], "--samples", "validation:0|9")
    refused(2, ["language model"], "--samples", "validation", "--functional", "logit:0:3")
    refused(2, ["class 9 of 9"], "--samples", "validation", "--functional", "logit:9")
    refused(2, ["Keep the axis output"], "--samples", "validation", "--functional", "logit")
    refused(2, ["position"], "--samples", "validation", "--axes", "sample,position")
    refused(2, ["resident"], "--samples", "validation", "--parameters", "streamed")
    refused(1, ["needed"], "--samples", "validation", "--memory", "10MiB")
    (folder / "run/blocks/00000000-00000011.safetensors").rename(folder / "hidden")
    refused(1, ["steps are missing"], "--samples", "validation")
    (folder / "hidden").rename(folder / "run/blocks/00000000-00000011.safetensors")


def main():
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        must(run("record", "--history", folder / "run", *MODEL))
        expect_every_step(folder)
        expect_sums(folder)
        expect_outputs(folder)
        expect_same_bits(folder)
        expect_language_model(folder)
        expect_inspect(folder)
        expect_plan(folder)
        expect_bad_input(folder)


main()
