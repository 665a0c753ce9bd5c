"""--stage: checkpoints are brought by a command, two at a time, and removed; the store is that of the series that lies on disk, bit for bit."""
import json
import pathlib
import shutil
import stat
import tempfile

import h5py
import numpy

from families import RULE, write_text
from program import decompose, must, run, write_samples

SMALL = ["--vocabulary", "300", "--hidden", "32", "--intermediate", "48", "--layers", "2", "--heads", "4", "--sequence-length", "24",
         "--batch", "4", "--max-steps", "8", "--warmup", "1", "--checkpoints", "6", "--learning-rate", "1e-2", "--threads", "1"]
# Copies a checkpoint, notes that it did and how many lay there; fails or cuts it short where a file asks for that.
COMMAND = """#!/bin/sh
# {bring} REVISION DIR
echo "$1 $(ls -d "$2"/../step-* | wc -l)" >> "HERE/log"
if [ -s "HERE/fail-$1" ]; then
  left=$(cat "HERE/fail-$1"); left=$((left - 1))
  if [ $left -gt 0 ]; then echo $left > "HERE/fail-$1"; else rm "HERE/fail-$1"; fi
  echo "the network is away"; exit 7
fi
cp "HERE/published/$1"/* "$2"/
if [ -e "HERE/cut-$1" ]; then rm "HERE/cut-$1"; truncate -s 1000 "$2/model.safetensors"; fi
"""


class Publisher:
    """A series that a command can bring, and what came of it."""

    def __init__(self, folder):
        self.folder, self.samples = folder, write_samples(folder / "samples.jsonl", (20, 13, 24), 300)
        recorded = folder / "recorded"
        must(run("record", "--text", write_text(folder / "text.txt"), "--series", recorded, *SMALL))
        self.published = folder / "published"
        self.published.mkdir()
        self.names = []
        for place, each in enumerate(sorted(recorded.glob("step-*"), key=lambda path: int(path.name[5:]))):
            name = f"step{1000 * place}-tokens{place}B"
            each.rename(self.published / name)
            self.names.append(name)
        self.list = folder / "revisions.txt"
        self.list.write_text("# as the hub lists them\n" + "".join(name + "\n" for name in reversed(self.names)))
        self.command = folder / "bring.sh"
        self.command.write_text(COMMAND.replace("HERE", str(folder)))
        self.command.chmod(self.command.stat().st_mode | stat.S_IXUSR)
        self.stage = folder / "stage"

    def options(self, *more):
        return ["--stage", self.stage, "--stage-command", f"{self.command} {{revision}} {{dir}}", *RULE, *more]

    def decompose(self, store, *more, ranks=0):
        (self.folder / "log").write_text("")
        return decompose(self.folder / store, self.list, self.samples, *self.options(*more), ranks=ranks)

    def log(self):
        lines = [line.split() for line in (self.folder / "log").read_text().splitlines()]
        assert all(int(there) <= 2 for _, there in lines), lines
        return [name for name, _ in lines]

    def psi(self, store):
        with h5py.File(self.folder / store) as file:
            return {name: file[name][...] for name in ("psi", "value_from", "value_to", "step_from", "step_to", "tokens_to")}


def same(found, expected, what):
    for name in expected:
        assert numpy.array_equal(found[name], expected[name]), (what, name)


def expect_the_same_store(of):
    must(decompose(of.folder / "plain.h5", of.published, of.samples, *RULE, "--component", "head"))
    expected = of.psi("plain.h5")
    for ranks, more in ((0, []), (2, ["--parameters", "streamed"]), (3, ["--parameters", "gathered", "--micro-batch", "1"])):
        said = must(of.decompose("staged.h5", "--component", "head", "--overwrite", *more, ranks=ranks))
        if "--micro-batch" in more:
            must(decompose(of.folder / "plain1.h5", of.published, of.samples, *RULE, "--component", "head", "--micro-batch", "1"))
            expected = of.psi("plain1.h5")
        same(of.psi("staged.h5"), expected, (ranks, more))
        assert of.log() == of.names, of.log()  # each once, in order
        assert not of.stage.exists() or not list(of.stage.glob("*")), list(of.stage.glob("*"))
        assert of.names[0] in said.stdout, said.stdout
    expected = of.psi("plain.h5")
    must(of.decompose("merged.h5", "--component", "head", "--steps", "every:5"))
    assert of.log() == [of.names[0], of.names[5]], of.log()
    must(decompose(of.folder / "plain5.h5", of.published, of.samples, *RULE, "--component", "head", "--steps", "every:5"))
    same(of.psi("merged.h5"), of.psi("plain5.h5"), "merged")
    with h5py.File(of.folder / "staged.h5") as store:
        inputs = json.loads(store["provenance/inputs"][()].tobytes().decode().rstrip("\0") if "inputs" in store["provenance"]
                            else store.attrs["inputs"])
        assert inputs["series"][1] == {"step": 1000, "revision": of.names[1]}, inputs["series"]
    return expected


