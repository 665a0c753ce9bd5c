"""The optimizer states that decompose --source steps is given: of frozen parameters, of other optimizers, and everything that is wrong with one."""
import json
import os
import pathlib
import pickle
import shutil
import sys
import tempfile
import types
import zipfile

import h5py
import numpy
import torch
from safetensors.torch import load_file, save_file

from golden_steps import EXACT, HERE, PARTS, expect_close, expect_refusal, steps
from program import SOURCE, must, run
from store_contents import texts

sys.path.insert(0, str(SOURCE / "tests/goldens/llama"))
import llama_float64  # noqa: E402


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


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for check in (expect_refusals, expect_frozen, expect_other_optimizers, expect_wrapped_moments):
            check(folder)
            print(f"{check.__name__}: as expected", flush=True)
        assert not list(folder.glob("*.steps"))


main()
