"""Finds the refusals of C++ sources and rewrites each so that it can be taken out when the program runs.

A refusal is a statement that ends an action with an error which a user reads: `throw DataError(…)`, `throw UsageError(…)`,
`throw Error(…)`, and each call of a function or lambda that does nothing else, such as `refuse(…)`. It becomes

    { if (!refusals::taken_out("ROOM/file.cpp~3f0a92")) throw DataError(…); }

Its name, the file and a hash of the statement, stands for it everywhere and outlives changes elsewhere in the file. C++ is not
parsed but read as text in which strings and comments are blanked; what cannot be understood so is an error, never left out
without a word.
"""
import dataclasses
import hashlib
import re

THROWN = r"throw\s+(?:DataError|UsageError|Error)\s*\("
# Before a statement: the end of another one, a block, a condition, or a label.
BEFORE_STATEMENT = re.compile(r"(?:[;{})]|\belse|\bdo|[^:]:)\s*$")

HEADER = """#pragma once
// Made by tests/mutation/refusals.py. System calls are made directly, past the libraries with which tests stand in for them, and
// errno stays what it was: messages are made of it.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace refusals {
/// Whether the refusal of this name is to be passed over; that it was reached is written down.
inline bool taken_out(const char* name) {
  const int code = errno;
  if (const char* log = std::getenv("EXPLAIND_REFUSALS_LOG")) {
    const std::string line = "refusal " + std::string(name) + "\\n";
    const auto file = static_cast<int>(syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
    syscall(SYS_write, file, line.data(), line.size());
    syscall(SYS_close, file);
  }
  const char* out = std::getenv("EXPLAIND_TAKEN_OUT");
  errno = code;
  return out != nullptr && std::strcmp(out, name) == 0;
}
}  // namespace refusals
"""


@dataclasses.dataclass
class Refusal:
    name: str  # ROOM/file.cpp~3f0a92
    file: str
    line: int
    text: str  # the statement
    begin: int
    end: int


class Source:
    """One file; `blank` is its text with strings and comments blanked, of the same length."""

    def __init__(self, name, text):
        self.name, self.text = name, text
        self.blank = blanked(text)
        self.helpers = []  # (name, begin of its body, end of its body): functions that only refuse

    def find_helpers(self, declared):
        """Functions whose last statement refuses: those marked [[noreturn]], here or in `declared`, and lambdas."""
        names = declared | set(re.findall(r"\[\[noreturn\]\][^;{(]*?\b(\w+)\s*\(", self.blank))
        starts = [m for m in re.finditer(r"\b(\w+)\s*\(", self.blank) if m.group(1) in names]
        starts += re.finditer(r"\bauto (\w+) = \[[^\]\n]*\]\s*\(", self.blank)
        bodies = []
        for start in starts:
            after = closing(self.blank, start.end() - 1)
            opened = re.match(r"\s*(?:const|noexcept|\s)*\{", self.blank[after:])
            if opened:
                begin = after + opened.end() - 1
                bodies.append((start.group(1), begin, closing(self.blank, begin)))
        found = 0
        while True:  # one that calls another which refuses refuses too
            self.helpers = [b for b in bodies if self.last_refusal(*b) is not None]
            if len(self.helpers) == found:
                return
            found = len(self.helpers)

    def last_refusal(self, helper, begin, end):
        """Where the last statement of a body begins, if it refuses."""
        others = {name for name, *_ in self.helpers} - {helper}
        calls = "|".join([THROWN] + [rf"\b{re.escape(name)}\s*\(" for name in sorted(others)])
        for match in re.finditer(calls, self.blank[begin:end]):
            after = closing(self.blank, begin + match.end() - 1)
            if re.fullmatch(r"\s*;[\s}]*", self.blank[after:end]):
                return begin + match.start()
        return None

    def refusals(self, helpers):
        """Its refusals, where `helpers` are the names of functions that only refuse and are seen here."""
        kept = {self.last_refusal(*helper) for helper in self.helpers}  # their callers stand for these
        own = {name for name, *_ in self.helpers}
        calls = [rf"(?:return\s+)?(?:\w+(?:\.|->|::))*\b{re.escape(name)}\s*\(" for name in sorted(own | helpers)]
        found, strange = [], []
        for match in re.finditer("|".join([THROWN] + calls), self.blank):
            begin, last = match.start(), closing(self.blank, match.end() - 1)
            if begin in kept or re.match(r"\s*(?:const|noexcept|\s)*\{", self.blank[last:]):
                continue  # its definition
            line = self.text.count("\n", 0, begin) + 1
            if not BEFORE_STATEMENT.search(self.blank[max(0, begin - 200):begin]) or not re.match(r"\s*;", self.blank[last:]):
                if not re.search(r"(?:void|bool|auto)\s+(?:\w+::)*$", self.blank[:begin]):  # a declaration
                    strange.append(f"{self.name}:{line}: {self.text[begin:last]}")
                continue
            end = self.blank.index(";", last) + 1
            statement = " ".join(self.text[begin:end].split())
            twin = sum(statement == other.text for other in found)
            digest = hashlib.sha256(f"{statement} {twin}".encode()).hexdigest()[:6]
            found.append(Refusal(f"{self.name.removeprefix('src/')}~{digest}", self.name, line, statement, begin, end))
        if strange:
            raise SystemExit("refusals that are no statements, which this script cannot take out:\n" + "\n".join(strange))
        return found

    def rewritten(self, refusals, header):
        if not refusals:
            return self.text
        out, place = [f'#include "{header}"\n#pragma GCC diagnostic ignored "-Wreturn-type"\n'], 0
        for refusal in refusals:
            out += [self.text[place:refusal.begin], f'{{ if (!refusals::taken_out("{refusal.name}")) ',
                    self.text[refusal.begin:refusal.end], " }"]
            place = refusal.end
        return "".join(out) + self.text[place:]


def blanked(text):
    tokens = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
    return tokens.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def closing(text, opening):
    """The place behind the bracket that closes the one at `opening`."""
    depth = 0
    for place in range(opening, len(text)):
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    raise SystemExit("a bracket that is never closed: " + text[opening:opening + 80])


def find_all(sources):
    """`sources`: {name: text} of all .hpp and .cpp files. Returns {name: (Source, [Refusal])}."""
    read = {name: Source(name, text) for name, text in sources.items()}
    declared = {name: set(re.findall(r"\[\[noreturn\]\][^;{(]*?\b(\w+)\s*\(", source.blank))
                for name, source in read.items() if name.endswith(".hpp")}
    included = {name: {f"src/{path}" for path in re.findall(r'#include "([\w/]+\.hpp)"', source.text)}
                for name, source in read.items()}
    for name, source in read.items():
        source.find_helpers(set().union(*(declared.get(path, set()) for path in included[name])))
    # What a header declares is a helper where its definition, in the source beside it, only refuses.
    known = {}
    for path, names in declared.items():
        beside = read.get(path.removesuffix(".hpp") + ".cpp")
        refusing = {helper for source in (read[path], beside) if source for helper, *_ in source.helpers}
        known[path] = names & refusing
    return {name: (source, source.refusals(set().union(*(known.get(path, set()) for path in included[name] | {name}))))
            for name, source in read.items()}
