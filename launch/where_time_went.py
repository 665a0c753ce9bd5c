#!/usr/bin/env python3
"""Where a check's time went: its phases, the slowest compilations of its build, the slowest of its tests.

    launch/where_time_went.py BUILD SINCE < PHASES

BUILD is a Ninja build whose tests ctest has run; its .ninja_log and Testing/Temporary/LastTest.log say how long each job and test took.
SINCE: seconds since 1970; what lies before it was an earlier check's. PHASES: a line each, seconds, seconds of processor time, name, with tabs
between. A table is left out where nothing is known of it.
"""
import pathlib
import re
import sys

MOST = 10


def jobs_since(log, since):
    """Seconds and output of every job that ninja has begun since then. A job that makes several files is one."""
    jobs = {}
    for line in log.splitlines():
        if line.startswith("#"):
            continue
        start, end, nanoseconds, output, command = line.split("\t")
        if int(nanoseconds) >= since * 1e9:
            jobs.setdefault((start, end, command), ((int(end) - int(start)) / 1e3, output))
    return list(jobs.values())


def source_of(output):
    """src/room/CMakeFiles/room.dir/file.cpp.o is compiled from src/room/file.cpp."""
    return re.sub(r"CMakeFiles/[^/]+\.dir/|\.o$|\.gch$", "", output)


def tests_of(log):
    """Seconds and name of every test."""
    found = re.findall(r"^\d+/\d+ Test: (.+?)\n.*?^Test time = +([\d.]+) sec$", log, re.M | re.S)
    return [(float(seconds), name) for name, seconds in found]


def table(title, rows):
    print(title)
    for seconds, name in rows:
        print(f"  {seconds:8.1f} s  {name}")


def slowest(title, rows):
    if rows:
        table(f"{title}, the slowest of {len(rows)} ({sum(seconds for seconds, _ in rows):.0f} s, one by one):", sorted(rows, reverse=True)[:MOST])


def text_of(path, since):
    return path.read_text(errors="replace") if path.exists() and path.stat().st_mtime >= since else ""


def main():
    build, since = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    phases = [line.split("\t") for line in sys.stdin.read().splitlines()]
    table("Phases:", [(float(seconds), f"{name} ({processor} s of processor time)") for seconds, processor, name in phases])
    jobs = jobs_since(text_of(build / ".ninja_log", since), since)
    slowest("Compilations", [(seconds, source_of(output)) for seconds, output in jobs if output.endswith((".o", ".gch"))])
    slowest("Tests", tests_of(text_of(build / "Testing/Temporary/LastTest.log", since)))


if __name__ == "__main__":
    main()
