"""Samples as data sets hold them: prompts with completions. What is read is decomposed as the same token ids with labels are."""
import json
import pathlib
import shutil
import tempfile

import h5py

from program import GOLDENS, decompose, must, run

LETTERS = "abcdefghijklmnop"


def tokenizer(folder):
    """Characters, and merges that reach over a blank; <s> (0) begins a sequence."""
    model = {"type": "BPE", "vocab": {p: i for i, p in enumerate(["<s>", *LETTERS, "Ġ", "ab", "Ġab"])}, "merges": ["a b", "Ġ ab"]}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    (folder / "tokenizer.json").write_text(json.dumps({
        "model": model, "added_tokens": [{"id": 0, "content": "<s>"} | flags],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
                           "special_tokens": {"<s>": {"ids": [0]}}}}))


def lines(path, *samples):
    path.write_text("".join(json.dumps(s) + "\n" for s in samples))
    return path


def scores(store):
    with h5py.File(store) as file:
        return file["id"][...].tolist(), file["psi"][...]


def same(series, folder, samples, ids, *more):
    """Both give the same scores under the same ids. Returns what decompose says of the first."""
    read, given = folder / f"{samples.stem}.h5", folder / f"{ids.stem}.h5"
    said = must(decompose(read, series, samples, *more, "--overwrite")).stdout
    must(decompose(given, series, ids, "--overwrite"))
    (names, psi), (given_names, given_psi) = scores(read), scores(given)
    assert names == given_names, (names, given_names)
    assert (psi == given_psi).all() and abs(psi).max() > 0
    return said


def refused(words, *arguments, code=1, ranks=0):
    process = run(*arguments, ranks=ranks)
    assert process.returncode == code, (process.returncode, process.stderr)
    assert words in process.stderr and not process.stdout, (words, process.stderr, process.stdout)
    return process.stderr


def completions(series, folder):
    pairs = lines(folder / "pairs.jsonl", {"id": "x", "prompt": "cab", "completion": " abd"}, {"id": "y", "prompt": "c a", "completion": "bd"})
    ids = lines(folder / "pair_ids.jsonl", {"id": "x", "input_ids": [0, 3, 18, 19, 4], "labels": [-100, -100, -100, 19, 4]},
                {"id": "y", "input_ids": [0, 3, 19, 4], "labels": [-100, -100, 19, 4]})
    note = "in 1 sample a token holds the end of the prompt and the beginning of the completion"
    assert note in same(series, folder, pairs, ids)
    shown = must(run("tokenize", series, "--samples", pairs, "--json"))
    first = json.loads(shown.stdout.splitlines()[0])
    assert first["text"] == "cab abd" and first["logits"] == [None, None, None, "logit:2:19", "logit:3:4"] and note in shown.stderr, (first, shown.stderr)
    half = lines(folder / "half.jsonl", {"prompt": "cab", "completion": "d"}, {"prompt": "cab"})
    store = folder / "half.h5"
    message = refused("half.jsonl:2: has a prompt and no completion. Give both, or the whole as text", "decompose", "--series", series, "--samples", half,
                      "--store", store, ranks=2)
    assert message.count("has a prompt") == 1 and not store.exists(), message


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        series = folder / "series"
        shutil.copytree(GOLDENS / "grouped_query/series", series)
        tokenizer(min((p for p in series.iterdir() if p.is_dir()), key=lambda p: int(p.name.split("-")[-1])))
        completions(series, folder)
    print("prompts with completions")


main()
