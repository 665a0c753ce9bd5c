"""Samples and stores for the Python side of the benchmarks; checkpoints are read by tests/goldens/llama/llama_float64.py."""
import json
import pathlib
import sys

import h5py

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "goldens" / "llama"), str(TESTS / "system")]
from store_contents import texts  # noqa: E402


def load_samples(file, tokenizer_directory):
    """Dicts with id, input_ids, labels of a samples.jsonl. `text` is tokenized by the directory's SentencePiece model, its beginning-of-sequence
    token first unless tokenizer_config.json says add_bos_token: false. [TARGET] spans are not supported."""
    samples = []
    for number, line in enumerate(pathlib.Path(file).read_text().split("\n"), 1):
        if not line.strip():
            continue
        entry = json.loads(line)
        ids = entry.get("input_ids") or tokenize(entry["text"], pathlib.Path(tokenizer_directory))
        samples.append({"id": entry.get("id", str(number)), "input_ids": ids, "labels": entry.get("labels", ids)})
    return samples


def tokenize(text, directory):
    import sentencepiece
    if "[TARGET]" in text:
        raise SystemExit("[TARGET] spans are not supported here: give input_ids and labels")
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(directory / "tokenizer.model"))
    options = directory / "tokenizer_config.json"
    with_bos = json.loads(options.read_text()).get("add_bos_token", True) if options.exists() else True
    return ([tokenizer.bos_id()] if with_bos and tokenizer.bos_id() >= 0 else []) + tokenizer.encode(text)


class Store:
    """What the benchmarks need of an influence store with the axes segment, sample, component = tensor."""

    def __init__(self, path):
        with h5py.File(path) as file:
            self.psi, self.residual, self.nodes = file["psi"][()], file["residual"][()], file["node_count"][()]
            self.value_from, self.value_to = file["value_from"][()], file["value_to"][()]
            self.tensors = texts(file["tensor"])
            self.ids = texts(file["id"])
            self.seconds = file["provenance/seconds"][()] if "provenance/seconds" in file else None
            if not file["committed"][()].all():
                raise SystemExit(f"{path}: not every unit is committed")
        if self.psi.ndim != 3 or len(set(self.tensors)) != len(self.tensors):
            raise SystemExit(f"{path}: needs --axes sample --component tensor")

    def require_same_samples(self, path, samples, segments):
        """The stores' samples are ours, in order; so are the numbers of segments."""
        if self.ids != [s["id"] for s in samples] or len(self.psi) != segments:
            raise SystemExit(f"{path}: holds other samples or segments than the series and samples given")
