"""decompose --parts: what weight decay, rounding and training data did, of recorded runs exactly and of a series of weights as an estimate."""
import json
import os
import pathlib
import re
import tempfile

import h5py
import numpy as np
from safetensors.numpy import load_file, save_file

from program import must, run
from store_contents import contents, text_attribute, texts

SUMS = ["--model", "grokking_transformer", "--modulus", "7", "--train-samples", "20", "--validation-samples", "8", "--hidden", "8", "--heads", "2",
        "--intermediate", "12", "--batch", "8", "--epochs", "4", "--threads", "1", "--weight-decay", "0.5", "--clip", "0.5"]
SGD = ["--optimizer", "sgd", "--learning-rate", "0.05", "--momentum", "0.8"]
RUNS = {  # every one clipped, of ragged batches, and of two groups: vectors do not decay
    "adamw": ["--learning-rate", "1e-2"],
    "adam": ["--optimizer", "adam", "--learning-rate", "1e-2"],
    "adam-stored": ["--optimizer", "adam", "--learning-rate", "1e-2", "--keep", "second_moment"],
    "momentum": SGD,
    "dampening": [*SGD, "--dampening", "0.3"],
    "nesterov": [*SGD, "--nesterov"],
}
PARTS = ["--parts", "decay,rounding,data"]
NAMES = ("psi_decay", "psi_rounding", "psi_data")


def decompose(series, store, *options, ranks=0, precision="fp64"):
    process = run("decompose", "--series", series, "--store", store, "--overwrite", "--precision", precision, "--threads", "1", *options, ranks=ranks)
    assert "note: psi_rounding" not in process.stdout, process.stdout  # of a true record
    return process


def read(path, *names):
    with h5py.File(path) as store:
        found = [store[name][()] for name in names]
    return found[0] if len(names) == 1 else found


def names_of(path, name):
    with h5py.File(path) as store:
        return texts(store[name])


def history(folder, step):
    """θ of every parameter after so many steps, and the learning rate of the step that follows."""
    rate = None
    if step == 0:
        weights = {name.removeprefix("parameter/"): each for name, each in load_file(folder / "start.safetensors").items()}
    for block in sorted((folder / "blocks").iterdir()):
        first, last = (int(part) for part in block.name.removesuffix(".safetensors").split("-"))
        tensors = load_file(block) if first <= step <= last + 1 else {}
        if first < step <= last + 1:
            weights = {name.removeprefix("parameter/"): each[step - 1 - first] for name, each in tensors.items() if name.startswith("parameter/")}
        if first <= step <= last:
            rate = tensors["learning_rate"][step - first]
    return weights, rate


def expect_whole(path, rounding):
    """psi is its parts, to the rounding of sums, and almost nothing of a step is rounding."""
    psi, *parts = read(path, "psi", *NAMES)
    assert all(part.shape == psi.shape for part in parts)
    assert np.abs(sum(parts) - psi).max() < 1e-14 * np.abs(psi).max(), np.abs(sum(parts) - psi).max()
    axes = tuple(range(1, psi.ndim))
    share = np.abs(parts[1]).sum(axes) / np.abs(psi).sum(axes)
    assert share.max() < rounding, share
    return psi, parts


def expect_runs(folder):
    # In fp32 with steps that are not small beside the weights: storing θ ≈ 1 rounds it by 6e-8, however small the step is.
    for precision, rounding, schedule in (("fp64", 1e-12, ["--warmup", "2"]), ("fp32", 1e-6, ["--warmup", "0", "--schedule", "constant"])):
        for name, options in RUNS.items():
            options = [*options, *schedule]
            if precision == "fp32":
                options[options.index("--learning-rate") + 1] = "0.5" if "sgd" in options else "0.05"
            series = folder / f"{name}-{precision}"
            must(run("record", "--history", series, *SUMS, *options, "--precision", precision))
            path = folder / f"{name}.h5"
            must(decompose(series, path, "--samples", "validation:0-5", "--quadrature", "gauss:4", *PARTS))
            psi, (decay, _, data) = expect_whole(path, rounding)
            # A mask is at work: what has one dimension does not decay, and is moved by data alone.
            tensors = names_of(path, "tensor")
            vectors = [each.endswith("bias") for each in tensors]
            assert any(vectors) and (decay[:, :, vectors] == 0).all() and np.abs(data[:, :, vectors]).max() > 0
            assert np.abs(decay).sum() > 1e-3 * np.abs(psi).sum()
            if precision == "fp64":
                # Decay alone is the same, whether or not gradients were made.
                must(decompose(series, folder / "decay.h5", "--samples", "validation:0-5", "--quadrature", "gauss:4", "--parts", "decay"))
                assert np.abs(read(folder / "decay.h5", "psi_decay") - decay).max() < 1e-15
                with h5py.File(folder / "decay.h5") as store:
                    assert "psi_data" not in store and "estimated" not in store["psi_decay"].attrs
            assert not list(folder.glob("*.parts"))


