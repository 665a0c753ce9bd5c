"""decompose --source steps against a float64 PyTorch program that shares nothing with it."""
import json
import pathlib
import re
import subprocess
import tempfile

import h5py
import numpy
import torch
import xarray
from safetensors.torch import load_file

from golden_steps import EXACT, GOLDEN, GROUPS, HERE, PARTS, expect_close, steps
from program import EXPLAIND, must, run
from store_contents import contents, texts


def read(path):
    with h5py.File(path) as file:
        names = texts(file["component"])
        order = [list(GOLDEN["tensors"]).index(name) for name in names]
        return {name: file[name][()] for name in file if name.startswith(("psi", "value", "residual", "train"))}, order


def expect_golden(folder):
    """Every number of the step: total, each training sample's, momentum, decay; ε = 1e-5 and clipping below, above and without a norm."""
    for clip in ("0", "0.3", "5"):
        path = folder / f"exact{clip}.h5"
        must(steps(path, *EXACT, "--axes", "sample,train_sample", clip=clip))
        found, order = read(path)
        expect_close(found["psi"], GOLDEN[f"psi_{clip}"][:, :, order], 1e-9, "psi")
        expect_close(found["psi_data"], GOLDEN[f"data_{clip}"][:, :, order], 1e-9, "psi_data")
        expect_close(found["psi_momentum"], GOLDEN[f"momentum_{clip}"][:, :, order], 1e-9, "psi_momentum")
        expect_close(found["psi_decay"], GOLDEN[f"decay_{clip}"][:, :, order], 1e-9, "psi_decay")
        assert abs(found["psi_rounding"]).max() < 1e-13
        expect_close(found["value_from"], GOLDEN[f"from_{clip}"], 1e-12, "value_from")
        expect_close(found["value_to"], GOLDEN[f"to_{clip}"], 1e-12, "value_to")
        # Of every prediction sample, the later groups' too: an interpolation that went on from t = 1 would show here.
        assert abs(found["residual"]).max() < 1e-12, abs(found["residual"]).max(axis=0)
        whole = found["psi_data"].sum(-1) + sum(found[name] for name in PARTS)
        assert abs(whole - found["psi"]).max() < 1e-15
    unclipped, five = (read(folder / f"exact{clip}.h5")[0]["psi_data"] for clip in ("0", "5"))
    assert (unclipped == five).all()  # a norm that is not reached clips nothing


def expect_planned(folder):
    """What plan says of the store and of the scratch folder, and that it refuses what decompose refuses."""
    options = ["--series", HERE / "series", "--samples", HERE / "samples.jsonl", "--source", "steps", "--training-batch", HERE / "train.jsonl",
               "--clip", "0.3", *EXACT, "--axes", "sample,train_sample"]
    text = must(run("plan", *options, "--batch-mean", "tokens")).stdout
    said = re.search(r"^  store +([\d.]+) kB$", text, re.M)
    store = (folder / "exact0.3.h5").stat().st_size
    assert said and 0.8 < 1000 * float(said.group(1)) / store < 1.25, (text, store)
    series = [path for path in (HERE / "series").iterdir() if path.is_dir()]
    scalars = sum(tensor.numel() for tensor in load_file(series[0] / "model.safetensors").values())
    parts = len(GROUPS) + 3
    steps_said = re.search(r"^  steps +(\d+) of 7 training samples in 10 parts each: ([\d.]+) MB", text, re.M)
    assert steps_said and int(steps_said.group(1)) == len(series), text
    assert abs(1e6 * float(steps_said.group(2)) / (len(series) * (1 + parts) * scalars * 8) - 1) < 0.01, (text, scalars)
    refused = run("plan", *options)
    assert refused.returncode == 2 and "--batch-mean" in refused.stderr, refused.stderr


