"""Options that exclude each other, or that the input does not have: each has its message and exit code, and leaves nothing."""
import os
import pathlib
import pty
import subprocess
import sys
import tempfile

from safetensors.numpy import load_file, save_file

from program import EXPLAIND, GOLDENS, decompose, must, run

SERIES, SAMPLES = GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl"
RUN = ["--model", "grokking_transformer", "--modulus", "7", "--train-samples", "16", "--validation-samples", "8", "--hidden", "8", "--heads", "2",
       "--intermediate", "8", "--batch", "8", "--max-steps", "4", "--warmup", "1", "--threads", "1"]
DECAY = ["--parts", "decay", "--weight-decay", "0.1", "--learning-rate", "0.001", "--warmup", "0", "--schedule", "cosine",
         "--minimum-learning-rate", "0"]
STEPS = ["--source", "steps", "--training-batch", SAMPLES, "--batch-mean", "tokens", "--clip", "0"]
# What is given beside a series and samples, and words of the message.
OF_A_SERIES = [
    (["--parts", "gradient"], "unknown value 'gradient'"),
    (["--parts", "decay,decay"], "decay stands twice"),
    (["--parts", "rounding"], "does not say what of an update came from training data"),
    (["--parts", "decay"], "missing: "),
    ([*DECAY, "--max-steps", "1000", "--decay-on", "norms"], "no parameter's name has 'norms'; names are model.embed_tokens.weight"),
    ([*DECAY, "--max-steps", "99", "--decay-on", "all"], "the training has 99 steps, and the last checkpoint is of step 100"),
    (["--source", "steps"], "needs the training batch"),
    (["--training-batch", SAMPLES], "belongs to the steps of an optimizer"),
    (STEPS[:4], "what the training's loss was"),
    (STEPS[:6], "how the training clipped its gradients"),
    ([*STEPS, "--steps", "every:2"], "chooses among segments between checkpoints"),
    (["--axes", "sample,output,component"], "output is an axis where"),
    (["--step-index", "applied"], "numbers the training axis of a recorded run"),
    (["--component", "parameter", "--axes", "sample,position,component"], "has no positions"),
    (["--component", "parameter", "--axes", "sample,train_sample,component"], "has no training axis"),
    (["--component", "parameter", *STEPS], "not of an optimizer's step in its parts"),
    (["--component", "parameter", "--parts", "decay"], "are not told apart for single scalars"),
    (["--component", "parameter", "--parameters", "streamed"], "need the whole model in memory"),
    (["--component", "parameter", "--precision", "bf16"], "formed in fp32 or fp64"),
    (["--component", "parameter", "--device", "cuda"], "by the processor"),
    (["--component", "parameter", "--memory", "1MB"], "a rank may take"),
    (["--resume", "--overwrite"], "Give one of them"),
    (["--device", "gpu"], "--device"),
    (["--shards", "2"], "1 rank cannot be divided into groups of 2"),
    (["--segment-groups", "2"], "1 rank cannot be divided into 2 groups"),
    (["--quadrature", "simpson:3"], "cannot read 'simpson:3'"),
    (["--steps", "some"], "'some' is not understood"),
    (["--steps", "top:2"], "'top:2' is not understood"),
    (["--functional", "logit"], "--functional"),
]
OF_A_RUN = [
    (["--samples", SAMPLES], "come from its own data"),
    (["--samples", "validation:5-3"], "'validation:5-3' is no range of samples"),
    (["--axes", "sample,position,component"], "is an axis of language models"),
    (["--parameters", "streamed"], "it is no chain of blocks"),
    (["--product-form", "split"], "chains of blocks only"),
    (STEPS, "segments are its optimizer's steps already"),
    (["--functional", "logit", "--axes", "sample,component"], "Keep the axis output"),
    (["--axes", "sample,train_sample,component", "--parts", "data"], "keeps psi_data and psi_decay anyway"),
    (["--axes", "sample,train_sample,component", "--steps", "every:2"], "momentum reaches over all steps"),
    (["--axes", "sample,train_sample,component", "--precision", "fp64"], "in the run's own type"),
    (["--axes", "sample,train_sample,component", "--value-precision", "same"], "in fp64"),
]
OF_RECORD = [
    ([], "neither --series nor --history is given"),
    (["--series", "s", "--history", "h"], "both --series and --history are given"),
    (["--series", "s"], "--text is missing"),
    (["--series", "s", "--model", "cnn"], "cnn leaves no series"),
    (["--series", "s", "--optimizer", "sgd"], "a series is trained with adamw"),
    (["--series", "s", "--schedule", "constant"], "a series is trained with cosine"),
    (["--history", "s", "--z-loss", "1e-4"], "is of a series"),
    (["--series", "s", "--epochs", "1"], "a series is trained on random windows"),
    (["--series", "s", "--resume"], "--resume: "),
    (["--history", "h"], "--text is missing"),
    (["--history", "h", "--heads", "7", "--hidden", "16"], "must divide --hidden"),
    (["--history", "h", "--heads", "16", "--hidden", "16"], "the head size must be even"),
    (["--history", "h", "--heads", "4", "--hidden", "16", "--key-value-heads", "3"], "must divide --heads"),
    (["--history", "h", "--optimizer", "sgd", "--keep", "second_moment"], "sgd has no second moment"),
    (["--history", "h", "--keep", "weights"], "unknown value 'weights'"),
    (["--history", "h", "--model", "grokking_transformer", "--overwrite", "--resume"], "both --overwrite and --resume are given"),
    (["--history", "h", "--model", "resnet9", "--data", "d", "--classes", "3|cat"], "'cat' is no label of 0 to 9"),
]
OF_A_STORE = [
    (["--columns", "kind", "--format", "csv"], "shapes tables, not csv"),
    (["--group-by", "layer", "--columns", "kind"], "'kind' is not among the coordinates of the result"),
    (["--group-by", "group", "--error", "--format", "npy"], "has no place in an array"),
]
failures = []


