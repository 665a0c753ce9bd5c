"""Keeps the stores and the words of one revision, and compares those of another with them, bit for bit. See README.md beside this file.

    python tests/matrix/stores.py keep PROGRAM FOLDER [--jobs N]
    python tests/matrix/stores.py compare PROGRAM FOLDER [--only PATTERN] [--jobs N]

keep makes FOLDER/inputs and, from them, FOLDER/kept: a store for each case of case_list.py and what was said of it. compare makes each
again in a temporary folder, from the same inputs, which it only reads. It prints a line for each difference and exits with 1 if there
is any. PATTERN is a regular expression that is searched for in the cases' names.
"""
import argparse
import collections
import concurrent.futures
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "system"))

import program  # noqa: E402
from case_list import all_cases  # noqa: E402
from inputs import make  # noqa: E402
from store_differences import MASKS, differences, first_difference, masked  # noqa: E402

# What a program prints and may say otherwise the next time, beside what is masked in stores.
PRINTED_MASKS = [
    (r"^(decompose|plan|losses|study|exactness) \d+/\d+ \(.*\n", "", "progress comes by the clock"),
    (r" *\b[\d.]+ (ms|s|min|h)\b", " <duration>", "the clock's"),
    (r"[\d.e+]+ a second measured", "<speed> a second measured", "the clock's"),
    (r"waited for them, [\d.]+ %", "waited for them, <share> %", "the clock's"),
    (r" in \S+\.(steps|parts)$", r" in <scratch folder>.\1", "it has a name of its own each time"),
    (r"(influence store, )[\d.]+ kB", r"\1<size>", "the revision's text has a length"),
]
RANKS_MASKS = [(r"weights read: .*", "weights read: <bytes>", "which rank takes which unit is a race")]

STORED = {case.kind for case in all_cases() if case.file.endswith(".h5")}


def ask(case, folder):
    """Runs a case in the folder. Returns what it said, as it is kept."""
    try:
        done = program.run(*case.arguments, ranks=case.ranks, cwd=folder)
        said = {"exit": done.returncode, "output": done.stdout, "errors": done.stderr}
    except subprocess.TimeoutExpired as late:
        said = {"exit": f"none within {late.timeout} s", "output": "", "errors": ""}
    return {"asked": [*case.arguments, f"ranks {case.ranks}"], **said}


def as_expected(case, said, folder):
    if case.kind == "refusal":
        return said["exit"] in (1, 2) and "error: " in said["errors"] and not (folder / "refused.h5").exists()
    return said["exit"] in (0, 3) and (not case.file or (folder / case.file).exists())


def workplace(folder, inputs, kept):
    """A folder whose paths are the same for every revision: the names in a store do not depend on where it is made."""
    (folder / "inputs").symlink_to(inputs.resolve())
    (folder / "kept").symlink_to(kept.resolve())
    return folder


