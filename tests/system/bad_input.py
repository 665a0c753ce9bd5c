"""Bad input, each with its own message (what, where, what to do), the right exit code, and no store left half-made."""
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

from program import EXPLAIND, GOLDENS, copy_series, decompose, run

GOOD = GOLDENS / "grouped_query/samples.jsonl"
failures = []


class Case:
    """One bad input in a folder of its own."""

    def __init__(self, folder, name):
        self.folder = folder / name.replace(" ", "-").replace("/", "-")
        self.folder.mkdir()
        self.name = name
        self.store = self.folder / "out.h5"

    def expect(self, process, code, *words, store_may_exist=False):
        text = process.stderr
        problems = []
        if process.returncode != code:
            problems.append(f"exit {process.returncode}, not {code}")
        if text.count("error:") != 1:
            problems.append(f"{text.count('error:')} messages instead of one")
        problems += [f"'{word}' is not in the message" for word in words if word not in text]
        left = [p.name for p in self.folder.glob("out.h5*")]
        if left and not store_may_exist:
            problems.append(f"left behind: {left}")
        if problems:
            failures.append(f"{self.name}: {'; '.join(problems)}\n    {text.strip()}")

    def series(self, change, variant="grouped_query"):
        series = copy_series(variant, self.folder / "series")
        change(series)
        return series

    def samples(self, *lines):
        path = self.folder / "samples.jsonl"
        path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
        return path


def edit_json(path, **changes):
    value = json.loads(path.read_text())
    value.update(changes)
    path.write_text(json.dumps(value))


def last(series):
    return sorted(p for p in series.iterdir() if p.is_dir())[-1]


def rewrite_header(series, change):
    """Rewrites a weight file's JSON header; the data stay."""
    path = last(series) / "model.safetensors"
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size:])


