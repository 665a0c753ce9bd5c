"""Runs the fuzz targets one after the other, each on its seeds, for some seconds: executions, and findings (a crash, undefined behaviour, more than
2 GB, more than 10 s). What it finds lies in the folder --findings afterwards; exit code 1 where there is any.

    run_targets.py build/fuzz                       60 s each
    run_targets.py build/fuzz --seconds 600 pickle  these targets, so long
    run_targets.py build/fuzz --corpus FOLDER       goes on from what earlier runs found interesting, and adds to it
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SEEDS = pathlib.Path(__file__).resolve().parent / "seeds"
LIMITS = ["-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=2048", "-max_len=8192", "-print_final_stats=1"]
IN_MEMORY = pathlib.Path("/dev/shm")


def fuzz(program, corpus, findings, seconds):
    """(executions, edges covered, names of the inputs that are findings, what was said)"""
    name = program.name.removeprefix("fuzz_")
    own = corpus / name
    own.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as work:  # readers of files read them from memory
        environment = dict(os.environ, TMPDIR=work, ASAN_OPTIONS="detect_leaks=0:malloc_context_size=4", UBSAN_OPTIONS="print_stacktrace=1")
        process = subprocess.run([program, *LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={findings}/{name}-", own, SEEDS / name],
                                 capture_output=True, text=True, errors="replace", env=environment)
    executions = re.findall(r"stat::number_of_executed_units:\s*(\d+)", process.stderr) or re.findall(r"^#(\d+)", process.stderr, re.MULTILINE)
    edges = re.findall(r" cov: (\d+)", process.stderr)
    found = sorted(each.name for each in set(findings.iterdir()) - before)
    if process.returncode != 0 and not found:
        found = [f"exit {process.returncode}"]
    return int(executions[-1]) if executions else 0, int(edges[-1]) if edges else 0, found, process.stderr


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=pathlib.Path)
    parser.add_argument("--findings", type=pathlib.Path)
    options = parser.parse_intermixed_args()
    findings = options.findings or options.build / "findings"
    findings.mkdir(parents=True, exist_ok=True)
    programs = sorted(each for each in options.build.glob("fuzz_*") if os.access(each, os.X_OK) and each.is_file())
    programs = [each for each in programs if not options.targets or each.name.removeprefix("fuzz_") in options.targets]
    if not programs:
        sys.exit(f"{options.build} has no such fuzz targets")
    corpus = options.corpus or pathlib.Path(tempfile.mkdtemp())
    total, wrong = 0, []
    print(f"{'target':12} {'executions':>12} {'a second':>9} {'edges':>7}  findings")
    for program in programs:
        executions, edges, found, said = fuzz(program.resolve(), corpus.resolve(), findings.resolve(), options.seconds)
        total += executions
        print(f"{program.name.removeprefix('fuzz_'):12} {executions:12,} {executions // max(1, options.seconds):9,} {edges:7,}  {', '.join(found) or 'none'}", flush=True)
        if found:
            wrong.append(f"{program.name}: {found}\n{said[-3000:]}")
    print(f"{total:,} executions, {len(wrong)} targets with findings")
    if not options.corpus:
        shutil.rmtree(corpus)
    if wrong:
        sys.exit("\n\n".join(wrong))


main()
