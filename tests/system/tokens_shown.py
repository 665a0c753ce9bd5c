"""tokenize: tokens, pieces, what is predicted and the logits that predict it; decompose reads the same tokens of a text."""
import json
import pathlib
import shutil
import tempfile

import h5py

from program import GOLDENS, decompose, must, run

LETTERS = "abcdefghijklmnop"


def tokenizer(folder, vocabulary, **changes):
    """Characters and one merge; <s> begins a sequence."""
    pieces = ["<s>", *LETTERS, "Ġ", "ab", "Ġab"]
    assert len(pieces) <= vocabulary
    model = {"type": "BPE", "vocab": {p: i for i, p in enumerate(pieces)}, "merges": ["a b", "Ġ ab"]}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    file = {"model": model, "added_tokens": [{"id": 0, "content": "<s>"} | flags],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
            "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
                               "special_tokens": {"<s>": {"ids": [0]}}}}
    (folder / "tokenizer.json").write_text(json.dumps(file | changes))


def lines(path, *samples):
    path.write_text("".join(json.dumps(s) + "\n" for s in samples))
    return path


def shows_tokens(series, folder):
    samples = lines(folder / "s.jsonl", {"id": "first", "group": "g", "text": "ab ab"}, {"text": "c [TARGET]ab[/TARGET]d"}, {"input_ids": [3, 4, 5], "labels": [3, -100, 5]})
    rows = [json.loads(line) for line in must(run("tokenize", series, "--samples", samples, "--json")).stdout.splitlines()]
    assert rows[0] == {"id": "first", "group": "g", "text": "ab ab", "input_ids": [0, 18, 19], "pieces": ["<s>", "ab", "Ġab"], "labels": [0, 18, 19],
                       "logits": [None, "logit:0:18", "logit:1:19"]}, rows[0]
    assert rows[1]["input_ids"] == [0, 3, 19, 4] and rows[1]["labels"] == [-100, -100, 19, -100] and rows[1]["logits"] == [None, None, "logit:1:19", None], rows[1]
    assert "text" not in rows[2] and rows[2]["pieces"] == ["c", "d", "e"] and rows[2]["logits"] == [None, None, "logit:1:5"], rows[2]
    table = must(run("tokenize", "--series", series, "--samples", samples)).stdout
    for words in ("tokenizer.json (BPE, 20 pieces, 1 added tokens)", "begins with <s> (0), no end of sequence", "first (g): 3 tokens, 2 predicted", "logit:1:19"):
        assert words in table, (words, table)
    # A checkpoint, and a folder that holds a tokenizer alone.
    checkpoint = next(p.parent for p in series.rglob("tokenizer.json"))
    alone = folder / "alone"
    alone.mkdir()
    shutil.copy(checkpoint / "tokenizer.json", alone)
    for arguments in ((checkpoint,), (alone,), (series, "--tokenizer", alone)):
        assert [json.loads(line) for line in must(run("tokenize", *arguments, "--samples", samples, "--json")).stdout.splitlines()] == rows, arguments


