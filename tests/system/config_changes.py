"""A series whose config.json changes on the way: cut there by default, or bridged with what the change of config alone does stored beside.
Every stretch and every bridge is the series that a user would have put together by hand, bit for bit; F is transformers'."""
import json
import pathlib
import shutil
import tempfile

import h5py
import numpy
import torch
import transformers
from safetensors.torch import load_file, save_file

from families import RULE, write_text
from program import decompose, must, run, write_samples

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
SMALL = ["--vocabulary", "300", "--hidden", "32", "--intermediate", "48", "--layers", "2", "--heads", "4", "--key-value-heads", "2",
         "--sequence-length", "24", "--batch", "4", "--max-steps", "8", "--warmup", "1", "--checkpoints", "5", "--learning-rate", "1e-2",
         "--threads", "1"]
STEPS = [0, 2, 4, 6, 8]
NEAR = 1e-5  # transformers turns by angles in fp32, whatever the type of the weights


def change(checkpoint, **keys):
    """Checkpoint as it is, with other keys in its config.json."""
    path = checkpoint / "config.json"
    config = json.loads(path.read_text())
    for key, value in keys.items():
        config[key] = value
        if key == "rope_theta":
            for rope in ("rope_parameters", "rope_scaling"):
                if isinstance(config.get(rope), dict) and "rope_theta" in config[rope]:
                    config[rope]["rope_theta"] = value
    path.write_text(json.dumps(config))


def record(family, text, series):
    """Five checkpoints, log-spaced, called by even steps."""
    must(run("record", "--family", family, "--text", text, "--series", series, *SMALL))
    made = sorted(series.glob("step-*"), key=lambda each: int(each.name[5:]))
    assert len(made) == len(STEPS), made
    for place, folder in reversed(list(enumerate(made))):
        folder.rename(series / f"step-{STEPS[place]}")


def listed(path, entries):
    path.write_text("".join(f"{step} {folder}\n" for step, folder in entries))
    return path


def losses(checkpoint, config_of, samples):
    """Mean loss of every sample in transformers, in double: the weights of one checkpoint under the config of another."""
    config = transformers.AutoConfig.from_pretrained(config_of)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float64)
    missing, surplus = model.load_state_dict({k: v.double() for k, v in load_file(checkpoint / "model.safetensors").items()}, strict=False)
    assert not missing and not surplus, (missing, surplus)
    ids = [torch.tensor([json.loads(line)["input_ids"]]) for line in samples.read_text().splitlines()]
    with torch.no_grad():
        return numpy.array([model(input_ids=each, labels=each).loss.item() for each in ids])


def read(path):
    with h5py.File(path) as store:
        wanted = ("psi", "value_from", "value_to", "step_from", "step_to", "left_out", "config_change")
        found = {name: store[name][...] for name in wanted if name in store}
        found["components"] = [bytes(each.tobytes()).decode().rstrip("\0") for each in store["component"][...]]
        changes = store.attrs.get("config_changes", store["provenance"].get("config_changes"))
        found["changes"] = changes
        return found


def equal(a, b, what):
    assert numpy.array_equal(a, b), (what, a, b)


class Series:
    """rope_theta changes at step 6 of a Llama."""

    def __init__(self, folder):
        self.folder, self.samples = folder, write_samples(folder / "samples.jsonl", (20, 13, 24), 300)
        text = write_text(folder / "text.txt")
        self.plain = folder / "plain"
        record("llama", text, self.plain)
        self.series = folder / "changed"
        shutil.copytree(self.plain, self.series)
        for step in (6, 8):
            change(self.series / f"step-{step}", rope_theta=30.0, rms_norm_eps=1e-2)
        self.late = folder / "late"  # all under the later config
        shutil.copytree(self.plain, self.late)
        for step in STEPS:
            change(self.late / f"step-{step}", rope_theta=30.0, rms_norm_eps=1e-2)
        self.qwen = folder / "qwen"
        record("qwen3", text, self.qwen)

    def store(self, name, series, *more, ranks=0):
        path = self.folder / f"{name}.h5"
        done = must(decompose(path, series, self.samples, *RULE, *more, "--overwrite", ranks=ranks))
        return read(path), done.stdout


