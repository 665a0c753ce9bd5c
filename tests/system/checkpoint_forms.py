"""Checkpoints in the forms that training programs leave give the store of the same weights in plain safetensors; where a form is refused, the
remedy in the message cures: its commands are run here, and then the series gives that store. A remedy that is not run here says why."""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

import torch
from safetensors.torch import load_file, save_file

from program import GOLDENS, SOURCE, decompose, must, run
from store_contents import contents
from warm_python import WarmPython

SERIES, SAMPLES = GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl"
STEPS = sorted(SERIES.iterdir(), key=lambda p: int(p.name.split("-")[-1]))[:2]  # two are enough
failures = []


def states():
    return [load_file(step / "model.safetensors") for step in STEPS]


class Series:
    """A copy of the two checkpoints without weights; the case writes them."""

    def __init__(self, folder, name, config=None, names=None):
        self.name, self.folder = name, folder / name.replace(" ", "-")
        for k, step in enumerate(STEPS):
            target = self.folder / (names[k] if names else step.name)
            target.mkdir(parents=True)
            text = json.loads((step / "config.json").read_text()) | (config or {})
            (target / "config.json").write_text(json.dumps(text))

    def checkpoints(self):
        return sorted((p for p in self.folder.iterdir() if p.is_dir()), key=lambda p: [int(n) for n in re.findall(r"\d+", p.name)])

    def write(self, form, file="pytorch_model.bin", save=torch.save, **how):
        for target, state in zip(self.checkpoints(), states()):
            save(form(state), target / file, **how)
        return self

    def decompose(self, *more, series=None):
        store = self.folder.with_suffix(".h5")
        return decompose(store, series or self.folder, SAMPLES, "--overwrite", *more), store


def expect(case, condition, text):
    if not condition:
        failures.append(f"{case}: {text}")


def same(case, process, store, reference):
    if process.returncode != 0:
        failures.append(f"{case}: exit {process.returncode}\n    {process.stderr.strip()}")
    else:
        expect(case, contents(store) == reference, "another store than that of the plain series")


def transposed(state):
    return {n: t.t().contiguous().t() if t.dim() == 2 else t for n, t in state.items()}


def every_second(state):
    """Each tensor as every second element of a storage twice as long."""
    spread = {n: torch.stack([t, torch.full_like(t, 7)], dim=-1) for n, t in state.items()}
    return {n: t[..., 0] for n, t in spread.items()}


def flat(state):
    whole = torch.cat([t.flatten() for t in state.values()])
    ends = torch.tensor([0] + [t.numel() for t in state.values()]).cumsum(0).tolist()
    return {n: whole[a:b].view(t.shape) for (n, t), a, b in zip(state.items(), ends, ends[1:])}


def prefixed(prefix):
    return lambda state: {prefix + n: t.clone() for n, t in state.items()}


def inner(state):
    return {n.removeprefix("model."): t.clone() for n, t in state.items()}


