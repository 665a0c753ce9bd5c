#!/usr/bin/env python3
"""Makes the quickstart's text out of Debian's installation guide (package installation-guide-amd64).

    launch/sample_text.py OUT [GUIDE]

The guide is one book in 19 languages. OUT/text/LANGUAGE.txt gets its prose, one paragraph a line, UTF-8;
OUT/held_out.jsonl gets one paragraph, the same in every language, {"id", "group", "text"} with the language as id and
group. That paragraph, and what resembles it, is not in the text. The same guide gives the same files, byte for byte.
GUIDE is the folder with LANGUAGE/install.LANGUAGE.txt.gz, by default where Debian's package puts it.
"""
import gzip
import json
import pathlib
import re
import sys
import unicodedata

LANGUAGES = "ca cs da de el en es fr id it ja ko nl pt ro ru sv vi zh_CN".split()
GUIDE = "/usr/share/doc/installation-guide-amd64"
# The first paragraph of "1.1. What is Debian?": translated in every language, and not about commands or packages.
HELD_OUT_SECTION = "1.1."
LINE_WIDTH = 79  # columns, a wide character being two: a line with room for one more ended at a space

ENGLISH_WORDS = frozenset("the of and to is in for you be are that this with".split())
BULLET = re.compile(r"^(\s*)(?:[•◦▪*○□●■-]|\d+\.|[a-z]\.|\^?\[\d+\])(\s+)(?=\S)")
SECTION = re.compile(r"^\s*(?:\d+|[A-H])(?:\.\d+)+\.\s")
DROPPED = re.compile(r"[\u2500-\u257f]|(?:\. ?){4,}|_{4,}|^\s*[#$+|]|^\s*d-i |^\s*<|\|.*\|", re.MULTILINE)


def decode(data):
    """The guide is UTF-8, but for the Russian one, which is KOI8-R."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("koi8-r")


def is_wide(character):
    """Han, kana or their punctuation: written without spaces."""
    return unicodedata.east_asian_width(character) in "WF" and not is_hangul(character)


def is_hangul(character):
    return "\uac00" <= character <= "\ud7a3"


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text.rstrip())


def bare(word):
    return word.strip(".,:;!?()\"'")


class LineJoiner:
    """Joins wrapped lines; whether a space was lost at the break depends on the script."""

    def __init__(self, text):
        # Korean is broken inside words too, and then the words of the whole text tell whether a space was there.
        self.words, self.beginnings, self.endings = set(), set(), set()
        for line in text.splitlines():
            for word in line.split()[1:-1]:
                word = bare(word)
                self.words.add(word)
                self.beginnings.add(word[:2])
                self.endings.add(word[-2:])

    def join(self, lines):
        text = lines[0].strip()
        for above, line in zip(lines, lines[1:]):
            text += self.between(text, line.strip(), width(above)) + line.strip()
        return re.sub(r"\s*\^\[\d+\]", "", re.sub(r"\s+", " ", text))

    def between(self, left, right, left_width):
        """What stood between the end of a line that was `left_width` columns wide and the next line."""
        a, b = left[-1], right[0]
        if is_wide(a) and is_wide(b):
            return ""
        if is_wide(a) or is_wide(b):
            return " " if a.isalnum() and b.isalnum() else ""
        if is_hangul(a) and is_hangul(b) and left_width + 2 > LINE_WIDTH:
            first, second = left.split()[-1], bare(right.split()[0])
            two_words = first[-2:] in self.endings and second[:2] in self.beginnings
            return " " if two_words and bare(first + second) not in self.words else ""
        if a == "/" or (a == "-" and left[-2:-1].isalnum()):
            return ""
        return " "


def paragraphs(text):
    """(section title above, paragraph) in the book's order; a change of indentation starts a paragraph."""
    joiner = LineJoiner(text)
    section = ""
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.split("\n") if line.strip()]
        if not lines or DROPPED.search(block):
            continue
        if any(SECTION.match(line) for line in lines):  # a section's title, or a table of contents
            section = lines[0].strip() if len(lines) == 1 else section
            continue
        group, depth = [], None
        for line in lines:
            bullet = BULLET.match(line)
            indent = bullet.end() if bullet else len(line) - len(line.lstrip())
            if group and (bullet or indent != depth):
                yield section, joiner.join(group)
                group = []
            group.append(line[bullet.end():] if bullet else line)
            depth = indent
        if group:
            yield section, joiner.join(group)


