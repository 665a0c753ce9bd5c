"""dcp/whole: a small state of two ranks as torch.distributed.checkpoint writes it. dcp/faults: its .metadata, broken in one way each; faults.json: the words that
the refusal has. Made once, and committed.

    python make_dcp.py
"""
import copy
import dataclasses
import json
import os
import pathlib
import pickle
import shutil

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor

HERE = pathlib.Path(__file__).parent / "dcp"


class Evil:
    def __reduce__(self):
        return (os.system, ("touch EVIL",))


def numbers(*shape, start=0.0):
    count = 1
    for extent in shape:
        count *= extent
    return torch.arange(count, dtype=torch.float32).reshape(shape) + start


def write(rank):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29517", RANK=str(rank), WORLD_SIZE="2")
    dist.init_process_group("gloo", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    shapes = {"a.weight": (3, 4), "b.weight": (4,), "c.weight": (2, 6)}
    axes = {"a.weight": 0, "c.weight": 1}  # b is whole on both ranks

    def tensor(name, start):
        values = numbers(*shapes[name], start=start)
        return distribute_tensor(values, mesh, [Shard(axes[name])]) if name in axes else values

    state = {name: {"step": torch.tensor(7.0), "exp_avg": tensor(name, 100.0), "exp_avg_sq": tensor(name, 200.0)} for name in shapes}
    shared = {"lr": 0.5, "betas": (0.75, 0.875), "eps": 1e-3, "amsgrad": False, "maximize": False, "decoupled_weight_decay": True}
    groups = [{**shared, "weight_decay": 0.25, "params": ["a.weight", "c.weight"]}, {**shared, "weight_decay": 0.0, "params": ["b.weight"]}]
    dcp.save({"model": {name: tensor(name, 0.0) for name in shapes}, "optimizer": {"state": state, "param_groups": groups}, "epoch": 3}, checkpoint_id=str(HERE / "whole"))
    dist.destroy_process_group()


def faults(whole):
    """Name → (changed metadata, words)."""
    def changed(change):
        metadata = copy.deepcopy(whole)
        change(metadata)
        return metadata

    def chunks(metadata, name="model.a.weight"):
        return metadata.state_dict_metadata[name].chunks

    def moved(metadata):  # the second part begins a row early: an overlap, and a hole behind it
        old = chunks(metadata)[1].offsets
        new = torch.Size([1, 0])
        chunks(metadata)[1] = dataclasses.replace(chunks(metadata)[1], offsets=new)
        for index in list(metadata.storage_data):
            if index.fqn == "model.a.weight" and index.offset == old:
                metadata.storage_data[dcp.metadata.MetadataIndex(index.fqn, new)] = metadata.storage_data.pop(index)

    def without(metadata):
        del chunks(metadata)[1]

    def outside(metadata):
        metadata.state_dict_metadata["model.a.weight"].size = torch.Size([2, 4])

    def nowhere(metadata):
        metadata.storage_data = {i: s for i, s in metadata.storage_data.items() if i.fqn != "model.b.weight"}

    def other_type(metadata):
        metadata.state_dict_metadata["model.b.weight"].properties.dtype = torch.float16

    def unknown_type(metadata):
        metadata.state_dict_metadata["model.b.weight"].properties.dtype = torch.complex64

    def beyond(metadata):
        for index, info in metadata.storage_data.items():
            if index.fqn == "model.b.weight":
                info.offset += 10**6

    def negative(metadata):
        for index, info in metadata.storage_data.items():
            if index.fqn == "model.b.weight":
                info.length = -1

    def elsewhere(metadata):
        for info in metadata.storage_data.values():
            info.relative_path = "../" + info.relative_path

    def lost(metadata):
        for index, info in metadata.storage_data.items():
            if index.fqn == "model.b.weight":
                info.relative_path = "__2_0.distcp"

    def packed(metadata):
        for index, info in metadata.storage_data.items():
            if index.fqn == "model.b.weight":
                info.transform_descriptors = ["stream.zstd/1"]

    def huge(metadata):
        metadata.state_dict_metadata["model.a.weight"].size = torch.Size([2**40, 2**40])

    def evil(metadata):
        metadata.planner_data = Evil()

    def another(metadata):
        metadata.storage_meta = torch.nn.Linear

    def second(metadata):
        metadata.state_dict_metadata["state_dict.x.weight"] = metadata.state_dict_metadata["model.a.weight"]
        metadata.planner_data["state_dict.x.weight"] = ("state_dict", "x.weight")
        for index in list(metadata.storage_data):
            if index.fqn == "model.a.weight":
                metadata.storage_data[dcp.metadata.MetadataIndex("state_dict.x.weight", index.offset)] = metadata.storage_data[index]

    def twice(metadata):
        metadata.state_dict_metadata["model.module.a.weight"] = metadata.state_dict_metadata["model.b.weight"]
        metadata.planner_data["model.module.a.weight"] = ("model", "module.a.weight")
        for index in list(metadata.storage_data):
            if index.fqn == "model.b.weight":
                metadata.storage_data[dcp.metadata.MetadataIndex("model.module.a.weight", index.offset)] = metadata.storage_data[index]

    yield "overlap", changed(moved), ["model.a.weight", "overlap"]
    yield "hole", changed(without), ["model.a.weight", "leave a hole", "8 of its 12"]
    yield "outside", changed(outside), ["model.a.weight", "lies outside its shape [2, 4]"]
    yield "nowhere", changed(nowhere), ["model.b.weight", "stored nowhere"]
    yield "other_type", changed(other_type), ["model.b.weight", "is F32 [4] there", "says F16 [4]"]
    yield "unknown_type", changed(unknown_type), ["torch.complex64", "nothing of it was run"]
    yield "beyond", changed(beyond), ["distcp", "is cut short", "model.b.weight"]
    yield "negative", changed(negative), ["length is no whole number"]
    yield "elsewhere", changed(elsewhere), ["not the name of a file in the same folder"]
    yield "lost", changed(lost), ["__2_0.distcp", "is missing"]
    yield "packed", changed(packed), ["model.b.weight", "transformation (stream.zstd/1)"]
    yield "huge", changed(huge), ["model.a.weight", "larger than any file"]
    yield "evil", changed(evil), ["posix.system", "nothing of it was run"]
    yield "another", changed(another), ["torch.nn.modules.linear.Linear", "nothing of it was run"]
    yield "second", changed(second), ["\"model\"", "\"state_dict\"", "may both be meant"]
    yield "twice", changed(twice), ["a.weight twice"]
    yield "no_metadata", {"state_dict_metadata": {}}, ["holds no Metadata"]
    yield "no_storage", dcp.metadata.Metadata({}), ["storage_data is no dict"]


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    torch.multiprocessing.spawn(write, nprocs=2)
    whole = pickle.loads((HERE / "whole/.metadata").read_bytes())
    whole.storage_meta = None  # paths of this machine
    (HERE / "whole/.metadata").write_bytes(pickle.dumps(whole))
    (HERE / "faults").mkdir()
    words = {}
    for name, metadata, expected in faults(whole):
        (HERE / "faults" / f"{name}.metadata").write_bytes(pickle.dumps(metadata))
        words[name] = expected
    (HERE / "faults.json").write_text(json.dumps(words, indent=1) + "\n")


if __name__ == "__main__":
    main()