def read_forms(folder, reference):
    forms = {"transposed": transposed, "every second": every_second, "flat": flat, "parameters": lambda s: {n: torch.nn.Parameter(t) for n, t in s.items()},
             "in model": lambda s: {"model": s, "step": 3, "optimizer": {"state": {}, "param_groups": [{"lr": .1}]}},
             "in state_dict": lambda s: {"epoch": 1, "state_dict": s}, "in module and app": lambda s: {"app": {"model": s}},
             "in a name of its own": lambda s: {"ema": s, "step": 3}, "in two names of its own": lambda s: {"run": {"weights_now": s}, "losses": torch.ones(3)},
             "beside a generator": lambda s: {"model": s, "rng_state": torch.get_rng_state()},
             "with numbers": lambda s: {**s, "step": 5, "model.extra_state": None},
             "ddp": prefixed("module."), "compiled ddp": prefixed("module._orig_mod."), "inner": inner}
    for name, form in forms.items():
        process, store = Series(folder, f"bin {name}").write(form).decompose()
        same(f"bin {name}", process, store, reference)
    said = must(Series(folder, "said").write(forms["in model"]).decompose()[0]).stdout
    expect("in model", 'the weights are those of its entry "model" (in all 2 checkpoints)' in said, said)
    said = must(Series(folder, "said transposed").write(transposed).decompose()[0]).stdout
    expect("transposed", "do not lie row by row; a copy of" in said, said)
    for protocol in (3, 5):
        process, store = Series(folder, f"protocol {protocol}").write(lambda s: s, pickle_protocol=protocol).decompose()
        same(f"protocol {protocol}", process, store, reference)
    for name, form in (("plain", lambda s: s), ("transposed", transposed), ("in model", forms["in model"])):
        process, store = Series(folder, f"before zip {name}").write(form, _use_new_zipfile_serialization=False).decompose()
        same(f"before zip {name}", process, store, reference)
    for name, form in (("compiled", prefixed("_orig_mod.")), ("lightning", prefixed("model.")), ("inner", inner)):
        process, store = Series(folder, f"safetensors {name}").write(form, "model.safetensors", save_file).decompose()
        same(f"safetensors {name}", process, store, reference)
        expect(name, "note: tensor names: " in process.stdout, process.stdout)
    process, store = Series(folder, "safetensors called bin").write(lambda s: s, "pytorch_model.bin", save_file).decompose()
    same("safetensors called bin", process, store, reference)
    process, store = Series(folder, "zip called safetensors").write(lambda s: s, "model.safetensors").decompose()
    same("zip called safetensors", process, store, reference)
    what_is_not_used(folder, reference)


def what_is_not_used(folder, reference):
    config = json.loads((STEPS[0] / "config.json").read_text())
    d = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    theta = (config.get("rope_parameters") or config)["rope_theta"]

    def with_rotary(base):
        table = {"model.layers.0.self_attn.rotary_emb.inv_freq": 1 / base ** (torch.arange(0, d, 2) / d)}
        case = Series(folder, f"rotary {base}").write(lambda s: s)
        first = case.checkpoints()[0] / "pytorch_model.bin"
        torch.save(states()[0] | table, first)  # in one checkpoint only
        return case.decompose()

    process, store = with_rotary(theta)
    same("rotary tables in one", process, store, reference)
    expect("rotary tables in one", "ignored: rotary tables in 1 of 2 checkpoints" in process.stdout, process.stdout)
    process, _ = with_rotary(theta * 50)
    expect("other rotary tables", process.returncode == 1 and "other rotary frequencies" in process.stderr, process.stderr)
    case = Series(folder, "longer").write(lambda s: s)
    text = json.loads((case.checkpoints()[1] / "config.json").read_text())
    (case.checkpoints()[1] / "config.json").write_text(json.dumps(text | {"max_position_embeddings": 4 * text["max_position_embeddings"]}))
    process, store = case.decompose()
    same("longer positions", process, store, reference)
    expect("longer positions", f"samples may have {text['max_position_embeddings']} tokens" in process.stdout, process.stdout)


