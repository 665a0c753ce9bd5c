#!/usr/bin/env python3
"""A series of the true size of a published model, of weights that mean nothing: what a run costs, without anybody's checkpoints.

    build/deps/venv/bin/python tests/benchmarks/synthetic_series.py --series build/eurollm [--model eurollm-1.7b] [--checkpoints 3]

Weights are drawn from a seed (matrices N(0, .02²), gains 1) and moved by small random updates between checkpoints, as bf16 Hugging Face
folders in shards of at most 2 GB. Beside them: SERIES-samples.jsonl, 8 samples of 16 random tokens. Needs 3.3 GB of disk a checkpoint of
EuroLLM-1.7B, and memory for one tensor.
"""
import argparse
import json
import pathlib
import random

import torch
from safetensors.torch import save_file

MODELS = {
    "eurollm-1.7b": {"vocab_size": 128000, "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 24, "num_attention_heads": 16,
                     "num_key_value_heads": 8, "max_position_embeddings": 4096, "rope_theta": 10000.0, "rms_norm_eps": 1e-5,
                     "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2},
    "wide": {"vocab_size": 32000, "hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 8, "num_attention_heads": 16,
             "num_key_value_heads": 8, "max_position_embeddings": 1024, "rope_theta": 10000.0, "rms_norm_eps": 1e-5,
             "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2},
    "tiny": {"vocab_size": 20000, "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 12, "num_attention_heads": 4,
             "num_key_value_heads": 2, "max_position_embeddings": 256, "rope_theta": 10000.0, "rms_norm_eps": 1e-5,
             "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2},
}
SHARD_BYTES = 2_000_000_000


def shapes(config):
    """Tensor names and shapes of a Llama, in the order they are written."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    head = hidden // config["num_attention_heads"]
    keys = config["num_key_value_heads"] * head
    yield "model.embed_tokens.weight", (config["vocab_size"], hidden)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", (hidden,)
        yield at + "self_attn.q_proj.weight", (hidden, hidden)
        yield at + "self_attn.k_proj.weight", (keys, hidden)
        yield at + "self_attn.v_proj.weight", (keys, hidden)
        yield at + "self_attn.o_proj.weight", (hidden, hidden)
        yield at + "post_attention_layernorm.weight", (hidden,)
        yield at + "mlp.gate_proj.weight", (inner, hidden)
        yield at + "mlp.up_proj.weight", (inner, hidden)
        yield at + "mlp.down_proj.weight", (hidden, inner)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (config["vocab_size"], hidden)


def tensor_at(index, shape, checkpoint, deviation, update):
    """The tensor of one checkpoint: the drawn start and `checkpoint` drawn updates, rounded once to bf16."""
    generator = torch.Generator().manual_seed(1000 * index)
    value = torch.randn(shape, generator=generator).mul_(deviation) if len(shape) == 2 else torch.ones(shape)
    for step in range(checkpoint):
        generator.manual_seed(1000 * index + 1 + step)
        value.add_(torch.randn(shape, generator=generator), alpha=update if len(shape) == 2 else 50 * update)
    return value.to(torch.bfloat16)


def write_checkpoint(folder, config, checkpoint, args):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "torch_dtype": "bfloat16", **config}, indent=2))
    shard, held, written, weight_map, total = {}, 0, 0, {}, 0
    everything = list(shapes(config))
    for index, (name, shape) in enumerate(everything):
        shard[name] = tensor_at(index, shape, checkpoint, args.deviation, args.update)
        held += shard[name].nbytes
        total += shard[name].nbytes
        if held >= SHARD_BYTES or index + 1 == len(everything):
            written += 1
            file = f"model-{written:05d}.safetensors"
            save_file(shard, folder / file, metadata={"format": "pt"})
            weight_map.update({tensor: file for tensor in shard})
            shard, held = {}, 0
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=pathlib.Path, required=True)
    parser.add_argument("--model", choices=MODELS, default="eurollm-1.7b")
    parser.add_argument("--checkpoints", type=int, default=3)
    parser.add_argument("--deviation", type=float, default=0.02, help="of the drawn matrices (default .02)")
    parser.add_argument("--update", type=float, default=2e-4, help="deviation of an update (default 2e-4)")
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=16)
    args = parser.parse_args()
    config = MODELS[args.model]
    for checkpoint in range(args.checkpoints):
        size = write_checkpoint(args.series / f"step-{1000 * checkpoint}", config, checkpoint, args)
        print(f"step-{1000 * checkpoint}: {size / 1e9:.2f} GB", flush=True)
    rng = random.Random(0)
    lines = [json.dumps({"id": f"s{i}", "input_ids": [1] + [rng.randrange(3, config["vocab_size"]) for _ in range(args.tokens - 1)]})
             for i in range(args.samples)]
    pathlib.Path(f"{args.series}-samples.jsonl").write_text("\n".join(lines) + "\n")


main()
