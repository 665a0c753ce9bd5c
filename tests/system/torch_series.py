"""A series of pytorch_model.bin files gives the store of the same series in safetensors: one file or shards, and through the links of a
local Hub cache."""
import json
import pathlib
import shutil
import tempfile

import torch
from safetensors.torch import load_file

from program import GOLDENS, decompose, must
from store_contents import contents

SERIES, SAMPLES = GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl"


def convert(source, target, shards):
    """A checkpoint folder with its weights as torch.save writes them."""
    target.mkdir(parents=True)
    for file in source.iterdir():
        if not file.name.startswith("model."):
            shutil.copy(file, target / file.name)
    state = load_file(source / "model.safetensors")
    if shards == 1:
        torch.save(state, target / "pytorch_model.bin")
        return
    weight_map = {}
    for shard in range(shards):
        name = f"pytorch_model-{shard + 1:05d}-of-{shards:05d}.bin"
        part = {key: value for i, (key, value) in enumerate(state.items()) if i % shards == shard}
        torch.save(part, target / name)
        weight_map |= {key: name for key in part}
    (target / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def hub_cache(folder):
    """models--org--name as huggingface_hub keeps it: blobs, and snapshots of links; a list names the steps."""
    lines = []
    for i, source in enumerate(sorted(SERIES.iterdir(), key=lambda p: int(p.name.split("-")[-1]))):
        snapshot = folder / "models--org--name/snapshots" / f"{i:040x}"
        snapshot.mkdir(parents=True)
        (folder / "models--org--name/blobs").mkdir(exist_ok=True)
        for file in source.iterdir():
            blob = folder / "models--org--name/blobs" / f"{i}{file.name}".encode().hex()
            shutil.copy(file, blob)
            (snapshot / file.name).symlink_to(pathlib.Path("../../blobs") / blob.name)
        lines.append(f"{source.name.split('-')[-1]} {snapshot.relative_to(folder)}\n")
    (folder / "steps.txt").write_text("".join(lines))
    return folder / "steps.txt"


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        must(decompose(folder / "reference.h5", SERIES, SAMPLES))
        reference = contents(folder / "reference.h5")
        for shards in (1, 3):
            for source in SERIES.iterdir():
                convert(source, folder / f"bin{shards}" / source.name, shards)
            must(decompose(folder / "out.h5", folder / f"bin{shards}", SAMPLES, "--overwrite"))
            assert contents(folder / "out.h5") == reference, shards
        must(decompose(folder / "out.h5", hub_cache(folder), SAMPLES, "--overwrite"))
        assert contents(folder / "out.h5") == reference, "Hub cache"
        evil = folder / "bin1/step-10/pytorch_model.bin"
        evil.unlink()
        shutil.copy(GOLDENS.parent / "torch_files/evil/os_system.bin", evil)
        process = decompose(folder / "evil.h5", folder / "bin1", SAMPLES, ranks=2, cwd=folder)
        assert process.returncode == 1 and process.stderr.count("posix.system") == 1, process.stderr
        assert not (folder / "EVIL").exists() and not (folder / "evil.h5").exists()
        print("pytorch_model.bin, one file and shards, and a Hub cache: the store of the safetensors series; a pickle that calls: refused")


main()
