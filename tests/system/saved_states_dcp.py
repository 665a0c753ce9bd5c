"""One small training of two ranks, saved by torch.distributed.checkpoint as FSDP, OLMo-core, torchtitan and Megatron do, gives the scores of the same states
as Hugging Face files, bit for bit: of the weights' change and of the optimizer's steps."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import h5py

from program import SOURCE, must, run, write_samples
from store_contents import contents, document

WRITER = SOURCE / "tests/goldens/saved_states/distributed_checkpoints.py"
sys.path.insert(0, str(WRITER.parent))
import distributed_checkpoints as writer  # noqa: E402


def scores(series, folder, samples, steps, *more):
    store = folder / f"{series.name}-{'steps' if steps else 'weights'}.h5"
    source = ("--source", "steps", "--training-batch", samples, "--batch-mean", "tokens", "--clip", "0.5") if steps else ()
    said = must(run("decompose", "--series", series, "--samples", samples, "--store", store, "--quadrature", "gauss:3", "--axes", "sample", "--component", "head", *source, *more))
    with h5py.File(store) as file:
        return contents(store), said.stdout + said.stderr, json.loads(document(file, "inputs"))


def expect_refusal(process, *words):
    assert process.returncode == 1, (process.returncode, process.stdout, process.stderr)
    for word in words:
        assert word in process.stderr, (word, process.stderr)


def expect_same(folder, layouts, samples):
    plain = {}
    for layout in layouts:
        family = writer.family_of(layout)
        for steps in (False, True):
            if (family, steps) not in plain:
                plain[family, steps] = scores(folder / f"plain_{family}", folder, samples, steps)[0]
            found, said, inputs = scores(folder / layout, folder, samples, steps)
            assert found.keys() == plain[family, steps].keys(), (layout, steps)
            for name, value in found.items():
                assert value == plain[family, steps][name], (layout, steps, name)
        names = {each["file"] for each in inputs["series"]}
        assert any(name.endswith(".metadata") for name in names) and any(name.endswith("__1_0.distcp") for name in names), names
        assert any(each["file"].endswith(".metadata") for each in inputs["optimizers"]), inputs["optimizers"]
        assert "a checkpoint of torch.distributed.checkpoint" in said and "put together" in said, said
    assert plain["llama", True] != plain["llama", False]


def expect_in_other_programs(folder, samples):
    """plan and inspect take such folders too; so does a copy of the model beside them, which is then what is read."""
    planned = must(run("plan", "--series", folder / "nested", "--samples", samples, "--source", "steps", "--training-batch", samples, "--batch-mean", "tokens", "--clip", "0")).stdout
    assert "store" in planned, planned
    shown = must(run("inspect", folder / "accelerate")).stdout
    assert "3 checkpoints" in shown and "what the training program saved, in 3 of 3" in shown and "beside" not in shown, shown
    must(run("inspect", folder / "nested", "--check"))
    both = folder / "both"
    shutil.copytree(folder / "plain_llama", both)
    for step in both.iterdir():
        for file in ("optimizer.safetensors", "optimizer.json"):
            (step / file).unlink()
        for part in (folder / "nested" / step.name).iterdir():
            shutil.copy(part, step)
    found, said, _ = scores(both, folder, samples, True)
    assert found == scores(folder / "plain_llama", folder, samples, True, "--overwrite")[0]
    assert "the weights are those of the model's own files" in said, said


def expect_refusals(folder, samples):
    broken = folder / "broken"

    def refused(layout, change, *words, steps=False):
        shutil.rmtree(broken, ignore_errors=True)
        shutil.copytree(folder / layout, broken)
        change(broken)
        source = ("--source", "steps", "--training-batch", samples, "--batch-mean", "tokens", "--clip", "0") if steps else ()
        expect_refusal(run("decompose", "--series", broken, "--samples", samples, "--store", folder / "refused.h5", *source), *words)
        assert not (folder / "refused.h5").exists()

    refused("nested", lambda s: (s / "config.json").unlink(), "does not say which model it is of", str(broken))
    refused("nested", lambda s: (s / "step-3/__1_0.distcp").unlink(), "step-3/__1_0.distcp", "is missing")
    refused("nested", lambda s: os.truncate(s / "step-3/__1_0.distcp", 5000), "step-3/__1_0.distcp", "is cut short")
    refused("accelerate", lambda s: shutil.rmtree(s / "step-3/optimizer_0"), "step-3", "holds no optimizer's state", steps=True)
    refused("accelerate", lambda s: shutil.rmtree(s / "step-3/pytorch_model_fsdp_0"), "step-3", "has an optimizer's state alone")

    def other_rate(series):
        import torch
        torch.save({"_last_lr": [0.1, 0.2]}, series / "step-3/scheduler.pt")
    refused("accelerate", other_rate, "scheduler.pt says", steps=True)

    def other_heads(series):
        config = json.loads((series / "config.json").read_text())
        config.update(num_attention_heads=8, num_key_value_heads=4, head_dim=2)
        (series / "config.json").write_text(json.dumps(config))
    refused("megatron", other_heads, "common.pt", "num_attention_heads 4, and config.json says num_attention_heads 8")
    refused("megatron", lambda s: (s / "step-2/common.pt").unlink(), "is in no group", steps=True)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        layouts = [*writer.LAYOUTS, "tied"]
        written = subprocess.run([sys.executable, WRITER, folder, *layouts], capture_output=True, text=True)
        assert written.returncode == 0, written.stderr
        samples = write_samples(folder / "samples.jsonl", (9, 12, 7), writer.SIZES["vocab_size"])
        expect_same(folder, layouts, samples)
        print(f"{', '.join(layouts)}: the same bits as plain files", flush=True)
        expect_in_other_programs(folder, samples)
        expect_refusals(folder, samples)


main()
