"""A Llama forward pass in which everything, rotary tables, norm and softmax included, is float64.

Hugging Face rounds those to fp32 even in a `.double()` model (1e-6 of the loss), so it cannot be the reference of scores to 1e-8. Written from
the architecture, sharing nothing with transformers or with the program under test. Legend: B samples, T positions, C hidden size, H heads, K
key-value heads, d head size, V vocabulary.
"""
import json
import math
import pathlib

import safetensors.torch
import torch


def load_weights(directory, dtype=torch.float64):
    """Every tensor of a checkpoint (one file, or shards with an index), as stored and then converted."""
    directory = pathlib.Path(directory)
    index = directory / "model.safetensors.index.json"
    files = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.exists() else ["model.safetensors"]
    weights = {}
    for name in files:
        weights |= {k: v.to(dtype) for k, v in safetensors.torch.load_file(directory / name).items()}
    return weights


def list_checkpoints(series):
    """(step, directory) of a series directory, by the trailing number of the names."""
    found = []
    for directory in pathlib.Path(series).iterdir():
        digits = directory.name[len(directory.name.rstrip("0123456789")):]
        if digits and (directory / "config.json").exists():
            found.append((int(digits), directory))
    return sorted(found)


class DenseWeights:
    """The operations that own parameters, over a dict of tensors."""

    def __init__(self, weights):
        self.weights = weights

    def linear(self, name, x):
        y = x @ self.weights[name + ".weight"].T
        return y + self.weights[name + ".bias"] if name + ".bias" in self.weights else y

    def embedding(self, name, ids):
        return self.weights[name + ".weight"][ids]

    def gain(self, name, x):
        return x * self.weights[name + ".weight"]


class PositionWeights(DenseWeights):
    """The same with one copy of every parameter for each position (T in front of its shape); B = 1."""

    def linear(self, name, x):
        y = torch.einsum("btc,toc->bto", x, self.weights[name + ".weight"])
        return y + self.weights[name + ".bias"] if name + ".bias" in self.weights else y

    def embedding(self, name, ids):
        return self.weights[name + ".weight"][torch.arange(ids.shape[1]), ids[0]][None]


class Llama:
    """config: the dict of config.json, in the spelling of transformers 4 or 5."""

    def __init__(self, config):
        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.kv_heads = config.get("num_key_value_heads") or self.heads
        self.head_dim = config.get("head_dim") or config["hidden_size"] // self.heads
        self.eps = config["rms_norm_eps"]
        self.tied = config.get("tie_word_embeddings", False)
        rope = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
        self.theta = rope.get("rope_theta") or config.get("rope_theta", 10000.0)
        self.rope = rope | {"rope_type": rope.get("rope_type", rope.get("type", "default"))}

    def frequencies(self):
        """Angle per position of each pair of a head, d/2."""
        out = []
        for i in range(self.head_dim // 2):
            f = self.theta ** (-2 * i / self.head_dim)
            if self.rope["rope_type"] == "linear":
                f /= self.rope["factor"]
            elif self.rope["rope_type"] == "llama3":
                turns = self.rope["original_max_position_embeddings"] * f / (2 * math.pi)
                low, high = self.rope["low_freq_factor"], self.rope["high_freq_factor"]
                keep = min(max((turns - low) / (high - low), 0.0), 1.0)
                f = keep * f + (1 - keep) * f / self.rope["factor"]
            elif self.rope["rope_type"] != "default":
                raise ValueError(f"rope type {self.rope['rope_type']}")
            out.append(f)
        return torch.tensor(out, dtype=torch.float64)

    def rotate(self, x):
        """x: B T heads d; coordinate i turns with i + d/2."""
        angle = torch.outer(torch.arange(x.shape[1], dtype=torch.float64), self.frequencies())[:, None]
        a, b = x.chunk(2, -1)
        return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)

    def norm(self, ops, name, x):
        return ops.gain(name, x / (x.pow(2).mean(-1, keepdim=True) + self.eps).sqrt())

    def attention(self, ops, name, x):
        B, T, _ = x.shape
        q = self.rotate(ops.linear(name + "q_proj", x).view(B, T, self.heads, self.head_dim))
        k = self.rotate(ops.linear(name + "k_proj", x).view(B, T, self.kv_heads, self.head_dim))
        v = ops.linear(name + "v_proj", x).view(B, T, self.kv_heads, self.head_dim)
        # Query head h uses key-value head h // (H / K).
        of = torch.arange(self.heads) // (self.heads // self.kv_heads)
        scores = torch.einsum("bthd,bshd->bhts", q, k[:, :, of]) / math.sqrt(self.head_dim)
        scores = scores.masked_fill(torch.ones(T, T, dtype=torch.bool).triu(1), -math.inf)
        mixed = torch.einsum("bhts,bshd->bthd", scores.softmax(-1), v[:, :, of])
        return ops.linear(name + "o_proj", mixed.reshape(B, T, -1))

    def mlp(self, ops, name, x):
        gate = ops.linear(name + "gate_proj", x)
        return ops.linear(name + "down_proj", gate * gate.sigmoid() * ops.linear(name + "up_proj", x))

    def logits(self, ops, ids):
        """ids: B T. Returns B T V."""
        x = ops.embedding("model.embed_tokens", ids)
        for i in range(self.layers):
            layer = f"model.layers.{i}."
            x = x + self.attention(ops, layer + "self_attn.", self.norm(ops, layer + "input_layernorm", x))
            x = x + self.mlp(ops, layer + "mlp.", self.norm(ops, layer + "post_attention_layernorm", x))
        return ops.linear("model.embed_tokens" if self.tied else "lm_head", self.norm(ops, "model.norm", x))

    def tensor_names(self, weights):
        """Embedding, layers (input norm, q, k, v, o, post-attention norm, gate, up, down; a bias after its weight), final norm, lm_head."""
        names = ["model.embed_tokens"]
        for i in range(self.layers):
            layer = f"model.layers.{i}."
            names += [layer + n for n in ("input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                                          "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")]
        names += ["model.norm", "lm_head"]
        ordered = [n + end for n in names for end in (".weight", ".bias") if n + end in weights]
        if set(ordered) != set(weights):
            raise ValueError(f"tensors that a Llama does not have: {sorted(set(weights) - set(ordered))}")
        return ordered


def predicted_tokens(labels):
    return sum(label != -100 for label in labels[1:])


def sample_loss(logits, labels):
    """Mean over the predicted tokens: labels[t] is what position t − 1 predicts. logits: T V."""
    total = 0.0
    for t in range(1, len(labels)):
        if labels[t] != -100:
            total = total + torch.logsumexp(logits[t - 1], 0) - logits[t - 1, labels[t]]
    return total / predicted_tokens(labels)
