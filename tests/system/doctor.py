"""inspect --check: a defect of each kind, planted in a series of a real training, is found and said where it is; clean series of several schedules,
spacings, types and shards give no finding; the same verdict for any number of ranks."""
import json
import pathlib
import shutil
import tempfile

import torch
from safetensors.torch import load_file, save_file

from program import decompose, must, run, write_samples
from trained_series import MODEL, History, series, shard_of, text_of, write

STEPS = list(range(0, 401, 40))


def check(path, *more, ranks=0):
    process = run("inspect", path, "--check", "--json", *more, ranks=ranks)
    assert process.returncode in (0, 1) and process.stdout, (process.returncode, process.stderr)
    report = json.loads(process.stdout)
    assert report["ok"] == (process.returncode == 0) == (not report["findings"]), report
    return report


def clean(path, *more):
    report = check(path, *more)
    assert report["ok"] and all(each["verdict"] == "ok" for each in report["checkpoints"]), (path, report["findings"])
    return report


class Defects:
    """Plants a defect in a copy of a series, and expects findings: {(kind, steps)}."""

    def __init__(self, root, plain):
        self.root, self.plain, self.count = root, plain, 0

    def plant(self, change, expected, plain=None, words=(), more=()):
        self.count += 1
        copy = self.root / f"defect-{self.count}"
        shutil.copytree(plain or self.plain, copy)
        change(copy)
        report = check(copy, *more)
        found = {(each["kind"], tuple(each["steps"])) for each in report["findings"]}
        assert found == set(expected), (self.count, expected, report["findings"])
        texts = " ".join(each["text"] for each in report["findings"])
        for word in words:
            assert word in texts, (word, texts)
        doubtful = {each["step"] for each in report["checkpoints"] if each["verdict"] != "ok"}
        assert doubtful == {step for _, steps in expected for step in steps}, (doubtful, expected)
        shutil.rmtree(copy)


def edit(folder, change):
    """Changes the tensors of the one weight file in a checkpoint's folder."""
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def edit_json(file, **changes):
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def planted_in_weights(defects, history, sharded):
    shard = "model-00002-of-00002.safetensors"

    def foreign_shard(step, source):
        def change(copy):
            part = {name: tensor for name, tensor in history.at(source).items() if shard_of(name, 2) == 1}
            save_file(part, copy / f"step-{step}" / shard, {"format": "pt"})
        return change

    def foreign_tensor(name, step, source):
        return lambda copy: edit(copy / f"step-{step}", lambda weights: weights.update({name: history.at(source)[name]}))

    # Late weights under early names: a whole checkpoint, in the series and not in it.
    defects.plant(lambda copy: shutil.copy(copy / "step-400/model.safetensors", copy / "step-80/model.safetensors"),
                  [("identical_checkpoint", (80, 400))])
    defects.plant(lambda copy: write(copy / "step-120", history.at(390)), [("foreign_checkpoint", (120,))])
    defects.plant(lambda copy: [shutil.copy(copy / "step-0/model.safetensors", copy / f"step-{k}/model.safetensors") for k in (40, 80)],
                  [("identical_checkpoint", (0, 40, 80))], words=("nothing moved in the first steps",))
    # One foreign shard among right ones: from another step of the series, from far, and from a step 10 % later and earlier that is not in it.
    defects.plant(lambda copy: shutil.copy(copy / f"step-400/{shard}", copy / f"step-120/{shard}"), [("identical_file", (120,))], sharded,
                  words=("byte for byte that of step 400",))
    defects.plant(foreign_shard(160, 390), [("foreign_file", (160,))], sharded, words=(shard,))
    defects.plant(foreign_shard(280, 308), [("foreign_file", (280,))], sharded, words=(shard,))
    defects.plant(foreign_shard(320, 288), [("foreign_file", (320,))], sharded, words=(shard,))
    # Single tensors.
    name = "model.layers.2.mlp.up_proj.weight"
    defects.plant(foreign_tensor(name, 280, 50), [("foreign_tensor", (280,))], words=(name,))
    defects.plant(foreign_tensor(name, 280, 308), [("foreign_tensor", (280,))], words=(name,))
    defects.plant(foreign_tensor("model.embed_tokens.weight", 280, 312), [("foreign_tensor", (280,))], words=("model.embed_tokens.weight",))
    defects.plant(foreign_tensor(name, 200, 240), [("identical_tensor", (200,))], words=(name, "steps 200, 240"))

    def not_finite(weights):
        weights["model.norm.weight"][3] = float("nan")
        weights[name][1, 1] = float("inf")

    defects.plant(lambda copy: edit(copy / "step-160", not_finite), [("not_finite", (160,))], words=("1 NaN and 1 infinite", name))