def shows_windows_and_pairs(series, folder):
    show = lambda *arguments: [json.loads(line) for line in must(run("tokenize", series, "--json", *arguments)).stdout.splitlines()]
    long = lines(folder / "long.jsonl", {"id": "a", "text": "abcdabcdabcd"}, {"id": "b", "text": "dc"}, {"id": "c", "prompt": "ab", "completion": " abcd"})
    rows = show("--samples", long, "--window", 6, "--stride", 3)
    assert [row["id"] for row in rows] == ["a#0", "a#1", "a#2", "b", "c"], rows
    assert rows[0]["input_ids"] == [0, 18, 3, 4, 18, 3] and rows[1]["input_ids"] == [4, 18, 3, 4, 18, 3] and rows[2]["labels"] == [-100, -100, -100, 4], rows
    assert rows[1]["labels"] == [-100, -100, -100, 4, 18, 3] and rows[1]["logits"][3] == "logit:2:4" and "text" not in rows[0], rows[1]
    assert rows[3]["text"] == "dc" and rows[4]["text"] == "ab abcd" and rows[4]["labels"] == [-100, -100, 19, 3, 4], rows[4]
    pairs = lines(folder / "pairs.jsonl", {"id": "p", "group": "g", "good": "ab c", "bad": "ab"}, {"sentence_good": "d[TARGET]c[/TARGET]", "sentence_bad": "d[TARGET]ab[/TARGET]", "UID": "u"})
    rows = show("--samples", pairs)
    assert rows[0] == {"id": "p", "group": "g", "good": {"text": "ab c", "input_ids": [0, 18, 17, 3], "pieces": ["<s>", "ab", "Ġ", "c"], "labels": [0, 18, 17, 3]},
                       "bad": {"text": "ab", "input_ids": [0, 18], "pieces": ["<s>", "ab"], "labels": [0, 18]}}, rows[0]
    assert rows[1]["id"] == "2" and rows[1]["bad"]["labels"] == [-100, -100, 18], rows[1]
    table = must(run("tokenize", series, "--samples", pairs)).stdout
    assert "p (g), good: 4 tokens, 3 predicted" in table and "p (g), bad: 2 tokens" in table and "logit:" not in table, table
    for arguments, words in ((("--window", 6), "--window: needs to know how far apart"), (("--stride", 6), "--window is not given"),
                             (("--window", 4, "--stride", 6), "would be in none"), (("--window", 10**6, "--stride", 6), "samples have at most")):
        process = run("tokenize", series, "--samples", long, *arguments)
        assert process.returncode == 2 and words in process.stderr and not process.stdout, (words, process.stderr)


def says_what_is_wrong(series, folder):
    def refused(words, *arguments, code=1):
        process = run("tokenize", *arguments)
        assert process.returncode == code and words in process.stderr and not process.stdout, (words, process.returncode, process.stderr, process.stdout)

    twice = lines(folder / "twice.jsonl", {"text": "<s>ab"})
    assert "1 text begins with <s>, which the tokenizer puts there too: it stands there twice" in must(run("tokenize", series, "--samples", twice)).stdout
    good = lines(folder / "good.jsonl", {"text": "abc"})
    refused("--samples is missing", series, code=2)
    refused("no such file or directory", folder / "nowhere", "--samples", good)
    refused("has neither tokenizer.json nor tokenizer.model", series, "--tokenizer", folder, "--samples", good)
    refused("outside the vocabulary", series, "--samples", lines(folder / "far.jsonl", {"input_ids": [1, 10**9]}))
    refused("tokens, more than the", series, "--samples", lines(folder / "long.jsonl", {"text": "a" * 5000}))
    other = folder / "other"
    other.mkdir()
    tokenizer(other, 64, normalizer={"type": "BertNormalizer"})
    refused('normalizer is of the type "BertNormalizer", which is not covered', other, "--samples", good)
    # Token ids need no tokenizer.
    ids = lines(folder / "ids.jsonl", {"input_ids": [1, 2]})
    assert "tokenizer  not read: " in must(run("tokenize", other, "--samples", ids)).stdout


def decompose_reads_the_same(series, folder):
    text = lines(folder / "text.jsonl", {"id": "a", "text": "ab cab"}, {"id": "b", "text": "d [TARGET]ab[/TARGET]"})
    rows = [json.loads(line) for line in must(run("tokenize", series, "--samples", text, "--json")).stdout.splitlines()]
    ids = lines(folder / "ids2.jsonl", *({k: row[k] for k in ("id", "input_ids", "labels")} for row in rows))
    scores = []
    for samples in (text, ids):
        store = folder / f"{samples.stem}.h5"
        must(decompose(store, series, samples))
        with h5py.File(store) as file:
            scores.append(file["psi"][...])
    assert (scores[0] == scores[1]).all() and abs(scores[0]).max() > 0


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        series = folder / "series"
        shutil.copytree(GOLDENS / "grouped_query/series", series)
        first = min((p for p in series.iterdir() if p.is_dir()), key=lambda p: int(p.name.split("-")[-1]))
        tokenizer(first, json.loads((first / "config.json").read_text())["vocab_size"])
        shows_tokens(series, folder)
        shows_windows_and_pairs(series, folder)
        says_what_is_wrong(series, folder)
        decompose_reads_the_same(series, folder)
    print("tokens, pieces and logits as they are decomposed")


main()