def expect_cut(of):
    cut, said = of.store("cut", of.series)
    assert "4 → 6" in said and "rope_theta" in said and "--bridge config" in said, said
    equal(cut["step_from"], [0, 2, 6], "segments")
    equal(cut["step_to"], [2, 4, 8], "segments")
    early, _ = of.store("early", of.plain, "--steps", "range:0:2")
    late, _ = of.store("late", of.late, "--steps", "range:6:6")
    for name in ("psi", "value_from", "value_to"):
        equal(cut[name], numpy.concatenate([early[name], late[name]]), name)
    expected = losses(of.series / "step-6", of.series / "step-6", of.samples) - losses(of.series / "step-4", of.series / "step-4", of.samples)
    assert numpy.abs(cut["left_out"] - expected).max() < NEAR, (cut["left_out"], expected)
    gap = cut["left_out"] - (late["value_from"][0] - early["value_to"][1])
    assert numpy.abs(gap).max() < 1e-12, gap
    assert "config_change" not in cut and cut["changes"] is not None and early["changes"] is None
    merged, _ = of.store("merged", of.series, "--steps", "every:4")
    equal(merged["step_from"], [0, 6], "merged")
    equal(merged["step_to"], [4, 8], "merged")
    dropped, _ = of.store("dropped", of.series, "--steps", "list:0", "--step-policy", "drop")
    whole = losses(of.series / "step-8", of.series / "step-8", of.samples) - losses(of.series / "step-0", of.series / "step-0", of.samples)
    moved = dropped["value_to"][0] - dropped["value_from"][0]
    assert numpy.abs(dropped["left_out"] + moved - whole).max() < NEAR, dropped["left_out"]


def expect_bridge(of):
    bridged, said = of.store("bridged", of.series, "--bridge", "config")
    equal(bridged["step_from"], [0, 2, 4, 6], "segments")
    late, _ = of.store("all_late", of.late)
    plain, _ = of.store("plain", of.plain)
    for name in ("psi", "value_from", "value_to"):
        equal(bridged[name][:2], plain[name][:2], name)
        equal(bridged[name][2:], late[name][2:], name)  # the segment across the change is the later network's
    expected = losses(of.series / "step-4", of.series / "step-6", of.samples) - losses(of.series / "step-4", of.series / "step-4", of.samples)
    assert numpy.abs(expected).min() > 1e-4, expected
    equal(bridged["config_change"][[0, 1, 3]], numpy.zeros((3, 3)), "elsewhere")
    assert numpy.abs(bridged["config_change"][2] - expected).max() < NEAR, (bridged["config_change"], expected)
    gap = bridged["config_change"][2] - (late["value_from"][2] - plain["value_from"][2])
    assert numpy.abs(gap).max() < 1e-12, gap
    whole = (bridged["config_change"] + bridged["value_to"] - bridged["value_from"]).sum(axis=0)
    ends = losses(of.series / "step-8", of.series / "step-8", of.samples) - losses(of.series / "step-0", of.series / "step-0", of.samples)
    assert numpy.abs(whole - ends).max() < NEAR, (whole, ends)
    for ranks, more in ((2, ["--parameters", "streamed"]), (3, ["--shards", "3", "--parameters", "gathered"])):
        again, _ = of.store("ranks", of.series, "--bridge", "config", *more, ranks=ranks)
        for name in ("psi", "config_change", "value_to"):
            equal(again[name], bridged[name], (name, ranks))
    # Longer segments: from the earlier weights straight on, under the later config; or their pieces, added up.
    merged, _ = of.store("bridge_merged", of.series, "--bridge", "config", "--steps", "every:4")
    first = losses(of.series / "step-0", of.series / "step-6", of.samples) - losses(of.series / "step-0", of.series / "step-0", of.samples)
    assert merged["psi"].shape[0] == 1 and numpy.abs(merged["config_change"][0] - first).max() < NEAR, merged["config_change"]
    summed, _ = of.store("bridge_summed", of.series, "--bridge", "config", "--steps", "every:4", "--step-policy", "sum")
    assert numpy.abs(summed["config_change"][0] - expected).max() < NEAR
    assert numpy.allclose(summed["psi"][0], bridged["psi"].sum(axis=0), rtol=1e-9, atol=1e-12)
    single, _ = of.store("scalars", of.series, "--bridge", "config", "--component", "parameter")
    assert numpy.allclose(single["psi"], bridged["psi"], rtol=1e-4, atol=1e-7)


def expect_resume(of):
    path = of.folder / "resumed.h5"
    must(decompose(path, of.series, of.samples, *RULE, "--bridge", "config"))
    again = must(decompose(path, of.series, of.samples, *RULE, "--bridge", "config", "--resume"))
    assert "4 of 4 units are there" in again.stdout, again.stdout
    other = decompose(path, of.series, of.samples, *RULE, "--resume")
    assert other.returncode != 0 and "bridge" in other.stderr, other.stderr
    shutil.copytree(of.series, of.folder / "again")
    for step in (6, 8):
        change(of.folder / "again" / f"step-{step}", rope_theta=200.0)
    other = decompose(path, of.folder / "again", of.samples, *RULE, "--bridge", "config", "--resume")
    assert other.returncode != 0 and "config.json" in other.stderr, other.stderr


