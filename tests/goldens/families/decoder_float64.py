"""A forward pass of every family in which everything is float64, written from the architectures.

Hugging Face rounds norms, softmax and rotary tables to fp32 even in a `.double()` model, so it cannot be the reference of scores to 1e-8. This shares
nothing with the program under test and reads config.json itself. Legend: B samples, T positions, C hidden size, H heads, K key-value heads, d head
size, V vocabulary.
"""
import math

import torch


class DenseWeights:
    """The operations that own parameters, over a dict of tensors."""

    def __init__(self, weights):
        self.weights = weights

    def vector(self, name, x):
        """A vector parameter as it multiplies x, B T … C."""
        return self.weights[name]

    def linear(self, name, x, columns=False):
        """columns: the matrix is stored in out."""
        matrix = self.weights[name + ".weight"]
        y = x @ (matrix if columns else matrix.T)
        return y + self.vector(name + ".bias", y) if name + ".bias" in self.weights else y

    def embedding(self, name, ids):
        return self.weights[name + ".weight"][ids]


class PositionWeights(DenseWeights):
    """The same with one copy of every parameter for each position (T in front of its shape); B = 1."""

    def vector(self, name, x):
        copies = self.weights[name]
        return copies.reshape(copies.shape[0], *[1] * (x.dim() - 3), copies.shape[1])

    def linear(self, name, x, columns=False):
        y = torch.einsum("btc,tco->bto" if columns else "btc,toc->bto", x, self.weights[name + ".weight"])
        return y + self.vector(name + ".bias", y) if name + ".bias" in self.weights else y

    def embedding(self, name, ids):
        return self.weights[name + ".weight"][torch.arange(ids.shape[1]), ids[0]][None]


ACTIVATIONS = {
    "silu": lambda x: x * torch.sigmoid(x),
    "gelu": lambda x: x * (1 + torch.erf(x / math.sqrt(2))) / 2,
    "gelu_new": lambda x: x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
    "relu": torch.relu,
}
ACTIVATIONS["gelu_pytorch_tanh"] = ACTIVATIONS["gelu_new"]


def softplus(x):
    return torch.log1p(torch.exp(x))


def yarn(i, n, rope):
    """What pair i of n / 2 keeps of its frequency, and what multiplies cosines and sines."""
    def pair(turns):
        return n * math.log(rope["original_max_position_embeddings"] / (turns * 2 * math.pi)) / (2 * math.log(rope["rope_theta"]))
    low, high = pair(rope.get("beta_fast", 32)), pair(rope.get("beta_slow", 1))
    if rope.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, n - 1)
    return 1 - min(max((i - low) / ((high - low) or 0.001), 0), 1)


