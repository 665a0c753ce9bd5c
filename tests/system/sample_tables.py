"""Samples in Parquet and Arrow files: the stores of the same rows as JSON Lines, and the same refusals, by row."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pyarrow
import pyarrow.ipc
import pyarrow.parquet

from program import EXPLAIND, GOLDENS, decompose, must, run
from store_contents import contents

SERIES = GOLDENS / "grouped_query/series"
ROWS = [json.loads(line) for line in (GOLDENS / "grouped_query/samples.jsonl").read_text().splitlines()]
FORMS = ("parquet", "file.arrow", "stream.arrow")


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write(path, table, form, **parquet):
    if form == "parquet":
        pyarrow.parquet.write_table(table, path, **{"row_group_size": 2} | parquet)
        return path
    make = pyarrow.ipc.new_file if form == "file.arrow" else pyarrow.ipc.new_stream
    with make(str(path), table.schema) as out:
        for batch in table.to_batches(max_chunksize=2):
            out.write_batch(batch)
    return path


def tables():
    """The rows in types that people's files have, by the columns' names."""
    plain = pyarrow.table({key: [row.get(key) for row in ROWS] for key in ("id", "group", "input_ids", "labels")})
    ids, labels = ([row.get(key) for row in ROWS] for key in ("input_ids", "labels"))
    groups = pyarrow.array([row.get("group") for row in ROWS])
    other = pyarrow.table({
        "labels": pyarrow.array(labels, pyarrow.large_list(pyarrow.int32())), "id": pyarrow.array([row.get("id") for row in ROWS], pyarrow.large_string()),
        "embedding": pyarrow.array([[0.5, float("nan")]] * len(ROWS)), "group": groups.dictionary_encode(), "input_ids": pyarrow.array(ids, pyarrow.list_(pyarrow.uint16())),
        "nothing": pyarrow.nulls(len(ROWS)), "meta": pyarrow.array([{"a": [1, None], "b": "x"}] * len(ROWS)), "text": pyarrow.nulls(len(ROWS), pyarrow.string())})
    return {"plain": plain, "other": other}


def expect_the_same_stores(folder):
    must(decompose(folder / "lines.h5", SERIES, GOLDENS / "grouped_query/samples.jsonl"))
    expected = contents(folder / "lines.h5")
    for name, table in tables().items():
        for form in FORMS:
            store = folder / f"{name}-{form}.h5"
            said = must(decompose(store, SERIES, write(folder / f"{name}.{form}", table, form), ranks=2 if form == "parquet" else 0)).stdout
            found = contents(store)
            assert found == expected, (name, form, [key for key in expected if found.get(key) != expected[key]], set(found) - set(expected))
            assert name == "plain" or "columns that are not used: embedding, meta\n" in said, said
    shown = [must(run("tokenize", SERIES, "--samples", folder / f"other.{form}", "--json")).stdout for form in FORMS]
    assert shown[0] == must(run("tokenize", SERIES, "--samples", GOLDENS / "grouped_query/samples.jsonl", "--json")).stdout and len(set(shown)) == 1
    # Rows count from 1 where there is no id; nothing of a column is read that is not needed: this one cannot be.
    rows = [{"input_ids": row["input_ids"]} for row in ROWS]
    must(decompose(folder / "counted.h5", SERIES, lines(folder / "counted.jsonl", rows)))
    table = pyarrow.Table.from_pylist([row | {"unread": "x" * 4000 + str(i)} for i, row in enumerate(rows)])
    path = write(folder / "counted.parquet", table, "parquet", compression="none", use_dictionary=False)
    bytes_ = path.read_bytes()
    path.write_bytes(bytes_.replace(b"x" * 3000, b"\xff" * 3000))
    must(decompose(folder / "unread.h5", SERIES, path))
    assert contents(folder / "unread.h5") == contents(folder / "counted.h5")
    pairs = pyarrow.table({"good": [[1, 2, 3], [4, 5]], "bad": [[1, 2, 4], [4, 6]]})
    assert "2 minimal pairs" in must(decompose(folder / "pairs.h5", SERIES, write(folder / "pairs.arrow", pairs, "stream.arrow"))).stdout


def expect_folders(folder):
    """A folder of tables is one table, in the order of names: row groups, rows without an id, files without rows."""
    rows = [{"input_ids": row["input_ids"]} for row in ROWS]
    empty = pyarrow.Table.from_pylist(rows[:1]).slice(0, 0)
    must(decompose(folder / "in_lines.h5", SERIES, lines(folder / "in_lines.jsonl", rows)))
    for form, extension in (("parquet", "parquet"), ("file.arrow", "arrow"), ("stream.arrow", "arrow")):
        cut = folder / f"cut-{form}"
        cut.mkdir()
        (cut / "README.md").write_text("no table")
        (cut / ".cache.parquet").write_text("hidden")
        parts = [pyarrow.Table.from_pylist(rows[:1]), empty, pyarrow.Table.from_pylist(rows[1:])]
        for i, part in enumerate(parts):
            write(cut / f"train-0000{i}-of-00003.{extension}", part, form)
        must(decompose(folder / f"cut-{form}.h5", SERIES, cut, ranks=2 if form == "parquet" else 0))
        assert contents(folder / f"cut-{form}.h5") == contents(folder / "in_lines.h5"), form
        assert must(run("tokenize", SERIES, "--samples", cut, "--json")).stdout == must(run("tokenize", SERIES, "--samples", folder / "in_lines.jsonl", "--json")).stdout
    # A store knows the folder's bytes.
    write(cut / "train-00001-of-00003.arrow", pyarrow.Table.from_pylist(rows[:1]), "stream.arrow")
    process = decompose(folder / "cut-stream.arrow.h5", SERIES, cut, "--resume")
    assert process.returncode != 0 and "samples" in process.stderr, process.stderr

    def refused(name, words, files):
        place = folder / name
        place.mkdir()
        for file, content in files.items():
            if isinstance(content, str):
                (place / file).write_text(content)
            else:
                write(place / file, pyarrow.Table.from_pylist([content]), "parquet" if file.endswith("parquet") else "stream.arrow")
        process = run("tokenize", SERIES, "--samples", place)
        assert process.returncode == 1 and process.stderr.count("error:") == 1 and not process.stdout, (name, process.stderr)
        for each in words:
            assert each in process.stderr, (name, each, process.stderr)

    row = {"input_ids": [1, 2]}
    shard = lambda i, n=12, name="train": f"{name}-{i:05}-of-{n:05}.parquet"
    refused("missing", ["holds 10 of 12 files", "missing: train-00003-of-00012.parquet, train-00011-of-00012.parquet. Download the rest"], {shard(i): row for i in range(12) if i not in (3, 11)})
    refused("splits", ["several tables: test-00000-of-00001.parquet and train-00000-of-00001.parquet"], {shard(0, 1): row, shard(0, 1, "test"): row})
    refused("others", ["several tables: ", shard(0, 1), "more.parquet"], {shard(0, 1): row, "more.parquet": row})
    refused("twice", ["train-0-of-00001.parquet and train-00000-of-00001.parquet, which are one shard"], {shard(0, 1): row, "train-0-of-00001.parquet": row})
    refused("columns", ["b.parquet", "has no column 'group', and a.parquet has"], {"a.parquet": row | {"group": "x"}, "b.parquet": row})
    refused("more", ["b.parquet", "has the column 'group', which a.parquet has not"], {"a.parquet": row, "b.parquet": row | {"group": "x"}})
    refused("types", ["b.parquet", "'id' as int64, and a.parquet as string"], {"a.parquet": row | {"id": "x"}, "b.parquet": row | {"id": 3}})
    refused("kinds", ["b.parquet", "is a Parquet file, and a.arrow is an Arrow stream"], {"a.arrow": row, "b.parquet": row})
    refused("lines", ["a.parquet and b.jsonl", "different kinds"], {"a.parquet": row, "b.jsonl": "{}"})
    refused("only_lines", ["without *.parquet and *.arrow files; b.jsonl is JSON Lines"], {"b.jsonl": "{}"})
    refused("pointer", ["a.parquet: is no Parquet or Arrow file", "git lfs pull"], {"a.parquet": "version https://git-lfs"})
    refused("row", ["b.parquet, row 1: ", "outside the vocabulary"], {"a.parquet": row, "b.parquet": {"input_ids": [1, 90]}})
    (folder / "above/data").mkdir(parents=True)
    process = run("tokenize", SERIES, "--samples", folder / "above")
    assert process.returncode == 1 and "it holds the folders data" in process.stderr, process.stderr


def expect_refusals(folder):
    def refused(words, path):
        process = run("tokenize", SERIES, "--samples", path)
        assert process.returncode == 1 and process.stderr.count("error:") == 1 and not process.stdout, (words, process.returncode, process.stderr)
        for each in words:
            assert each in process.stderr, (each, process.stderr)

    for form in FORMS:
        path = folder / f"wrong.{form}"
        rows = [{"id": "a", "input_ids": [1, 2]}]
        faults = (({"input_ids": [1, 90]}, "input_ids[1] = 90 is outside the vocabulary"), ({"input_ids": [1, None]}, "input_ids[1] is not a whole number"),
                              ({"id": "b"}, "needs either text or input_ids"), ({"id": "a", "input_ids": [1, 2]}, "'a' is not unique"),
                              ({"input_ids": [1, 2], "loss_mask": [0, 1]}, "'loss_mask' is not obeyed"), ({"input_ids": [1, 2], "lables": [1, 2]}, "did you mean 'labels'"))
        for second, words in faults if form == "parquet" else faults[:1]:
            refused([f"{path}, row 2: ", words], write(path, pyarrow.Table.from_pylist(rows + [second], pyarrow.Table.from_pylist([rows[0] | second]).schema), form))
        refused(["row 1: input_ids[0] is not a whole number"], write(path, pyarrow.table({"input_ids": [[1.0, 2.0]]}), form))
        refused(["row 1: text must be a string"], write(path, pyarrow.table({"text": [b"ab"]}), form))
        refused(["the key 'input_ids' is given twice"], write(path, pyarrow.table([[[1, 2]], [[1, 3]]], names=["input_ids", "input_ids"]), form))
        refused(["holds no samples", "Write a row a sample"], write(path, pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), form))
        refused(["needs either text or input_ids", "and has 'label', 'sentence'"], write(path, pyarrow.table({"sentence": ["a"], "label": [1]}), form))
        refused(["Invalid UTF8 sequence"], write(path, pyarrow.table({"text": pyarrow.array([b"a\xff"]).view(pyarrow.string())}), form))
        whole = write(path, pyarrow.table({"input_ids": [[1, 2, 3]] * 300}), form).read_bytes()
        path.write_bytes(whole[:len(whole) // 2])
        refused([f"cannot be read as {'Parquet' if form == 'parquet' else 'Arrow'}", "Download or write it again"], path)
        chat = pyarrow.table({"messages": [[{"role": "user", "content": "a"}]]})
        refused(["messages are a conversation", {"parquet": "pyarrow.parquet.read_table(", "file.arrow": "pyarrow.ipc.open_file(", "stream.arrow": "pyarrow.ipc.open_stream("}[form]],
                write(path, chat, form))
    (folder / "encrypted.parquet").write_bytes(b"PARE" + bytes(100))
    refused(["is an encrypted Parquet file"], folder / "encrypted.parquet")
    (folder / "old.feather").write_bytes(b"FEA1" + bytes(100))
    refused(["Feather's first version"], folder / "old.feather")


def expect_words_without_arrow(folder):
    """A program beside which there is no library of Arrow, and one whose library cannot be opened."""
    alone = folder / "alone"
    alone.mkdir()
    shutil.copy(EXPLAIND, alone / "explaind")
    process = decompose(folder / "refused.h5", SERIES, folder / "encrypted.parquet")
    assert process.returncode == 1 and not (folder / "refused.h5").exists()
    call = [alone / "explaind", "decompose", "--series", SERIES, "--store", folder / "none.h5", "--samples"]
    for library, words in ((None, "is a file of Parquet, and this program was built without Apache Arrow"), (b"no library", "Apache Arrow cannot be opened")):
        if library:
            (alone / "libexplaind_arrow.so").write_bytes(library)
        process = subprocess.run([*call, folder / "plain.parquet"], capture_output=True, text=True, timeout=60)
        assert process.returncode == 1 and words in process.stderr and not (folder / "none.h5").exists(), process.stderr
    for form in FORMS:  # what it says to do does it
        process = subprocess.run([*call, folder / f"plain.{form}"], capture_output=True, text=True, timeout=60)
        remedy = process.stderr.split("with Python: ")[1].strip()
        os.chdir(folder)
        eval(remedy, {"pyarrow": pyarrow, "FILE": f"plain.{form}"})
        must(run("tokenize", SERIES, "--samples", folder / "samples.jsonl"))
    done = subprocess.run([*call, GOLDENS / "grouped_query/samples.jsonl"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def main():
    if not (pathlib.Path(EXPLAIND).parent / "libexplaind_arrow.so").exists():
        raise SystemExit("the program was built without Apache Arrow: launch/setup.sh brings it")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        expect_the_same_stores(folder)
        expect_folders(folder)
        expect_refusals(folder)
        expect_words_without_arrow(folder)
    print("tables: the stores of the same rows, and refusals by row")


main()
