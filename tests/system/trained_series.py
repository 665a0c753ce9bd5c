"""Series of checkpoints out of a small training that the program records: any steps of it, in one type and any number of shards."""
import glob
import json
import pathlib
import random
import re

import numpy as np
import torch
from safetensors.numpy import load_file as load_numpy
from safetensors.torch import save_file

from program import must, run

LAYERS = 4  # the default of `record`
MODEL = ("--vocabulary", "400", "--hidden", "48", "--intermediate", "96", "--heads", "4", "--key-value-heads", "2",
         "--sequence-length", "32", "--batch", "4", "--threads", "1")
CONFIG = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", hidden_size=48, intermediate_size=96, num_hidden_layers=LAYERS,
              num_attention_heads=4, num_key_value_heads=2, vocab_size=400, max_position_embeddings=32, rms_norm_eps=1e-5, rope_theta=10000.0,
              tie_word_embeddings=False, torch_dtype="float32")


def text_of(path):
    """Sentences of a small grammar, so that there is something to learn."""
    words = random.Random(1)
    nouns, verbs, ends = "ship river stone lamp child road winter letter".split(), "sees keeps finds leaves turns".split(), "today again alone early".split()
    lines = [" ".join(f"the {words.choice(nouns)} {words.choice(verbs)} the {words.choice(nouns)} {words.choice(ends)} {i % 97}" for i in range(k, k + 6))
             for k in range(700)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


class History:
    """All weights of a training of 400 steps, which is recorded where the folder is not there yet: {name: array of steps + 1 rows}."""

    def __init__(self, folder, text, *options, layers=LAYERS):
        self.layers = layers
        if not folder.exists():
            rate = () if "--learning-rate" in options else ("--learning-rate", "0.002")
            must(run("record", "--model", "llama", "--text", text, "--history", folder, *MODEL, "--layers", layers, "--max-steps", "400", *rate, *options))
        described = json.loads((folder / "run.json").read_text())["parameters"]
        start = load_numpy(folder / "start.safetensors")
        blocks = [load_numpy(file) for file in sorted(glob.glob(f"{folder}/blocks/*.safetensors"))]
        self.weights = {}
        for parameter in described:
            rows = [start["parameter/" + parameter["name"]][None]] + [block["parameter/" + parameter["name"]] for block in blocks]
            self.weights[parameter["name"]] = np.concatenate([row.reshape(len(row), *parameter["shape"]) for row in rows])

    def at(self, step, dtype=torch.float32):
        return {name: torch.from_numpy(rows[step].copy()).to(dtype) for name, rows in self.weights.items()}


def shard_of(name, shards, layers=LAYERS):
    """Layers in order, divided evenly; a number of shards that does not divide them cuts between a layer's attention and its MLP."""
    layer = re.search(r"layers\.(\d+)\.", name)
    if not layer:
        return 0 if "embed" in name else shards - 1
    return int((int(layer.group(1)) + (.5 if "mlp" in name else 0)) * shards / layers)


def write(folder, weights, shards=1, config=None, layers=LAYERS):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | {"num_hidden_layers": layers} | (config or {})))
    (folder / "tokenizer.json").write_text('{"version": "1.0"}')
    if shards == 1:
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        return
    places = {}
    for k in range(shards):
        file = f"model-{k + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensor for name, tensor in weights.items() if shard_of(name, shards, layers) == k}
        save_file(part, folder / file, {"format": "pt"})
        places |= dict.fromkeys(part, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))


def series(root, history, steps, shards=1, dtype=torch.float32, config=None):
    for step in steps:
        write(root / f"step-{step}", history.at(step, dtype), shards, config, history.layers)
    return root
