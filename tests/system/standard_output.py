"""Where what a verb prints, or writes to a file that was named, cannot be written: exit 1 and one message; a closed pipe is none. And the verbs' help."""
import os
import pathlib
import stat
import subprocess
import sys
import tempfile

from program import EXPLAIND, GOLDENS, decompose, must, run

SERIES, SAMPLES = GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl"
VERBS = ("decompose", "plan", "query", "inspect", "study", "record")
failures = []


def expect(holds, text, process=None):
    if not holds:
        said = "" if process is None else f": exit {process.returncode}\n    {process.stdout}\n    {process.stderr}"
        failures.append(text + said)


def shell(command, *arguments):
    """bash -c COMMAND with the program's arguments as "$@"."""
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    return subprocess.run(["bash", "-c", command, "bash", EXPLAIND, *map(str, arguments)], capture_output=True, text=True, timeout=120, env=environment)


def expect_lost(process, text):
    expect(process.returncode == 1 and process.stderr.count("error:") == 1, text, process)


def expect_verb(name, arguments):
    expect_lost(shell('"$@" > /dev/full', *arguments), f"{name} > /dev/full")
    expect_lost(shell('"$@" >&-', *arguments), f"{name} >&-")
    # The reader is gone before the first byte.
    process = shell('set -o pipefail; "$@" | (exec <&-; exit 0)', *arguments)
    expect(process.returncode == 0 and "error" not in process.stderr, f"{name} | reader that closes", process)


