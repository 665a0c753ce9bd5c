"""Influence stores of any size and shape, with known numbers, made by h5py alone (layout: src/store/layout.md)."""
import json

import h5py
import numpy

ATTENTION, MLP = ("q_proj", "k_proj", "v_proj", "o_proj"), ("gate_proj", "up_proj", "down_proj")


def tensors_of(layers):
    """(name, layer, kind) of a small Llama."""
    yield "model.embed_tokens.weight", -1, "embedding"
    for layer in range(layers):
        yield f"model.layers.{layer}.input_layernorm.weight", layer, "norm"
        for name in ATTENTION:
            yield f"model.layers.{layer}.self_attn.{name}.weight", layer, "attention"
        for name in MLP:
            yield f"model.layers.{layer}.mlp.{name}.weight", layer, "mlp"
    yield "model.norm.weight", layers, "norm"
    yield "lm_head.weight", layers, "unembedding"


def components_of(layers, heads=0, rows=0):
    """name, layer, kind, tensor, head, index of every component; rows: so many of each matrix."""
    for name, layer, kind in tensors_of(layers):
        if rows and kind != "norm":
            for row in range(rows):
                yield f"{name}[{row}]", layer, kind, name, -1, row
        elif heads and kind == "attention":
            for head in range(heads):
                yield f"{name}.head.{head}", layer, kind, name, head, head
        else:
            yield name, layer, kind, name, -1, -1


class Writer:
    def __init__(self, file):
        self.file = file

    def scale(self, name, values):
        self.numbers(name, values) if not isinstance(values[0], str) else self.texts(name, values)
        self.file[name].make_scale(name)

    def _attach(self, name, dims):
        for axis, dim in enumerate(dims):
            if dim != name and dim in self.file:
                self.file[name].dims[axis].attach_scale(self.file[dim])

    def numbers(self, name, values, dims=(), **attributes):
        values = numpy.asarray(values)
        if values.dtype == numpy.int64:
            values = values.astype(numpy.int32)
        self.file[name] = values
        self._attach(name, dims)
        for key, value in attributes.items():
            self.file[name].attrs[key] = numpy.bytes_(value)

    def texts(self, name, values, dims=()):
        width = max(1, max(len(value.encode()) for value in values))
        rows = [list(value.encode().ljust(width, b"\0")) for value in values]
        characters = numpy.array(rows, numpy.uint8).view("S1")
        self.file[name] = characters
        self.file[name].attrs["_Encoding"] = numpy.bytes_("utf-8")
        self._attach(name, dims)


def make_store(path, segments=12, samples=12, groups=("de", "fr", "en", "ja"), layers=4, heads=0, rows=0, missing=(), positions=0, seed=1,
               coordinate_steps=None, tokens=None, scores=None):
    """missing: (segment, sample) pairs that are not committed. coordinate_steps: checkpoints' steps. tokens: pieces of each
    sample, as many as positions. scores: (segment, sample, component), in place of random ones. Returns psi."""
    random = numpy.random.default_rng(seed)
    components = list(components_of(layers, heads, rows))
    steps = coordinate_steps or [int(round(2 ** (0.7 * i))) - 1 + i for i in range(segments + 1)]
    shape = (segments, samples, positions, len(components)) if positions else (segments, samples, len(components))
    size = numpy.exp(random.normal(-7, 1.2, len(components))) * (0.02 if rows else 3)
    drawn = random.normal(-0.6, 1, shape) * size
    scores = drawn if scores is None else scores
    lengths = random.integers(max(1, positions // 2), positions + 1, samples) if positions else None
    if positions:
        for sample, length in enumerate(lengths):
            scores[:, sample, length:] = 0
    there = numpy.ones((segments, samples), numpy.int8)
    for pair in missing:
        there[pair] = 0
    total = scores.reshape(segments, samples, -1).sum(-1)
    residual = random.normal(0, 1e-7, (segments, samples))
    start = random.uniform(6, 8, samples)
    value_to = start + numpy.cumsum(total + residual, axis=0)
    value_from = value_to - total - residual
    hide = numpy.where(there == 1, 1.0, numpy.nan)
    names = [groups[i % len(groups)] for i in range(samples)]
    ids = [f"secret-id-{i}" for i in range(samples)]
    with h5py.File(path, "w") as file:
        write = Writer(file)
        file.attrs["store_version"] = numpy.int32(2)
        file.attrs["configuration"] = numpy.bytes_(json.dumps({
            "series": "/secret/path/series", "samples": "/secret/path/samples.jsonl", "functional": "loss", "component": "row" if rows else "head" if heads else "tensor",
            "axes": "sample,position" if positions else "sample", "quadrature": "adaptive", "tolerance": "1e-05", "relative-to": "change", "precision": "fp32",
            "group-reduce": "mean"}))
        file.attrs["created"], file.attrs["revision"] = numpy.bytes_("2026-11-28T00:00:00Z"), numpy.bytes_("made")
        file.attrs["history"] = numpy.bytes_("secret-host: explaind decompose")
        file.create_group("provenance")
        config = json.dumps({"architectures": ["LlamaForCausalLM"], "num_hidden_layers": layers, "hidden_size": 64, "num_attention_heads": heads or 8})
        write.texts("provenance/hosts", ["{\"secret-host\":1}"])
        file["provenance/model_config"] = numpy.frombuffer(config.encode(), "S1")
        if tokens:
            text = json.dumps([{"ids": list(range(len(pieces))), "pieces": pieces} for pieces in tokens])
            file["provenance/tokens"] = numpy.frombuffer(text.encode(), "S1")
        write.scale("segment", numpy.arange(segments))
        write.scale("sample", numpy.arange(samples))
        write.scale("component", [each[0] for each in components])
        if positions:
            write.scale("position", numpy.arange(positions))
            write.numbers("length", lengths, ("sample",))
        write.numbers("step_from", steps[:-1], ("segment",))
        write.numbers("step_to", steps[1:], ("segment",))
        write.texts("id", ids, ("sample",))
        write.texts("group", names, ("sample",))
        write.numbers("layer", [each[1] for each in components], ("component",))
        write.texts("kind", [each[2] for each in components], ("component",))
        write.texts("tensor", [each[3] for each in components], ("component",))
        write.numbers("head", [each[4] for each in components], ("component",))
        write.numbers("index", [each[5] for each in components], ("component",))
        axes = ("segment", "sample", "position", "component") if positions else ("segment", "sample", "component")
        coordinates = "step_from step_to id group layer kind tensor head index" + (" length" if positions else "")
        psi = scores.copy()
        psi[there == 0] = numpy.nan
        write.numbers("psi", psi, axes, unit_name="nat", units="1", coordinates=coordinates)
        pair = ("segment", "sample")
        for name, values in (("value_from", value_from), ("value_to", value_to), ("residual", residual),
                             ("quadrature_error", numpy.abs(random.normal(0, 3e-7, (segments, samples))))):
            write.numbers(name, values * hide, pair, unit_name="nat", units="1", coordinates=coordinates)
        write.numbers("node_count", numpy.full((segments, samples), 9), pair, coordinates=coordinates)
        write.numbers("tolerance_met", numpy.ones((segments, samples), numpy.int8), pair, coordinates=coordinates)
        write.numbers("limited_by_precision", numpy.zeros((segments, samples), numpy.int8), pair, coordinates=coordinates)
        write.numbers("committed", there, pair, coordinates=coordinates)
    return psi
