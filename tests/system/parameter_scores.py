"""decompose --component parameter: a score for every scalar. Against PyTorch's autograd, on any number of ranks the same bits, after any
stop the same store; read by xarray and by query; what does not go with it is named.

    parameter_scores.py SHIM            SHIM: the library of kill_at_write.c
"""
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import safetensors.numpy
import torch
import xarray

from program import EXPLAIND, GOLDENS, must, run, write_samples
from store_contents import contents, text_attribute, texts

sys.path.append(str(GOLDENS))
import llama_float64 as reference  # noqa: E402

SCALARS = ["--component", "parameter", "--precision", "fp64", "--threads", "1", "--overwrite"]
MODEL = ["--model", "grokking_transformer", "--modulus", "7", "--train-samples", "20", "--validation-samples", "8", "--hidden", "8", "--heads", "2",
         "--intermediate", "12", "--batch", "8", "--epochs", "2", "--warmup", "2", "--learning-rate", "1e-3", "--precision", "fp64", "--threads", "1"]
SERIES, TIED = GOLDENS / "grouped_query/series", GOLDENS / "tied/series"  # 2 segments, and 1
LENGTHS = [3, 17, 9, 5, 12]


def decompose(folder, store, *options, series=SERIES, ranks=0):
    samples = [] if "--samples" in options else ["--samples", folder / "samples.jsonl"]
    return run("decompose", "--series", series, "--store", folder / store, *SCALARS, *samples, *options, ranks=ranks)


def read(path, name):
    with h5py.File(path) as store:
        return store[name][()]


def names_of(path, name):
    with h5py.File(path) as store:
        return texts(store[name])


def expect_sums(path):
    """Over a tensor: psi of the tensor, and of absolute values psi_abs."""
    with h5py.File(path) as store:
        psi, absolute = store["psi"][()], store["psi_abs"][()]
        names = texts(store["component"])
        scalars = [name for name, item in store["parameter"].items() if item.dtype.kind == "f" and name not in store]  # the others are the root's
        assert sorted(scalars) == sorted(names)
        for c, name in enumerate(names):
            scores = store["parameter/" + name][()].reshape(*psi.shape[:-1], -1)
            sizes = np.abs(scores).sum(-1)
            assert np.abs(scores.sum(-1) - psi[..., c]).max() <= 1e-12 * (sizes.max() + 1e-300), name
            assert np.abs(sizes - absolute[..., c]).max() <= 1e-13 * (sizes.max() + 1e-300), name
        assert store["committed"][()].all() and np.abs(psi).max() > 1e-6


def autograd_scores(series, samples, nodes):
    """Δ ⊙ ∫∇F of every sample by a Gauss rule, by torch in float64 and a forward pass of its own."""
    checkpoints = [directory for _, directory in reference.list_checkpoints(series)]
    llama = reference.Llama(json.loads((checkpoints[0] / "config.json").read_text()))
    assert llama.tied
    ends = [reference.load_weights(directory) for directory in checkpoints]
    points, weights = np.polynomial.legendre.leggauss(nodes)
    found = []
    for start, end in zip(ends, ends[1:]):
        of_segment = []
        for ids in samples:
            scores = {name: 0 for name in start}
            for point, weight in zip((points + 1) / 2, weights / 2):
                here = {name: (before + point * (end[name] - before)).requires_grad_() for name, before in start.items()}
                reference.sample_loss(llama.logits(reference.DenseWeights(here), torch.tensor(ids)[None])[0], ids).backward()
                for name in scores:
                    scores[name] = scores[name] + weight * (here[name].grad * (end[name] - start[name])).numpy()
            of_segment.append(scores)
        found.append(of_segment)
    return found


def expect_autograd(folder):
    samples = [json.loads(line)["input_ids"] for line in open(folder / "samples.jsonl", encoding="utf-8")]
    must(decompose(folder, "gauss.h5", "--quadrature", "gauss:6", "--micro-batch", "3", series=TIED))
    expected = autograd_scores(TIED, samples, 6)
    worst = 0
    for segment, of_segment in enumerate(expected):
        for sample, scores in enumerate(of_segment):
            for name, wanted in scores.items():
                found = read(folder / "gauss.h5", "parameter/" + name)[segment, sample]
                assert found.shape == wanted.shape and np.abs(wanted).max() > 1e-9, name
                worst = max(worst, np.abs(found - wanted).max() / np.abs(wanted).max())
    assert worst < 1e-10, worst
    expect_sums(folder / "gauss.h5")
    print(f"every scalar of {len(expected)} segments and {len(samples)} samples, padded and of a tied matrix: PyTorch's to {worst:.0e}")


