"""What src/runs/recorder.py says at once, in a sentence that names the layer or the argument, and leaves no folder; how a run ends: by `with`, by an
exception, by the program's end, by close(), or closed afterwards where the program was killed."""
import json
import pathlib
import subprocess
import sys
import tempfile

import h5py
import torch
from safetensors.torch import load_file, save_file

from program import SOURCE, must, run

sys.path.insert(0, str(SOURCE / "src/runs"))
from recorder import Recorder  # noqa: E402

nn = torch.nn
X, Y, IMAGES = torch.randn(10, 4), torch.randint(0, 3, (10,)), torch.randn(10, 2, 6, 6)


class Subclass(nn.Sequential):
    def forward(self, x):
        return super().forward(x) + 1


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 3)


def chain(*layers):
    return nn.Sequential(*layers, nn.Linear(4, 3))


def shared():
    layer = nn.Linear(4, 4)
    return chain(layer, nn.ReLU(), layer)


def mixed():
    model = chain(nn.Linear(4, 4))
    model[0].double()
    return model


def used(model):
    optimizer = torch.optim.AdamW(model.parameters())
    model(X).sum().backward()
    optimizer.step()
    return optimizer


MODELS = {  # a model, words of the message
    "layer 0 (BatchNorm1d) cannot be decomposed: this kind is not known": chain(nn.BatchNorm1d(4)),
    "layer 1 (Softplus) cannot be decomposed": chain(nn.Linear(4, 4), nn.Softplus()),
    "layer 2 (Softmax)": nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Softmax(-1)),
    "layer 1 (Dropout(p=0.5": chain(nn.Linear(4, 4), nn.Dropout(0.5)),
    "give dropout='evaluation'": chain(nn.Dropout(0.1)),
    "layer 0.1 (LayerNorm)": chain(nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))),
    "(2.weight)": shared(),
    "this model is a Net": Net(),
    "this model is a Linear": nn.Linear(4, 3),
    "this model is a Subclass": Subclass(nn.Linear(4, 3)),
    "torch.float32 and torch.float64": mixed(),
    "torch.bfloat16; a run has": chain(nn.Linear(4, 4)).to(torch.bfloat16),
}
OF_IMAGES = {
    "its groups is 2, and only 1 is known": nn.Conv2d(2, 2, 3, groups=2),
    "its dilation is (2, 2)": nn.Conv2d(2, 2, 3, dilation=2),
    "its padding_mode is 'reflect'": nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"),
    "its kernel_size is (3, 1), and must be the same": nn.Conv2d(2, 2, (3, 1)),
    "its stride is (1, 2)": nn.Conv2d(2, 2, 3, stride=(1, 2)),
    "with an even kernel": nn.Conv2d(2, 2, 2, padding="same"),
    "its ceil_mode is True": nn.MaxPool2d(2, ceil_mode=True),
    "its divisor_override is 3": nn.AvgPool2d(2, divisor_override=3),
    "its output_size is 2": nn.AdaptiveAvgPool2d(2),
    "it flattens axes 2 to -1": nn.Flatten(2),
    "it is given an image, and takes a vector": nn.Linear(6, 6),
}


def refused(words, act, folder):
    try:
        act()
    except (ValueError, RuntimeError, FileExistsError) as error:
        text = str(error)
        assert words in text and "\n" not in text and len(text) > 40, (words, text)
        assert folder is None or not folder.exists(), words
        return
    raise AssertionError(f"not refused: {words}")


def expect_models(folder):
    for words, model in MODELS.items():
        data = {"train": (X, Y)}
        refused(words, lambda: Recorder(folder / "no", model, torch.optim.SGD(model.parameters()), 10, data), folder / "no")
    for words, layer in OF_IMAGES.items():
        model = nn.Sequential(layer, nn.Flatten(), nn.LazyLinear(3))
        if not isinstance(layer, nn.Flatten):
            model(IMAGES)
        parameters = [p for p in model.parameters() if not isinstance(p, nn.parameter.UninitializedParameter)] or [torch.nn.Parameter(torch.zeros(1))]
        if isinstance(layer, nn.Flatten):
            model = nn.Sequential(layer, nn.Linear(36, 3))
            parameters = model.parameters()
        refused(words, lambda: Recorder(folder / "no", model, torch.optim.SGD(parameters), 10, {"train": (IMAGES, Y)}), folder / "no")
    model = chain(nn.Linear(4, 4))  # data parallelism and torch.compile leave its parameters as they are
    with Recorder(folder / "parallel", nn.DataParallel(model), torch.optim.SGD(model.parameters()), 10, {"train": (X, Y)}) as recorder:
        assert list(recorder.named) == [name for name, _ in model.named_parameters()]
    # Any of them is recorded where nothing but reading is wanted.
    model = MODELS["this model is a Net"]
    with Recorder(folder / "net", model, torch.optim.SGD(model.parameters()), 10, inspect_only=True):
        pass
    assert "Net" in must(run("inspect", folder / "net")).stdout


