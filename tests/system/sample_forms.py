"""Samples as data sets hold them: prompts with completions, conversations, whose recipe works, and long ones in windows. What is read is decomposed as the same token ids with labels are."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import textwrap

import h5py

from program import GOLDENS, decompose, must, run

LETTERS = "abcdefghijklmnop"


def tokenizer(folder, **changes):
    """Characters, and merges that reach over a blank; <s> (0) begins a sequence."""
    model = {"type": "BPE", "vocab": {p: i for i, p in enumerate(["<s>", *LETTERS, "Ġ", "ab", "Ġab"])}, "merges": ["a b", "Ġ ab"]}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    ends = {"type": "TemplateProcessing", "pair": [],
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}}
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "model": model, "added_tokens": [{"id": 0, "content": "<s>"} | flags], "post_processor": ends,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}} | changes))


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


def conversations(series, folder):
    """The lines of Python that a refusal prints make samples of the file that it refuses."""
    own = folder / "own"
    own.mkdir()
    tokenizer(own)
    template = "{% for m in messages %}{{ m.content }}{{ ' ' }}{% endfor %}"
    (own / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": template}))
    said = [{"role": "user", "content": "cab"}, {"role": "assistant", "content": "abd"}]
    chats = lines(folder / "chats.jsonl", {"id": "x", "group": "g", "messages": said})
    halves = lines(folder / "halves.jsonl", {"id": "x", "group": "g", "prompt": said[:1], "completion": said[1:]})
    # The recipe for texts too, of a tokenizer that is not covered.
    other = folder / "other"
    other.mkdir()
    tokenizer(other, normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": False})
    (other / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    lines(folder / "samples.jsonl", {"id": "x", "group": "g", "text": "cab abd"})
    message = refused("Give token ids (input_ids) instead of text", "tokenize", series, "--tokenizer", other, "--samples", folder / "samples.jsonl")
    script = textwrap.dedent(message[message.index("\n  import ") + 1:])
    for file in (chats, halves):
        message = refused(f"{file.name}:1: ", "tokenize", series, "--tokenizer", own, "--samples", file)
        assert "chat template" in message and "Jinja" in message, message
        recipe = textwrap.dedent(message[message.index("\n  import ") + 1:])
        assert len(recipe.strip().splitlines()) == 3, recipe
        script += recipe
    made = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=100, cwd=folder).stdout.splitlines()
    assert len(made) == 3, made
    for line, expected in zip(made, ([0, 3, 18, 19, 4], [3, 18, 19, 4, 17], [3, 18, 19, 4, 17])):
        row = json.loads(must(run("tokenize", series, "--tokenizer", own, "--samples", lines(folder / "made.jsonl", json.loads(line)), "--json")).stdout)
        # The template is what writes; the tokenizer adds nothing at the ends.
        assert row["input_ids"] == expected and (row["id"], row["group"]) == ("x", "g"), row


def windows(series, folder):
    """Long samples by windows are the samples that a user would have cut; what cannot be is said and leaves nothing."""
    long = lines(folder / "long.jsonl", {"id": "t", "group": "g", "text": "cab ab adcab ab ad"}, {"id": "s", "input_ids": [1, 2]})
    row = json.loads(must(run("tokenize", series, "--samples", long, "--json")).stdout.splitlines()[0])
    ids = row["input_ids"]
    assert ids[0] == 0 and len(ids) == 13, ids
    parts = [{"id": f"t#{k}", "group": "g", "input_ids": ids[4 * k:4 * k + 6], "labels": ids[4 * k:4 * k + 6]} for k in range(3)]
    for part in parts[1:]:
        part["labels"] = [-100, -100, *part["labels"][2:]]
    cut = lines(folder / "cut.jsonl", *parts, {"id": "s", "input_ids": [1, 2]})
    options = ["--window", "6", "--stride", "4"]
    said = same(series, folder, long, cut, *options)
    note = "1 sample of more than 6 tokens was cut into 3 windows"
    assert note in said, said
    assert note in (planned := must(run("plan", "--series", series, "--samples", long, *options))).stdout + planned.stderr, planned.stdout
    # The number of tokens is what decides: windows as long as the text change nothing, and nothing is said.
    whole = lines(folder / "whole.jsonl", {"id": "t", "group": "g", "input_ids": ids}, {"id": "s", "input_ids": [1, 2]})
    assert "windows" not in same(series, folder, long, whole, "--window", "13", "--stride", "13")
    must(decompose(folder / "long.h5", series, long, "--window", "13", "--stride", "13", "--resume"))
    assert decompose(folder / "long.h5", series, long, "--window", "13", "--stride", "12", "--resume").returncode != 0, "other windows, the same store"
    for words, more in ({
        "--window: needs to know how far apart windows begin": ["--window", "8"],
        "--stride: says where windows begin, and --window is not given": ["--stride", "8"],
        "--stride: is 9, and windows have 8 tokens": ["--window", "8", "--stride", "9"],
        "--window: keeps what --truncate cuts off": ["--window", "8", "--stride", "8", "--truncate"],
        "--window: is 8, and samples have at most 7 tokens. Give at most 7": ["--window", "8", "--stride", "8", "--max-length", "7"],
    }).items():
        store = folder / "none.h5"
        refused(words, "decompose", "--series", series, "--samples", long, "--store", store, *more, code=2)
        assert not store.exists()


def batches_stay_whole(folder):
    """Of an optimizer's step the samples that predict are cut, and the batch that trains is not: its sequences are what the training saw."""
    golden = GOLDENS.parent / "optimizer_steps"
    options = ["--source", "steps", "--training-batch", golden / "train.jsonl", "--batch-mean", "tokens", "--clip", "0.3"]
    rows = [json.loads(line) for line in (golden / "samples.jsonl").read_text().splitlines()]
    cut = []
    for row in rows:
        ids, labels = row["input_ids"], row.get("labels", row["input_ids"])
        parts = [(0, 6), (5, len(ids))] if len(ids) > 6 else [(0, len(ids))]
        cut += [{"id": row["id"] + (f"#{k}" if len(parts) > 1 else ""), "group": row.get("group", ""), "input_ids": ids[a:b], "labels": labels[a:b]}
                for k, (a, b) in enumerate(parts)]
    assert all(len(row["input_ids"]) <= 11 for row in rows) and len(cut) > len(rows)
    stores = [folder / "steps_windows.h5", folder / "steps_cut.h5"]
    must(decompose(stores[0], golden / "series", golden / "samples.jsonl", *options, "--window", "6", "--stride", "5"))
    must(decompose(stores[1], golden / "series", lines(folder / "steps_cut.jsonl", *cut), *options))
    (names, psi), (cut_names, cut_psi) = map(scores, stores)
    assert names == cut_names and (psi == cut_psi).all() and abs(psi).max() > 0, (names, cut_names)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        series = folder / "series"
        shutil.copytree(GOLDENS / "grouped_query/series", series)
        tokenizer(min((p for p in series.iterdir() if p.is_dir()), key=lambda p: int(p.name.split("-")[-1])))
        completions(series, folder)
        conversations(series, folder)
        windows(series, folder)
        batches_stay_whole(folder)
    print("prompts with completions, conversations by their recipe, long samples in windows")


main()
