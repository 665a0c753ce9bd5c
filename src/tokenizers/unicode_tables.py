#!/usr/bin/env python3
"""Writes unicode_classes.inc and unicode_normal_forms.inc: what the tokenizers wheel takes each code point for.

The wheel holds several tables of different ages: its regular expressions know newer characters than its normalisation, and both others than the
libraries of a distribution. So every code point is asked of the wheel itself. Run it with the tests' Python, whose wheel is pinned:

    build/deps/venv/bin/python src/tokenizers/unicode_tables.py
    build/deps/venv/bin/python src/tokenizers/unicode_tables.py --check
"""
import pathlib
import sys
import unicodedata

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models
from tokenizers import normalizers as N
from tokenizers import pre_tokenizers as P

POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
ALL = "".join(map(chr, POINTS))
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn".split()


def of_pattern(negated):
    """The code points that are left when everything that matches `negated` is taken away."""
    return {ord(c) for c in N.Replace(Regex(negated), "").normalize_str(ALL)}


def of_split(pre_tokenizer):
    """The code points that a pre-tokenizer cuts off from the letter before them."""
    return {c for c in POINTS if len(pre_tokenizer.pre_tokenize_str("a" + chr(c) + "a")) > 1}


def runs(points):
    """Sorted points as pairs of first and last; surrogates, of which no text consists, belong to neither side of a gap."""
    found = []
    for c in sorted(points):
        if found and (c == found[-1][1] + 1 or (found[-1][1] == 0xD7FF and c == 0xE000)):
            found[-1][1] = c
        else:
            found.append([c, c])
    return found


def ranges(name, what, points):
    return array("Range", name, what, [f"{{0x{a:X},0x{b:X}}}" for a, b in runs(points)])


def array(kind, name, what, items):
    return [f"/// {what}", f"constexpr {kind} {name}[] = {{", *lines(items, ","), "};", ""]


def text(name, what, items):
    """A string in pieces: entries separated by blanks."""
    return [f"/// {what}", f"constexpr const char* {name} =", *(f'    "{line}"' for line in lines(items, " ", 92)), "    ;", ""]


def lines(items, separator, width=98):
    out, line = [], ""
    for item in items:
        if len(line) + len(item) + 1 > width:
            out.append(line)
            line = ""
        line += item + separator
    return out + [line] if line else out


def categories():
    of = {c: name for name in CATEGORIES for c in of_pattern(rf"\P{{{name}}}+")}
    assert len(of) == len(POINTS)
    starts, before = [], None
    for c in POINTS:
        if of[c] != before:
            starts.append(f"{{0x{c:X},{of[c]}}}")
            before = of[c]
    return array("CategoryStart", "category_starts", "Where a run of code points of one general category begins, for \\\\p{…}.".replace("\\\\", "\\"), starts), of


def words_of_regex():
    """What Rust's regular expressions take for \\w: a token that is a single word is not found beside them."""
    tokenizer = Tokenizer(models.BPE(vocab={"<t>": 0}, merges=[]))
    tokenizer.add_tokens([AddedToken("<t>", single_word=True, normalized=False)])
    return {c for c in POINTS if not tokenizer.encode("<t>" + chr(c)).ids}


def full(form):
    return {c: form.normalize_str(chr(c)) for c in POINTS if not 0xAC00 <= c < 0xAC00 + 11172}


def combining_classes():
    """Of every code point, from how the wheel orders it beside marks whose class is known."""
    nfd = N.NFD()
    swapped = lambda pair: nfd.normalize_str("a" + pair) != "a" + pair
    low, high = "\u0334", "\u0345"  # of the classes 1 and 240
    probes = {}
    for c in POINTS:
        known = unicodedata.combining(chr(c))
        if known and nfd.normalize_str(chr(c)) == chr(c) and (swapped(chr(c) + low) or swapped(high + chr(c))):
            probes.setdefault(known, chr(c))
    classes = {}
    for c in POINTS:
        mark = chr(c)
        if nfd.normalize_str(mark) != mark or not (swapped(mark + low) or swapped(high + mark)):
            continue
        below = [k for k, p in probes.items() if swapped(mark + p)]  # probes of a smaller class
        above = [k for k, p in probes.items() if swapped(p + mark)]
        between = [k for k in probes if k not in below and k not in above]
        assert len(between) == 1, (hex(c), between)
        classes[c] = between[0]
    return classes