def is_prose(paragraph):
    """A sentence or more, rather than a title, a command or a list of names."""
    if paragraph[-1] not in ".!?:;)\"”»。：！？；)":
        return False
    letters = sum(c.isalpha() for c in paragraph)
    wide = sum(is_wide(c) or is_hangul(c) for c in paragraph)
    return letters >= .7 * len(paragraph.replace(" ", "")) and (wide >= 20 or len(paragraph.split()) >= 8)


def is_english(paragraph):
    words = paragraph.lower().split()
    return sum(word in ENGLISH_WORDS for word in words) > .12 * len(words)


def shingles(text, size=8):
    return {text[i:i + size] for i in range(max(1, len(text) - size + 1))}


def resembles(paragraph, held_out):
    """A third of the shorter one's character 8-grams are in the other."""
    ours = shingles(paragraph)
    return len(ours & held_out) * 3 >= min(len(ours), len(held_out))


def read_prose(guide, language):
    path = guide / language / f"install.{language}.txt.gz"
    text = decode(gzip.decompress(path.read_bytes()))
    return [(section, p) for section, p in paragraphs(text) if is_prose(p)]


def split_off_held_out(prose, language):
    """(training paragraphs, held-out paragraph) of one language."""
    held_out = next((p for s, p in prose if s.startswith(HELD_OUT_SECTION)), None)
    if held_out is None:
        raise SystemExit(f"sample_text.py: language {language}: no paragraph under section {HELD_OUT_SECTION} "
                         "(another release of the guide?)")
    known = shingles(held_out)
    training = list(dict.fromkeys(p for _, p in prose if not resembles(p, known)))
    return training, held_out


def write_if_changed(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    out, guide = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else GUIDE)
    languages = [x for x in LANGUAGES if (guide / x / f"install.{x}.txt.gz").exists()]
    if not languages:
        sys.exit(f"sample_text.py: no installation guide in {guide}\n"
                 "  It comes with Debian's package installation-guide-amd64 (launch/setup.sh installs it). Where a release\n"
                 "  has no such package, unpack Debian 12's with `dpkg -x FILE.deb FOLDER` and name\n"
                 "  EXPLAIND_GUIDE=FOLDER/usr/share/doc/installation-guide-amd64 launch/quickstart.sh")
    if languages != LANGUAGES:
        print(f"   this release of the guide lacks {' '.join(x for x in LANGUAGES if x not in languages)}")
    (out / "text").mkdir(parents=True, exist_ok=True)
    samples, sizes = [], []
    english = {p for _, p in read_prose(guide, "en")} if "en" in languages else set()
    for language in languages:
        prose = read_prose(guide, language)
        if language != "en":  # translations have untranslated parts
            prose = [(section, p) for section, p in prose if p not in english and not is_english(p)]
        training, held_out = split_off_held_out(prose, language)
        content = "\n".join(training) + "\n"
        write_if_changed(out / "text" / f"{language}.txt", content)
        samples.append(json.dumps({"id": language, "group": language, "text": held_out}, ensure_ascii=False))
        sizes.append(f"{language} {len(content.encode()) // 1024}")
    write_if_changed(out / "held_out.jsonl", "\n".join(samples) + "\n")
    print(f"   {len(languages)} languages, KiB of text: {', '.join(sizes)}")


if __name__ == "__main__":
    main()