def expect_groups(folder):
    """Groups whose names begin alike stay apart, and a group's influence is its samples' sum, divided by nothing."""
    path = folder / "groups.h5"
    must(steps(path, *EXACT, "--axes", "sample,train_group"))
    found, order = read(path)
    assert [row.tobytes().rstrip(b"\0").decode() for row in found["train_group"]] == ["x", "x_0", "x_1"]
    of_samples = GOLDEN["data_0.3"][:, :, order]
    for place, group in enumerate(("x", "x_0", "x_1")):
        members = [i for i, each in enumerate(GROUPS) if each == group]
        expect_close(found["psi_data"][..., place], of_samples[..., members].sum(-1), 1e-9, group)
    path = folder / "none.h5"
    must(steps(path, *EXACT, "--axes", "group"))
    found, _ = read(path)
    totals = of_samples.sum(-1)
    expect_close(found["psi_data"], numpy.stack([totals[:, [0, 2]].mean(1), totals[:, [1, 3]].mean(1)], 1), 1e-9, "groups of both")


def expect_rounding(folder):
    """The step as torch.optim.AdamW takes it in float32: θ' to the bit almost everywhere, and what it rounded."""
    path = folder / "rounded.h5"
    must(steps(path, "--precision", "fp64", "--quadrature", "gauss:12", "--axes", "sample"))
    found, order = read(path)
    expect_close(found["value_to"], GOLDEN["to_fp32_0.3"], 1e-9, "value_to")
    expect_close(found["psi_rounding"], GOLDEN["rounding_fp32_0.3"][:, :, order], 2e-2, "psi_rounding")
    assert 0 < abs(found["psi_rounding"]).max() < 1e-5 * abs(found["psi"]).max()
    path = folder / "single.h5"
    must(steps(path, "--axes", "sample,train_group", "--tolerance", "1e-3"))
    single, _ = read(path)
    expect_close(single["psi"], found["psi"], 1e-3, "psi in fp32")
    whole = single["psi_data"].sum(-1) + sum(single[name] for name in PARTS)
    assert abs(whole - single["psi"]).max() < 1e-6 * abs(single["psi"]).max()


def expect_same_everywhere(folder):
    """Ranks, sources of weights and a run that went on give the same bits, at every granularity and axis."""
    for name, more in {"rows": ("--component", "row", "--axes", "sample,train_group"),
                       "heads": ("--component", "head", "--axes", "sample,position,train_group"),
                       "summed": ("--axes", "train_sample"),
                       "split": ("--axes", "sample,train_group", "--product-form", "split")}.items():
        common = (*more, "--chunk", "2", "--micro-batch", "1", "--tolerance", "1e-3")
        one, parts = folder / f"{name}1.h5", {}
        must(steps(one, *common))
        for other, (extra, ranks) in {"two": ((), 2), "streamed": (("--parameters", "streamed"), 0),
                                      "gathered": (("--parameters", "gathered", "--shards", "2"), 2)}.items():
            path = folder / f"{name}-{other}.h5"
            must(steps(path, *common, *extra, ranks=ranks))
            assert contents(path) == contents(one), (name, other)
    with h5py.File(one, "r+") as file:
        before = file["psi_data"][()]
        file["psi_data"][1] = 0
    must(steps(one, *common, "--resume"))
    with h5py.File(one) as file:
        assert (file["psi_data"][()] == before).all()


def expect_readable(folder):
    """xarray and query see parts and training axes by their names."""
    with xarray.open_dataset(folder / "exact0.3.h5") as store:
        assert store.psi_data.dims == ("segment", "sample", "component", "train_sample")
        assert [str(each) for each in store.train_id.values] == [f"t{i}" for i in range(7)]
        assert "train_group_name" in store.psi_data.coords and "train_group_name" not in store.psi.coords
        assert store.step_to.values.tolist() == [4, 7]
        by_group = store.psi_data.groupby("train_group_name").sum("train_sample")
        with xarray.open_dataset(folder / "groups.h5") as groups:
            assert numpy.allclose(by_group.sel(train_group_name="x_1"), groups.psi_data.sel(train_group="x_1"), rtol=1e-9, atol=1e-15)
    table = must(run("query", folder / "groups.h5", "--variable", "psi_data", "--group-by", "train_group,group", "--format", "csv")).stdout
    assert table.splitlines()[0] == "train_group,group,sum_of_segments,mean_of_samples,sum_of_components,psi_data", table
    assert len(table.splitlines()) == 1 + 3 * 2
    array = folder / "array.npy"
    with open(array, "wb") as out:
        subprocess.run([EXPLAIND, "query", folder / "groups.h5", "--variable", "psi_data", "--sum", "component", "--format", "npy"], stdout=out, check=True)
    expect_close(numpy.load(array), read(folder / "groups.h5")[0]["psi_data"].sum(2), 1e-12, "npy")