def expect_same_bits(folder):
    for options in (["--chunk", "2", "--micro-batch", "1"], ["--axes", "group", "--chunk", "4", "--micro-batch", "1"],
                    ["--axes", "segment", "--micro-batch", "2", "--store-dtype", "f32"], ["--axes", "group", "--steps", "every:2", "--step-policy", "sum", "--micro-batch", "2"]):
        must(decompose(folder, "one.h5", *options))
        reference = contents(folder / "one.h5")
        assert "parameter/model.norm.weight" in reference
        if "f32" not in options:
            expect_sums(folder / "one.h5")
        for ranks, grid in ((2, ["--shards", "2"]), (3, ["--shards", "3"]), (4, ["--shards", "2"])):
            must(decompose(folder, "more.h5", *options, *grid, ranks=ranks))
            found = contents(folder / "more.h5")
            assert found == reference, (options, ranks, grid, [name for name in found if found[name] != reference[name]])
    print("the same bits on 1 to 4 ranks, alone or sharing units")


def expect_axes(folder):
    """Groups are means or sums of samples, no axis their sum, pieces are added within |·|."""
    path = {name: folder / f"{name}.h5" for name in ("each", "mean", "sum", "all", "pieces")}
    rule = ["--quadrature", "gauss:5"]
    must(decompose(folder, "each.h5", *rule))
    must(decompose(folder, "mean.h5", *rule, "--axes", "group"))
    must(decompose(folder, "sum.h5", *rule, "--axes", "group", "--group-reduce", "sum"))
    must(decompose(folder, "all.h5", *rule, "--axes", "segment"))
    must(decompose(folder, "pieces.h5", *rule, "--steps", "every:2", "--step-policy", "sum"))
    tensor = "parameter/model.layers.0.mlp.up_proj.weight"
    scores = {name: read(each, tensor) for name, each in path.items()}
    even, odd = scores["each"][:, 0::2], scores["each"][:, 1::2]
    assert np.allclose(scores["mean"], np.stack([even.mean(1), odd.mean(1)], 1), rtol=1e-12, atol=1e-18)
    assert np.allclose(scores["sum"], np.stack([even.sum(1), odd.sum(1)], 1), rtol=1e-12, atol=1e-18)
    assert np.allclose(scores["all"], scores["each"].sum(1), rtol=1e-12, atol=1e-18)
    assert np.allclose(scores["pieces"][0], scores["each"].sum(0), rtol=1e-12, atol=1e-18)
    component = names_of(path["each"], "component").index(tensor.split("/")[1])
    inside = np.abs(scores["each"].sum(0)).sum((1, 2))
    assert np.allclose(read(path["pieces"], "psi_abs")[0, :, component], inside, rtol=1e-12)
    assert (inside < .99 * read(path["each"], "psi_abs")[..., component].sum(0)).any()
    for name in ("mean", "all", "pieces"):
        expect_sums(path[name])
    with h5py.File(path["all"]) as store:
        assert text_attribute(store["psi_abs"], "summed_inside_absolute_value") == "train_sample position sample"
    with h5py.File(path["pieces"]) as store:
        assert text_attribute(store["psi_abs"], "summed_inside_absolute_value") == "train_sample position step_of_segment"
    print("groups, sums over samples and sums of pieces: as their samples and segments say")


def expect_classifier(folder):
    """A run of a ReLU network, its scores against those of tensors, to the bit."""
    must(run("record", "--history", folder / "run", *MODEL))
    options = ["--samples", "validation", "--functional", "logit_diff:label:3", "--tolerance", "1e-2", "--chunk", "4", "--micro-batch", "2"]
    assert decompose(folder, "run.h5", *options, series=folder / "run").returncode in (0, 3)
    expect_sums(folder / "run.h5")
    tensors = [option for option in SCALARS if option not in ("--component", "parameter")]
    assert run("decompose", "--series", folder / "run", "--store", folder / "tensors.h5", *tensors, *options).returncode in (0, 3)
    for name in ("psi", "residual", "quadrature_error", "node_count"):
        assert np.array_equal(read(folder / "run.h5", name), read(folder / "tensors.h5", name)), name
    expect_balance(folder)
    reference = contents(folder / "run.h5")
    assert decompose(folder, "run.h5", *options, "--shards", "2", series=folder / "run", ranks=2).returncode in (0, 3)
    assert contents(folder / "run.h5") == reference
    assert read(folder / "run.h5", "parameter/input_emb.weight").shape == (6, 8, 9, 8)
    print("a classifier's run: sums are the scores of its tensors")


