"""What a rank takes is what was planned: given the least --memory that is accepted, the peak of its anonymous memory stays below it, and comes near it.
In each case another term of the plan is most of it, so that no term can be halved, or forgotten, without being seen.

    memory_plan.py [--only NAME] [-v]
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from program import EXPLAIND, MPIRUN, SOURCE, write_samples

UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}
SIZE = r"([\d.]+ (?:B|kB|MB|GB))"
SLACK = 1.01  # messages round sizes
GENEROUS = ("one block", "many words", "many blocks", "capped logits", "gpt_neox", "olmo2")  # their peaks are near half of the term, and say nothing of it being halved


class Case:
    """A model and samples of which `term` is most of what is planned beside the program itself."""

    def __init__(self, term, model, lengths, options, ranks=1):
        self.term, self.model, self.lengths, self.options, self.ranks = term, model, lengths, options.split(), ranks


def size(hidden, inner, layers, vocabulary=64, family="llama"):
    return {"hidden": hidden, "inner": inner, "layers": layers, "vocabulary": vocabulary, "family": family}


CASES = {
    "resident": Case("weights", size(512, 2048, 8), [6], "--parameters resident"),
    "streamed": Case("weights", size(1024, 4096, 2), [6], "--parameters streamed"),
    "gathered": Case("endpoints", size(512, 4096, 12), [6, 6], "--parameters gathered --shards 2", ranks=2),
    "long samples": Case("a micro-batch's graph", size(32, 128, 16), [900] * 8 + [400] * 8, "--parameters resident --micro-batch 8"),
    "one block": Case("a micro-batch's graph", size(256, 64, 2), [600] * 16 + [200] * 16, "--parameters streamed --micro-batch 16"),
    "many words": Case("a micro-batch's graph", size(32, 64, 1, 8192), [500, 200, 900, 700, 1300],
                       "--parameters resident --quadrature gauss:3"),
    "split products": Case("a micro-batch's graph", size(64, 256, 2), [800, 300], "--parameters resident --product-form split --quadrature gauss:16"),
    "many blocks": Case("activations", size(128, 32, 110), [250] * 14, "--parameters streamed --micro-batch 14"),
    "positions and rows": Case("scores", size(32, 64, 2, 8192), [32] * 24,
                               "--parameters resident --component row --axes sample,position --chunk 24"),
    "capped logits": Case("a micro-batch's graph", size(32, 64, 1, 8192, "gemma2"), [500, 200, 900, 700, 1300], "--parameters resident --quadrature gauss:3"),
    "capped attention": Case("a micro-batch's graph", size(32, 64, 4, family="gemma2"), [900, 600, 900], "--parameters resident"),
    "gpt_neox": Case("a micro-batch's graph", size(96, 384, 12, family="gpt_neox"), [700] * 6, "--parameters resident --micro-batch 6"),
    "olmo2": Case("a micro-batch's graph", size(64, 128, 12, family="olmo2"), [600] * 6, "--parameters resident --micro-batch 6"),
    "scalars": Case("the scores of one row of scalars", size(256, 2048, 8), [6] * 4, "--component parameter --axes group --quadrature gauss:2"),
}
PLAIN = {"--device": "cpu", "--threads": "1", "--store-dtype": "f32", "--quadrature": "gauss:1", "--micro-batch": "1", "--product-form": "formed"}


def shapes(hidden, inner, layers, vocabulary):
    yield "model.embed_tokens.weight", (vocabulary, hidden)
    for layer in range(layers):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", (hidden,)
        for name in "qkvo":
            yield at + f"self_attn.{name}_proj.weight", (hidden, hidden)
        yield at + "post_attention_layernorm.weight", (hidden,)
        yield at + "mlp.gate_proj.weight", (inner, hidden)
        yield at + "mlp.up_proj.weight", (inner, hidden)
        yield at + "mlp.down_proj.weight", (hidden, inner)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (vocabulary, hidden)


def family_of(name, sizes):
    """config.json and shapes of a family, after its golden: what is 24, 20, 48 … there is hidden, inner, vocabulary …"""
    golden = SOURCE / "tests/goldens/families" / name / "series/step-1"
    config = json.loads((golden / "config.json").read_text())
    heads, kv = config["num_attention_heads"], config.get("num_key_value_heads", config["num_attention_heads"])
    head = config.get("head_dim", config["hidden_size"] // heads)
    new_head = sizes["hidden"] // heads
    becomes = {kv * head: kv * new_head, heads * head: heads * new_head, config["hidden_size"]: sizes["hidden"], 3 * config["hidden_size"]: 3 * sizes["hidden"],
               config["intermediate_size"]: sizes["inner"], config["vocab_size"]: sizes["vocabulary"]}
    config |= {"hidden_size": sizes["hidden"], "intermediate_size": sizes["inner"], "num_hidden_layers": sizes["layers"], "vocab_size": sizes["vocabulary"],
               "max_position_embeddings": 8192} | ({"head_dim": new_head} if "head_dim" in config else {})
    if "layer_types" in config:
        config |= {"layer_types": [config["layer_types"][i % 2] for i in range(sizes["layers"])], "sliding_window": 256}
    found = {}
    with safe_open(golden / "model.safetensors", "pt") as file:
        for tensor in file.keys():
            shape = tuple(becomes[n] for n in file.get_slice(tensor).get_shape())
            if ".layers.0." in tensor:
                found |= {tensor.replace(".layers.0.", f".layers.{i}."): shape for i in range(sizes["layers"])}
            elif ".layers." not in tensor:
                found[tensor] = shape
    return config, found


def make_series(folder, hidden, inner, layers, vocabulary, family):
    """Two checkpoints in bf16, of weights that mean nothing."""
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": hidden, "intermediate_size": inner,
              "num_hidden_layers": layers, "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": vocabulary, "max_position_embeddings": 8192,
              "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"}
    named = dict(shapes(hidden, inner, layers, vocabulary))
    if family != "llama":
        config, named = family_of(family, size(hidden, inner, layers, vocabulary))
    for step in (0, 1):
        target = folder / f"step-{step}"
        target.mkdir(parents=True)
        (target / "config.json").write_text(json.dumps(config))
        rows = torch.empty(257, max(3 * hidden, inner)).uniform_(-.03, .03, generator=torch.Generator().manual_seed(step)).to(torch.bfloat16)
        weights = {name: rows.repeat(shape[0] // 257 + 1, 1)[:shape[0], :shape[1]].contiguous() if len(shape) == 2
                   else torch.full(shape, 1 + step / 8, dtype=torch.bfloat16) for name, shape in named.items()}
        save_file(weights, str(target / "model.safetensors"), {"format": "pt"})
    return folder


def anonymous(process):
    """RssAnon in bytes of the process and of all below it that are the program: the largest."""
    most, waiting = 0, [process]
    while waiting:
        each = waiting.pop()
        try:
            waiting += map(int, pathlib.Path(f"/proc/{each}/task/{each}/children").read_text().split())
            if pathlib.Path(os.readlink(f"/proc/{each}/exe")).name == pathlib.Path(EXPLAIND).name:
                found = re.search(r"RssAnon:\s+(\d+)", pathlib.Path(f"/proc/{each}/status").read_text())
                most = max(most, int(found.group(1)) * 1024 if found else 0)
        except OSError:  # it has ended meanwhile
            continue
    return most


def measured(command):
    """Exit status, text, and the peak of anonymous memory in bytes."""
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    peak, over = 0, threading.Event()

    def watch():
        nonlocal peak
        while not over.wait(.004):
            peak = max(peak, anonymous(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    text = process.communicate()[0]
    over.set()
    watcher.join()
    return process.returncode, text, peak


def bytes_in(text):
    number, unit = text.split()
    return float(number) * UNITS[unit]


def plan_of(refusal):
    """What is needed, and for what: {term: bytes}."""
    found = re.search(rf"and needs {SIZE}: (.*)", refusal)
    assert found, refusal
    terms = {re.sub(r" \(\w+\)", "", name).strip(): bytes_in(value) for value, name in re.findall(rf"{SIZE} for ([^,.;\n]+)", found.group(2))}
    return bytes_in(found.group(1)), terms


def command_of(case, folder):
    series = make_series(folder / "series", **case.model)
    samples = write_samples(folder / "samples.jsonl", case.lengths, case.model["vocabulary"])
    launch = ["timeout", "-k", "5", "100", MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", case.ranks] if case.ranks > 1 else []
    options = [word for option, value in PLAIN.items() if option not in case.options for word in (option, value)]
    return [*launch, EXPLAIND, "decompose", "--series", series, "--samples", samples, "--store", folder / "o.h5", *options, *case.options]


def try_case(name, case, folder):
    """A line that says what is wrong, or nothing."""
    command = command_of(case, folder)
    code, text, _ = measured([*command, "--memory", "1MB"])
    assert code != 0, text
    needs, terms = plan_of(text)
    code, text, peak = measured([*command, "--memory", f"{int(needs * SLACK)}B"])
    assert code in (0, 3), text  # 3: done, with a tolerance missed
    line = f"{name}: planned {needs / 1e6:.0f} MB, of it {terms.get(case.term, 0) / 1e6:.0f} for {case.term}; peak {peak / 1e6:.0f} MB"
    print(line, terms if "-v" in sys.argv else "", flush=True)
    assert terms.get(case.term, 0) > needs / 4, f"{line}: little of it is of the term that is tried"
    if peak > needs * SLACK:
        return f"{line}: more than was given"
    if peak < needs / 2:
        return f"{line}: less than half of what was planned"
    if name not in GENEROUS and peak < (needs - terms[case.term] / 2) * SLACK:
        return f"{line}: half of that term would have been enough, so this case would not see it halved"
    return None


def main():
    wrong = []
    for name, case in CASES.items():
        if "--only" in sys.argv and sys.argv[sys.argv.index("--only") + 1] not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            wrong.append(try_case(name, case, pathlib.Path(folder)))
    sys.exit("\n".join(filter(None, wrong)) or None)


main()