def tied(folder):
    """What a stored unembedding beside a tied config means is said by the user, never guessed."""
    head = [torch.randn(states()[0]["lm_head.weight"].shape, generator=torch.Generator().manual_seed(k)) * .1 for k in (1, 2)]

    def series(name, tie, heads):
        case = Series(folder, name, {"tie_word_embeddings": tie}).write(lambda s: s)
        for target, state, stored in zip(case.checkpoints(), states(), heads):
            del state["lm_head.weight"]
            torch.save(state if stored is None else state | {"lm_head.weight": stored}, target / "pytorch_model.bin")
        return case

    own, store = series("untied", False, head).decompose()
    own = contents(store) if own.returncode == 0 else failures.append(own.stderr)
    shared, store = series("tied", True, [None, None]).decompose()
    shared = contents(store) if shared.returncode == 0 else failures.append(shared.stderr)
    embeddings = [s["model.embed_tokens.weight"].clone() for s in states()]
    process, store = series("tied copy", True, embeddings).decompose()
    same("tied copy", process, store, shared)
    process, store = series("tied copy in one", True, [None, embeddings[1]]).decompose()
    same("tied copy in one", process, store, shared)
    expect("tied copy in one", "ignored: lm_head.weight in 1 of 2 checkpoints" in process.stdout, process.stdout)
    for name, heads in (("other head", head), ("other head in the last", [embeddings[0], head[1]]), ("other head in the last alone", [None, head[1]])):
        case = series(name, True, heads)
        process, store = case.decompose()
        expect(name, process.returncode == 1 and "lm_head.weight" in process.stderr and not store.exists(), process.stderr)
        process = run("plan", "--series", case.folder, "--samples", SAMPLES)
        expect(f"{name}: plan", process.returncode == 1 and "lm_head.weight" in process.stderr, process.stderr)
        process, store = case.decompose("--tied-head", "embedding")
        same(f"{name} as embedding", process, store, shared)
        if name == "other head":
            process, store = case.decompose("--tied-head", "stored")
            same(f"{name} as stored", process, store, own)
    # A file that names each matrix once may keep either name of a tied one.
    case = Series(folder, "once", {"tie_word_embeddings": True})
    for target, state in zip(case.checkpoints(), states()):
        save_file({n.replace("model.embed_tokens", "lm_head"): t for n, t in state.items() if n != "lm_head.weight"}, target / "model.safetensors")
    process, store = case.decompose()
    same("tied matrix under its other name", process, store, shared)
    expect("tied matrix under its other name", "read as model.embed_tokens.weight" in process.stdout, process.stdout)
    case = Series(folder, "both forms").write(lambda s: s, "model.safetensors", save_file).write(lambda s: {n: -t for n, t in s.items()})
    said = must(case.decompose()[0]).stdout
    expect("both forms", "pytorch_model.bin is not read, as model.safetensors is there (in all 2 checkpoints)" in said, said)
    process, _ = series("word", True, embeddings).decompose("--tied-head", "both")
    expect("unknown word", process.returncode == 2 and "--tied-head" in process.stderr, process.stderr)


def commands(message):
    return [c for c in re.findall(r"`([^`]+)`", message) if c.split()[0] in ("python3", "mv", "git")]


def big_endian(path):
    """The file as a machine of the other byte order would have written it (all storages are bf16 or f32 here)."""
    with zipfile.ZipFile(path) as archive:
        entries = {i.filename: archive.read(i) for i in archive.infolist()}
    size = next(iter(states()[0].values())).element_size()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            if "/data/" in name:
                data = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(-1, size).flip(1).flatten().numpy().tobytes()
            archive.writestr(name, b"big" if name.endswith("/byteorder") else data)


def distributed(state, path):
    import torch.distributed.checkpoint as dcp
    dcp.save({"model": state}, checkpoint_id=path.parent / "distributed", no_dist=True)


def remedies(folder, reference):
    """Each case is refused, with the commands that cure it. Returns those that were run."""
    with WarmPython(folder) as python:
        return cured(folder, reference, {"PATH": f"{python}:/usr/bin:/bin"})


