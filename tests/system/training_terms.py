"""What a training's loss and decay were made of: z-loss, decay by parameters' names, a batch for each checkpoint. A recorded series whose every
step is trained on the same window is done again by float64 PyTorch."""
import json
import pathlib
import re
import sys
import tempfile

import h5py
import numpy as np
import torch

from program import SOURCE, must, run
from store_contents import document, texts

sys.path.insert(0, str(SOURCE / "tests/goldens/llama"))
import llama_float64  # noqa: E402

SIZES = ["--vocabulary", "300", "--layers", "1", "--hidden", "16", "--heads", "2", "--key-value-heads", "1", "--intermediate", "24", "--batch", "2",
         "--max-steps", "3", "--checkpoints", "4", "--warmup", "1", "--learning-rate", "1e-2", "--weight-decay", "0.3", "--clip", "0.5", "--dtype", "f32",
         "--threads", "1", "--optimizer-state"]
Z = 0.05
STEPS = ["--source", "steps", "--batch-mean", "tokens", "--clip", "0.5", "--quadrature", "gauss:8", "--precision", "fp64"]
PATTERN = "(_proj|norm)"


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def record(folder):
    """A series with z-loss, whose sequences are as long as the text: there is one window. Returns its token ids."""
    text = folder / "text.txt"
    text.write_text("\n".join(f"the {i} of {i * i % 7} and {i % 5} words" for i in range(40)))
    said = run("record", "--series", folder / "series", "--text", text, *SIZES, "--sequence-length", "100000").stderr
    assert "only" in said, said
    count = int(re.search(r"only (\d+) tokens", said)[1])
    said = must(run("record", "--series", folder / "series", "--overwrite", "--text", text, *SIZES, "--sequence-length", count - 1, "--z-loss", Z, "--decay-on", PATTERN)).stdout
    assert f"--decay-on '{PATTERN}' takes 10 of 12 tensors: model.layers.0." in said and "; not model.embed_tokens.weight, lm_head.weight" in said, said
    samples = lines(folder / "lines.jsonl", [{"text": line} for line in text.read_text().split("\n")])
    shown = must(run("tokenize", folder / "series", "--samples", samples, "--json")).stdout.splitlines()
    ids = [i for line in shown for i in json.loads(line)["input_ids"]]
    assert len(ids) == count, (len(ids), count)
    return ids


def moments(checkpoint):
    from safetensors.torch import load_file
    stored = load_file(checkpoint / "optimizer.safetensors")
    groups = json.loads((checkpoint / "optimizer.json").read_text())["groups"]
    return {name: group | {"m": stored[f"{name}.exp_avg"].double(), "v": stored[f"{name}.exp_avg_sq"].double()} for group in groups for name in group["parameters"]}


def gradient(llama, weights, ids, z):
    leaves = {n: w.clone().requires_grad_(True) for n, w in weights.items()}
    logits = llama.logits(llama_float64.DenseWeights(leaves), torch.tensor([ids]))[0, :-1]
    sums = torch.logsumexp(logits, 1)
    loss = (sums - logits[torch.arange(len(ids) - 1), torch.tensor(ids[1:])]).mean() + z * sums.pow(2).mean()
    loss.backward()
    return {n: leaf.grad for n, leaf in leaves.items()}


def step(weights, grads, state, clip=0.5):
    """θ' and the data part of Δ, by AdamW's formulas."""
    factor = min(1.0, clip / (sum(g.pow(2).sum() for g in grads.values()).sqrt().item() + 1e-6))
    end, data = {}, {}
    for n, w in weights.items():
        s, g = state[n], grads[n] * factor
        k, rate, b1, b2 = s["updates"] + 1, s["learning_rate"], s["beta1"], s["beta2"]
        scale = rate / ((b2 * s["v"] + (1 - b2) * g * g).div(1 - b2 ** k).sqrt() + s["epsilon"])
        data[n] = -scale * (1 - b1) / (1 - b1 ** k) * g
        end[n] = w + data[n] - scale * b1 / (1 - b1 ** k) * s["m"] - rate * s["weight_decay"] * w
    return end, data


def expect_recorded(folder, ids):
    """The series' own next checkpoint is the float64 step with z-loss, and not the one without it."""
    series = folder / "series"
    llama = llama_float64.Llama(json.loads((series / "step-0/config.json").read_text()))
    for s in (0, 1, 2):
        weights, after = (llama_float64.load_weights(series / f"step-{at}") for at in (s, s + 1))
        state = moments(series / f"step-{s}")
        assert {n for n in state if state[n]["weight_decay"] > 0} == {n for n in state if re.search(PATTERN, n)}
        apart = {}
        for z in (Z, 0):
            end, _ = step(weights, gradient(llama, weights, ids, z), state)
            apart[z] = max((end[n] - after[n]).abs().max().item() / (after[n] - weights[n]).abs().max().item() for n in end)
        print(f"step {s}: apart from the recorded update, of it: {apart[Z]:.1e}, without z-loss {apart[0]:.1e}", flush=True)
        assert apart[Z] < 2e-3 and apart[0] > 0.02, apart


