"""decompose --source steps against a float64 PyTorch program that shares nothing with it, and everything that the steps can be asked wrongly."""
import json
import os
import pathlib
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import types
import zipfile

import h5py
import numpy
import torch
import xarray
from safetensors.torch import load_file, save_file

from program import EXPLAIND, SOURCE, must, run
from store_contents import contents, texts

sys.path.insert(0, str(SOURCE / "tests/goldens/llama"))
import llama_float64  # noqa: E402

HERE = SOURCE / "tests/goldens/optimizer_steps"
GOLDEN = numpy.load(HERE / "golden.npz")
PARTS = ("psi_decay", "psi_momentum", "psi_rounding")
GROUPS = ["x", "x_0", "x_1", "x", "x_1", "x_0", "x"]


def steps(store, *more, clip="0.3", series=HERE / "series", mean=("--batch-mean", "tokens"), ranks=0):
    clips = ("--clip", clip) if clip is not None else ()
    return run("decompose", "--series", series, "--samples", HERE / "samples.jsonl", "--store", store, "--source", "steps",
               "--training-batch", HERE / "train.jsonl", *mean, *clips, *more, ranks=ranks)


EXACT = ("--precision", "fp64", "--step-precision", "fp64", "--quadrature", "gauss:12")


def read(path):
    with h5py.File(path) as file:
        names = texts(file["component"])
        order = [list(GOLDEN["tensors"]).index(name) for name in names]
        return {name: file[name][()] for name in file if name.startswith(("psi", "value", "residual", "train"))}, order


def expect_close(found, expected, tolerance, what):
    assert found.shape == expected.shape, (what, found.shape, expected.shape)
    apart = abs(found - expected).max() / abs(expected).max()
    assert apart < tolerance, (what, apart)


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


def names_by_group():
    """The names behind Trainer's numbers: those that decay, then norms, each in the order of the modules."""
    weights = load_file(HERE / "series/step-3/model.safetensors")
    layer = [f"{part}.weight" for part in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj",
                                           "mlp.down_proj", "input_layernorm", "post_attention_layernorm")]
    names = ["model.embed_tokens.weight", *[f"model.layers.{i}.{each}" for i in (0, 1) for each in layer], "model.norm.weight", "lm_head.weight"]
    assert sorted(names) == sorted(weights)
    return [[n for n in names if "norm" not in n], [n for n in names if "norm" in n]]


def freeze(series, frozen, how):
    """The golden series as a training leaves it that froze some parameters: their weights stand still, and the state has nothing of them. how: as Trainer, which
    leaves them out of its groups; likewise with names; or an optimizer of all parameters."""
    shutil.rmtree(series, ignore_errors=True)
    shutil.copytree(HERE / "series", series)
    start = load_file(series / "step-3/model.safetensors")
    for step in ("step-3", "step-6"):
        weights = load_file(series / step / "model.safetensors")
        save_file({name: start[name] if name in frozen else tensor for name, tensor in weights.items()}, series / step / "model.safetensors", {"format": "pt"})
        state = torch.load(series / step / "optimizer.pt", weights_only=True)
        groups, states, number = state["param_groups"], {}, 0
        for group, names in zip(groups, names_by_group()):
            kept, old = [], list(group["params"])
            for name, each in zip(names, old):
                if name not in frozen:
                    states[number] = state["state"][each]
                if name not in frozen or how == "all":
                    kept.append(number)
                    number += 1
            group["params"] = kept
            if how == "names":
                group["param_names"] = [name for name in names if name not in frozen]
        torch.save({"state": states, "param_groups": groups}, series / step / "optimizer.pt")


def frozen_step(checkpoint, frozen, clip):
    """θ' of one step in float64 by autograd and torch.optim, and the prediction samples' losses there."""
    llama = llama_float64.Llama(json.loads((checkpoint / "config.json").read_text()))
    weights = llama_float64.load_weights(checkpoint)
    for name, weight in weights.items():
        weight.requires_grad_(name not in frozen)

    def losses(path):
        """Per sample, Σ over its predicted tokens and their number."""
        for line in path.read_text().splitlines():
            ids = torch.tensor([json.loads(line)["input_ids"]])
            logits = llama.logits(llama_float64.DenseWeights(weights), ids)
            yield torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:], reduction="sum"), ids.shape[1] - 1

    sums, counts = zip(*losses(HERE / "train.jsonl"))
    (sum(sums) / sum(counts)).backward()
    torch.nn.utils.clip_grad_norm_([weight for weight in weights.values() if weight.requires_grad], clip)
    saved = torch.load(checkpoint / "optimizer.pt", weights_only=True)
    settings = [{key: value for key, value in group.items() if key in ("lr", "betas", "eps", "weight_decay")} for group in saved["param_groups"]]
    trained = [[name for name in names if name not in frozen] for names in names_by_group()]
    optimizer = torch.optim.AdamW([dict(each, params=[weights[name] for name in names]) for each, names in zip(settings, trained) if names])
    moments = [saved["state"][number] for group in saved["param_groups"] for number in group["params"] if number in saved["state"]]
    for name, moment in zip([name for names in trained for name in names], moments):
        optimizer.state[weights[name]] = {key: value if key == "step" else value.double() for key, value in moment.items()}
    optimizer.step()
    with torch.no_grad():
        return numpy.array([(total / count).item() for total, count in losses(HERE / "samples.jsonl")])