def cured(folder, reference, environment):
    done = []
    namespace = lambda s, key="model": {key: s, "args": argparse.Namespace(lr=.1)}
    cases = {"a pickle that names more": ("argparse.Namespace", lambda c: c.write(namespace)),
             "a pickle that names more in shards": ("argparse.Namespace", lambda c: (c.write(namespace, "shard.bin"), index(c))),
             "a pickle that names more under another key": ("argparse.Namespace", lambda c: c.write(lambda s: namespace(s, "model_state_dict"))),
             "a pickle that names more under a key of its own": ("argparse.Namespace", lambda c: c.write(lambda s: namespace({"inner": s}, "my_net"))),
             "a module": ("torch.nn.modules", lambda c: c.write(module)),
             "a module in a dict": ("torch.nn.modules", lambda c: c.write(lambda s: {"model": module(s)})),
             "sparse": ("_rebuild_sparse_tensor", lambda c: c.write(lambda s: {n: t.float().to_sparse() if "gate" in n else t for n, t in s.items()})),
             "two models": ("the states of two models", lambda c: c.write(lambda s: {"net": s, "model": {n: -t for n, t in s.items()}})),
             "beside other tensors": ("holds tensors beside others", lambda c: c.write(lambda s: {"own": s, "other.weight": torch.ones(3)})),
             "another byte order": ("another byte order", lambda c: (c.write(lambda s: s), [big_endian(p / "pytorch_model.bin") for p in c.checkpoints()])),
             "another name": ("not the name of a model's weights", lambda c: c.write(lambda s: s, "model.fp16.safetensors", save_file)),
             "another name of torch": ("not the name of a model's weights", lambda c: c.write(lambda s: s, "state.pt")),
             "distributed": ("distributed format", lambda c: c.write(lambda s: s, "unused", distributed))}
    for name, (words, make) in cases.items():
        case = Series(folder, f"{name} here")  # with a blank in the path: names are quoted
        make(case)
        for _ in case.checkpoints():  # one message a checkpoint
            process, store = case.decompose()
            expect(name, process.returncode == 1 and words in process.stderr, process.stderr)
            for command in commands(process.stderr):
                ran = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment, cwd="/")
                expect(name, ran.returncode == 0, f"{command}\n    {ran.stderr}")
                done.append(command)
        process, store = case.decompose()
        same(f"{name}, after its remedy", process, store, reference)
    return done


def module(state):
    """A tree of modules that holds the tensors under their names."""
    root = torch.nn.Module()
    for name, tensor in state.items():
        *path, last = name.split(".")
        here = root
        for part in path:
            if part not in dict(here.named_children()):
                here.add_module(part, torch.nn.Module())
            here = getattr(here, part)
        here.register_parameter(last, torch.nn.Parameter(tensor))
    return root


def index(case):
    for target, state in zip(case.checkpoints(), states()):
        (target / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {n: "shard.bin" for n in state}}))


def names_and_lists(folder, reference):
    """A name in doubt is refused with the line of a list; the list gives the store."""
    names = [f"{p.name}-bf16" for p in STEPS]
    case = Series(folder, "names", names=names).write(lambda s: s)
    lines = []
    for name in names:
        process, _ = case.decompose()
        expect("names", process.returncode == 1 and "understood is step" in process.stderr, process.stderr)
        lines += re.findall(r"\(here: `([^`]+)`\)", process.stderr)
        hidden = case.folder / name
        hidden.rename(case.folder / f".{name}")
    for name in names:
        (case.folder / f".{name}").rename(case.folder / name)
    (case.folder / "list.txt").write_text("\n".join(lines))
    process, store = case.decompose(series=case.folder / "list.txt")
    same("names by a list", process, store, reference)


