"""Every type of the program has one definition: a second of the same name in another room compiles and links, and then one's destructor is called for
the other."""
import collections
import re
import sys

from program import SOURCE

TYPE = re.compile(r"^(?:template <.*> *)?(?:struct|class|enum class|enum) (?:alignas\(\w+\) )?(\w+)(?: final)?(?: : [^;]*)?(?: :: .*)? *\{")


def definitions(text):
    """Types at the outermost level of a source's own namespaces, but for those that no other source can see."""
    namespaces, hidden = [], 0
    for line in text.splitlines():
        if re.match(r"^namespace(?: [\w:]+)? \{", line):
            name = line[len("namespace"):].strip(" {")
            namespaces.append(name)
            hidden += not name
        elif re.match(r"^\}  // namespace", line):
            hidden -= not namespaces.pop()
        elif not hidden and (found := TYPE.match(line)):
            yield "::".join([*namespaces, found.group(1)])


def main():
    places = collections.defaultdict(list)
    for folder in ("src", "include"):
        for path in sorted((SOURCE / folder).rglob("*.[ch]pp")):
            for name in definitions(path.read_text(encoding="utf-8")):
                places[name].append(str(path.relative_to(SOURCE)))
    assert len(places) > 300, f"only {len(places)} types were seen: the pattern misses some"
    twice = {name: paths for name, paths in places.items() if len(paths) > 1}
    if twice:
        sys.exit("\n".join(f"{name} is defined in {' and '.join(paths)}" for name, paths in twice.items()))


main()