def expect_recorded_state(folder):
    """record's own state: the next checkpoint is torch.optim.AdamW's step from it, and decompose reads it."""
    words = "the quick brown fox jumps over a lazy dog while seven green birds sing about rivers and the old town".split()
    text = folder / "text.txt"
    text.write_text("".join(" ".join(words[(i * i + 7 * i * j + 3 * j * j) % len(words)] for j in range(12)) + ".\n" for i in range(600)))
    series = folder / "recorded"
    must(run("record", "--text", text, "--series", series, "--vocabulary", "300", "--hidden", "16", "--intermediate", "24", "--layers", "1", "--heads", "2",
             "--key-value-heads", "2", "--sequence-length", "16", "--batch", "4", "--max-steps", "8", "--warmup", "3", "--checkpoints", "9",
             "--clip", "1e6", "--dtype", "f32", "--optimizer-state", "--threads", "1"))
    for step in (0, 3):
        here, there = series / f"step-{step}", series / f"step-{step + 1}"
        weights, following = (load_file(each / "model.safetensors") for each in (here, there))
        moments, after = (load_file(each / "optimizer.safetensors") for each in (here, there))
        for group in json.loads((here / "optimizer.json").read_text())["groups"]:
            assert group["updates"] == step and (group["weight_decay"] == 0) == any("norm" in n for n in group["parameters"])
            for name in group["parameters"]:
                beta1 = group["beta1"]
                parameter = weights[name].double().requires_grad_(True)
                parameter.grad = (after[name + ".exp_avg"].double() - beta1 * moments[name + ".exp_avg"].double()) / (1 - beta1)
                optimizer = torch.optim.AdamW([parameter], lr=group["learning_rate"], betas=(beta1, group["beta2"]), eps=group["epsilon"],
                                              weight_decay=group["weight_decay"])
                optimizer.state[parameter] = {"step": torch.tensor(float(step)), "exp_avg": moments[name + ".exp_avg"].double(),
                                              "exp_avg_sq": moments[name + ".exp_avg_sq"].double()}
                optimizer.step()
                update = (following[name] - weights[name]).abs().max()
                assert (parameter - following[name]).abs().max() < 1e-3 * update, (step, name)
    batch = folder / "batch.jsonl"
    batch.write_text("".join(json.dumps({"id": i, "group": g, "text": t}) + "\n" for i, g, t in (("1", "a", "the old fox"), ("2", "b", "many birds sing"))))
    store = folder / "recorded.h5"
    must(run("decompose", "--series", series, "--samples", batch, "--store", store, "--source", "steps", "--training-batch", batch, "--batch-mean", "samples",
             "--clip", "0", "--axes", "sample,train_group", "--quadrature", "gauss:5", "--precision", "fp64"))
    with h5py.File(store) as file:
        assert (file["psi_momentum"][0] == 0).all() and abs(file["psi_momentum"][4]).max() > 0  # before the first step there is none
        assert abs(file["residual"][()]).max() < 1e-10


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for check in (expect_golden, expect_planned, expect_groups, expect_rounding, expect_readable, expect_recorded_state, expect_same_everywhere):
            check(folder)
            print(f"{check.__name__}: as expected", flush=True)
        assert not list(folder.glob("*.steps"))


main()