def expect_balance(folder):
    """Σ(|data| − |decay|) of every tensor, decay −αλθ out of the run's files; where scores are zero so is decay's gradient."""
    names = names_of(folder / "run.h5", "component")
    run_json = json.loads((folder / "run/run.json").read_text())
    blocks = [safetensors.numpy.load_file(path) for path in sorted((folder / "run/blocks").glob("*.safetensors"))]
    rates = np.concatenate([block["learning_rate"] for block in blocks])
    start = safetensors.numpy.load_file(folder / "run/start.safetensors")
    balance, groups = read(folder / "run.h5", "balance"), run_json["optimizer"]["groups"]
    checked = 0
    for c, (name, described) in enumerate(zip(names, run_json["parameters"])):
        assert described["name"] == name
        path = np.concatenate([start[f"parameter/{name}"][None], *[block[f"parameter/{name}"] for block in blocks]])
        update = np.diff(path, axis=0)[:, None]
        decay = -(rates[:, described["group"]] * groups[described["group"]]["weight_decay"]).reshape(-1, *[1] * (path.ndim - 1)) * path[:-1]
        scores = read(folder / "run.h5", "parameter/" + name)
        with np.errstate(divide="ignore", invalid="ignore"):
            of_decay = np.where(update == 0, 0, scores * (decay[:, None] / update))
        wanted = (np.abs(scores - of_decay) - np.abs(of_decay)).sum(tuple(range(2, scores.ndim)))
        assert np.abs(wanted - balance[:, :, c]).max() <= 1e-9 * (np.abs(scores).sum() + 1e-300), name
        checked += np.abs(of_decay).max() > 1e-4 * np.abs(scores).max() > 0
    assert checked >= 4, checked
    print("the balance of data and decay: as the run's files say")


def expect_outputs(folder):
    """All classes at once are each class alone; of their groups as of samples."""
    options = ["--samples", "validation:0-4", "--quadrature", "gauss:5", "--micro-batch", "2"]
    must(decompose(folder, "outputs.h5", *options, "--functional", "logit", "--axes", "sample,output", series=folder / "run"))
    must(decompose(folder, "groups.h5", *options, "--functional", "logit", "--axes", "group,output", "--shards", "2", series=folder / "run", ranks=2))
    must(decompose(folder, "class.h5", *options, "--functional", "logit:4", series=folder / "run"))
    names = names_of(folder / "class.h5", "id"), names_of(folder / "groups.h5", "sample_group")
    for tensor in ("linear1.weight", "linear2.bias"):
        found, grouped, alone = (read(folder / f"{name}.h5", "parameter/" + tensor) for name in ("outputs", "groups", "class"))
        assert found.shape == alone.shape + (9,) and np.abs(alone).max() > 1e-7
        assert np.abs(found[..., 4] - alone).max() < 1e-12 * np.abs(alone).max()
        for place, group in enumerate(names_of(folder / "groups.h5", "group")):
            mine = [sample for sample, its in enumerate(names[1]) if its == group]
            assert np.allclose(grouped[:, place], found[:, mine].mean(1), rtol=1e-10, atol=1e-17), group
    for name in ("outputs", "groups"):
        expect_output_sums(folder / f"{name}.h5")
    print("every class an output: as alone, and in groups")


def expect_output_sums(path):
    with h5py.File(path) as store:
        for c, name in enumerate(texts(store["component"])):
            scores = store["parameter/" + name][()]
            over = tuple(range(2, scores.ndim - 1))
            size = np.abs(scores).sum(over)
            assert np.abs(scores.sum(over) - store["psi"][:, :, c]).max() <= 1e-12 * (size.max() + 1e-300), name
            assert np.abs(size - store["psi_abs"][:, :, c]).max() <= 1e-13 * (size.max() + 1e-300), name


def expect_readers(folder):
    store = folder / "each.h5"
    for engine in ("netcdf4", "h5netcdf"):
        with xarray.open_dataset(store, engine=engine) as root, xarray.open_dataset(store, group="parameter", engine=engine) as scalars:
            assert not any("phony" in name for name in [*root.sizes, *scalars.sizes]), (root.sizes, scalars.sizes)
            assert root.psi_abs.dims == root.psi.dims
            matrix = scalars["model.layers.0.mlp.up_proj.weight"]
            assert matrix.dims == ("segment", "sample", "row_40", "column_24"), matrix.dims
            assert scalars["model.norm.weight"].dims == ("segment", "sample", "row_24")
            assert matrix.attrs["units"] == "1" and "in nats" in matrix.attrs["long_name"] and "negative" in matrix.attrs["sign_convention"]
            assert abs(matrix.sum(["row_40", "column_24"]).values - root.psi.sel(component="model.layers.0.mlp.up_proj.weight").values).max() < 1e-12
    tensor = "parameter/model.layers.0.mlp.up_proj.weight"
    scores = read(store, tensor)
    query = ["query", store, "--variable", tensor]
    process = subprocess.run([EXPLAIND, *map(str, query), "--select", "step=10", "--sum", "sample", "--format", "npy"], check=True, capture_output=True)
    array = np.load(io.BytesIO(process.stdout))
    assert array.shape == (1, 40, 24) and np.allclose(array[0], scores[0].sum(0), rtol=1e-12, atol=1e-18)
    rows = must(run(*query, "--group-by", "row", "--select", "column=0:3", "--format", "csv", "--top", "2")).stdout.split()
    sums = scores[..., :4].sum((0, 1, 3))
    best = np.argsort(-np.abs(sums))[:2]
    assert rows[0] == "row,sum_of_segments,mean_of_samples,sum_of_columns," + tensor and [int(line.split(",")[0]) for line in rows[1:]] == best.tolist(), rows
    by_group = must(run(*query, "--group-by", "group", "--format", "csv")).stdout.split()[1:]
    means = [scores[:, 0::2].mean(1).sum(), scores[:, 1::2].mean(1).sum()]
    assert np.allclose([float(line.split(",")[-1]) for line in by_group], means, rtol=1e-12)
    text = must(run("inspect", store)).stdout
    assert "complete" in text and "psi_abs" in text and "parameter/" in text, text
    print("xarray with both engines, query and inspect: as expected")