def expect_retries(of, expected):
    (of.folder / f"fail-{of.names[2]}").write_text("2")
    (of.folder / f"cut-{of.names[3]}").write_text("")
    said = must(of.decompose("retried.h5", "--component", "head", ranks=2)).stdout
    assert "try 1 of 3 failed" in said and "the network is away" in said and "exited with 7" in said, said
    assert of.log().count(of.names[2]) == 3 and of.log().count(of.names[3]) == 2, of.log()
    same(of.psi("retried.h5"), expected, "retried")


def expect_resume(of, expected):
    (of.folder / f"fail-{of.names[3]}").write_text("3")
    failed = of.decompose("resumed.h5", "--component", "head", ranks=2)
    assert failed.returncode == 1, failed
    for word in ("--stage-command", of.names[3], "step 3000", "3 tries", "the network is away", "--resume"):
        assert word in failed.stderr, (word, failed.stderr)
    assert failed.stderr.count("error:") == 1, failed.stderr
    must(of.decompose("resumed.h5", "--component", "head", "--resume", ranks=1))
    assert of.log()[-3:] == of.names[3:] and set(of.log()) <= set(of.names[2:]), of.log()
    same(of.psi("resumed.h5"), expected, "resumed")
    must(of.decompose("resumed.h5", "--component", "head", "--resume"))
    assert of.log() == [of.names[0]], of.log()  # for the model alone


def expect_refusals(of):
    def refused(words, *more, series=None, samples=None, command=None, verb="decompose", ranks=0, stage=None):
        options = of.options(*more)
        options[1] = stage or of.stage
        if command is not None:
            options[3] = command
        store = [] if verb == "plan" else ["--store", of.folder / "no.h5"]
        process = run(verb, "--series", series or of.list, "--samples", samples or of.samples, *store, *options, ranks=ranks)
        assert process.returncode in (1, 2) and process.stderr.count("error:") == 1, (process, words)
        for word in words:
            assert word in process.stderr, (word, process.stderr)
        assert not (of.folder / "no.h5").exists()

    def listing(*lines):
        path = of.folder / "other.txt"
        path.write_text("".join(line + "\n" for line in lines))
        return path

    refused(["{dir}"], command="cp {revision}")
    refused(["{revision}"], command="cp x {dir}")
    refused(["--stage-command"], command=f"{of.folder}/nowhere.sh {{revision}} {{dir}}")
    refused(["is a folder", "REVISION"], series=of.published)
    refused(["line 2", "in doubt"], series=listing(of.names[0], "final"))
    refused(["step 0", "twice"], series=listing(of.names[0], "0 " + of.names[1]))
    refused(["another part", "STEP REVISION"], series=listing("stage1-step1", "stage2-step2"))
    refused(["--steps"], "--steps", "top:0.5")
    refused(["--steps"], "--steps", "list:0", "--step-policy", "drop")
    refused(["--segment-groups"], "--shards", "1", ranks=2)
    refused(["--stage"], "--source", "steps", "--training-batch", of.samples, "--batch-mean", "tokens", "--clip", "1")
    refused(["--stage"], verb="plan")
    full = of.folder / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine")
    refused(["is not empty", "--stage"], stage=full)
    assert (full / "thesis.txt").read_text() == "mine" and len(list(full.iterdir())) == 1
    # What came with another series is not taken for this one's.
    (of.folder / f"fail-{of.names[3]}").write_text("3")
    assert of.decompose("half.h5").returncode == 1
    refused(["another series"], series=listing(*of.names[:2]))
    shutil.rmtree(of.stage)
    # A network that changes is no one's.
    config = of.published / of.names[1] / "config.json"
    kept = config.read_text()
    config.write_text(json.dumps(json.loads(kept) | {"rms_norm_eps": 0.5}))
    process = of.decompose("changed.h5")
    assert process.returncode == 1 and "rms_norm_eps" in process.stderr, process.stderr
    config.write_text(kept)
    shutil.rmtree(of.stage)


def main():
    with tempfile.TemporaryDirectory() as temporary:
        of = Publisher(pathlib.Path(temporary))
        expected = expect_the_same_store(of)
        expect_retries(of, expected)
        expect_resume(of, expected)
        expect_refusals(of)
    print("staged: ok")


if __name__ == "__main__":
    main()