def planted_in_files(defects, sharded):
    def pointer(file):
        file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n")

    def broken(file):
        file.write_bytes(file.read_bytes()[:-100])

    def in_all(copy, change, first=0):
        for step in STEPS:
            if step >= first:
                change(copy / f"step-{step}")

    shard = "model-00001-of-00002.safetensors"
    defects.plant(lambda copy: (copy / f"step-80/{shard}").unlink(), [("missing_file", (80,))], sharded, words=(shard,))
    defects.plant(lambda copy: (copy / "step-80/config.json").unlink(), [("unreadable", (80,))], words=("no config.json",))
    defects.plant(lambda copy: (copy / "step-80/tokenizer.json").unlink(), [("missing_file", (80,))], words=("10 of 11",))
    defects.plant(lambda copy: shutil.copy(copy / "step-80/model.safetensors", copy / "step-80/model-00009-of-00009.safetensors"),
                  [("surplus_file", (80,))])
    defects.plant(lambda copy: pointer(copy / f"step-120/{shard}"), [("lfs_pointer", (120,))], sharded, words=("git lfs pull",))
    defects.plant(lambda copy: pointer(copy / "step-120/tokenizer.json"), [("lfs_pointer", (120,)), ("tokenizer_change", (120,))])
    defects.plant(lambda copy: broken(copy / "step-120/model.safetensors"), [("unreadable", (120,))])
    defects.plant(lambda copy: shutil.rmtree(copy / "step-200"), [("step_gap", (240,))], words=("between steps 160 and 240 1 is missing",))
    defects.plant(lambda copy: edit_json(copy / "step-200/config.json", rope_theta=5e5), [("config_change", (200,))], words=("rope_theta is 500000.0 here",))
    defects.plant(lambda copy: in_all(copy, lambda step: edit_json(step / "config.json", rope_theta=5e5), 200), [("config_change", (200,))],
                  words=("this from here on",))
    defects.plant(lambda copy: in_all(copy, lambda step: (step / "tokenizer.json").write_text("{}"), 320), [("tokenizer_change", (320,))])
    to_bf16 = lambda weights: weights.update({key: value.to(torch.bfloat16) for key, value in weights.items()})
    defects.plant(lambda copy: edit(copy / "step-240", to_bf16), [("dtype_change", (240,))], words=("BF16 here, F32 at step 200",))

    def tie(step):
        edit_json(step / "config.json", tie_word_embeddings=True)
        edit(step, lambda weights: weights.update({"lm_head.weight": weights["model.embed_tokens.weight"].clone()}))

    def untie(copy):
        in_all(copy, tie)
        edit(copy / "step-160", lambda weights: weights["lm_head.weight"].mul_(1.01))

    defects.plant(untie, [("tied_copies", (160,))])
    defects.plant(lambda copy: edit(copy / "step-240", lambda weights: weights.pop("model.layers.1.input_layernorm.weight")), [("tensor_change", (240,))],
                  words=("input_layernorm.weight is missing here",))


def clean_series(root, text, cosine, falling, even, sharded):
    warm = series(root / "warm", cosine, range(0, 24))  # single steps of the warm-up
    logarithmic = root / "logarithmic"
    must(run("record", "--text", text, "--series", logarithmic, *MODEL, "--max-steps", "300", "--checkpoints", "14"))  # bf16, log-spaced
    decay = series(root / "decay", falling, range(0, 401, 20), 4)  # the learning rate falls to nothing at the end
    frozen = root / "frozen"
    for step in STEPS:  # constant: an embedding that is not trained
        write(frozen / f"step-{step}", cosine.at(step, torch.bfloat16) | {"model.embed_tokens.weight": cosine.at(0)["model.embed_tokens.weight"]}, 2)
    for each in (even, sharded, warm, logarithmic, decay, frozen):
        clean(each)
    public = root / "public"  # as Pythia: 0, 1, 2, 4, …, then evenly, and a last step that is no multiple
    series(public, cosine, [0, 1, 2, 4, 8, 16, 32, 64, 100, 150, 200, 250, 300, 333])
    clean(public)


def ranks_and_table(sharded, root):
    copy = root / "ranks"
    shutil.copytree(sharded, copy)
    shutil.copy(copy / "step-400/model-00002-of-00002.safetensors", copy / "step-120/model-00002-of-00002.safetensors")
    alone = check(copy)
    for ranks in (2, 3):
        assert check(copy, ranks=ranks) == alone, ranks
    assert alone["checkpoints"][0]["files"][0]["sha256"] == sha256(copy / "step-0/model-00001-of-00002.safetensors")
    table = run("inspect", copy, "--check")
    assert table.returncode == 1 and "in doubt" in table.stdout and "1 finding: 1 of 11 checkpoints in doubt" in table.stdout, table.stdout
    assert "check, MiB" in table.stderr, table.stderr
    said = run("inspect", sharded, "--check")
    assert said.returncode == 0 and "Nothing was found" in said.stdout, said.stdout
    for arguments, word in (((sharded, "--json"), "--check"), ((root / "cosine", "--check"), "is of a series of checkpoints"),
                            ((root, "--check", "--phases", "x"), "NAME=OFFSET"), ((root / "text.txt", "--check"), "the step is not an integer")):
        process = run("inspect", *arguments)
        assert process.returncode in (1, 2) and word in process.stderr and not process.stdout, (process.stdout, process.stderr)
    samples = write_samples(root / "samples.jsonl", [6, 9], 400)
    for process in (run("plan", "--series", sharded, "--samples", samples), decompose(root / "x.h5", sharded, samples, "--quadrature", "gauss:1")):
        assert must(process).stdout.count("not checked") == 1, process.stdout


def sha256(file):
    import hashlib
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        text = text_of(root / "text.txt")
        cosine = History(root / "cosine", text, "--schedule", "cosine", "--warmup", "40")
        falling = History(root / "falling", text, "--schedule", "wsd", "--warmup", "30", "--decay-steps", "100", "--minimum-learning-rate", "0.01")
        even, sharded = series(root / "even", cosine, STEPS), series(root / "sharded", cosine, STEPS, 2)
        clean_series(root, text, cosine, falling, even, sharded)
        defects = Defects(root, even)
        planted_in_weights(defects, cosine, sharded)
        planted_in_files(defects, sharded)
        ranks_and_table(sharded, root)
        print(f"{defects.count} planted defects are found where they are, and clean series give no finding")


main()
