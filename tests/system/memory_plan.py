"""What a rank takes is what was planned: at the least --memory that is accepted the peak of anonymous memory stays below it, and reaches at least
half of it. In each case another term of the plan is most of it, so that no term can be halved, or forgotten, without being seen.
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
from safetensors.torch import save_file

from program import EXPLAIND, MPIRUN, write_samples

UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}
SLACK = 1.01  # the message rounds


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


def make_series(folder, hidden, inner, layers, vocabulary):
    """Two checkpoints in bf16, of weights that mean nothing."""
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": hidden, "intermediate_size": inner,
              "num_hidden_layers": layers, "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": vocabulary, "max_position_embeddings": 8192,
              "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"}
    for step in (0, 1):
        target = folder / f"step-{step}"
        target.mkdir(parents=True)
        (target / "config.json").write_text(json.dumps(config))
        generator = torch.Generator().manual_seed(7 + step)
        weights = {name: torch.empty(shape).uniform_(-.03, .03, generator=generator).to(torch.bfloat16) if len(shape) == 2
                   else torch.full(shape, 1 + step / 8, dtype=torch.bfloat16) for name, shape in shapes(hidden, inner, layers, vocabulary)}
        save_file(weights, str(target / "model.safetensors"), {"format": "pt"})
    return folder


def anonymous(process):
    """RssAnon of it and all below it that are the program, the largest."""
    most, waiting = 0, [process]
    while waiting:
        each = waiting.pop()
        try:
            text = pathlib.Path(f"/proc/{each}/status").read_text()
            waiting += map(int, pathlib.Path(f"/proc/{each}/task/{each}/children").read_text().split())
            if pathlib.Path(os.readlink(f"/proc/{each}/exe")).name == pathlib.Path(EXPLAIND).name:
                most = max(most, int(re.search(r"RssAnon:\s+(\d+)", text).group(1)) * 1024)
        except (OSError, AttributeError):
            continue
    return most


def measured(command):
    """Exit code, text, peak."""
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    peak, over = 0, threading.Event()

    def watch():
        nonlocal peak
        while not over.wait(.005):
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


def plan_of(text):
    """Of the refusal: what is needed, and its terms."""
    size = r"([\d.]+ [kMG]?B)"
    found = re.search(rf"and needs {size}: {size} for the program, (.*)", text)
    assert found, text
    terms = {re.sub(r" \(.*", "", name).strip(): bytes_in(value) for value, name in re.findall(rf"{size} for ([a-z' -]+(?:\(\w+\))?)", found.group(3))}
    return bytes_in(found.group(1)), bytes_in(found.group(2)), terms


class Case:
    def __init__(self, term, model, lengths, options, ranks=1):
        self.term, self.model, self.lengths, self.options, self.ranks = term, model, lengths, options, ranks


SMALL_BLOCKS = dict(hidden=32, inner=64, layers=2, vocabulary=64)
CASES = {
    "weights": Case("weights", dict(hidden=512, inner=2048, layers=16, vocabulary=64), [6], ["--parameters", "resident"]),
    "long samples": Case("a micro-batch's graph", dict(hidden=32, inner=64, layers=1, vocabulary=8192), [4000], ["--parameters", "resident"]),
    "positions and rows": Case("scores", dict(hidden=32, inner=64, layers=2, vocabulary=8192), [32] * 40,
                               ["--parameters", "resident", "--component", "row", "--axes", "sample,position", "--chunk", "40"]),
    "streamed": Case("weights", dict(hidden=1024, inner=8192, layers=2, vocabulary=64), [6], ["--parameters", "streamed"]),
    "gathered": Case("endpoints", dict(hidden=512, inner=4096, layers=8, vocabulary=64), [6, 6], ["--parameters", "gathered", "--shards", "2"], ranks=2),
    "activations": Case("activations", dict(hidden=512, inner=64, layers=24, vocabulary=64), [4000], ["--parameters", "streamed"]),
    "scalars": Case("scalars", dict(hidden=256, inner=2048, layers=8, vocabulary=64), [6], ["--component", "parameter"]),
}


def try_case(name, case, folder):
    series = make_series(folder / "series", **case.model)
    samples = write_samples(folder / "samples.jsonl", case.lengths, case.model["vocabulary"])
    launch = [MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", case.ranks] if case.ranks > 1 else []
    command = [*launch, EXPLAIND, "decompose", "--series", series, "--samples", samples, "--store", folder / "o.h5", "--quadrature", "gauss:1",
               "--micro-batch", "1", "--device", "cpu", "--threads", "1", "--store-dtype", "f32", *case.options]
    code, text, _ = measured([*command, "--memory", "1MB"])
    assert code != 0, text
    needs, program, terms = plan_of(text)
    code, text, peak = measured([*command, "--memory", f"{int(needs * SLACK)}B"])
    assert code in (0, 3), text
    line = f"{name}: planned {needs / 1e6:.0f} MB, of it {terms.get(case.term, 0) / 1e6:.0f} for {case.term}; peak {peak / 1e6:.0f} MB"
    print(line, terms if "-v" in sys.argv else "", flush=True)
    assert terms.get(case.term, 0) > (needs - program) / 2, f"{line}: {case.term} is not most of it: {terms}"
    assert peak <= needs * SLACK, line
    assert peak >= needs / 2, line


def main():
    for name, case in CASES.items():
        if "--only" in sys.argv and sys.argv[sys.argv.index("--only") + 1] not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try_case(name, case, pathlib.Path(folder))


main()