def expect_arguments(folder):
    model = chain(nn.Linear(4, 4))
    fresh = lambda: torch.optim.AdamW(model.parameters())  # noqa: E731
    other = nn.Linear(2, 2)
    both = torch.optim.Adam([{"params": model[0].parameters(), "decoupled_weight_decay": True}, {"params": model[1].parameters()}])
    train = {"train": (X, Y)}
    cases = [("RMSprop; AdamW, Adam and SGD", torch.optim.RMSprop(model.parameters()), train), ("NAdam; AdamW", torch.optim.NAdam(model.parameters()), train),
             ("amsgrad=True", torch.optim.AdamW(model.parameters(), amsgrad=True), train), ("maximize=True", torch.optim.SGD(model.parameters(), maximize=True), train),
             ("has made steps before", used(model), train), ("some groups of the optimizer decouple", both, train),
             ("2 parameters that are not the model's", torch.optim.SGD([*model.parameters(), *other.parameters()]), train),
             ("samples is 10, and data['train'] has 9", fresh(), {"train": (X[:9], Y[:9])}), ("data has no 'train'", fresh(), {"validation": (X, Y)}),
             ("and has 'test'", fresh(), {"train": (X, Y), "test": (X, Y)}), ("nothing can be decomposed without data", fresh(), None),
             ("the inputs of train are torch.float16", fresh(), {"train": (X.half(), Y)}), ("the labels of train are torch.float32", fresh(), {"train": (X, Y.float())}),
             ("images of uint8: say with transform", fresh(), {"train": (torch.zeros(10, 1, 2, 2, dtype=torch.uint8), Y)}),
             ("the labels of train are torch.int64 (9,)", fresh(), {"train": (X, Y[:9])}), ("and this is a tuple", fresh(), (X, Y)),
             ("has 'train' with a TensorDataset", fresh(), {"train": torch.utils.data.TensorDataset(X, Y)}),
             ("not finite numbers, in samples [2] (1 in all)", fresh(), {"train": (X.index_fill(0, torch.tensor([2]), float("nan")), Y)})]
    for words, optimizer, data in cases:
        refused(words, lambda: Recorder(folder / "no", model, optimizer, 10, data), folder / "no")
    refused("'vgg'", lambda: Recorder(folder / "no", model, fresh(), 10, train, {"name": "vgg", "config": {}}), folder / "no")
    (folder / "there").mkdir()
    Recorder(folder / "there", model, fresh(), 10, train).close()  # an empty folder is as good as a new one
    refused("exists already and is not empty", lambda: Recorder(folder / "there", model, fresh(), 10, train), None)