def expect_named_files(folder, store):
    """A device is written into and stays what it is; of a file nothing is left that is not whole."""
    full = folder / "full"
    try:  # a device of our own: a program that is wrong would put a file in the place of the machine's
        os.mknod(full, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
        os.close(os.open(full, os.O_WRONLY))
    except OSError:
        full = pathlib.Path("/dev/full")
    query = ["query", store, "--group-by", "kind", "--format", "csv", "--output"]
    plan = ["plan", "--series", SERIES, "--samples", SAMPLES, "--losses-file"]
    for name, arguments in (("query --output", query), ("plan --losses-file", plan)):
        process = run(*arguments, full)
        expect_lost(process, f"{name} {full}")
        expect(str(full) in process.stderr and stat.S_ISCHR(full.stat().st_mode), f"{name}: the device", process)
        expect(not full.with_suffix(".tmp").exists(), f"{name} leaves a file beside the device")
        target = folder / "no/such/file.csv"
        process = run(*arguments, target)
        expect(process.returncode == 1 and "no/such" in process.stderr, f"{name} into no folder", process)
    target = folder / "out.csv"
    target.write_text("before")
    process = shell(f"ulimit -f 0; trap '' XFSZ; \"$@\" > /dev/null", *query, target)
    expect(process.returncode == 1 and target.read_text() == "before", "query --output where there is no room", process)
    expect([each.name for each in folder.glob("out.csv*")] == ["out.csv"], "query --output leaves a half file")


def expect_help():
    everything = must(run("help")).stdout
    for asked in (("-h",), ("--help",)):
        expect(run(*asked).stdout == everything, f"explaind {asked}")
    expect(run("help", "help").stdout == everything, "help help")
    for verb in VERBS:
        expect(verb in everything, f"help lists {verb}")
        text = must(run(verb, "--help")).stdout
        for asked in ((verb, "-h"), ("help", verb), ("--help", verb), ("-h", verb)):
            expect(run(*asked).stdout == text and f"explaind {verb}" in text, f"explaind {asked}")
    for word, meant in (("decompse", "decompose"), ("qury", "query"), ("inspct", "inspect"), ("rec", "record"), ("hepl", "help")):
        for words in ((word,), ("help", word)):
            process = run(*words)
            expect(process.returncode == 2 and f"Did you mean {meant}?" in process.stderr, f"explaind {words}", process)
    process = run("xyzzy")
    expect(process.returncode == 2 and "Did you mean" not in process.stderr and "--help" in process.stderr, "explaind xyzzy", process)
    expect(run().returncode == 2, "explaind alone")
    for verb in VERBS:
        process = run(verb, "--no-such-option")
        expect(process.returncode == 2 and process.stderr.count("error:") == 1, f"{verb} --no-such-option", process)


def expect_one_voice(folder, store):
    """Under mpirun every verb speaks once."""
    for arguments, word in ((["query", store, "--group-by", "kind"], "mean of 5 samples"), (["inspect", store], "influence store"), (["help"], "Usage:"), (["--version"], "LibTorch"),
                            (["inspect", SERIES], "checkpoints"), (["decompose", "--help"], "Usage:"), (["plan", "--series", SERIES, "--samples", SAMPLES], "time ")):
        process = run(*arguments, ranks=3)
        expect(process.returncode == 0 and process.stdout.count(word) == 1, f"mpirun -n 3 {arguments[:2]}", process)
    for arguments, code in ((["query", folder / "none.h5"], 1), (["query"], 2), (["inspect", folder / "none"], 1), (["nonsense"], 2), (["plan", "--no"], 2)):
        process = run(*arguments, ranks=3)
        expect(process.returncode == code and process.stderr.count("error:") == 1, f"mpirun -n 3 {arguments[:1]}: the error", process)


def expect_configuration(folder):
    """The configuration holds what has a say, and comes after errors."""
    store = folder / "fixed.h5"
    said = must(decompose(store, SERIES, SAMPLES, "--quadrature", "gauss:3")).stdout
    for key in ("tolerance", "first-nodes", "max-kink-nodes", "step-index", "step-policy", "group-reduce", "step-precision", "device-memory"):
        expect(f"\n  {key} " not in said, f"{key} does not apply and is printed")
    for key in ("quadrature", "series", "axes", "precision", "max-length", "truncate", "product-form", "chunk"):
        expect(f"\n  {key} " in said or key == "max-length", f"{key} applies and is missing")
    process = decompose(store, SERIES, SAMPLES)
    expect(process.returncode == 1 and "Configuration" not in process.stdout, "errors come first", process)
    process = decompose(store, SERIES, SAMPLES, "--resume")
    expect(process.returncode == 1 and "Configuration" not in process.stdout, "another identity comes first", process)
    one = folder / "one.jsonl"
    one.write_text(SAMPLES.read_text().splitlines()[0] + "\n")
    said = must(decompose(folder / "one.h5", SERIES, one, "--component", "kind", "--steps", "list:10", "--step-policy", "drop")).stdout
    for words in ("1 sample of", "× 1 sample × 1 segment in 1 unit,", "1 segment group of 1 rank"):
        expect(words in said, f"'{words}' is not said\n{said}")
    for words in ("1 samples", "1 segments", "1 units", "1 ranks"):
        expect(words not in said, f"'{words}' is said\n{said}")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        store = folder / "influence.h5"
        must(decompose(store, SERIES, SAMPLES))
        verbs = {"help": ["help"], "version": ["--version"], "query --help": ["query", "--help"], "query": ["query", store], "query csv": ["query", store, "--format", "csv"],
                 "query json": ["query", store, "--format", "json"], "query npy": ["query", store, "--format", "npy"], "inspect store": ["inspect", store],
                 "inspect series": ["inspect", SERIES], "inspect checkpoint": ["inspect", next(each for each in SERIES.iterdir() if each.is_dir())],
                 "plan": ["plan", "--series", SERIES, "--samples", SAMPLES, "--losses"],
                 "decompose": ["decompose", "--series", SERIES, "--samples", SAMPLES, "--store", folder / "again.h5", "--overwrite", "--quadrature", "gauss:2"],
                 "record": ["record", "--history", folder / "run", "--model", "grokking_transformer", "--modulus", "5", "--hidden", "8", "--heads", "2", "--intermediate", "8",
                            "--train-samples", "10", "--max-steps", "3", "--overwrite"]}
        for verb, arguments in verbs.items():
            expect_verb(verb, arguments)
        expect_verb("inspect run", ["inspect", folder / "run"])
        expect_verb("study", ["study", "exactness", "--history", folder / "run", "--rules", "gauss:2", "--followed-samples", "1"])
        expect(not any(folder.glob("*.tmp")), "something is left behind")
        must(run("query", folder / "again.h5", "--group-by", "kind"))
        expect_named_files(folder, store)
        expect_one_voice(folder, store)
        expect_configuration(folder)
    expect_help()
    if failures:
        sys.exit(f"{len(failures)} cases failed:\n" + "\n".join(failures))
    print("whatever cannot be written is said; verbs explain themselves and speak once")


main()