def expect_frozen(folder):
    """Frozen parameters: no step, no share in the gradient's norm, scores of 0; the others' step is torch's."""
    layer = [name for group in names_by_group() for name in group if name.startswith("model.layers.0.")]
    for how, frozen in (("trainer", ["model.embed_tokens.weight"]), ("trainer", layer), ("names", layer), ("all", layer), ("trainer", names_by_group()[1])):
        series, path = folder / "frozen", folder / "frozen.h5"
        freeze(series, frozen, how)
        text = must(steps(path, *EXACT, "--axes", "sample,train_group", "--overwrite", series=series)).stdout
        assert f"{len(frozen)} tensors are frozen" in text, text
        with h5py.File(path) as file:
            still = [name in frozen for name in texts(file["component"])]
            for name in ("psi", "psi_data", *PARTS):
                assert (file[name][()][:, :, still] == 0).all() and (name == "psi_rounding" or (file[name][()][:, :, ~numpy.array(still)] != 0).any()), (how, name)
            assert abs(file["residual"][()]).max() < 1e-11
            for row, step in enumerate(("step-3", "step-6")):
                expect_close(file["value_to"][row], frozen_step(series / step, frozen, 0.3), 1e-12, (how, step))
    # Of one checkpoint nothing says whether layer 0 or 1 is frozen; of the embedding the shapes do.
    freeze(series, layer, "trainer")
    shutil.rmtree(series / "step-6")
    expect_refusal(steps(folder / "none.h5", series=series), 1, "which of them are frozen", "named_parameters()")
    freeze(series, ["model.embed_tokens.weight"], "trainer")
    shutil.rmtree(series / "step-6")
    must(steps(path, *EXACT, "--overwrite", series=series))


def expect_other_optimizers(folder):
    """The state of another optimizer is called by its name, and what the message advises works."""
    for keys, words in ((("state1", "qmap1", "absmax1", "state2"), "an 8-bit optimizer of bitsandbytes"), (("state1", "state2"), "an optimizer of bitsandbytes"),
                        (("exp_avg_sq_row", "exp_avg_sq_col"), "Adafactor"), (("momentum_buffer",), "SGD")):
        series = folder / "other"
        freeze(series, [], "trainer")
        state = torch.load(series / "step-3/optimizer.pt", weights_only=True)
        state["state"] = {number: {"step": 3, **{key: torch.zeros(4, dtype=torch.uint8) for key in keys}} for number in state["state"]}
        torch.save(state, series / "step-3/optimizer.pt")
        expect_refusal(steps(folder / "none.h5", series=series), 1, "step-3", words, "leave out --source steps")
    must(run("decompose", "--series", series, "--samples", HERE / "samples.jsonl", "--store", folder / "weights.h5", "--tolerance", "1e-3"))


class OptimState8bit(torch.Tensor):
    """Quantised moments as torchao keeps them: a type that wraps codes and scales."""

    @staticmethod
    def __new__(cls, codes, scale):
        return torch.Tensor._make_wrapper_subclass(cls, codes.shape)

    def __init__(self, codes, scale):
        self.codes, self.scale = codes, scale

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return args[0] if func is torch.ops.aten.detach.default else NotImplemented


OptimState8bit.__module__ = "torchao.optim.subclass_8bit"