def expect_resume(folder, shim):
    """Killed in the middle of its n-th write, sync or allocation; and a scalar that changed on disk."""
    options = ["--chunk", "2", "--micro-batch", "1"]
    must(decompose(folder, "reference.h5", *options))
    reference = contents(folder / "reference.h5")
    store, count = folder / "killed.h5", folder / "count"
    command = [EXPLAIND, "decompose", "--series", SERIES, "--samples", folder / "samples.jsonl", "--store", store,
               *[option for option in SCALARS if option != "--overwrite"], *options]
    environment = dict(os.environ, LD_PRELOAD=shim, KILL_FILE="killed.h5", OMP_NUM_THREADS="1")
    subprocess.run(command, check=True, capture_output=True, env=environment | {"KILL_CALLS": str(count)})
    calls = len(count.read_text().splitlines())
    assert contents(store) == reference and calls > 200, calls
    # How often is synced depends on the time that a run takes, so the last calls may not come again.
    for call in [1 + (calls - 1) * i // 5 for i in range(5)]:
        for old in folder.glob("killed.h5*"):
            old.unlink()
        process = subprocess.run(command, capture_output=True, env=environment | {"KILL_AT": str(call)})
        assert process.returncode == -signal.SIGKILL, (call, process.returncode)
        must(run(*command[1:], "--resume", ranks=2))
        assert contents(store) == reference, call
    with h5py.File(store, "r+") as file:
        file["parameter/model.norm.weight"][1, 3, 7] += 1
    text = must(run(*command[1:], "--resume")).stdout
    assert "5 of 6 units are there; 1 damaged" in text, text
    assert contents(store) == reference
    print(f"killed at 5 of {calls} writing calls, and damaged: gone on with to the same store")


def expect_refusals(folder):
    def refused(words, *options, **where):
        process = decompose(folder, "bad.h5", *options, ranks=2, **where)
        assert process.returncode == 2 and process.stderr.count("error:") == 1, (process.returncode, process.stderr)
        for word in words:
            assert word in process.stderr, (word, process.stderr)
        assert not (folder / "bad.h5").exists() and not (folder / "bad.h5.tmp").exists()

    refused(["position"], "--axes", "sample,position")
    refused(["training axis"], "--axes", "sample,train_sample")
    refused(["--parameters", "whole model"], "--parameters", "streamed")
    refused(["--parameters"], "--parameters", "gathered", "--shards", "2")
    refused(["--parts", "balance"], "--parts", "decay")
    refused(["--precision"], "--precision", "bf16")
    refused(["--source"], "--source", "steps", "--training-batch", folder / "samples.jsonl", "--batch-mean", "tokens", "--clip", "0")
    refused(["--memory", "weights", "one row"], "--memory", "129MiB")
    text = must(run("plan", "--series", SERIES, "--samples", folder / "samples.jsonl", "--component", "parameter")).stdout
    assert "B: weight gradients" in text and "gradients and scalars" in text, text
    text = must(run("plan", "--series", folder / "run", "--samples", "validation", "--component", "parameter", "--precision", "fp64", "--threads", "1")).stdout
    assert "B: weight gradients" in text, text
    print("what does not go with single scalars is named")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_samples(folder / "samples.jsonl", LENGTHS, 60)
        expect_autograd(folder)
        expect_axes(folder)
        expect_readers(folder)
        expect_same_bits(folder)
        expect_classifier(folder)
        expect_outputs(folder)
        expect_resume(folder, sys.argv[1])
        expect_refusals(folder)


main()