def expect_steps(folder):
    model = chain(nn.Linear(4, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recorder = Recorder(folder / "steps", model, optimizer, 10, {"train": (X, Y)})
    model(X).sum().backward()
    start = [p.detach().clone() for p in model.parameters()]
    refused("came without recorder.batch(indices)", optimizer.step, None)
    assert all(torch.equal(a, b) for a, b in zip(start, model.parameters())), "the step that is refused is not made"
    for words, arguments in {"run from 3 to 10": ([3, 10],), "run from -1": ([-1],), "indices are torch.bool": (Y > 0,), "indices are torch.float32": ([0.5],),
                             "indices are torch.int64 (2, 2)": ([[1, 2], [3, 4]],), "(0,)": (torch.zeros(0, dtype=torch.int64),), "clip is 3.5": ([1], 3.5),
                             "clip is 0.0": ([1], 0), "clip is nan": ([1], float("nan"))}.items():
        refused(words, lambda: recorder.batch(*arguments), None)
    for words, arguments in {"not a slice": (slice(0, 3),), "not a NoneType": (None,), "loss has the shape (2,)": ([1, 2], 1, torch.ones(2)),
                             "loss is one number, the mean over the batch, and not a str": ([1], 1, "low")}.items():
        refused(words, lambda: recorder.batch(*arguments), None)
    recorder.batch([1, 2], loss=0.5)
    refused("batch() was called twice", lambda: recorder.batch([3]), None)
    recorder.skip()
    recorder.batch(torch.tensor([1, 2]), loss=torch.tensor(0.5))
    optimizer.step()
    refused("loss was given at some steps", lambda: recorder.batch([1]), None)
    refused("came without recorder.batch", optimizer.step, None)
    recorder.close()
    recorder.close()
    refused("the recorder is closed", lambda: recorder.batch([1]), None)
    optimizer.step()  # is not the recorder's business any more
    text = must(run("inspect", folder / "steps")).stdout
    assert "steps      1 in 1 block" in text and "complete" in text, text


PROGRAM = """
import os, signal, sys, torch
sys.path.insert(0, sys.argv[1])
from recorder import Recorder
model = torch.nn.Sequential(torch.nn.Linear(4, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(10, 4), torch.randint(0, 3, (10,))
recorder = Recorder(sys.argv[2], model, optimizer, 10, {"train": (x, y)}, block=2)
def steps():
    for step in range(5):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        recorder.batch(range(10))
        optimizer.step()
how = sys.argv[3]
if how == "with":
    with recorder:
        steps()
        raise KeyError("of the loop")
steps()
if how == "raises":
    raise KeyError("of the loop")
if how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


def expect_endings(folder):
    for how, ended in [("with", "KeyError"), ("raises", "the program's exit"), ("leaves", "the program's exit"), ("killed", None)]:
        target = folder / how
        process = subprocess.run([sys.executable, "-c", PROGRAM, str(SOURCE / "src/runs"), str(target), how], capture_output=True, text=True)
        assert (process.returncode == 0) == (how == "leaves"), (how, process.stderr)
        if how == "killed":
            process = run("decompose", "--series", target, "--samples", "train", "--store", folder / "no.h5")
            assert process.returncode == 1 and f"`python recorder.py {target}` closes it" in process.stderr and "4 steps are there" in process.stderr, process.stderr
            must(subprocess.run([sys.executable, SOURCE / "src/runs/recorder.py", target], capture_output=True, text=True))
        complete = json.loads((target / "complete.json").read_text())
        assert complete["steps"] == (4 if how == "killed" else 5) and (how == "killed" or complete["ended"] == ended), (how, complete)
        must(run("decompose", "--series", target, "--samples", "train", "--store", folder / f"{how}.h5"))
    must(run("decompose", "--series", target, "--samples", "train", "--axes", "sample,train_sample", "--store", folder / "train.h5"))
    (target / "blocks/00000000-00000001.safetensors").unlink()
    process = subprocess.run([sys.executable, SOURCE / "src/runs/recorder.py", target], capture_output=True, text=True)
    assert process.returncode == 1 and "steps 0 to 1 are missing" in process.stderr, process.stderr


def expect_useless_runs(folder):
    """A run without a step, and one of inputs that are no numbers (as other programs than recorder.py may leave them)."""
    model = chain(nn.Linear(4, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    Recorder(folder / "none", model, optimizer, 10, {"train": (X, Y)}).close()
    for verb in ("decompose", "plan"):
        process = run(verb, "--series", folder / "none", "--samples", "train", *(["--store", folder / "none.h5"] if verb == "decompose" else []))
        assert process.returncode == 1 and "the run has no step" in process.stderr, process.stderr
    process = run("study", "exactness", "--history", folder / "none")
    assert process.returncode == 1 and "the run has no step" in process.stderr, process.stderr
    with Recorder(folder / "odd", model, optimizer, 10, {"train": (X, Y)}) as recorder:
        torch.nn.functional.cross_entropy(model(X), Y).backward()
        recorder.batch(range(10))
        optimizer.step()
    data = load_file(folder / "odd/data.safetensors")
    data["train/inputs"][2] = float("nan")
    save_file(data, folder / "odd/data.safetensors")
    for more in ((), ("--quadrature", "gauss:3")):
        process = run("decompose", "--series", folder / "odd", "--samples", "train:1:3", "--store", folder / "odd.h5", "--overwrite", *more)
        assert process.returncode == 3, (process.returncode, process.stderr)
        assert "Not finite, and of no use" in process.stdout and "1 of 3 (segment, sample) pairs" in process.stdout and "train/2" in process.stdout, process.stdout


def expect_contradictions(folder):
    """What was recorded is not what was trained: said where psi_rounding is stored, and of no true record, also where fp32 rounds off most of a step."""
    cases = {"true": ("", 1e-2), "tiny steps": ("", 1e-9), "clip": ("clip", 1e-2), "batch": ("batch", 1e-2), "sum": ("sum", 1e-2)}
    for name, (wrong, rate) in cases.items():
        torch.manual_seed(7)
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=rate) if wrong == "sum" else torch.optim.AdamW(model.parameters(), lr=rate)
        with Recorder(folder / name, model, optimizer, 10, {"train": (X, Y)}) as recorder:
            for step in range(6):
                indices = torch.randperm(10)[:5]
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(X[indices]), Y[indices], reduction="sum" if wrong == "sum" else "mean").backward()
                factor = 0.1 if wrong == "clip" and step % 2 else 1.0
                for p in model.parameters():
                    p.grad *= factor
                recorder.batch(torch.randperm(10)[:5] if wrong == "batch" else indices)
                optimizer.step()
        for more in (["--parts", "rounding,data,decay"], ["--axes", "sample,train_sample", "--step-index", "applied"]):
            store = folder / f"{name}.h5"
            text = must(run("decompose", "--series", folder / name, "--samples", "train:0:3", "--store", store, "--overwrite", "--quadrature", "gauss:3", *more)).stdout
            with h5py.File(store) as file:
                share = abs(file["psi_rounding"][()]).sum() / abs(file["psi"][()]).sum()
            assert (share > 0.01) == (name != "true"), (name, share)
            assert (f"note: psi_rounding is {100 * share:.0f} % of psi" in text) == bool(wrong), (name, share, text)
            assert ("note: psi_rounding" in text) == bool(wrong) and ("src/runs/README.md" in text) == bool(wrong), (name, share, text)


def main():
    with tempfile.TemporaryDirectory() as name:
        for expect in [expect_models, expect_arguments, expect_steps, expect_endings, expect_useless_runs, expect_contradictions]:
            expect(pathlib.Path(name))
    print("refused in sentences, closed whatever ends the program")


sys.exit(main())