def expect_policies(folder):
    """Pieces added up, a straight line through several steps, steps left out."""
    series, samples = folder / "adam-fp64", ["--samples", "validation:0-5", "--quadrature", "gauss:12", *PARTS]
    must(decompose(series, folder / "all.h5", *samples))
    for policy in ("sum", "merge", "drop"):
        must(decompose(series, folder / f"{policy}.h5", *samples, "--steps", "every:5", "--step-policy", policy))
        expect_whole(folder / f"{policy}.h5", 1e-12)
    for name in NAMES[::2]:
        steps, summed = read(folder / "all.h5", name), read(folder / "sum.h5", name)
        blocks = np.stack([steps[at:at + 5].sum(0) for at in (0, 5, 10)])
        assert np.abs(summed - blocks).max() < 1e-15, name
        apart = np.abs(read(folder / "merge.h5", name) - blocks).sum() / np.abs(blocks).sum()
        assert 1e-4 < apart < 0.5, (name, apart)
        assert np.array_equal(read(folder / "drop.h5", name), steps[[0, 5, 10]]), name


def expect_same_bits(folder):
    """On any number of ranks; sums over groups and outputs; rows; a run that goes on."""
    options = ["--samples", "validation", "--functional", "logit", "--axes", "sample,output", "--component", "row", "--tolerance", "1e-2", "--chunk", "4",
               "--micro-batch", "2", "--steps", "every:4", "--step-policy", "sum", *PARTS]
    series = folder / "adam-fp64"
    for ranks in (1, 2, 3):
        path = folder / f"ranks{ranks}.h5"
        assert decompose(series, path, *options, *(["--shards", "2"] if ranks == 2 else []), ranks=ranks).returncode in (0, 3)
        expect_whole(path, 1e-11)
        assert contents(path) == contents(folder / "ranks1.h5"), ranks
    # Tensors of all outputs, which are computed in forward mode where no parts are asked for.
    tensors = ["--samples", "validation", "--functional", "logit", "--quadrature", "gauss:5"]
    must(decompose(series, folder / "forward.h5", *tensors, "--axes", "sample,output"))
    must(decompose(series, folder / "backward.h5", *tensors, "--axes", "sample,output", *PARTS))
    assert np.abs(read(folder / "forward.h5", "psi") - read(folder / "backward.h5", "psi")).max() < 1e-13
    must(decompose(series, folder / "grouped.h5", *tensors, "--axes", "group,output", "--group-reduce", "sum", *PARTS))
    groups = names_of(folder / "backward.h5", "group")
    names = names_of(folder / "grouped.h5", "group")
    for name in NAMES:
        sums = np.stack([read(folder / "backward.h5", name)[:, [g == each for g in groups]].sum(1) for each in names], 1)
        assert np.abs(sums - read(folder / "grouped.h5", name)).max() < 1e-14, name
    with h5py.File(folder / "ranks1.h5", "r+") as store:
        store["psi_data"][1] = 0
    before = contents(folder / "ranks2.h5")
    must(run("decompose", "--series", series, "--store", folder / "ranks1.h5", "--resume", "--precision", "fp64", "--threads", "1", *options))
    assert contents(folder / "ranks1.h5") == before


LLAMA = ["--vocabulary", "300", "--layers", "2", "--hidden", "16", "--heads", "2", "--key-value-heads", "1", "--intermediate", "24", "--sequence-length", "12",
         "--batch", "4", "--max-steps", "40", "--warmup", "4", "--learning-rate", "1e-3", "--weight-decay", "0.3", "--minimum-learning-rate", "0.1",
         "--decay-on", "matrices", "--schedule", "cosine"]