def expect_new_tensors(of):
    """Llama, then Qwen-3: norms of queries and keys come in."""
    series = listed(of.folder / "series.txt", [(step, of.plain / f"step-{step}") for step in STEPS[:3]] +
                    [(step + 10, of.qwen / f"step-{step}") for step in STEPS[2:]])
    both, said = of.store("both", series, "--component", "tensor")
    assert "architectures" in said, said
    llama, _ = of.store("llama", of.plain, "--steps", "range:0:2")
    qwen, _ = of.store("qwen", of.qwen, "--steps", "range:4:6")
    place = {name: i for i, name in enumerate(both["components"])}
    assert set(place) == set(qwen["components"]) and len(place) == len(llama["components"]) + 4
    assert both["psi"].shape[0] == 4
    for segments, one in (((0, 1), llama), ((2, 3), qwen)):
        for i, name in enumerate(one["components"]):
            equal(both["psi"][list(segments)][..., place[name]], one["psi"][..., i], name)
    norms = [i for name, i in place.items() if name.endswith(("q_norm.weight", "k_norm.weight"))]
    equal(both["psi"][:2][..., norms], numpy.zeros((2, 3, 4)), "norms that are not there yet")
    assert numpy.abs(both["psi"][2:][..., norms]).min() > 0
    streamed, _ = of.store("streamed", series, "--component", "tensor", "--parameters", "streamed", ranks=2)
    equal(streamed["psi"], both["psi"], "streamed")
    refused = decompose(of.folder / "no.h5", series, of.samples, *RULE, "--bridge", "config")
    assert refused.returncode != 0 and "k_norm" in refused.stderr and "step 14" in refused.stderr, refused.stderr
    # The other way round the earlier weights are more than the later network needs.
    back = listed(of.folder / "back.txt", [(step, of.qwen / f"step-{step}") for step in STEPS[:2]] +
                  [(step + 10, of.plain / f"step-{step}") for step in STEPS[3:]])
    bridged, _ = of.store("back", back, "--bridge", "config")
    weights = load_file(of.qwen / "step-2" / "model.safetensors")
    bare = of.folder / "bare"
    bare.mkdir()
    save_file({k: v for k, v in weights.items() if "_norm.weight" not in k or "self_attn" not in k}, bare / "model.safetensors")
    expected = losses(bare, of.plain / "step-6", of.samples) - losses(of.qwen / "step-2", of.qwen / "step-2", of.samples)
    assert numpy.abs(bridged["config_change"][1] - expected).max() < NEAR, (bridged["config_change"], expected)


def expect_refusals(of):
    nothing = decompose(of.folder / "no.h5", of.plain, of.samples, *RULE, "--bridge", "config")
    assert nothing.returncode != 0 and "--bridge config" in nothing.stderr and "Leave it out" in nothing.stderr, nothing.stderr
    word = decompose(of.folder / "no.h5", of.series, of.samples, *RULE, "--bridge", "all")
    assert word.returncode != 0 and "'all'" in word.stderr, word.stderr
    two = listed(of.folder / "two.txt", [(4, of.series / "step-4"), (6, of.series / "step-6")])
    empty = decompose(of.folder / "no.h5", two, of.samples, *RULE, ranks=2)
    assert empty.returncode != 0 and "--bridge config" in empty.stderr, empty.stderr
    heads = of.folder / "heads"
    shutil.copytree(of.plain, heads)
    change(heads / "step-6", num_attention_heads=2, num_key_value_heads=1)
    other = decompose(of.folder / "no.h5", heads, of.samples, *RULE)
    assert other.returncode != 0 and "num_attention_heads" in other.stderr and "step-6" in other.stderr, other.stderr
    shown = must(run("inspect", of.series))
    assert "rope_theta" in shown.stdout and "step 6" in shown.stdout, shown.stdout
    planned = must(run("plan", "--series", of.series, "--samples", of.samples, *RULE, "--bridge", "config"))
    assert "4 segments" in planned.stdout, planned.stdout
    assert not (of.folder / "no.h5").exists()


def main():
    with tempfile.TemporaryDirectory() as temporary:
        of = Series(pathlib.Path(temporary))
        expect_cut(of)
        expect_bridge(of)
        expect_new_tensors(of)
        expect_refusals(of)
        expect_resume(of)
    print("config_changes: ok")


if __name__ == "__main__":
    main()