def expect_steps(folder, ids):
    """--source steps with --z-loss: the data part's scores are those of autograd; the end is the next checkpoint."""
    series = folder / "series"
    batch, sample = lines(folder / "batch.jsonl", [{"input_ids": ids}]), lines(folder / "sample.jsonl", [{"id": "a", "input_ids": ids[:9]}, {"id": "b", "input_ids": ids[5:20]}])
    at = folder / "list.txt"
    at.write_text(f"2 {series / 'step-2'}\n")
    common = ("--series", at, "--samples", sample, "--training-batch", batch, *STEPS, "--step-precision", "fp64")
    must(run("decompose", *common, "--store", folder / "z.h5", "--z-loss", Z))
    must(run("decompose", *common, "--store", folder / "none.h5"))
    llama = llama_float64.Llama(json.loads((series / "step-2/config.json").read_text()))
    weights = llama_float64.load_weights(series / "step-2")
    end, data = step(weights, gradient(llama, weights, ids, Z), moments(series / "step-2"))
    nodes, quadrature = np.polynomial.legendre.leggauss(8)
    with h5py.File(folder / "z.h5") as file, h5py.File(folder / "none.h5") as none:
        names, found = texts(file["tensor"]), file["psi_data"][0, :, :, 0] if file["psi_data"].ndim == 4 else file["psi_data"][0]
        for row, part in enumerate((ids[:9], ids[5:20])):
            expected = np.zeros(len(names))
            for node, weight in zip(nodes, quadrature):
                grads = gradient(llama, {n: w + (node + 1) / 2 * (end[n] - w) for n, w in weights.items()}, part, 0)
                expected += [weight / 2 * (grads[n] * data[n]).sum().item() for n in names]
            apart = abs(found[row] - expected).max() / abs(expected).max()
            assert apart < 1e-8, apart
        assert json.loads(file.attrs["configuration"])["z-loss"] == "0.05" and "z-loss" not in json.loads(none.attrs["configuration"])
        assert abs(none["psi_data"][()] - file["psi_data"][()]).max() > 0.02 * abs(file["psi_data"][()]).max()
    said = must(run("decompose", "--series", series, "--samples", sample, "--store", folder / "weights.h5", "--z-loss", Z)).stdout
    assert "--z-loss is part of an optimizer's steps (--source steps), and not used" in said, said
    other = run("decompose", *common, "--store", folder / "z.h5", "--z-loss", 0.01, "--resume")
    assert other.returncode == 1 and "z-loss is" in other.stderr, other.stderr


def expect_a_batch_a_checkpoint(folder, ids):
    series = folder / "series"
    sample = lines(folder / "sample.jsonl", [{"id": "a", "input_ids": ids[:9]}])
    lines(folder / "batch-1.jsonl", [{"group": "x", "input_ids": ids[:12]}, {"group": "y", "input_ids": ids[3:9]}])
    lines(folder / "batch-2.jsonl", [{"group": "y", "input_ids": ids[20:30]}, {"group": "w", "input_ids": ids[1:20]}, {"group": "y", "input_ids": ids[2:5]}])
    at = folder / "both.txt"
    at.write_text("".join(f"{s} {series / f'step-{s}'}\n" for s in (1, 2)))
    common = ("--samples", sample, *STEPS, "--axes", "sample,train_group")
    both = ("decompose", "--series", at, *common, "--training-batch", folder / "batch-{step}.jsonl")
    said = must(run(*both, "--store", folder / "both.h5", ranks=2)).stdout
    assert "2 steps of 2 to 3 training samples" in said, said
    must(run("plan", "--series", at, *common, "--training-batch", folder / "batch-{step}.jsonl"))
    with h5py.File(folder / "both.h5") as file:
        groups, found = texts(file["train_group"]), file["psi_data"][()]
        inputs = json.loads(document(file, "inputs"))["training_batch"]
        assert [pathlib.Path(each["file"]).name for each in inputs] == ["batch-1.jsonl", "batch-2.jsonl"] and inputs[0]["crc32"] != inputs[1]["crc32"]
        whole = {name: file[name][()] for name in ("psi", "psi_momentum", "psi_decay", "psi_rounding")}
    assert groups == ["x", "y", "w"]
    for i, s in enumerate((1, 2)):
        alone = folder / f"alone-{s}.txt"
        alone.write_text(f"{s} {series / f'step-{s}'}\n")
        must(run("decompose", "--series", alone, *common, "--training-batch", folder / f"batch-{s}.jsonl", "--store", folder / f"alone-{s}.h5"))
        with h5py.File(folder / f"alone-{s}.h5") as file:
            own = texts(file["train_group"])
            axis = file["psi_data"].shape.index(len(own), 2)
            for group in groups:
                here = np.take(found[i], groups.index(group), axis - 1)
                expected = np.take(file["psi_data"][0], own.index(group), axis - 1) if group in own else 0 * here
                assert abs(here - expected).max() <= 1e-12 * abs(found[i]).max(), (s, group)
            for name, values in whole.items():
                assert abs(values[i] - file[name][0]).max() <= 1e-12 * abs(whole["psi"]).max(), name

    def refused(words, *arguments, code=1):
        process = run(*arguments)
        assert process.returncode == code and words in process.stderr and not (folder / "no.h5").exists(), (words, process.returncode, process.stderr)

    refused("train_sample is an axis of one batch", *[word if word != common[-1] else "sample,train_sample" for word in both], "--store", folder / "no.h5", code=2)
    lines(folder / "batch-2.jsonl", [{"group": "y", "input_ids": ids[20:29]}])
    process = run(*both, "--store", folder / "both.h5", "--resume")
    assert process.returncode == 1 and "another training_batch" in process.stderr, process.stderr
    (folder / "batch-2.jsonl").unlink()
    refused("batch-2.jsonl: is missing: the training batch of the step at", *both, "--store", folder / "no.h5")
    lines(folder / "batch-{step}.jsonl", [{"input_ids": ids[:5]}])
    refused("is a file, and its name stands for a file of every checkpoint's step", *both, "--store", folder / "no.h5")