def set_element(series, value):
    """Overwrites the first element of the first tensor in the file."""
    path = last(series) / "model.safetensors"
    data = bytearray(path.read_bytes())
    start = 8 + struct.unpack("<Q", data[:8])[0]
    data[start:start + 2] = value
    path.write_bytes(bytes(data))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        case = lambda text: Case(folder, text)

        def bad_series(text, change, *words, code=1, variant="grouped_query"):
            c = case(text)
            c.expect(decompose(c.store, c.series(change, variant), GOLDENS / variant / "samples.jsonl", ranks=2), code,
                     *words)

        c = case("missing series")
        c.expect(decompose(c.store, c.folder / "nothing", GOOD, ranks=2), 1, "nothing")
        c = case("empty series")
        (c.folder / "empty").mkdir()
        c.expect(decompose(c.store, c.folder / "empty", GOOD, ranks=2), 1, "empty")
        bad_series("one checkpoint", lambda s: [shutil.rmtree(p) for p in sorted(s.iterdir())[1:]], "checkpoint")
        bad_series("duplicate step", lambda s: shutil.copytree(last(s), s / "again-100"), "100", "step")
        bad_series("name without number", lambda s: last(s).rename(s / "final"), "final", "list")
        bad_series("config mismatch", lambda s: edit_json(last(s) / "config.json", num_key_value_heads=1), "num_key_value_heads")
        bad_series("architecture", lambda s: [edit_json(p / "config.json", architectures=["MambaForCausalLM"],
                                                        model_type="mamba") for p in s.iterdir()], "MambaForCausalLM")
        bad_series("rope type", lambda s: [edit_json(p / "config.json", rope_parameters={"rope_type": "longrope", "factor": 2,
                                                                                      "rope_theta": 10000.0})
                                           for p in s.iterdir()], "longrope")

        def drop(header):
            removed = max((k for k in header if k != "__metadata__"), key=lambda k: header[k]["data_offsets"][1])
            header["model.extra.weight"] = header.pop(removed)

        bad_series("missing and extra tensor", lambda s: [rewrite_header(s, drop)], "model.extra.weight")

        def reshape(header):
            tensor = header["model.norm.weight"]
            tensor["shape"] = [tensor["shape"][0] // 2, 2]

        bad_series("mis-shaped tensor", lambda s: rewrite_header(s, reshape), "model.norm.weight")
        bad_series("NaN weight", lambda s: set_element(s, b"\xc0\x7f"), "step-100", "NaN")
        bad_series("truncated file", lambda s: (last(s) / "model.safetensors").write_bytes(
            (last(s) / "model.safetensors").read_bytes()[:-7]), "model.safetensors")
        bad_series("file of seven bytes", lambda s: (last(s) / "model.safetensors").write_bytes(b"1234567"),
                   "model.safetensors")
        bad_series("header past the end", lambda s: (last(s) / "model.safetensors").write_bytes(
            struct.pack("<Q", 10**7) + b"{}"), "model.safetensors")
        bad_series("header not JSON", lambda s: (last(s) / "model.safetensors").write_bytes(
            struct.pack("<Q", 4) + b"nope"), "model.safetensors")
        bad_series("unknown dtype", lambda s: rewrite_header(
            s, lambda h: h["model.norm.weight"].update(dtype="F12")), "F12")
        bad_series("gap in the data", lambda s: rewrite_header(
            s, lambda h: h["model.norm.weight"].update(data_offsets=[o + 2 for o in h["model.norm.weight"]["data_offsets"]])),
            "model.safetensors")
        bad_series("broken config", lambda s: (last(s) / "config.json").write_text("{"), "config.json")

        def bad_samples(text, *lines, words, more=()):
            c = case(text)
            c.expect(decompose(c.store, GOLDENS / "grouped_query/series", c.samples(*lines), *more, ranks=2), 1,
                     "samples.jsonl:", *words)

        good = {"id": "a", "input_ids": [1, 2, 3]}
        bad_samples("broken JSON line", good, "{oops\n", words=[":2"])
        bad_samples("unknown key", {"ids": [1, 2]}, words=["'ids'"])
        bad_samples("token out of range", good, {"input_ids": [1, 100000]}, words=[":2", "100000"])
        bad_samples("over-long sample", {"input_ids": list(range(9))}, words=["9", "--truncate"],
                    more=["--max-length", "8"])
        bad_samples("empty sample", {"input_ids": []}, words=["empty"])
        bad_samples("nothing to predict", {"input_ids": [1, 2], "labels": [1, -100]}, words=["predict"])
        bad_samples("labels of another length", {"input_ids": [1, 2], "labels": [1]}, words=["labels"])
        bad_samples("duplicate id", good, good, words=["'a'"])
        c = case("no samples")
        c.expect(decompose(c.store, GOLDENS / "grouped_query/series", c.samples("\n"), ranks=2), 1, "samples.jsonl")
        c = case("text without tokenizer")
        c.expect(decompose(c.store, GOLDENS / "grouped_query/series", c.samples({"text": "hello"}), ranks=2), 1,
                 "tokenizer", "input_ids")

        def bad_use(text, *arguments, words):
            c = case(text)
            c.expect(decompose(c.store, GOLDENS / "grouped_query/series", GOOD, *arguments, ranks=2), 2, *words)

        bad_use("unknown option", "--tolerence", "1e-3", words=["--tolerence", "--tolerance"])
        bad_use("impossible tolerance", "--tolerance", "-1", words=["--tolerance"])
        bad_use("impossible chunk", "--chunk", "0", words=["--chunk"])
        bad_use("unknown component", "--component", "column", words=["column"])
        bad_use("unknown functional", "--functional", "accuracy", words=["accuracy"])
        bad_use("unknown axis", "--axes", "sample,token", words=["token"])
        bad_use("sample and group", "--axes", "sample,group", words=["group"])
        bad_use("impossible rule", "--quadrature", "gauss:0", words=["gauss:0"])
        bad_use("impossible cap", "--max-nodes", "40", words=["--max-nodes"])
        c = case("missing option")
        c.expect(run("decompose", "--series", "x", ranks=2), 2, "--samples")
        c = case("unknown verb")
        c.expect(run("decompse", ranks=2), 2, "decompse")
        for text, content, words in (("unknown INI key", "tolerence = 1\n", ["tolerence", ".ini:1"]),
                                     ("command-line key in INI", "\noverwrite = true\n", [".ini:2", "overwrite"]),
                                     ("INI section", "[run]\n", [".ini:1"]),
                                     ("INI key twice", "chunk = 1\nchunk = 2\n", [".ini:2", "chunk"]),
                                     ("impossible INI value", "chunk = many\n", ["chunk", "many"])):
            c = case(text)
            ini = c.folder / "bad.ini"
            ini.write_text(content)
            c.expect(decompose(c.store, GOLDENS / "grouped_query/series", GOOD, "--config", ini, ranks=2), 2, *words)

        wide_texts(case("UTF-16"))
        broken_stores(case("broken stores"))
        c = case("store exists")
        c.store.write_text("mine")
        c.expect(decompose(c.store, ranks=2), 1, "--overwrite", store_may_exist=True)
        if c.store.read_text() != "mine":
            failures.append("store exists: it was touched")
        c = case("no directory")
        c.expect(decompose(c.folder / "none/out.h5", ranks=2), 1, "none")
        full_disk(case("full disk"))
        crowd(case("more ranks than units"))

    if failures:
        sys.exit(f"{len(failures)} cases failed:\n" + "\n".join(failures))
    print("every bad input has its message and exit code")


def wide_texts(c):
    """As PowerShell's > writes them: named, and read once the command of the message has converted them."""
    samples, ini = c.folder / "wide samples.jsonl", c.folder / "wide.ini"
    samples.write_text(GOOD.read_text(), encoding="utf-16")
    ini.write_text("chunk = 2\r\n", encoding="utf-16")
    series = GOLDENS / "grouped_query/series"
    for file, code, arguments in ((samples, 1, [samples]), (ini, 2, [GOOD, "--config", ini])):
        process = decompose(c.store, series, *arguments, ranks=2)
        c.expect(process, code, str(file), "a text in UTF-16", "iconv -f UTF-16 -t UTF-8")
        if "`" in process.stderr:
            subprocess.run(["bash", "-c", process.stderr.split("`")[1]], check=True)
    process = decompose(c.store, series, samples, "--config", ini)
    if process.returncode != 0:
        failures.append(f"UTF-16, converted: exit {process.returncode}\n    {process.stderr}")


def broken_stores(c):
    """A copy that was cut short, and a file of nothing."""
    whole, cut, empty = (c.folder / name for name in ("whole.h5", "cut.h5", "empty.h5"))
    if decompose(whole).returncode != 0:
        failures.append("broken stores: the whole one was not made")
    cut.write_bytes(whole.read_bytes()[:-100])
    empty.write_bytes(b"")
    for verb in ("inspect", "query"):
        c.expect(run(verb, cut), 1, "cut.h5", "truncated file", "Copy it again")
        c.expect(run(verb, empty), 1, "empty.h5", "is empty")


def full_disk(c):
    """A tmpfs of 200 kB; where mounting is not allowed, a limit on the size of files does it."""
    disk = c.folder / "disk"
    disk.mkdir()
    small = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], capture_output=True)
    try:
        if small.returncode == 0:
            process = decompose(disk / "out.h5", GOLDENS / "grouped_query/series", GOOD, "--component", "row", ranks=2)
        else:
            command = f"ulimit -f 100; exec {EXPLAIND} decompose --series {GOLDENS}/grouped_query/series " \
                      f"--samples {GOOD} --store {disk}/out.h5 --component row"
            process = subprocess.run(["bash", "-c", f"trap '' XFSZ; {command}"], capture_output=True, text=True)
        c.expect(process, 1, "out.h5", "pace")
        if any(disk.iterdir()):
            failures.append(f"full disk: left behind {list(disk.iterdir())}")
    finally:
        if small.returncode == 0:
            subprocess.run(["umount", disk], check=True)


def crowd(c):
    process = decompose(c.store, ranks=4)
    if process.returncode != 0 or not c.store.exists():
        failures.append(f"more ranks than units: exit {process.returncode}\n    {process.stderr}")


main()
