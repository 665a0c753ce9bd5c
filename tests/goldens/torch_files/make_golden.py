#!/usr/bin/env python3
"""pytorch_model.bin files as torch.save writes them, and pickles that a reader must refuse.

    build/deps/venv/bin/python tests/goldens/torch_files/make_golden.py

Writes, beside itself: state.bin (an OrderedDict with a view, a parameter, a shared storage, every floating type, an integer and a boolean
tensor), protocol4.bin (the same with pickle protocol 4), old.bin (the same as PyTorch before 1.6 wrote it), strided.bin (the same, no tensor
lying row by row in its storage), wrapped.bin (the same in the entry "model"), values.json (what is in them), and evil/NAME.bin with evil.json, which gives for each
the name that a refusal must quote. Loading an evil file with pickle would create a file called EVIL in the working directory.
"""
import collections
import json
import os
import pathlib
import pickle
import zipfile

import torch

HERE = pathlib.Path(__file__).parent


def state():
    generator = torch.Generator().manual_seed(3)
    base = torch.randn(6, 4, generator=generator)
    tensors = collections.OrderedDict()
    tensors["model.embed_tokens.weight"] = base.to(torch.bfloat16)
    tensors["view"] = base[2:5]  # contiguous, with an offset
    tensors["parameter"] = torch.nn.Parameter(base[0].clone())
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]  # a shared storage
    tensors["half"] = base[1].to(torch.float16)
    tensors["double"] = base.double()
    tensors["steps"] = torch.tensor([1, -2, 1 << 40])
    tensors["mask"] = torch.tensor([[True, False, True]])
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.zeros(0, 3)
    tensors._metadata = {"": {"version": 1}}  # modules leave this; it becomes a BUILD
    return tensors


class Calls:
    """Pickles to a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def evil():
    """name → (pickle's bytes, what the refusal must quote)"""
    touch = "touch EVIL"
    yield "os_system", pickle.dumps(Calls(os.system, touch), 2), "posix.system"
    yield "builtins_eval", pickle.dumps(Calls(eval, "open('EVIL', 'w')"), 2), "__builtin__.eval"
    yield "protocol4", pickle.dumps(Calls(os.system, touch), 4), "posix.system"
    yield "inside_a_dict", pickle.dumps({"a": {"b": [Calls(os.system, touch)]}}, 2), "posix.system"
    yield "getattr", b"\x80\x02c__builtin__\ngetattr\ncos\nsystem\nR.", "__builtin__.getattr"
    yield "allowed_as_function", b"\x80\x02ctorch\nFloatStorage\n)R.", "torch.FloatStorage"
    yield "other_of_torch", b"\x80\x02ctorch\nload\n)R.", "torch.load"
    yield "newobj", b"\x80\x02ccollections\nOrderedDict\n)\x81.", "0x81"
    yield "inst", b"(S'touch EVIL'\nios\nsystem\n.", "0x53"
    yield "obj", b"\x80\x02(ccollections\nOrderedDict\no.", "0x6f"
    yield "extension", b"\x80\x02\x82\x01.", "0x82"
    yield "persid_line", b"P0\n.", "0x50"
    yield "itself", (b"\x80\x02]q\x00(ctorch._tensor\n_rebuild_from_type_v2\nctorch\nTensor\nh\x00e0"
                     b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nNh\x00tR."), "on itself"
    yield "deep", b"\x80\x02)" + b"\x85" * 100_000 + b".", "no dict of tensors"
    yield "circle", b"\x80\x02]q\x00h\x00a.", "no dict of tensors"
    yield "not_tensors", pickle.dumps({"weights": [1, 2, 3]}, 2), "weights"
    yield "cut_short", pickle.dumps({"a": 1}, 2)[:-3], "cut short"
    yield "empty", b"", "cut short"
    yield "memo", b"\x80\x02h\x07.", "unknown reference"
    yield "stack", b"\x80\x020.", "empty stack"
    yield "huge_number", b"\x80\x02\x8a\x09" + b"\x01" * 9 + b".", "64 bits"


def strided(tensor):
    """The same values: transposed, and every second element of a storage."""
    twice = torch.stack([tensor, tensor], dim=-1)[..., 0]
    return twice.transpose(0, 1).contiguous().transpose(0, 1) if tensor.dim() == 2 else twice


def write_archive(path, data):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (("data.pkl", data), ("byteorder", b"little"), ("version", b"3\n")):
            archive.writestr(zipfile.ZipInfo("archive/" + name), content)


def main():
    tensors = state()
    torch.save(tensors, HERE / "state.bin")
    torch.save(tensors, HERE / "protocol4.bin", pickle_protocol=4)
    torch.save(tensors, HERE / "old.bin", _use_new_zipfile_serialization=False)
    torch.save({name: strided(t.detach()) for name, t in tensors.items()}, HERE / "strided.bin")
    torch.save({"epoch": 3, "model": dict(tensors), "args": None}, HERE / "wrapped.bin")
    values = {name: {"shape": list(t.shape), "dtype": str(t.dtype).removeprefix("torch."), "values": t.detach().double().flatten().tolist()}
              for name, t in tensors.items()}
    (HERE / "values.json").write_text(json.dumps(values, indent=1) + "\n")
    (HERE / "evil").mkdir(exist_ok=True)
    quotes = {}
    for name, data, quote in evil():
        write_archive(HERE / "evil" / f"{name}.bin", data)
        quotes[name] = quote
    (HERE / "evil.json").write_text(json.dumps(quotes, indent=1) + "\n")


main()