def in_turn(cases, jobs, do):
    """Each case with do(case), in the order of the cases, `jobs` of them at once."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from zip(cases, pool.map(do, cases))


def keep(asked):
    if (asked.folder / "kept").exists():
        sys.exit(f"{asked.folder} holds kept stores already. Name another folder, or remove this one")
    # What is cut short has another name, so that compare never takes it for the whole.
    begun = asked.folder / "begun"
    shutil.rmtree(begun, ignore_errors=True)
    inputs, kept = begun / "inputs", begun / "kept"
    kept.mkdir(parents=True)
    make(inputs)
    print(f"inputs made in {time.monotonic() - asked.start:.0f} s", flush=True)
    cases, wrong = list(all_cases()), []
    with tempfile.TemporaryDirectory(prefix="matrix-") as name:
        folder = workplace(pathlib.Path(name), inputs, kept)
        for group in ([case for case in cases if case.kind in STORED], [case for case in cases if case.kind not in STORED]):
            for case, said in in_turn(group, asked.jobs, lambda case: ask(case, folder)):
                if not as_expected(case, said, folder):
                    wrong.append(f"{case.name}: explaind {' '.join(case.arguments)}\nexit {said['exit']}\n{said['output'][-300:]}{said['errors'][-1500:]}")
                    continue
                if case.file:
                    shutil.move(folder / case.file, kept / kept_name(case))
                (kept / f"{case.name}.json").write_text(json.dumps(said, indent=1, ensure_ascii=False))
    if wrong:
        sys.exit("\n".join([*wrong, f"{len(wrong)} of {len(cases)} cases did not end as they must: nothing is kept"]))
    for path in (inputs, kept):
        path.rename(asked.folder / path.name)
    begun.rmdir()
    print(f"{len(cases)} cases kept in {asked.folder}: {counted(cases)}; {time.monotonic() - asked.start:.0f} s")
    return 0


def kept_name(case):
    """Printed cases may leave files of one name."""
    return case.file if case.kind in STORED else f"{case.name}.{case.file}"


def counted(cases):
    return ", ".join(f"{count} {kind}" for kind, count in collections.Counter(case.kind for case in cases).items())


def compare(asked):
    inputs, kept = asked.folder / "inputs", asked.folder / "kept"
    if not kept.is_dir():
        sys.exit(f"{asked.folder} holds no kept stores. Make them with: stores.py keep PROGRAM {asked.folder}")
    cases = [case for case in all_cases() if re.search(asked.only, case.name)]
    if not cases:
        sys.exit(f"--only '{asked.only}' is in the name of no case")
    names = {case.name for case in all_cases()}
    gone = sorted(path.stem for path in kept.glob("*.json") if path.stem not in names)
    for name in gone:
        print(f"{name}: is kept, and is no case any more")
    count = len(gone)
    with tempfile.TemporaryDirectory(prefix="matrix-") as name:
        place = pathlib.Path(name)

        def again(case):
            folder = place / case.name
            folder.mkdir()
            lines = compare_case(case, workplace(folder, inputs, kept), kept)
            shutil.rmtree(folder)
            return lines

        for case, lines in in_turn(cases, asked.jobs, again):
            for line in lines:
                print(f"{case.name}: {line}", flush=True)
            count += len(lines)
    print(f"{len(cases)} cases ({counted(cases)}), {count} differences, {time.monotonic() - asked.start:.0f} s")
    return 1 if count else 0


def compare_case(case, folder, kept):
    words, again = kept / f"{case.name}.json", "Keep all again, with the program that the rest came from"
    if not words.exists() or (case.file and not (kept / kept_name(case)).exists()):
        return [f"is not kept. {again}"]
    before, said = json.loads(words.read_text()), ask(case, folder)
    if before["asked"] != said["asked"]:
        return [f"was another case when it was kept. {again}"]
    lines, masks = [], [*MASKS, *PRINTED_MASKS, *(RANKS_MASKS if case.ranks else [])]
    if before["exit"] != said["exit"]:
        lines.append(f"exit {said['exit']}, kept {before['exit']}")
    for stream in ("output", "errors"):
        one, other = (masked(each[stream], masks) for each in (before, said))
        if one != other:
            lines.append(f"{stream} {first_difference(one, other)}")
    lines += [f"leaves {path.name}" for path in folder.iterdir() if path.name not in ("inputs", "kept", case.file)]
    if not as_expected(case, said, folder):
        return lines or ["did not end as it must"]
    if case.file:
        one, other = kept / kept_name(case), folder / case.file
        if case.file.endswith(".h5"):
            lines += differences(one, other)
        elif one.read_bytes() != other.read_bytes():
            lines.append(f"{case.file} has other bytes")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("keep", "compare"))
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--only", default="", metavar="PATTERN", help="compare: cases whose names hold this regular expression")
    parser.add_argument("--jobs", type=int, default=1, help="cases at once")
    asked = parser.parse_args()
    asked.start = time.monotonic()
    if not asked.program.is_file():
        sys.exit(f"{asked.program} is no program")
    program.EXPLAIND = str(asked.program.resolve())
    return keep(asked) if asked.command == "keep" else compare(asked)


if __name__ == "__main__":
    sys.exit(main())
