"""Makes the first inputs of the fuzz targets out of the goldens: seeds/TARGET/NAME. Small ones, one of each form; what fuzzing found lies beside them, called
found-….

    python3 tests/fuzz/make_seeds.py RUN        RUN: a small recorded run (its run.json, complete.json, start and two blocks)
"""
import gzip
import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
GOLDENS, SEEDS = HERE.parent / "goldens", HERE / "seeds"


def keep(target, name, data):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def safetensors():
    header = {"__metadata__": {"format": "pt"}, "a.weight": {"dtype": "BF16", "shape": [4, 3], "data_offsets": [0, 24]},
              "scalar": {"dtype": "F32", "shape": [], "data_offsets": [24, 28]}, "empty": {"dtype": "F64", "shape": [0, 5], "data_offsets": [28, 28]}}
    text = compact(header).encode()
    keep("safetensors", "small", struct.pack("<Q", len(text)) + text + b"d" * 28)


def json_files():
    shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    keep("index", "two-shards", compact({"metadata": {"total_size": 16}, "weight_map": {"a.weight": shards[0], "b.weight": shards[1]}}))
    for config in sorted(GOLDENS.glob("families/*/**/config.json")):
        keep("config", config.relative_to(GOLDENS / "families").parts[0], compact(json.loads(config.read_text())))


def torch_files():
    for name in ("state.bin", "old.bin", "strided.bin"):
        keep("torch_file", name, (GOLDENS / "torch_files" / name).read_bytes())
    archive = (GOLDENS / "torch_files/state.bin").read_bytes()
    start = archive.index(b"\x80\x02")
    pickle = archive[start:archive.index(b"e.", start) + 2] if b"e." in archive[start:] else archive[start:start + 1500]
    for choice in (0, 1, 3):
        keep("pickle", f"state-{choice}", bytes([choice]) + pickle)
    keep("pickle", "old-3", b"\3" + (GOLDENS / "torch_files/old.bin").read_bytes()[:600])
    keep("pickle", "metadata", b"\2" + (GOLDENS / "saved_states/dcp/whole/.metadata").read_bytes())


def tokenizers():
    def made(model, **parts):
        return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
                "post_processor": None, "decoder": None, **parts, "model": model}

    added = [{"id": 40, "content": "<s>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}]
    letters = {letter: i for i, letter in enumerate("helowrdabĠĊĉ")}
    byte_level = made({"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
                       "byte_fallback": False, "ignore_merges": False, "vocab": letters | {"he": 20, "ll": 21, "hell": 22},
                       "merges": ["h e", "l l", "he ll"]}, added_tokens=added,
                      pre_tokenizer={"type": "Sequence", "pretokenizers": [
                          {"type": "Split", "pattern": {"Regex": " ?[a-z]+|\\s+(?!\\S)|\\s+"}, "behavior": "Isolated", "invert": False},
                          {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
                      post_processor={"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                                                              {"Sequence": {"id": "A", "type_id": 0}}],
                                      "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                                      "special_tokens": {"<s>": {"id": "<s>", "ids": [40], "tokens": ["<s>"]}}})
    blanks = made({"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True,
                   "byte_fallback": True, "ignore_merges": False,
                   "vocab": {"<unk>": 0, "▁": 1, "h": 2, "e": 3, "he": 4, "▁he": 5, "<0x0A>": 6}, "merges": [["h", "e"], ["▁", "he"]]},
                  normalizer={"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                                                                  {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]})
    unigram = made({"type": "Unigram", "unk_id": 0, "byte_fallback": False,
                    "vocab": [["<unk>", 0.0], ["▁", -2.5], ["l", -3.0], ["lo", -3.5], ["▁hel", -1.25], ["a", -4.0], ["b", -4.0]]},
                   pre_tokenizer={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
                   normalizer={"type": "NFKC"})
    for name, tokenizer in {"byte-level": byte_level, "blanks": blanks, "unigram": unigram}.items():
        keep("tokenizer", name, compact(tokenizer))
    keep("tokenizer", "with-settings", compact(unigram) + "\0" + compact({"tokenizer_class": "LlamaTokenizer", "add_bos_token": True,
                                                                          "added_tokens_decoder": {"0": {"content": "<unk>", "special": True}}}))


def lines():
    rows = [{"id": "a", "group": "x", "input_ids": [1, 2, 3], "labels": [-100, 2, 3], "attention_mask": [1, 1, 1]},
            {"id": "b", "input_ids": [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]}]
    keep("samples", "tokens", b"\0" + "\n".join(map(compact, rows)).encode())
    keep("samples", "windows", b"\2" + "\n".join(map(compact, rows)).encode())
    keep("samples", "pairs", b"\0" + compact({"good": [1, 2, 3], "bad": [1, 4, 3], "group": "g"}).encode() + b"\n")
    keep("samples", "text", b"\0" + compact({"text": "hello", "id": 7}).encode())


def settings():
    keep("ini", "decompose", b"\0# a comment\nseries = here\ncomponent = head\nquadrature = gauss:4\naxes = sample,position\nchunk = 8\n")
    keep("ini", "record", b"\1model = llama\nmax-steps = 10\nlearning-rate = 1e-3\nbetas = 0.9,0.95\n")
    keep("ini", "plan", b"\2memory = 1GiB\nsteps = top:3\n")
    keep("ini", "query", b"\3select = group=de|fr,step=10\ntop = 5\n")
    keep("yaml", "settings", "run_name: a\nmodel:\n  d_model: 64\n  rope: true\n  names:\n    - 'x'\n    - y\noptimizer:\n  betas:\n  - 0.9\n  eps: 1e-8\nnone: null\n")
    idx = b"\0\0\x08\x03" + struct.pack(">III", 2, 2, 3) + bytes(range(12))
    keep("idx", "plain", idx)
    keep("idx", "gzipped", gzip.compress(idx, mtime=0))


def recorded_run(run):
    names = ["run.json", "complete.json", "start.safetensors", "blocks/00000000-00000001.safetensors", "blocks/00000004-00000004.safetensors"]
    for choice, name in enumerate(names):
        keep("run", pathlib.Path(name).stem, bytes([choice]) + (run / name).read_bytes())


def stores():
    """First byte: the store; then what is asked, and changes (targets/store.cpp)."""
    keep("store", "asked", bytes([0, 0, 2, 0, 4, 1, 1, 1, 1, 0, 1, 0, 1, 1]))
    for store in range(5):
        for change in range(8):
            keep("store", f"change-{store}-{change}", bytes([store, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 3 + change, 7, change, 1, 0, 3, 65, 66, 67, 9, 4, change, 2, 5]))


safetensors()
json_files()
torch_files()
tokenizers()
lines()
settings()
recorded_run(pathlib.Path(sys.argv[1]))
stores()
