"""configs/clusters.md: each of its commands that can be run here is run, or stands in another test; what cannot is marked so."""
import os
import pathlib
import re
import subprocess
import tempfile

from program import EXPLAIND, GOLDENS, SOURCE, decompose, must
from store_contents import contents

PAGE = (SOURCE / "configs/clusters.md").read_text()
SERIES, SAMPLES = GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl"
# Run here, whole blocks of them, in a folder with my.ini. Of others the first words stand in a test.
HERE = ("explaind ", "[ ! -e", "code=0", "cp ")
ELSEWHERE = {"launch/setup.sh --check": "tests/system/foreign_prefix.py", "cmake --preset": "tests/system/foreign_prefix.py",
             "sbatch --nodes": "tests/cluster/slurm.py", "sbatch --array": "tests/cluster/slurm.py"}
IN_A_TEST = {"launch/setup.sh --check": '"--check"', "cmake --preset": '"cmake"', "sbatch --nodes": '"--nodes', "sbatch --array": '"--array'}


def blocks():
    """The shell blocks that are not under a heading that says they were not run."""
    found = []
    for section in re.split(r"^## ", PAGE, flags=re.M)[1:]:
        if "not run here" not in section.split("\n", 1)[0]:
            found += re.findall(r"```sh\n(.*?)```", section, re.S)
    return [[line.strip() for line in block.splitlines() if line.strip()] for block in found]


def stands_in_a_test(command):
    """By its first words, in the test that the table names, or in any script of tests/cluster."""
    for words, test in ELSEWHERE.items():
        if command.startswith(words):
            return IN_A_TEST[words] in (SOURCE / test).read_text()
    program = command.split()[0]
    return any(re.search(rf"\b{re.escape(program)}\b", path.read_text()) for path in (SOURCE / "tests/cluster").rglob("*") if path.suffix in (".py", ".sh"))


def shell(lines, folder):
    environment = dict(os.environ, PATH=f"{folder}/bin:{os.environ['PATH']}", TMPDIR=str(folder / "local"), OMP_NUM_THREADS="1")
    process = subprocess.run(["bash", "-euc", "\n".join(lines)], cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, (lines, process.stdout + process.stderr)
    return process.stdout


def make_folder(folder):
    """my.ini, and the parts of an array of four jobs."""
    for name in ("bin", "local"):
        (folder / name).mkdir()
    (folder / "bin/explaind").symlink_to(EXPLAIND)
    (folder / "my.ini").write_text(f"series = {SERIES}\nsamples = {SAMPLES}\n")
    lines = SAMPLES.read_text().splitlines()
    for part in range(4):
        samples = folder / f"part-{part}.jsonl"
        samples.write_text("\n".join(lines[part::4]) + "\n")
        must(decompose(folder / f"part-{part}.h5", SERIES, samples))


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make_folder(folder)
        ran = []
        for block in blocks():
            here = [line for line in block if line.startswith(HERE)]
            for line in block:
                assert line in here or stands_in_a_test(line), f"no test runs: {line}"
            if here:
                ran.append((here, shell(here, folder)))
        said = "".join(text for _, text in ran)
        assert len(ran) == 3 and re.search(r"^ +64 +8 ", said, re.M), said
        assert (folder / "whole.h5").exists()
        # The recipe has moved the whole store, and goes on with one that was moved.
        recipe = next(lines for lines, _ in ran if any("TMPDIR" in line for line in lines))
        must(decompose(folder / "plain.h5"))
        assert contents(folder / "scores.h5") == contents(folder / "plain.h5") and not (folder / "scores.h5.part").exists()
        (folder / "local/scores.h5").unlink()
        again = shell([*recipe, 'echo "code $code"'], folder)
        assert "are there" in again and again.endswith("code 0\n"), again
        assert contents(folder / "scores.h5") == contents(folder / "plain.h5")
    print("the commands of configs/clusters.md are run here, or stand in the tests of clusters")


main()