APART = 8  # steps between checkpoints


def record_llama(folder):
    text = folder / "text"
    text.mkdir()
    (text / "a.txt").write_text("\n".join(f"the {i} of {i * i % 7} and {i % 5} words" for i in range(400)))
    must(run("record", "--history", folder / "llama", "--model", "llama", "--text", text, "--validation-samples", "4", *LLAMA, "--precision", "fp32", "--threads", "1"))
    config = json.loads((folder / "llama/run.json").read_text())["model"]["config"]
    for step in range(0, 41, APART):
        checkpoint = folder / "series" / f"step-{step}"
        checkpoint.mkdir(parents=True)
        (checkpoint / "config.json").write_text(json.dumps(config))
        save_file({name: np.ascontiguousarray(each) for name, each in history(folder / "llama", step)[0].items()}, checkpoint / "model.safetensors")
    (folder / "training.ini").write_text("".join(f"{key[2:]} = {value}\n" for key, value in zip(LLAMA[::2], LLAMA[1::2])))
    (folder / "ids.jsonl").write_text("".join(json.dumps({"id": str(i), "input_ids": [1, *((7 * i + j * j) % 290 + 4 for j in range(9))]}) + "\n" for i in range(5)))


def expect_language_model(folder):
    """All sources of weights give the same bits, with stored parts and with those formed from the weights."""
    common = ["--samples", folder / "ids.jsonl", "--quadrature", "gauss:3", "--chunk", "4", "--micro-batch", "2", "--steps", "every:8", "--step-policy", "sum", *PARTS]
    must(decompose(folder / "llama", folder / "resident.h5", *common))
    expect_whole(folder / "resident.h5", 1e-5)
    for name, more, ranks in (("streamed", ["--parameters", "streamed"], 0), ("gathered", ["--parameters", "gathered", "--shards", "2"], 2)):
        must(decompose(folder / "llama", folder / f"{name}.h5", *common, *more, ranks=ranks))
        assert contents(folder / f"{name}.h5") == contents(folder / "resident.h5"), name
    must(decompose(folder / "llama", folder / "single.h5", *common, precision="fp32"))
    for name in NAMES[::2]:
        single, double = read(folder / "single.h5", name), read(folder / "resident.h5", name)
        assert np.abs(single - double).max() < 1e-5 * np.abs(double).max(), name


def expect_estimate(folder):
    """Of a series of weights: near what the run's own steps say, and nearer to the same sum along the straight path."""
    common = ["--samples", folder / "ids.jsonl", "--quadrature", "gauss:12"]
    ini = ["--config", folder / "training.ini", "--parts", "decay"]
    must(decompose(folder / "series", folder / "estimate.h5", *common, *ini))
    starts = ["--steps", f"every:{APART}"]
    must(decompose(folder / "llama", folder / "true.h5", *common, *starts, "--step-policy", "sum", "--parts", "decay"))
    must(decompose(folder / "llama", folder / "chord.h5", *common, *starts, "--step-policy", "merge", "--parts", "decay"))
    estimate, true, chord = (read(folder / f"{name}.h5", "psi_decay") for name in ("estimate", "true", "chord"))
    same = np.abs(read(folder / "estimate.h5", "psi") - read(folder / "chord.h5", "psi")).max()
    assert same < 1e-13, same
    apart = np.abs(estimate - true).sum((1, 2)) / np.abs(true).sum((1, 2))
    straight = np.abs(estimate - chord).sum((1, 2)) / np.abs(chord).sum((1, 2))
    print("estimated decay, apart from the run's own:", apart, "and along the straight path:", straight, flush=True)
    assert 1e-3 < apart.max() < 0.15 and 1e-4 < straight.max() < 0.05, (apart, straight)
    with h5py.File(folder / "estimate.h5") as store:
        assumptions = text_attribute(store["psi_decay"], "assumptions")
        for word in ("weight-decay 0.3", "decay-on matrices", "cosine", "learning-rate 0.001", "warmup 4", "max-steps 40", "minimum-learning-rate 0.1"):
            assert word in assumptions, (word, assumptions)
        assert text_attribute(store["psi_decay"], "estimated") == "1" and "assumptions" not in h5py.File(folder / "true.h5")["psi_decay"].attrs
        norms = ["norm" in name for name in texts(store["tensor"])]
        assert any(norms) and (estimate[:, :, norms] == 0).all()
    must(decompose(folder / "series", folder / "streamed.h5", *common, *ini, "--parameters", "streamed"))
    assert contents(folder / "streamed.h5") == contents(folder / "estimate.h5")
    must(decompose(folder / "series", folder / "masked.h5", *common, *ini, "--decay-on", "all"))
    assert np.abs(read(folder / "masked.h5", "psi_decay")[:, :, norms]).max() > 0
    # What decides nothing is not remembered: the same INI file serves a run that does not estimate.
    must(decompose(folder / "series", folder / "plain.h5", *common, "--config", folder / "training.ini"))
    with h5py.File(folder / "plain.h5") as store:
        assert "psi_decay" not in store and json.loads(text_attribute(store, "configuration"))["weight-decay"] == ""


