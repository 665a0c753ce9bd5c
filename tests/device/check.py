#!/usr/bin/env python3
"""Checks the program on a machine with a GPU (README.md beside this file).

    check.py [--rehearse] [--parts tests,engines,…] BUNDLE RESULTS
"""
import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time
import traceback

import cases
import speed

LIMITS = {"tests": 90, "engines": 90, "ranks": 60, "sanitizer": 40, "speed": 120}  # seconds


class OutOfTime(Exception):
    pass


class Machine:
    """Runs the bundle's programs until the part's time is over."""

    def __init__(self, bundle, results, rehearse):
        self.bundle, self.results, self.rehearse = bundle.resolve(), results, rehearse
        self.device = "cpu" if rehearse else "cuda"
        self.deadline = time.monotonic() + 3600

    def run(self, *command, check=True, environment=None):
        """stdout of a command. Its whole output ends up in RESULTS/log.txt."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime(" ".join(map(str, command)))
        variables = dict(os.environ, OMP_NUM_THREADS="1" if self.rehearse else "4", OMPI_ALLOW_RUN_AS_ROOT="1", GTEST_COLOR="no",
                         OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", **(environment or {}))
        command = ["timeout", "-k", "2", str(max(1, int(left))), *map(str, command)]
        done = subprocess.run(command, capture_output=True, text=True, env=variables, errors="replace")
        with open(self.results / "log.txt", "a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}exit {done.returncode}\n\n")
        if done.returncode in (124, 137):
            raise OutOfTime(" ".join(command))
        if check and done.returncode not in (0, 3):  # 3: done, some samples missed the tolerance
            said = (done.stderr or done.stdout).strip().splitlines() or ["nothing said"]
            raise RuntimeError(f"exit {done.returncode}: {next((line for line in said if line.startswith('error')), said[-1])}")
        return done.stdout + (done.stderr if not check else "")

    def explaind(self, *arguments, ranks=0, **options):
        program = [self.bundle / "explaind", *arguments]
        if ranks:
            program = [self.bundle / "mpirun", "--oversubscribe", "--bind-to", "none", "-n", ranks, *program]
        return self.run(*program, **options)


def run_tests(machine, rows):
    for binary in sorted((machine.bundle / "bin").glob("*_tests")):
        ranks = ["1"] if "nccl" in binary.name else []
        launcher = [machine.bundle / "mpirun", "-n", *ranks] if ranks else []
        said = machine.run(*launcher, machine.bundle / "test", binary.name, *(["--ranks=1"] if ranks else []), check=False)
        counts = {word: int((re.findall(rf"\[  {word} +\] (\d+) test", said) or ["0"])[-1]) for word in ("PASSED", "SKIPPED", "FAILED")}
        rows.append({"program": binary.name, **{word.lower(): count for word, count in counts.items()},
                     "ok": counts["FAILED"] == 0 and sum(counts.values()) > 0})
    if not rows:
        raise RuntimeError("the bundle has no tests: launch/bundle.sh --tests")


PARTS = {"tests": run_tests, "engines": cases.engines, "ranks": cases.ranks, "sanitizer": cases.sanitizer, "speed": speed.run}


def markdown(outcome):
    lines = [f"# Device check, {outcome['date']}", "", outcome["machine"], ""]
    for name, part in outcome["parts"].items():
        lines += [f"## {name}: {'ok' if part['ok'] else 'FAILED'} ({part['seconds']:.0f} s)", ""]
        if part.get("error"):
            lines += [part["error"], ""]
        if part["rows"]:
            keys = list(dict.fromkeys(key for row in part["rows"] for key in row))
            lines += ["| " + " | ".join(keys) + " |", "|" + "---|" * len(keys)]
            for row in part["rows"]:
                lines.append("| " + " | ".join(f"{row[key]:.3g}" if isinstance(row.get(key), float) else str(row.get(key, "")) for key in keys) + " |")
            lines.append("")
    return "\n".join(lines)


def describe(rehearse):
    if rehearse:
        return f"A rehearsal on the processor ({platform.machine()}, {os.cpu_count()} cores): no figure here is a GPU's."
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True).stdout.strip() or "no nvidia-smi"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rehearse", action="store_true", help="on the processor, with a small shape")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("results", type=pathlib.Path)
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "log.txt").write_text("")
    machine = Machine(options.bundle, options.results, options.rehearse)
    outcome = {"date": time.strftime("%Y-%m-%d"), "machine": describe(options.rehearse),
               "version": machine.explaind("--version").strip(), "parts": {}}
    for name in options.parts.split(","):
        rows, error, begin = [], "", time.monotonic()
        limit = LIMITS[name] * (4 if options.rehearse else 1)
        machine.deadline = begin + limit
        try:
            PARTS[name](machine, rows)
        except OutOfTime as late:
            error = f"out of time after {limit} s, in: {late}"
        except Exception as failure:  # the other parts are wanted all the same
            error = f"{type(failure).__name__}: {failure}"
            with open(options.results / "log.txt", "a", encoding="utf-8") as log:
                traceback.print_exc(file=log)
        outcome["parts"][name] = {"ok": not error and all(row.get("ok", True) for row in rows), "seconds": time.monotonic() - begin,
                                  "error": error, "rows": rows}
        (options.results / "results.json").write_text(json.dumps(outcome, indent=1))
        (options.results / "table.md").write_text(markdown(outcome))
        print(f"{name}: {'ok' if outcome['parts'][name]['ok'] else 'FAILED'} {error}", flush=True)
    sys.exit(0 if all(part["ok"] for part in outcome["parts"].values()) else 1)


if __name__ == "__main__":
    main()