def not_weights(folder):
    lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 12345678901\n"
    page = b"<!doctype html><html>Access to this model is restricted</html>"
    for file in ("model.safetensors", "pytorch_model.bin", "config.json", "model.safetensors.index.json"):
        for content, words in ((lfs, "Git LFS pointer"), (page, "a web page (HTML)"), (b'{"error":"Repository not found"}', "an error that a server"),
                               (b"Entry not found", "the answer of a server"), (bytes(5000), "zero bytes only"), (b"GGUF\x03\0\0\0", "a GGUF file")):
            case = Series(folder, f"{file} {words}")
            (case.checkpoints()[0] / file).write_bytes(content)
            if file == "config.json":
                case.write(lambda s: s)
                (case.checkpoints()[0] / file).write_bytes(content)
            process = run("inspect", case.checkpoints()[0])
            expect(case.name, process.returncode == 1 and words in process.stderr and process.stderr.count("error:") == 1, process.stderr)
    for file, words in (("adapter_config.json", "PEFT adapter"), ("zero_to_fp32.py", "DeepSpeed"), ("consolidated.00.pth", "Meta's own form"),
                        ("tf_model.h5", "TensorFlow"), ("flax_model.msgpack", "Flax"), ("model.gguf", "llama.cpp"), ("a.distcp", "distributed format"),
                        ("model-00001-of-00002.safetensors", "without their index"), ("latest_checkpointed_iteration.txt", "Megatron"),
                        ("trainer_state.json", "without its weights"), ("model.ckpt", "Lightning"),
                        ("weights.npz", "NumPy"), ("ggml-model-q4_0.bin", "llama.cpp"), ("openvino_model.bin", "OpenVINO"), ("rust_model.ot", "rust-bert"),
                        ("model.tflite", "TensorFlow Lite"), ("model.weights.h5", "Keras"), ("training_args.bin", "without its weights"),
                        ("model.safetensors.part", "a download or copy that did not end"), ("model.safetensors.incomplete", "did not end"),
                        ("pytorch_model.bin.zip", "a packed file"), ("model.safetensors.gz", "a packed file"), ("scores.h5", "Name a directory as")):
        case = Series(folder, f"folder {file}")
        (case.checkpoints()[0] / file).write_text("")
        process = run("inspect", case.checkpoints()[0])
        expect(case.name, process.returncode == 1 and words in process.stderr, process.stderr)
    for inside, words in (("model.safetensors", "is a zip archive with model.safetensors in it"), ("norm.npy", "an archive of NumPy"), ("a.txt", "holds no data.pkl")):
        case = Series(folder, f"zip of {inside}")
        with zipfile.ZipFile(case.checkpoints()[0] / "pytorch_model.bin", "w") as archive:
            archive.writestr(inside, b"xx")
        process = run("inspect", case.checkpoints()[0])
        expect(case.name, process.returncode == 1 and words in process.stderr, process.stderr)
    case = Series(folder, "adapter beside weights").write(lambda s: s)
    (case.checkpoints()[0] / "adapter_config.json").write_text("{}")
    process, _ = case.decompose()
    expect(case.name, process.returncode == 1 and "adapter" in process.stderr, process.stderr)
    case = Series(folder, "dangling")
    (case.checkpoints()[0] / "model.safetensors").symlink_to("../blobs/none")
    process = run("inspect", case.checkpoints()[0])
    expect(case.name, process.returncode == 1 and "a link to a file that is not there" in process.stderr, process.stderr)


# Commands in messages that cannot be run here, and why.
NOT_RUN = {"git -C": "it asks a server", "merge_and_unload": "peft is not among the tests' packages", "zero_to_fp32": "DeepSpeed is not among the tests' packages"}


def every_command_was_run(done):
    """The commands in the program's source are those that were run, or are listed with a reason."""
    for path in sorted((SOURCE / "src").rglob("*.cpp")):
        source = re.sub(r'"\s*\n\s*"', "", path.read_text(encoding="utf-8"))  # joined literals
        for found in re.findall(r"`((?:python3|mv|git)\b[^`]*)", source):
            if any(mark in found or mark in source for mark in NOT_RUN if mark in found or found.strip() == f"python3 {{}} {{}} {{}}"):
                continue
            fixed = re.split(r"\{|\\|\"", found)[0].strip()
            expect("commands", any(fixed in command for command in done), f"{path.name}: `{found}` is run by no test")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        process, store = Series(folder, "plain").write(lambda s: s, "model.safetensors", save_file).decompose()
        must(process)
        reference = contents(store)
        read_forms(folder, reference)
        tied(folder)
        every_command_was_run(remedies(folder, reference))
        names_and_lists(folder, reference)
        not_weights(folder)
    if failures:
        sys.exit(f"{len(failures)} failed:\n" + "\n".join(failures))
    print("every form of a checkpoint gives the store of the plain one, or is refused with a remedy that cures")


main()