def expect_decay_by_name(folder, ids):
    """The estimate takes what the pattern takes, and says it."""
    series = folder / "series"
    sample = lines(folder / "sample.jsonl", [{"id": "a", "input_ids": ids[:9]}])
    common = ("decompose", "--series", series, "--samples", sample, "--quadrature", "gauss:3", "--precision", "fp64", "--parts", "decay", "--weight-decay", "0.3",
              "--learning-rate", "1e-2", "--schedule", "constant", "--warmup", "0")
    said = must(run(*common, "--store", folder / "norms.h5", "--decay-on", "norm")).stdout
    assert "note: --decay-on 'norm' takes 3 of 12 tensors: model.layers.0.input_layernorm.weight, model." in said, said
    must(run(*common, "--store", folder / "all.h5", "--decay-on", "all"))
    must(run(*common, "--store", folder / "not.h5", "--decay-on", "^(?!.*norm)"))
    with h5py.File(folder / "norms.h5") as norms, h5py.File(folder / "all.h5") as whole, h5py.File(folder / "not.h5") as others:
        taken = np.array(["norm" in name for name in texts(whole["tensor"])])
        for file, mask in ((norms, taken), (others, ~taken)):
            assert (file["psi_decay"][:, :, mask] == whole["psi_decay"][:, :, mask]).all() and abs(file["psi_decay"][:, :, mask]).max() > 0
            assert (file["psi_decay"][:, :, ~mask] == 0).all()
    for word, words in (("biases", "no parameter's name has 'biases'; names are model.embed_tokens.weight"), ("(norm", "'(norm' is no regular expression")):
        process = run(*common, "--store", folder / "no.h5", "--decay-on", word)
        assert process.returncode == 2 and words in process.stderr and not (folder / "no.h5").exists(), process.stderr
        process = run("record", "--series", folder / "no", "--text", folder / "text.txt", *SIZES, "--decay-on", word)
        assert process.returncode == 2 and words in process.stderr and not (folder / "no").exists(), process.stderr
    # Of a recorded run the pattern is what its groups of parameters are.
    must(run("record", "--history", folder / "run", "--model", "llama", "--text", folder / "text.txt", *SIZES[:14], "--sequence-length", "12", "--weight-decay", "0.3",
             "--threads", "1", "--max-steps", "2", "--decay-on", PATTERN))
    described = json.loads((folder / "run/run.json").read_text())
    decay = [group["weight_decay"] for group in described["optimizer"]["groups"]]
    assert {p["name"] for p in described["parameters"] if decay[p["group"]] > 0} == {p["name"] for p in described["parameters"] if re.search(PATTERN, p["name"])}
    # A run explains minimal pairs too, its training samples do not.
    pairs = lines(folder / "pairs.jsonl", [{"good": ids[:6], "bad": ids[3:8]}])
    explain = ("decompose", "--series", folder / "run", "--samples", pairs, "--quadrature", "gauss:2", "--threads", "1")
    assert "logprob_diff" in must(run(*explain, "--store", folder / "pairs.h5")).stdout
    process = run(*explain, "--store", folder / "no.h5", "--axes", "sample,train_sample")
    assert process.returncode == 2 and "explain F of single sentences, not of minimal pairs" in process.stderr, process.stderr


def main():
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        ids = record(folder)
        expect_recorded(folder, ids)
        expect_steps(folder, ids)
        expect_a_batch_a_checkpoint(folder, ids)
        expect_decay_by_name(folder, ids)
    print("training: z-loss, decay by names and a batch a checkpoint as float64 PyTorch has them")


main()