def expect_plan(folder):
    """Parts are priced: their passes, their scores, and engine A where they ask for it."""
    # At the usual tolerance the segments that plan tries would take half a minute.
    options = ["plan", "--series", folder / "adam-fp64", "--samples", "validation", "--functional", "logit", "--axes", "sample,output", "--threads", "1",
               "--tolerance", "1e-1"]
    assert "A: contraction" in must(run(*options, *PARTS)).stdout and "C: tangents" in must(run(*options)).stdout
    options = ["plan", "--series", folder / "llama", "--samples", folder / "ids.jsonl", "--component", "row", "--threads", "1"]
    with_parts, without = (re.search(r"store +([\d.]+) (\w+)", must(run(*options, *more)).stdout).groups() for more in (PARTS, ()))
    sizes = [float(number) * {"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit] for number, unit in (with_parts, without)]
    assert sizes[0] > 3 * sizes[1], sizes


def expect_refusals(folder):
    store = folder / "refused.h5"

    def refused(series, words, *options):
        process = decompose(series, store, *options, ranks=2)
        assert process.returncode == 2 and process.stderr.count("error:") == 1, (process.returncode, process.stderr)
        for word in words:
            assert word in process.stderr, (word, process.stderr)
        assert not store.exists() and not pathlib.Path(f"{store}.parts").exists()

    ids, validation = ["--samples", folder / "ids.jsonl"], ["--samples", "validation"]
    refused(folder / "series", ["training data"], *ids, "--parts", "data")
    refused(folder / "series", ["rounded"], *ids, "--parts", "decay,rounding")
    refused(folder / "series", ["which training sample"], *ids, "--axes", "sample,train_sample")
    refused(folder / "series", ["--weight-decay, --decay-on, --learning-rate, --schedule, --warmup"], *ids, "--parts", "decay")
    refused(folder / "series", ["missing: --minimum-learning-rate"], *ids, "--parts", "decay", "--weight-decay", "0.1", "--decay-on", "all", "--learning-rate", "1e-3",
            "--schedule", "cosine", "--warmup", "0", "--max-steps", "40")
    refused(folder / "series", ["--max-steps", "step 40"], *ids, "--parts", "decay", "--config", folder / "training.ini", "--max-steps", "30")
    refused(folder / "series", ["--decay-on"], *ids, "--parts", "decay", "--config", folder / "training.ini", "--decay-on", "some")
    refused(folder / "adam-fp64", ["--parts", "decay, rounding or data"], *validation, "--parts", "momentum")
    refused(folder / "adam-fp64", ["twice"], *validation, "--parts", "data,data")
    refused(folder / "adam-fp64", ["training axis"], *validation, "--parts", "data", "--axes", "sample,train_sample")
    refused(folder / "adam-fp64", ["single scalars"], *validation, "--parts", "decay", "--component", "parameter")


def main():
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        record_llama(folder)
        for check in (expect_estimate, expect_language_model, expect_runs, expect_policies, expect_same_bits, expect_plan, expect_refusals):
            check(folder)
            print(f"{check.__name__}: as expected", flush=True)


main()
