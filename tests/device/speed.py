"""A model of EuroLLM-1.7B's shape on the device: what a segment takes, against what the device's matrix products could do."""
import json
import pathlib
import re
import struct
import subprocess
import tempfile
import time

import torch

EUROLLM = dict(hidden_size=2048, intermediate_size=5632, num_hidden_layers=24, num_attention_heads=16, num_key_value_heads=8, vocab_size=128000)
SMALL = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=256)
NODES = 9  # gauss:9, so that every precision does the same work
TYPES = {"fp64": torch.float64, "fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16}


def shapes(config):
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    narrow = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    yield "model.embed_tokens.weight", (config["vocab_size"], hidden)
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}."
        for part, rows in (("q", hidden), ("k", narrow), ("v", narrow), ("o", hidden)):
            yield f"{name}self_attn.{part}_proj.weight", (rows, hidden)
        yield name + "mlp.gate_proj.weight", (inner, hidden)
        yield name + "mlp.up_proj.weight", (inner, hidden)
        yield name + "mlp.down_proj.weight", (hidden, inner)
        yield name + "input_layernorm.weight", (hidden,)
        yield name + "post_attention_layernorm.weight", (hidden,)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (config["vocab_size"], hidden)


def write_checkpoint(folder, config, step, place):
    """bf16 safetensors: a start that depends on the name alone, and step times a small drift. Drawn on the device."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(dict(config, architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", rms_norm_eps=1e-5,
                                                        rope_theta=10000.0, max_position_embeddings=4096, tie_word_embeddings=False, torch_dtype="bfloat16")))
    header, offset = {}, 0
    for name, shape in shapes(config):
        size = 2 * torch.Size(shape).numel()
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for number, (_, shape) in enumerate(shapes(config)):
            draw = torch.Generator(place).manual_seed(number)
            start, drift = (torch.randn(shape, generator=draw, device=place) for _ in range(2))
            tensor = (1 + .1 * start if len(shape) == 1 else .02 * start) + step * .002 * drift
            file.write(tensor.to(torch.bfloat16).view(torch.int16).cpu().numpy().tobytes())


def write_samples(path, count, length, vocabulary):
    draw = torch.Generator().manual_seed(1)
    with open(path, "w", encoding="utf-8") as file:
        for i in range(count):
            file.write(json.dumps({"id": f"s{i}", "input_ids": torch.randint(vocabulary, (length,), generator=draw).tolist()}) + "\n")


def product_rate(precision, place, size):
    """Operations a second of one large matrix product in this precision."""
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    a, b = (torch.randn(size, size, device=place).to(TYPES[precision]) for _ in range(2))
    best = float("inf")
    for _ in range(4):
        begin = time.monotonic()
        a @ b
        if place == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.monotonic() - begin)
    return 2 * size**3 / best


class Utilisation:
    """Share of samples in which the GPU was doing nothing, by nvidia-smi."""

    def __init__(self, on):
        self.process = subprocess.Popen(["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "100"],
                                        stdout=subprocess.PIPE, text=True) if on else None

    def idle(self):
        if not self.process:
            return float("nan")
        self.process.terminate()
        busy = [float(line) for line in self.process.communicate()[0].split() if line.strip().isdigit()]
        first = next((i for i, each in enumerate(busy) if each > 0), 0)  # before it the program starts and reads files
        return 1 - sum(busy[first:]) / (100 * max(1, len(busy) - first))


def run(machine, rows):
    config, place = (SMALL, "cpu") if machine.rehearse else (EUROLLM, "cuda")
    count, length = (4, 16) if machine.rehearse else (8, 256)
    tokens = count * length
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        work = pathlib.Path(folder)
        begin = time.monotonic()
        for step in (0, 1):
            write_checkpoint(work / f"series/step-{step}", config, step, place)
        if place == "cuda":
            torch.cuda.empty_cache()
        write_samples(work / "samples.jsonl", count, length, config["vocab_size"])
        print(f"weights drawn in {time.monotonic() - begin:.1f} s", flush=True)
        weights = sum(torch.Size(shape).numel() for name, shape in shapes(config) if len(shape) == 2 and "embed" not in name)
        operations = 3 * 2 * weights * tokens * NODES  # y, the update's response and δW of every weight
        for precision in ("bf16", "tf32", "fp32", "fp64"):
            if precision == "tf32" and machine.rehearse:
                continue
            row = {"precision": precision}
            rows.append(row)
            peak = product_rate(precision, place, 256 if machine.rehearse else 8192)
            watch = Utilisation(place == "cuda")
            try:
                said = machine.explaind("decompose", "--series", work / "series", "--samples", work / "samples.jsonl", "--store", work / f"{precision}.h5",
                                        "--quadrature", f"gauss:{NODES}", "--precision", precision, "--device", machine.device, "--micro-batch", 4)
            finally:
                idle = watch.idle()
            line = re.search(r"^ *0 +1 +(\S+) +(\S+) .*?([\d.]+) (s|min)\s*$", said, re.M)
            seconds = float(line.group(3)) * (60 if line.group(4) == "min" else 1)
            row.update({"s a segment": seconds, "TFLOP/s": operations / seconds / 1e12, "products alone": peak / 1e12,
                        "share of that": operations / seconds / peak, "idle": idle, "mean ΔF": float(line.group(1)), "|residual|": float(line.group(2))})