def expect(process, arguments, words, code=2):
    text = process.stderr if isinstance(process.stderr, str) else process.stderr.decode()
    if process.returncode != code or text.count("\nerror: ") + text.startswith("error: ") != 1 or words not in text:
        failures.append(f"{' '.join(map(str, arguments))}: exit {process.returncode}, not {code}, with '{words}'\n    {text.strip()}")


def on_a_terminal(*arguments):
    """The program with a terminal as its standard output."""
    ours, its = pty.openpty()
    try:
        return subprocess.run([EXPLAIND, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=its, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(ours)
        os.close(its)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        store, history, out = folder / "store.h5", folder / "run", folder / "out.h5"
        must(decompose(store, SERIES, SAMPLES, "--quadrature", "gauss:1"))
        must(run("record", "--history", history, *RUN))
        before = sorted(folder.iterdir())
        for arguments, words in OF_A_SERIES:
            expect(decompose(out, SERIES, SAMPLES, *arguments), arguments, words)
        for arguments, words in OF_A_RUN:
            samples = [] if "--samples" in arguments else ["--samples", "validation"]
            expect(run("decompose", "--series", history, *samples, "--store", out, *arguments), arguments, words)
        for arguments, words in OF_RECORD:
            expect(run("record", *arguments, cwd=folder), arguments, words)
        for arguments, words in OF_A_STORE:
            expect(run("query", store, *arguments), arguments, words)
        expect(on_a_terminal("query", store, "--format", "npy"), ["npy on a terminal"], "bytes that a terminal cannot show")
        plan = ["plan", "--series", SERIES, "--samples", SAMPLES]
        expect(run(*plan, "--evaluations", "0"), ["--evaluations 0"], "--evaluations")
        expect(run("plan", "--series", history, "--samples", "validation", "--functional", "logit", "--axes", "sample,output,component", "--losses"),
               ["--losses of all classes"], "shows one number a sample")
        expect(run("study", "exactnes", "--history", history), ["study exactnes"], "exactnes")
        expect(run("study", "exactness", "--history", history, "--rules", ""), ["--rules ''"], "the list is empty")
        for samples, words in (("validation:7|8", "the run has 8 validation samples, counted from 0, and not 8"),
                               ("train:first", "and not first")):
            expect(run("decompose", "--series", history, "--samples", samples, "--store", out), [samples], words, code=1)
        data = load_file(history / "data.safetensors")
        data["validation/labels"][3] = 50
        save_file(data, history / "data.safetensors")
        expect(run("decompose", "--series", history, "--samples", "validation", "--store", out), ["a label of no class"],
               "a label is 50, and the model has 9 classes", code=1)
        left = [path for path in sorted(folder.iterdir()) if path not in before]
        if left:
            failures.append(f"left behind: {left}")
    if failures:
        sys.exit(f"{len(failures)} cases failed:\n" + "\n".join(failures))
    print("what cannot be asked together is refused by name")


main()