def normalisation():
    nfd, nfc = N.NFD(), N.NFC()
    canonical, compatible = full(nfd), full(N.NFKD())
    points = lambda s: ",".join(f"{ord(x):X}" for x in s)
    changed = [f"{c:X}:{points(d)}" for c, d in canonical.items() if d != chr(c)]
    more = [f"{c:X}:{points(d)}" for c, d in compatible.items() if d != canonical[c]]
    pairs = []
    for c, d in canonical.items():
        if len(d) < 2 or nfc.normalize_str(chr(c)) != chr(c):
            continue
        first = nfc.normalize_str(d[:-1])
        assert len(first) == 1 and nfc.normalize_str(first + d[-1]) == chr(c), hex(c)
        pairs.append(f"{ord(first):X},{ord(d[-1]):X}:{c:X}")
    classes = combining_classes()
    marks = []
    for value in sorted(set(classes.values())):
        marks += [f"{{0x{a:X},0x{b:X},{value}}}" for a, b in runs(c for c, v in classes.items() if v == value)]
    return (text("canonical_decompositions", "Full canonical decompositions (hexadecimal), those of Hangul syllables left out.", changed)
            + text("compatible_decompositions", "Full compatibility decompositions where they differ from the canonical ones.", more)
            + text("compositions", "Pairs that become one character.", pairs)
            + array("CombiningClass", "combining_classes", "Runs of marks of one combining class; all others are 0.", marks))


def lower():
    form = N.Lowercase()
    found = {c: form.normalize_str(chr(c)) for c in POINTS}
    changed = {c: d for c, d in found.items() if d != chr(c)}
    several = {c: d for c, d in changed.items() if len(d) > 1}
    steps, single = [], sorted(c for c in changed if c not in several)
    for c in single:
        delta = ord(changed[c]) - c
        last = steps[-1] if steps else None
        if last and last[3] == delta and (c - last[1] == last[2] or (last[0] == last[1] and c - last[1] <= 2)):
            last[1], last[2] = c, c - last[1]
        else:
            steps.append([c, c, 1, delta])
    assert list(several.items()) == [(0x130, "i\u0307")]
    return array("LowerRun", "lower_runs", "First and last capital letter of a run, their distance, and what is added in lower case; U+0130 alone becomes two.",
                 [f"{{0x{a:X},0x{b:X},{s},{d}}}" for a, b, s, d in steps])


def classes():
    out, category = categories()
    out += ranges("pattern_words", "What \\w matches in patterns.", of_pattern(r"\W+"))
    out += ranges("pattern_words_of_classes", "What \\w matches inside [ ]: Oniguruma has another table of Latin-1 there.", of_pattern(r"[^\w]+"))
    assert of_pattern(r"[^\s]+") == of_pattern(r"\S+") and of_pattern(r"[^\d]+") == of_pattern(r"\D+")
    assert of_pattern(r"\D+") == {c for c in POINTS if category[c] == "Nd"}
    space = of_pattern(r"\S+")
    assert space == of_split(P.WhitespaceSplit())
    out += ranges("white_space", "White space, of patterns and of everything else.", space)
    out += ranges("numerals", "What Digits takes for a digit.", of_split(P.Digits(individual_digits=True)))
    out += ranges("regex_words", "Letters of words beside added tokens, and for Whitespace.", words_of_regex())
    out += ranges("punctuation", "What Punctuation cuts off.", of_split(P.Punctuation()))
    strip = N.StripAccents()
    out += ranges("accents", "What StripAccents takes away.", {c for c in POINTS if strip.normalize_str(chr(c)) == ""})
    return out + lower()


def main():
    head = [f"// Made by unicode_tables.py from the wheel tokenizers {tokenizers.__version__}; do not edit.", "// clang-format off", ""]
    here, other = pathlib.Path(__file__).parent, []
    for name, rows in (("unicode_classes.inc", classes()), ("unicode_normal_forms.inc", normalisation())):
        made = "\n".join(head + rows).rstrip() + "\n"
        if sys.argv[1:] == ["--check"]:
            other += [name] if made != (here / name).read_text(encoding="utf-8") else []
        else:
            (here / name).write_text(made, encoding="utf-8")
    if other:
        sys.exit(f"the wheel takes characters for something else than {other} say")


main()
