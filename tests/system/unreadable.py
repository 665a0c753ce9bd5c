"""A disk that fails while a file is read: exit 1 and one message that names the file, whichever it is and wherever in it; what was read by then is
never taken for all of it.

    unreadable.py SHIM    SHIM: the library of fail_reads.c

Files that are mapped (weights, blocks of recorded runs) are the unit tests' of lost files.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from program import EXPLAIND, GOLDENS, must, run, write_samples
from store_contents import contents

SERIES = GOLDENS / "grouped_query/series"
QUICK = ["--quadrature", "gauss:1", "--threads", "1", "--device", "cpu"]
MODEL = ["--hidden", "8", "--layers", "1", "--heads", "2", "--key-value-heads", "1", "--intermediate", "8", "--sequence-length", "16", "--batch", "2",
         "--max-steps", "2", "--checkpoints", "2", "--threads", "1"]


def attempt(command, shim, file, **variables):
    environment = dict(os.environ, LD_PRELOAD=shim, READ_FILE=str(file), OMP_NUM_THREADS="1") | {name: str(value) for name, value in variables.items()}
    return subprocess.run([EXPLAIND, *map(str, command)], capture_output=True, text=True, timeout=120, env=environment)


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def what_it_says(file):
    """A store that is gone on with notes that it was."""
    return contents(file) if file.suffix == ".h5" else file.read_bytes()


def jobs(folder):
    """Of each: what is read, and the command that reads it. OUT: a path that is to stay free."""
    text = folder / "text.txt"
    text.write_text("".join(f"the cat sat on mat {i} and the dog sat on log {i}\n" for i in range(600)))  # more than one read
    must(run("record", "--text", text, "--series", folder / "series", "--vocabulary", "300", *MODEL))
    tokenizer = next((folder / "series").glob("step-*/tokenizer.model"))
    (tokenizer.parent / "tokenizer_config.json").write_text(json.dumps({"add_bos_token": True}))
    ends = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"<s>": {"ids": [1]}}}
    vocabulary = {piece: i for i, piece in enumerate(["<unk>", "<s>", "</s>", *" abcdefghijklmnopqrstuvwxyz"])}
    model = {"type": "BPE", "unk_token": "<unk>", "vocab": vocabulary, "merges": []}
    (tokenizer.parent / "tokenizer.json").write_text(json.dumps({"model": model, "post_processor": ends}))
    texts = folder / "texts.jsonl"
    texts.write_text("".join(json.dumps({"id": f"s{i}", "text": "the cat sat on the mat"}) + "\n" for i in range(3)))
    samples = write_samples(folder / "samples.jsonl", [30] * 120, 60)
    store = folder / "store.h5"
    decompose = ["decompose", "--series", SERIES, "--samples", samples, *QUICK, "--store"]
    must(run(*decompose, store))
    settings = folder / "job.ini"
    settings.write_text(f"series = {SERIES}\nsamples = {samples}\n")
    own = ["decompose", "--series", folder / "series", "--samples", texts, "--tokenizer", tokenizer.parent, *QUICK, "--store", "OUT"]
    return {
        "samples": (samples, [*decompose, "OUT"]),
        "texts": (texts, own),
        "tokenizer": (tokenizer, own),
        "the tokenizer's config": (tokenizer.parent / "tokenizer_config.json", own),
        "the tokenizer's vocabulary": (tokenizer.parent / "tokenizer.json", own),
        "a model's config": (min(SERIES.glob("*/config.json")), [*decompose, "OUT"]),
        "training text": (text, ["record", "--text", text, "--series", "OUT", "--vocabulary", "300", *MODEL]),
        "options": (settings, ["decompose", "--config", settings, *QUICK, "--store", "OUT"]),
        "a store that is asked": (store, ["query", store, "--group-by", "layer"]),
        "a store that is inspected": (store, ["inspect", store]),
        "a store that is gone on with": (store, [*decompose, store, "--resume"]),
    }


def main():
    shim = sys.argv[1]
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, (file, command) in jobs(folder).items():
            out = folder / "out"
            command = [str(word).replace("OUT", str(out)) for word in command]
            calls = folder / "calls"
            calls.unlink(missing_ok=True)
            whole = attempt(command, shim, file, READ_CALLS=calls, READ_GOOD=10**9)
            assert whole.returncode == 0, (name, whole.stdout, whole.stderr)
            count = calls.stat().st_size if calls.exists() else 0
            assert count > 0, f"{name}: {file} was not read, or by calls that the shim does not see"
            before = what_it_says(file)
            for good in sorted({0, count // 2, count - 1}):
                remove(out)
                process = attempt(command, shim, file, READ_GOOD=good)
                told = f"{name}, {good} of {count} reads are well: exit {process.returncode}\n{process.stdout[-300:]}{process.stderr}"
                # Options are a matter of usage.
                if process.returncode not in ((1, 2) if name == "options" else (1,)) or process.stderr.count("error:") != 1 or str(file) not in process.stderr:
                    failures.append(told)
                if out.exists() or list(folder.glob("out.*")) or list(folder.glob("*.lock")):
                    failures.append(f"{told}\nsomething stays")
                if what_it_says(file) != before:
                    failures.append(f"{told}\nthe file is another")
            remove(out)
            print(f"{name}: {count} reads", flush=True)
    if failures:
        raise SystemExit("\n\n".join(failures))


main()
