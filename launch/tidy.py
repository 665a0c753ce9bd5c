#!/usr/bin/env python3
"""clang-tidy over the C++ sources of some rooms, in parallel, each only when something it depends on has changed.

    launch/tidy.py CLANG_TIDY BUILD CACHE ROOM…

BUILD is a configured build with -DEXPLAIND_UNITY=OFF, of which nothing need be built: its compile_commands.json says how each
source is compiled. CACHE gets an empty file per clean source, named after the hash of its text, its headers' texts within the project,
its compile command, .clang-tidy and clang-tidy's version.
"""
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


@functools.cache
def included(path):
    """The project's own headers that a file includes itself."""
    names = re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(encoding="utf-8"), re.M)
    return [found for name in names for found in (ROOT / "src" / name, ROOT / "include" / name) if found.is_file()]


def with_headers(source):
    """A source, and the project's own headers that it is compiled with."""
    found, open_ = {source}, [source]
    while open_:
        more = set(included(open_.pop())) - found
        found |= more
        open_ += more
    return found


def key(entry, common):
    digest = hashlib.sha256(common + entry["command"].encode())
    for path in sorted(with_headers(pathlib.Path(entry["file"]))):
        digest.update(str(path).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def main():
    clang_tidy, build, cache, rooms = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4:]
    cache.mkdir(parents=True, exist_ok=True)
    common = (ROOT / ".clang-tidy").read_bytes()
    common += subprocess.run([clang_tidy, "--version"], check=True, capture_output=True).stdout
    wanted = [ROOT / "src" / room for room in rooms]
    work = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        if any(source.is_relative_to(room) for room in wanted):
            stamp = cache / key(entry, common)
            if not stamp.exists():
                work.append((source, stamp))

    def check(source, stamp):
        # The compile commands are GCC's; clang does not know all of its warnings.
        run = subprocess.run([clang_tidy, "-p", build, "--quiet", "--extra-arg=-Wno-unknown-warning-option", source],
                             capture_output=True, text=True)
        if run.returncode == 0:
            stamp.touch()
        return source, run

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(check, *one) for one in work]
        for number, job in enumerate(concurrent.futures.as_completed(jobs), 1):
            source, run = job.result()
            failed += run.returncode != 0
            print(f"   [{number}/{len(work)}] {source.relative_to(ROOT)}", flush=True)
            if run.returncode != 0:
                print(run.stdout or run.stderr, flush=True)
    print(f"   {len(work)} sources looked at, the others unchanged; {failed} with findings")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
