"""Tokenizing beside Hugging Face's library, one thread each: the paragraphs of Debian's installation guide in 19 languages.

    build/deps/venv/bin/python tests/benchmarks/tokenizer_speed.py build/release/token_ids FOLDER_WITH_TOKENIZER_JSON…

Best of three, each in a process of its own: `encode` in a loop, `encode_batch`, and ours. MB: of UTF-8."""
import gzip
import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).parents[2]
THEIRS = """
import json, sys, time
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file(sys.argv[1] + "/tokenizer.json")
tokenizer.no_truncation()
texts = [json.loads(line) for line in open(sys.argv[2])]
begin = time.perf_counter()
if sys.argv[3] == "loop":
    tokens = sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)
else:
    tokens = sum(len(e.ids) for e in tokenizer.encode_batch(texts, add_special_tokens=False))
print(time.perf_counter() - begin, tokens)
"""


def guide():
    sys.path.insert(0, str(SOURCE / "launch"))
    sample_text = importlib.import_module("sample_text")
    texts = []
    for language in sample_text.LANGUAGES:
        path = pathlib.Path(sample_text.GUIDE) / language / f"install.{language}.txt.gz"
        if path.exists():
            texts += re.split(r"\n\s*\n", sample_text.decode(gzip.decompress(path.read_bytes())))
    return [t for t in texts if t]


def best(command):
    environment = dict(os.environ, RAYON_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
    runs = [subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split() for _ in range(3)]
    return min(float(seconds) for seconds, _ in runs), int(runs[0][1])


def main():
    program, folders = sys.argv[1], sys.argv[2:]
    texts = guide()
    size = sum(len(t.encode()) for t in texts) / 1e6
    print(f"{len(texts)} texts, {size:.2f} MB\n{'tokenizer':<40} {'tokens':>9} {'loop MB/s':>10} {'batch MB/s':>10} {'ours MB/s':>10} {'ours/loop':>10} {'ours/batch':>10}")
    with tempfile.TemporaryDirectory() as root:
        path = pathlib.Path(root) / "texts.jsonl"
        path.write_text("".join(json.dumps(t) + "\n" for t in texts))
        for folder in folders:
            theirs = [best([sys.executable, "-c", THEIRS, folder, path, how]) for how in ("loop", "batch")]
            ours, tokens = best([program, folder, path, "time"])
            assert tokens == theirs[0][1] == theirs[1][1], (tokens, theirs)
            loop, batch = theirs[0][0], theirs[1][0]
            print(f"{pathlib.Path(folder).name:<40} {tokens:>9} {size / loop:>10.2f} {size / batch:>10.2f} {size / ours:>10.2f} {loop / ours:>10.2f} {batch / ours:>10.2f}", flush=True)


main()