class Decoder:
    """config: the dict of config.json."""

    def __init__(self, config):
        self.config, self.type = config, config["model_type"]
        gpt2 = self.type == "gpt2"
        self.layers = config["n_layer" if gpt2 else "num_hidden_layers"]
        self.hidden = config["n_embd" if gpt2 else "hidden_size"]
        self.heads = config["n_head" if gpt2 else "num_attention_heads"]
        self.kv_heads = config.get("num_key_value_heads") or self.heads
        self.head_dim = config.get("head_dim") or self.hidden // self.heads
        self.tied = config.get("tie_word_embeddings", self.type in ("gpt2", "gemma2", "gemma3_text", "smollm3"))
        self.gemma = self.type.startswith("gemma")
        self.layer_norm = self.type in ("gpt2", "gpt_neox", "olmo")
        self.eps = config.get("rms_norm_eps") or config.get("layer_norm_eps") or config.get("layer_norm_epsilon") or 1e-5
        self.base = {"gpt2": "transformer.", "gpt_neox": "gpt_neox."}.get(self.type, "model.")
        self.columns = gpt2
        names = {"gpt2": ("wte", "h", "ln_f"), "gpt_neox": ("embed_in", "layers", "final_layer_norm")}
        self.embedding_name, self.layers_name, self.norm_name = names.get(self.type, ("embed_tokens", "layers", "norm"))
        self.head_name = "embed_out" if self.type == "gpt_neox" else "lm_head"

    # What differs between layers.

    def kind(self, layer):
        """full_attention or sliding_attention."""
        if self.type == "mistral":
            return "sliding_attention" if self.config.get("sliding_window") else "full_attention"
        if self.config.get("layer_types"):
            return self.config["layer_types"][layer]
        if self.type in ("qwen2", "qwen3"):
            inside = self.config.get("use_sliding_window") and layer >= self.config["max_window_layers"]
            return "sliding_attention" if inside else "full_attention"
        return "full_attention"

    def rope(self, layer):
        """The dict of the layer's rope; none where nothing is turned."""
        if self.type == "gpt2" or (self.type == "smollm3" and not self.config["no_rope_layers"][layer]):
            return None
        given = dict(self.config.get("rope_parameters") or {})
        if self.kind(layer) in given:
            return dict(given[self.kind(layer)])
        old = dict(self.config.get("rope_scaling") or {})
        theta = self.config.get("rope_theta") or self.config.get("rotary_emb_base") or 10000.0
        rope = {"rope_theta": theta, "rope_type": old.get("type", "default")} | old | given
        if self.type == "gpt_neox":
            rope["partial_rotary_factor"] = self.config.get("rotary_pct", rope.get("partial_rotary_factor", 0.25))
        return rope

    def angles(self, rope, positions):
        """T n/2 angles, and the factor of cosines and sines."""
        n, factor, out = int(self.head_dim * rope.get("partial_rotary_factor", 1.0)), 1.0, []
        for i in range(n // 2):
            f = rope["rope_theta"] ** (-2 * i / n)
            if rope["rope_type"] == "linear":
                f /= rope["factor"]
            elif rope["rope_type"] == "llama3":
                turns = rope["original_max_position_embeddings"] * f / (2 * math.pi)
                low, high = rope["low_freq_factor"], rope["high_freq_factor"]
                keep = min(max((turns - low) / (high - low), 0.0), 1.0)
                f = keep * f + (1 - keep) * f / rope["factor"]
            elif rope["rope_type"] == "yarn":
                keep = yarn(i, n, rope)
                f = keep * f + (1 - keep) * f / rope["factor"]
                factor = rope.get("attention_factor") or 0.1 * math.log(rope["factor"]) + 1
            elif rope["rope_type"] not in ("default", "dynamic"):
                raise ValueError(rope["rope_type"])
            out.append(f)
        return torch.outer(torch.arange(positions, dtype=torch.float64), torch.tensor(out, dtype=torch.float64)), factor

    def rotate(self, x, rope):
        """x: B T heads d; coordinate i of the n turned ones turns with i + n/2."""
        if rope is None:
            return x
        angle, factor = self.angles(rope, x.shape[1])
        cos, sin = (factor * angle.cos())[:, None], (factor * angle.sin())[:, None]
        half = angle.shape[1]
        a, b, rest = x[..., :half], x[..., half:2 * half], x[..., 2 * half:]
        return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], -1)

    def norm(self, ops, name, x):
        if self.layer_norm:
            x = x - x.mean(-1, keepdim=True)
        y = x / (x.pow(2).mean(-1, keepdim=True) + self.eps).sqrt()
        if name + ".weight" in ops.weights:
            gain = ops.vector(name + ".weight", y)
            y = y * (1 + gain if self.gemma else gain)
        return y + ops.vector(name + ".bias", y) if name + ".bias" in ops.weights else y

    def projected(self, ops, name, x):
        """Queries, keys and values, each B T heads d."""
        B, T, _ = x.shape
        d = self.head_dim
        if self.type == "gpt_neox":
            parts = ops.linear(name + "attention.query_key_value", x).view(B, T, self.heads, 3, d)
            return parts[..., 0, :], parts[..., 1, :], parts[..., 2, :]
        if self.type == "gpt2":
            parts = ops.linear(name + "attn.c_attn", x, columns=True).view(B, T, 3, self.heads, d)
            return parts[:, :, 0], parts[:, :, 1], parts[:, :, 2]
        out = []
        for part, heads in (("q", self.heads), ("k", self.kv_heads), ("v", self.kv_heads)):
            y = ops.linear(f"{name}self_attn.{part}_proj", x)
            if self.config.get("clip_qkv"):
                y = y.clamp(-self.config["clip_qkv"], self.config["clip_qkv"])
            norm = f"{name}self_attn.{part}_norm"
            if self.type in ("olmo2", "olmo3") and part != "v":
                y = self.norm(ops, norm, y)
            y = y.view(B, T, heads, d)
            if self.type in ("qwen3", "apertus", "gemma3_text") and part != "v":
                y = self.norm(ops, norm, y)
            out.append(y)
        return out

    def attention(self, ops, name, layer, x):
        B, T, _ = x.shape
        q, k, v = self.projected(ops, name, x)
        q, k = self.rotate(q, self.rope(layer)), self.rotate(k, self.rope(layer))
        of = torch.arange(self.heads) // (self.heads // self.kv_heads)
        scale = self.config["query_pre_attn_scalar"] ** -0.5 if self.gemma else self.head_dim**-0.5
        if self.type == "gpt2" and not self.config.get("scale_attn_weights", True):
            scale = 1.0
        scores = torch.einsum("bthd,bshd->bhts", q, k[:, :, of]) * scale
        cap = self.config.get("attn_logit_softcapping") if self.type == "gemma2" else None
        if cap:
            scores = cap * torch.tanh(scores / cap)
        apart = torch.arange(T)[:, None] - torch.arange(T)[None]  # how far key s lies before query t
        hidden = apart < 0
        if self.kind(layer) == "sliding_attention":
            hidden = hidden | (apart >= self.config["sliding_window"])
        scores = scores.masked_fill(hidden, -math.inf)
        mixed = torch.einsum("bhts,bshd->bthd", scores.softmax(-1), v[:, :, of]).reshape(B, T, -1)
        output = {"gpt2": "attn.c_proj", "gpt_neox": "attention.dense"}.get(self.type, "self_attn.o_proj")
        return ops.linear(name + output, mixed, self.columns)

    def mlp(self, ops, name, x):
        if self.type in ("gpt2", "gpt_neox"):
            up, down = ("mlp.c_fc", "mlp.c_proj") if self.columns else ("mlp.dense_h_to_4h", "mlp.dense_4h_to_h")
            act = ACTIVATIONS[self.config["activation_function" if self.columns else "hidden_act"]]
            return ops.linear(name + down, act(ops.linear(name + up, x, self.columns)), self.columns)
        if self.config.get("hidden_act") == "xielu":
            u = ops.linear(name + "mlp.up_proj", x)
            positive = softplus(ops.vector(name + "mlp.act_fn.alpha_p", u))
            negative = 0.5 + softplus(ops.vector(name + "mlp.act_fn.alpha_n", u))
            below = torch.clamp(u, max=0)
            u = positive * torch.clamp(u, min=0) ** 2 + negative * (torch.expm1(below) - below) + 0.5 * u
            return ops.linear(name + "mlp.down_proj", u)
        act = ACTIVATIONS[self.config["hidden_activation" if self.gemma else "hidden_act"]]
        gate = act(ops.linear(name + "mlp.gate_proj", x))
        return ops.linear(name + "mlp.down_proj", gate * ops.linear(name + "mlp.up_proj", x))

    def norms(self):
        """Names of the norms before and after attention, before and after the MLP."""
        if self.type == "gpt2":
            return "ln_1", None, "ln_2", None
        if self.type in ("olmo2", "olmo3"):
            return None, "post_attention_layernorm", None, "post_feedforward_layernorm"
        if self.type == "apertus":
            return "attention_layernorm", None, "feedforward_layernorm", None
        if self.gemma:
            return "input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"
        return "input_layernorm", None, "post_attention_layernorm", None

    def logits(self, ops, ids):
        """ids: B T. Returns B T V."""
        x = ops.embedding(self.base + self.embedding_name, ids)
        if self.gemma:
            x = x * math.sqrt(self.hidden)
        if self.type == "gpt2":
            x = x + ops.embedding(self.base + "wpe", torch.arange(ids.shape[1]).expand_as(ids))
        parallel = self.type == "gpt_neox" and self.config.get("use_parallel_residual", True)
        for i in range(self.layers):
            name = f"{self.base}{self.layers_name}.{i}."
            before, after, before_mlp, after_mlp = (lambda y, n=n: y if n is None else self.norm(ops, name + n, y) for n in self.norms())
            mixed = x + after(self.attention(ops, name, i, before(x)))
            x = mixed + after_mlp(self.mlp(ops, name, before_mlp(x if parallel else mixed)))
        x = self.norm(ops, self.base + self.norm_name, x)
        logits = ops.linear(self.base + self.embedding_name if self.tied else self.head_name, x)
        cap = self.config.get("final_logit_softcapping") if self.gemma else None
        return cap * torch.tanh(logits / cap) if cap else logits


def outputs_axis(name, shape, model):
    """The axis of a parameter along which its outputs lie; none of a single number."""
    matrix_of_block = model.columns and len(shape) == 2 and ".wte." not in name and ".wpe." not in name
    return 1 if matrix_of_block else 0


def is_by_input(name):
    """Whether heads or units of an MLP are the matrix's inputs."""
    ends = ("o_proj.weight", "attention.dense.weight", "attn.c_proj.weight", "down_proj.weight", "dense_4h_to_h.weight", "mlp.c_proj.weight")
    return name.endswith(ends)
