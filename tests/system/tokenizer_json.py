"""tokenizer.json becomes the ids that Hugging Face's own library makes of it: small tokenizers of every kind that public families use, trained here, over
languages, code, emoji, white space, control characters, tokens inside texts and random texts.

    tokenizer_json.py TOKEN_IDS                          the kinds below, 20,000 texts in all
    tokenizer_json.py TOKEN_IDS --texts N --seed S       N random texts for each kind
    tokenizer_json.py TOKEN_IDS --every                  also kinds for every class of characters, with all characters
    tokenizer_json.py TOKEN_IDS --texts N --folders DIR… tokenizers that lie in folders (public ones), by hand
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import tokenizers  # noqa: E402
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, trainers  # noqa: E402
from tokenizers import normalizers as N  # noqa: E402
from tokenizers import pre_tokenizers as P  # noqa: E402
from tokenizers import processors  # noqa: E402

from program import SOURCE  # noqa: E402

GPT4 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
          r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

WORDS = ["the", " of", "ing", "ation", " Python", "über", "Straße", "漢字", "ひらがな", "한국어", "русский", "عربى", "हिन्दी", "ไทย", "Ελληνικά", "עברית", "ÅÉÎ",
         "don't", "we'll", "I'VE", "'ſ", "it's", "1st", "12345", "3.14", " ½", "Ⅳ", "²", "é", "e\u0301", "a\u0323\u0307", "ﬁ", "ǅ", "İ", "ß", "😀", "👩‍👩‍👧‍👦", "🇪🇺",
         "👍🏽", "def f(x):\n    return x\n", "\tif (a < b) { a++; }\n\n", "<div class=\"a\">", "http://a.b/c?d=e#f", "_x_", "#include <vector>", "<s>", "</s>", "<|x|>", "[T]",
         " [T] ", "tok", "word", "words", "\u202eabc", "\ufeff", "\u200b", "▁", "▁▁a", "ｆｕｌｌ", "각", "\u1100\u1161\u11a8", "가\u11a8",
         # Marks that others keep from their letter, and marks in another order than that of their classes.
         "a\u0305\u0301", "e\u0302\u0323", "o\u0335\u0301", "a\u200d\u0301", "\u1100a\u1161", "\u0915\u094d\u093c", "u\u0308\u031b\u0301\u0323", "\u0344", "\u0f73\u0f71"]
BLANKS = [" ", "  ", "   ", "\n", "\r\n", "\t", "\n\n", " \n ", "\u00a0", "\u3000", "\u2028", "\x85", "\x0b", "\x00", "\x7f", "\x1b"]
BLOCKS = [(0x00, 0x250), (0x250, 0x600), (0x300, 0x370), (0x590, 0x780), (0x900, 0xE80), (0x1100, 0x1200), (0x1E00, 0x2100), (0x2000, 0x2070), (0x2100, 0x2C00),
          (0x3000, 0x3200), (0xA640, 0xABFF), (0xAC00, 0xD7A4), (0xE000, 0xE010), (0xFB00, 0xFE30), (0xFF00, 0x10000), (0x10000, 0x10D90), (0x11F00, 0x12000),
          (0x16D40, 0x16D80), (0x1CC00, 0x1CEC0), (0x1D400, 0x1D800), (0x1F300, 0x1FA00), (0x31350, 0x31360), (0xE0000, 0xE0080), (0x10FFF0, 0x110000)]
#: Those for which all characters are looked at in every run.
WITH_ALL_CHARACTERS = {"class L", "class N", "class P", r"class [^\s\w]", "class words", "form NFKC", "form NFC", "form lower", "form accents"}
failures = []


def random_text(random_, added):
    """Pieces of words, blanks and characters; unassigned ones too."""
    parts = []
    for _ in range(int(random_.expovariate(1 / 10)) + 1):
        kind = random_.random()
        if kind < .2:
            parts.append(random_.choice("abcdefghijst ABCXYZST 0123456789 '.,_-"))
        elif kind < .4:
            parts.append(random_.choice(BLANKS))
        elif kind < .6:
            parts.append(random_.choice(WORDS))
        elif kind < .8:
            parts.append(chr(random_.randrange(*random_.choice(BLOCKS))))
        elif kind < .83:
            point = random_.randrange(0x110000)
            parts.append("x" if 0xD800 <= point <= 0xDFFF else chr(point))
        elif kind < .87 and added:
            parts.append(random_.choice(added))
        else:
            parts.append("".join(random_.choice("etaoinshrdlu") for _ in range(random_.randrange(1, 9))))
    return "".join(parts)


def corpus():
    random_ = random.Random(5)
    return [" ".join(random_.choice(WORDS + ["the old town", "sings about", "green rivers", "and lazy birds"]) for _ in range(12)) for _ in range(400)]


def trained(model, trainer, normalizer=None, pre_tokenizer=None, post=None, added=(), changes=None):
    """A tokenizer as its file has it; `changes`: keys of its model that no trainer sets."""
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(corpus(), trainer)
    if added:
        tokenizer.add_tokens(list(added))
    if post:
        tokenizer.post_processor = post(tokenizer)
    file = json.loads(tokenizer.to_str())
    file["model"] |= changes or {}
    return file


def byte_level(pre_tokenizer, normalizer=None, post=None, added=(), changes=None, size=600):
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=P.ByteLevel.alphabet(), show_progress=False, special_tokens=["<s>", "</s>"])
    return trained(models.BPE(), trainer, normalizer, pre_tokenizer, post, added, changes)


def cut_by(pre_tokenizer, size):
    """Merges learnt over uncut texts, so that each cut shows in the ids."""
    file = byte_level(P.ByteLevel(add_prefix_space=False, use_regex=False), size=size)
    other = Tokenizer(models.BPE())
    other.pre_tokenizer = pre_tokenizer
    return file | {"pre_tokenizer": json.loads(other.to_str())["pre_tokenizer"]}


def split(pattern, behavior="isolated", invert=False):
    return P.Sequence([P.Split(Regex(pattern), behavior, invert), P.ByteLevel(add_prefix_space=False, use_regex=False)])


def pieces(model, pre_tokenizer=None, normalizer=None, size=500, changes=None, bytes_=True, added=(), **options):
    """Models of characters, as SentencePiece trains them."""
    special = ["<unk>", "<s>", "</s>"] + ([f"<0x{b:02X}>" for b in range(256)] if bytes_ else [])
    if model is models.Unigram:
        trainer = trainers.UnigramTrainer(vocab_size=size, show_progress=False, special_tokens=special, unk_token="<unk>", **options)
    else:
        trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, special_tokens=special, limit_alphabet=60, **options)
    file = trained(model(), trainer, normalizer, pre_tokenizer, None, added, changes)
    # The bytes are pieces, and no tokens that a text can write.
    file["added_tokens"] = [t for t in file["added_tokens"] if not t["content"].startswith("<0x")]
    return file


def begun(tokenizer):
    return processors.Sequence([processors.ByteLevel(trim_offsets=False),
                                processors.TemplateProcessing(single="<s> $A </s> </s>", pair="<s> $A $B", special_tokens=[("<s>", 0), ("</s>", 1)])])


ADDED = [AddedToken("<|x|>", special=True, normalized=False), AddedToken("[T]", lstrip=True, rstrip=True, normalized=False), AddedToken("tok", single_word=True),
         AddedToken("word", single_word=True, lstrip=True), AddedToken("words", normalized=True), AddedToken("ÅÉÎ", normalized=True), AddedToken("  ", rstrip=True),
         AddedToken("<|x|><|x|>", normalized=False), AddedToken("Straße", lstrip=True, normalized=True)]
SP_BPE = {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}
LLAMA = N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")])


def kinds():
    """Makers of tokenizers by name; made one at a time."""
    bytes_alone = P.ByteLevel(add_prefix_space=False, use_regex=False)
    made = {
        "GPT-2": lambda: byte_level(P.ByteLevel(add_prefix_space=False)),
        "Pythia": lambda: byte_level(P.ByteLevel(add_prefix_space=False), N.NFC(), added=ADDED),
        "OLMo-2": lambda: byte_level(split(GPT4)),
        "Llama 3": lambda: without_merges(byte_level(split(GPT4), post=begun, changes={"ignore_merges": True}, added=ADDED)),
        "Qwen": lambda: byte_level(split(QWEN), N.NFC(), added=ADDED),
        "SmolLM": lambda: byte_level(P.Sequence([P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=False)]), added=ADDED),
        "Apertus": lambda: byte_level(split(TEKKEN), post=begun),
        "a blank first": lambda: byte_level(P.ByteLevel(add_prefix_space=True), added=ADDED),
        "Llama": lambda: pieces(models.BPE, None, LLAMA, changes=SP_BPE, added=ADDED),
        "Llama, newer": lambda: pieces(models.BPE, P.Metaspace(prepend_scheme="first", split=False), changes=SP_BPE, added=ADDED),
        "Gemma": lambda: pieces(models.BPE, P.Split(" ", "merged_with_previous"), N.Replace(" ", "▁"), changes=SP_BPE),
        "no bytes": lambda: pieces(models.BPE, P.Whitespace(), changes={"unk_token": "<unk>"}, bytes_=False),
        "no bytes, fused": lambda: pieces(models.BPE, P.WhitespaceSplit(), changes={"unk_token": "<unk>", "fuse_unk": True}, bytes_=False),
        "some bytes": lambda: some_bytes(),
        "dropped": lambda: pieces(models.BPE, P.Punctuation("contiguous"), bytes_=False),
        "word ends": lambda: pieces(models.BPE, P.WhitespaceSplit(), bytes_=False, changes={"unk_token": "<unk>"}, end_of_word_suffix="</w>"),
        "word parts": lambda: pieces(models.BPE, P.WhitespaceSplit(), bytes_=False, changes={"unk_token": "<unk>"}, continuing_subword_prefix="##"),
        "Unigram": lambda: pieces(models.Unigram, P.Metaspace(), bytes_=False, added=ADDED),
        "Unigram, bytes": lambda: pieces(models.Unigram, P.Metaspace(prepend_scheme="first"), N.NFKC(), changes={"byte_fallback": True}),
        "Unigram, whole": lambda: pieces(models.Unigram, P.Metaspace(prepend_scheme="never", split=False), N.Nmt(), bytes_=False),
        "Unigram, byte alphabet": lambda: pieces(models.Unigram, P.ByteLevel(), bytes_=False, initial_alphabet=P.ByteLevel.alphabet()),
        "alphabet first": lambda: byte_level(P.Sequence([P.ByteLevel(add_prefix_space=False, use_regex=False), P.Split(Regex("Ġ+|[Ã-å]"), "merged_with_next")])),
        "alphabet as normalizer": lambda: byte_level(P.Split(Regex("Ġ?[a-zA-Z]+"), "isolated"), N.ByteLevel()),
        "Lowercase": lambda: byte_level(P.Punctuation("merged_with_next"), N.Sequence([N.ByteLevel(), N.Lowercase()])),
    }
    for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        for invert in (False, True):
            name = f"{behavior}{', inverted' if invert else ''}"
            made[name] = lambda b=behavior, i=invert: cut_by(split(r"[\p{L}\d]\b|\s\S|\p{^P}(?<=[aeiou])|\W{2}", b, i), 700)
        made[f"{behavior}, a text"] = lambda b=behavior: cut_by(P.Sequence([P.Split(" ", b), P.Punctuation(b), bytes_alone]), 700)
    seen = [token for token in ADDED if token.content.strip()]  # of a blank no normalizer that strips leaves anything
    for behavior in ("isolated", "merged_with_next"):
        made[f"{behavior}, empty matches"] = lambda b=behavior: cut_by(split(r"(?=[A-Zé])|e|(?<=o)|x*(?=n)", b), 700)
    forms = {"NFC": N.NFC(), "NFD": N.NFD(), "NFKC": N.NFKC(), "NFKD": N.NFKD(), "lower": N.Lowercase(), "accents": N.Sequence([N.NFD(), N.StripAccents()]), "Nmt": N.Nmt(),
             "strip": N.Sequence([N.Strip(True, False), N.Replace(Regex(r"\s{2,}|[\p{Lu}-&&[^A-D]]"), " ")]), "strip right": N.Strip(False, True), "prepend": N.Prepend("é ")}
    for name, form in forms.items():
        made[f"form {name}"] = lambda f=form: byte_level(bytes_alone, f, size=300, added=seen)
    for name in ("L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "N", "Nd", "Nl", "No", "P", "S", "Sm", "Z", "C", "Cn", "Letter", "Uppercase_Letter"):
        made[f"class {name}"] = lambda n=name: byte_level(split(rf"\p{{{n}}}+", "removed"), size=259)
    for name in (r"\s", r"\w", r"\d", r"[^\s\w]", r"[\S]", r"[^\W\d]", r"\P{L}", r"[^\p{L}\p{N}]"):
        made[f"class {name}"] = lambda n=name: byte_level(split(rf"{n}+", "removed"), size=259)
    made |= {"class digits": lambda: byte_level(P.Sequence([P.Split(" ", "removed"), P.Digits(), bytes_alone]), size=300),
             "class punctuation": lambda: byte_level(P.Sequence([P.Punctuation("removed"), bytes_alone]), size=259),
             "class white space": lambda: byte_level(P.Sequence([P.WhitespaceSplit(), bytes_alone]), size=259),
             "class words": lambda: byte_level(P.Sequence([P.Whitespace(), P.Split(Regex("^."), "removed"), bytes_alone]), size=259)}
    return made


def without_merges(file):
    """Some pieces that no merges lead to: whole words all the same where merges are ignored."""
    del file["model"]["merges"][::3]
    return file


def some_bytes():
    """Without a piece for every byte a character is unknown; what was unknown before bytes follows them."""
    file = pieces(models.BPE, P.WhitespaceSplit(), changes=SP_BPE | {"fuse_unk": False})
    for b in range(0xE0, 0x100):
        del file["model"]["vocab"][f"<0x{b:02X}>"]
    order = sorted(file["model"]["vocab"], key=file["model"]["vocab"].get)
    file["model"]["vocab"] = {p: i for i, p in enumerate(order)}
    return file


def every_character():
    """Texts that hold every character once: all planes that have any, and a sample of the large blocks whose characters are alike."""
    alike = [(0x3400, 0xA000), (0xAC00, 0xD7A4), (0x17000, 0x18D00), (0x18D00, 0x1AF00), (0x20000, 0xE0000), (0xE0200, 0x110000)]
    points = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF and not any(a <= c < b and (c - a) % 89 for a, b in alike)]
    return ["a".join(map(chr, points[i:i + 500])) for i in range(0, len(points), 500)]


def ids_of(program, folder, texts):
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps(t) + "\n" for t in texts))
    process = subprocess.run([program, folder, path], capture_output=True, text=True)
    return process.stderr if process.returncode else process.stdout.splitlines()


def compare(program, name, folder, texts):
    oracle = Tokenizer.from_file(str(folder / "tokenizer.json"))
    oracle.no_truncation()
    oracle.no_padding()
    found = ids_of(program, folder, texts)
    if isinstance(found, str):
        failures.append(f"{name}: {found}")
        return
    for begin in range(0, len(texts), 5000):
        batch = texts[begin:begin + 5000]
        wrong = [(t, e.ids, f) for t, e, f in zip(batch, oracle.encode_batch(batch), found[begin:]) if str(e.ids).replace(" ", "") != f]
        if wrong:
            text, expected, ids = min(wrong, key=lambda each: len(each[0]))
            failures.append(f"{name}: {len(wrong)} of {len(batch)} texts have other ids, the shortest {text[:200]!r}: {ids[:300]}, not {expected[:60]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--texts", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--kinds", default="", help="those whose name holds it")
    given = parser.parse_args()
    for table in ("unicode_classes.inc", "unicode_normal_forms.inc"):
        if f" {tokenizers.__version__};" not in (SOURCE / "src/tokenizers" / table).read_text().splitlines()[0]:
            sys.exit(f"{table} was made from another version than {tokenizers.__version__}: run src/tokenizers/unicode_tables.py")
    total = 0
    with tempfile.TemporaryDirectory() as root:
        if given.folders:
            sources = {folder.name: folder for folder in given.folders}
        else:
            sources = {name: make for name, make in kinds().items() if given.kinds in name}
            if not given.every:
                sources = {name: make for name, make in sources.items() if not name.startswith("class") or name in WITH_ALL_CHARACTERS}
        for number, (name, source) in enumerate(sources.items()):
            folder = pathlib.Path(root) / str(number)
            folder.mkdir()
            text = (source / "tokenizer.json").read_text() if given.folders else json.dumps(source())
            (folder / "tokenizer.json").write_text(text)
            added = [t["content"] for t in json.loads(text)["added_tokens"]][:50]
            random_ = random.Random(f"{given.seed} {name}")
            texts = [*WORDS, *BLANKS, "", *(random_text(random_, added) for _ in range(given.texts))]
            if name in WITH_ALL_CHARACTERS or (given.every and name.startswith(("class", "form"))):
                texts += every_character()
            total += len(texts)
            compare(given.program, name, folder, texts)
    if failures:
        sys.exit(f"{len(failures)} failed:\n" + "\n".join(failures))
    print(f"{len(sources)} tokenizers, {total} texts: the ids of the library")


main()