def expect_wrapped_moments(folder):
    """torchao's moments are told by their type; leaving out the steps works, as is advised."""
    for name in ("torchao", "torchao.optim", "torchao.optim.subclass_8bit"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchao.optim.subclass_8bit"].OptimState8bit = OptimState8bit
    series = folder / "wrapped"
    shutil.copytree(HERE / "series", series)
    state = torch.load(series / "step-3/optimizer.pt", weights_only=True)
    for moments in state["state"].values():
        moments.update({key: OptimState8bit(torch.zeros(4, dtype=torch.uint8), torch.ones(1)) for key in ("exp_avg", "exp_avg_sq")})
    torch.save(state, series / "step-3/optimizer.pt")
    expect_refusal(steps(folder / "none.h5", series=series), 1, "step-3", "torchao.optim.subclass_8bit.OptimState8bit", "8 or 4 bits",
                   "torch.optim.AdamW", "leave out --source steps")
    must(run("decompose", "--series", series, "--samples", HERE / "samples.jsonl", "--store", folder / "weights.h5", "--tolerance", "1e-3",
             "--overwrite"))


def expect_refusal(process, code, *words):
    assert process.returncode == code, (process.returncode, process.stdout, process.stderr)
    for word in words:
        assert word in process.stderr, (word, process.stderr)


class Evil:
    def __reduce__(self):
        return (os.system, ("touch EVIL",))


def expect_refusals(folder):
    store = folder / "refused.h5"
    expect_refusal(steps(store, mean=()), 2, "--batch-mean")
    expect_refusal(steps(store, clip=None), 2, "--clip")
    weights = run("decompose", "--series", HERE / "series", "--samples", HERE / "samples.jsonl", "--store", store, "--axes", "sample,train_group")
    expect_refusal(weights, 2, "train_group", "--source steps")
    expect_refusal(steps(store, "--parts", "decay"), 2, "all parts are kept anyway")

    def broken(change, *words, ranks=0):
        series = folder / "broken"
        shutil.rmtree(series, ignore_errors=True)
        shutil.copytree(HERE / "series", series)
        change(series / "step-6")
        expect_refusal(steps(store, series=series, ranks=ranks), 1, "step-6", *words)
        assert not store.exists() and not pathlib.Path(f"{store}.steps").exists()

    def edit(action):
        def change(checkpoint):
            state = torch.load(checkpoint / "optimizer.pt", weights_only=True)
            action(state)
            torch.save(state, checkpoint / "optimizer.pt")
        return change

    broken(lambda c: (c / "optimizer.pt").unlink(), "no optimizer state")
    broken(edit(lambda s: s["param_groups"][1].pop("eps")), "eps is missing", ranks=2)
    broken(edit(lambda s: s["state"][0].update(exp_avg=torch.zeros(3, 4))), "model.embed_tokens.weight", "[3, 4]")
    broken(edit(lambda s: s["state"].pop(3)), "has no state of model.layers.0.self_attn", "so it is not frozen")
    broken(edit(lambda s: s["param_groups"][0]["params"].pop()), "has no state of lm_head.weight")
    broken(edit(lambda s: s["state"][0].update(state1=torch.zeros(3), absmax1=torch.zeros(1))), "8-bit optimizer", "--source steps")
    broken(edit(lambda s: s["state"].update({k: {"momentum_buffer": None} for k in s["state"]})), "is the state of SGD", "--source steps")
    broken(edit(lambda s: s["state"][0].pop("exp_avg_sq")), "without second moments", "--source steps")
    broken(edit(lambda s: s["param_groups"][0].update(lr=1.0)), "scheduler.pt")
    broken(edit(lambda s: s["param_groups"][0].update(amsgrad=True)), "amsgrad")
    broken(edit(lambda s: s["state"][0]["exp_avg_sq"].fill_(float("nan"))), "infinite or NaN")
    broken(edit(lambda s: s.pop("param_groups")), "holds no state and param_groups")
    broken(edit(lambda s: s["param_groups"][0].update(betas=[0.9])), "betas is no pair of numbers")
    broken(edit(lambda s: s["param_groups"][0].update(eps="small")), "eps is no number")
    broken(edit(lambda s: s["param_groups"][0].update(params=0)), "params is no list")
    broken(edit(lambda s: s["param_groups"][0].update(params=["w"])), "params holds something that is no number")
    broken(edit(lambda s: s["param_groups"][0].update(param_names=[1])), "param_names holds something that is no text")
    broken(edit(lambda s: s["param_groups"][0].update(decoupled_weight_decay=False, weight_decay=0.1)), "its weight decay enters the gradient")
    broken(edit(lambda s: s["state"][0].pop("step")), "has no step")
    broken(edit(lambda s: s["state"][0].update(exp_avg_sq=1.0)), "exp_avg_sq of state 0", "is missing")

    def scheduled(action):
        def change(checkpoint):
            state = torch.load(checkpoint / "scheduler.pt", weights_only=True)
            action(state)
            torch.save(state, checkpoint / "scheduler.pt")
        return change

    broken(scheduled(lambda s: s.pop("_last_lr")), "scheduler.pt", "does not say _last_lr")
    broken(scheduled(lambda s: s.update(_last_lr=["high"])), "scheduler.pt", "holds something that is no number")
    broken(scheduled(lambda s: s["_last_lr"].append(0.1)), "scheduler.pt", "learning rates, and optimizer.pt has")

    def evil(checkpoint):
        with zipfile.ZipFile(checkpoint / "optimizer.pt", "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({"state": {0: Evil()}, "param_groups": []}, 2))
            archive.writestr("archive/byteorder", b"little")
    broken(evil, "system", "nothing of it was run")
    assert not pathlib.Path("EVIL").exists()


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
        for check in (expect_golden, expect_planned, expect_groups, expect_rounding, expect_readable, expect_refusals, expect_frozen, expect_other_optimizers,
                      expect_wrapped_moments, expect_recorded_state,
                      expect_same_everywhere):
            check(folder)
            print(f"{check.__name__}: as expected", flush=True)
        assert not list(folder.glob("*.steps"))


main()
