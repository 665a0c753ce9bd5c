"""The first process of a container (docker/entrypoint.sh): which words are the program's, what becomes of signals and exit codes."""
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

from program import EXPLAIND, GOLDENS, SOURCE, must, run, write_samples
from store_contents import contents

ENTRY = SOURCE / "docker/entrypoint.sh"
ENVIRONMENT = dict(os.environ, PATH=f"{pathlib.Path(EXPLAIND).parent}:{os.environ['PATH']}", OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1",
                   OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
MPIRUN_WORDS = ["mpirun", "--quiet", "--oversubscribe", "-n", "2", "explaind"]


def enter(*words, **options):
    return subprocess.run([ENTRY, *map(str, words)], capture_output=True, text=True, env=ENVIRONMENT, timeout=120, **options)


def test_words():
    verbs = set(re.search(r"^verbs=\((.*)\)$", ENTRY.read_text(encoding="utf-8"), re.M)[1].split())
    shown = set(re.findall(r"^  ([a-z]+)(?: [a-z]+)?  ", run("--help").stdout, re.M))
    assert shown and verbs == shown | {"help"}, (verbs, shown)
    assert "no verb given" in enter().stderr
    assert must(enter("--version")).stdout.startswith("explaind")
    assert "Usage: explaind find" in must(enter("find", "--help")).stdout  # and not the program of that name
    assert must(enter("echo", "two", "words")).stdout == "two words\n"
    assert enter("sh", "-c", "exit 7").returncode == 7
    assert must(enter("cat", input="through standard input")).stdout == "through standard input"
    wrong = enter("decompse")
    assert wrong.returncode == 2 and "decompose" in wrong.stderr, wrong


def test_other_programs_are_the_first_process_themselves():
    assert must(enter("sh", "-c", "echo $PPID")).stdout.strip() == str(os.getpid())
    process = subprocess.Popen([ENTRY, "sleep", "60"], env=ENVIRONMENT)
    time.sleep(.3)
    process.terminate()
    assert process.wait(20) == -signal.SIGTERM


def test_what_the_program_inherits(folder):
    """Standard input, and Ctrl-C as it is, which a shell takes from programs in the background."""
    stand_in = folder / "explaind"
    stand_in.write_text("#!/bin/sh\ncat\ngrep SigIgn /proc/$$/status\n", encoding="utf-8")
    stand_in.chmod(0o755)
    environment = ENVIRONMENT | {"PATH": f"{folder}:{ENVIRONMENT['PATH']}"}
    done = must(subprocess.run([ENTRY, "inspect"], input="given\n", capture_output=True, text=True, env=environment, timeout=60))
    given, ignored = done.stdout.splitlines()
    interrupt = 1 << (signal.SIGINT - 1)
    assert given == "given" and int(ignored.split()[1], 16) & interrupt == 0, done.stdout
    # A signal that comes while the program's libraries are still being loaded.
    stand_in.write_text("#!/bin/sh\nexec sleep 30\n", encoding="utf-8")
    process = subprocess.Popen([ENTRY, "inspect"], env=environment)
    time.sleep(.3)
    process.terminate()
    assert process.wait(20) == 75
    stand_in.unlink()


def started(words, store, samples):
    return subprocess.Popen([*map(str, words), "decompose", "--series", str(GOLDENS / "grouped_query/series"), "--samples", str(samples), "--store", str(store),
                             "--chunk", "1", "--quadrature", "midpoint:40", "--resume"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def test_signals(folder):
    """TERM, as containers end, stops as USR1 does; what is left is done by the next start."""
    samples = write_samples(folder / "samples.jsonl", [4 + i % 9 for i in range(12)], 60)
    whole = folder / "whole.h5"
    must(run("decompose", "--series", GOLDENS / "grouped_query/series", "--samples", samples, "--store", whole, "--chunk", "1", "--quadrature", "midpoint:40"))
    for name, words, sent in (("verb", [], signal.SIGTERM), ("mpirun", ["job", *MPIRUN_WORDS], signal.SIGTERM), ("interrupted", ["explaind"], signal.SIGINT)):
        store = folder / f"{name}.h5"
        process = started([ENTRY, *words], store, samples)
        while not store.exists() and process.poll() is None:
            time.sleep(.02)
        process.send_signal(sent)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 75, (name, process.returncode, output, errors)
        assert "--grace" not in errors, (name, errors)
        process = started([ENTRY, *words], store, samples)
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, (name, output, errors)
        assert contents(store) == contents(whole), name


def test_missed_tolerances(folder):
    """3 is a failure for whoever knows success and failure alone."""
    words = ["decompose", "--series", GOLDENS / "grouped_query/series", "--samples", GOLDENS / "grouped_query/samples.jsonl", "--max-nodes", "9", "--precision", "fp64",
             "--tolerance", "1e-14", "--store"]
    assert enter(*words, folder / "missed.h5").returncode == 3
    done = must(enter("job", *words, folder / "missed-job.h5"))
    assert "missed their tolerance, and are flagged" in done.stdout.splitlines()[-1], done.stdout
    assert enter("job", "decompose", "--component", "tensr").returncode == 2


with tempfile.TemporaryDirectory() as name:
    test_words()
    test_other_programs_are_the_first_process_themselves()
    test_what_the_program_inherits(pathlib.Path(name))
    test_signals(pathlib.Path(name))
    test_missed_tolerances(pathlib.Path(name))
