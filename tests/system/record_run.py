"""explaind record --history: the same bytes from the same seed, also after kill -9 and --resume; inspect; its bad input."""
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

from safetensors.numpy import load_file

from program import EXPLAIND, must, run

SMALL = ["--model", "grokking_transformer", "--modulus", "11", "--train-samples", "50", "--validation-samples", "16", "--hidden", "16", "--heads", "2",
         "--intermediate", "24", "--batch", "16", "--epochs", "60", "--warmup", "5", "--keep", "second_moment,gradient",
         "--block-size", "700kB", "--threads", "1", "--seed", "3"]
STEPS = 240


def record(folder, *more, options=SMALL):
    return run("record", "--history", folder, *options, *more)


def bytes_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def expect_refusal(process, code, *words):
    assert process.returncode == code, (process.returncode, process.stdout, process.stderr)
    assert process.stderr.count("error:") == 1, process.stderr
    for word in words:
        assert word in process.stderr, (word, process.stderr)


def expect_contents(folder):
    """The files as another program reads them."""
    described = json.loads((folder / "run.json").read_text())
    blocks = sorted((folder / "blocks").iterdir())
    assert len(blocks) > 5, blocks
    steps, before = 0, load_file(folder / "start.safetensors")
    for path in blocks:
        block = load_file(path)
        first, last = map(int, path.stem.split("-"))
        assert first == steps, (path, steps)
        steps = last + 1
        assert block["clip"].shape == (last - first + 1,)
        sizes = block["batch_size"].tolist()
        assert sizes == [2 if s % 4 == 3 else 16 for s in range(first, last + 1)], sizes
        assert block["batch_index"].shape == (sum(sizes),)
        for parameter in described["parameters"]:
            name = f"parameter/{parameter['name']}"
            assert list(block[name].shape) == [last - first + 1, *parameter["shape"]]
            moved = (block[name][0] != before[name]).any()
            assert moved == (parameter["name"] != "positional_encoding.pe"), name
            before[name] = block[name][-1]
    assert steps == STEPS == json.loads((folder / "complete.json").read_text())["steps"]
    data = load_file(folder / "data.safetensors")
    assert data["train/inputs"].shape == (50, 4) and data["validation/labels"].shape == (16,)


def expect_inspect(folder):
    text = must(run("inspect", folder)).stdout
    for word in ["recorded run", "grokking_transformer", f"steps      {STEPS}", "complete", "batches of 2 or 16", "second moments, gradients",
                 "never had a gradient", "optimizer  adamw", "weight_decay 0.1"]:
        assert word in text, (word, text)


def blocks_of(folder):
    return len(list((folder / "blocks").glob("*.safetensors")))


def kill_while_recording(target, blocks, pause):
    """Starts or resumes the recording and kills it after that many more blocks and a moment; False where it ended before."""
    before = blocks_of(target)
    process = subprocess.Popen([EXPLAIND, "record", "--history", str(target), *SMALL, "--resume"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=dict(os.environ, OMP_NUM_THREADS="1"))
    while process.poll() is None and blocks_of(target) < before + blocks:
        time.sleep(0.001)
    time.sleep(pause)
    process.kill()
    process.wait()
    return not (target / "complete.json").exists()


def expect_resumed_runs(folder, whole):
    """Killed with SIGKILL at several moments and gone on with: nothing differs at the end."""
    generator, target, kills = random.Random(5), folder / "killed", 0
    for blocks in (0, 1, 2, 1):
        if kill_while_recording(target, blocks, 0.3 if blocks == 0 else generator.uniform(0, 0.005)):
            kills += 1
            if (target / "run.json").exists():
                assert "not finished" in must(run("inspect", target)).stdout
    if not (target / "complete.json").exists():
        must(record(target, "--resume"))
    found = bytes_of(target)
    assert found.keys() == whole.keys(), found.keys() ^ whole.keys()
    assert found == whole, [name for name in whole if found[name] != whole[name]]
    return kills


def expect_bad_input(folder, done):
    new = folder / "new"
    expect_refusal(record(done), 1, str(done), "--overwrite")
    expect_refusal(record(done, "--resume"), 1, "has ended")
    cut = folder / "cut"
    must(record(cut))
    (cut / "complete.json").unlink()
    expect_refusal(record(cut, "--resume", "--learning-rate", "1e-2"), 1, "other options", "schedule")
    (done / "thesis.txt").write_text("not ours")
    expect_refusal(record(done, "--overwrite"), 1, "thesis.txt")
    assert (done / "run.json").exists()
    expect_refusal(run("record", *SMALL), 2, "--series", "--history")
    expect_refusal(record(new, "--series", folder / "s"), 2, "both")
    expect_refusal(run("record", *SMALL, "--series", new), 2, "leaves no series")
    expect_refusal(record(new, "--validation-samples=17", options=SMALL[:6] + SMALL[8:]), 2, "66 pairs")
    expect_refusal(record(new, "--nesterov"), 2, "--nesterov")
    expect_refusal(record(new, "--flips"), 2, "--flips")
    expect_refusal(record(new, "--dataset", "idx"), 2, "--dataset")
    expect_refusal(run("record", "--history", new, "--model", "cnn"), 2, "--data is missing")
    expect_refusal(run("record", "--history", new, "--model", "cnn", "--data", folder / "nowhere"), 1, "train-images-idx3-ubyte")
    expect_refusal(run("record", "--history", new, "--model", "llama"), 2, "--text is missing")
    assert not new.exists(), "a refused run left files"


def write_idx(path, shape, values):
    path.write_bytes(struct.pack(">BBBB", 0, 0, 8, len(shape)) + b"".join(struct.pack(">I", n) for n in shape) + bytes(values))


def expect_images(folder):
    """The image models on tiny files of both kinds, with flips and a dropped last batch."""
    generator = random.Random(1)
    files = folder / "idx"
    files.mkdir()
    for name, count in (("train", 10), ("t10k", 4)):
        write_idx(files / f"{name}-images-idx3-ubyte", (count, 12, 12), [generator.randrange(256) for _ in range(count * 144)])
        write_idx(files / f"{name}-labels-idx1-ubyte", (count,), [i % 3 for i in range(count)])
    must(run("record", "--history", folder / "cnn", "--model", "cnn", "--data", files, "--filters", "2", "--hidden", "8", "--batch", "4", "--epochs", "2",
             "--optimizer", "adam", "--schedule", "wsd", "--decay-steps", "3", "--warmup", "1"))
    text = must(run("inspect", folder / "cnn")).stdout
    assert "steps      6" in text and "optimizer  adam\n" in text and "batches of 2 or 4" in text, text
    files = folder / "cifar"
    files.mkdir()
    for name, count in (("data_batch_1", 30), ("test_batch", 10)):
        (files / f"{name}.bin").write_bytes(b"".join(bytes([i % 10]) + bytes(generator.randrange(256) for _ in range(3072)) for i in range(count)))
    must(run("record", "--history", folder / "resnet", "--model", "resnet9", "--data", files, "--classes", "3,5", "--filters", "2", "--batch", "4",
             "--drop-last", "--flips", "--epochs", "3", "--optimizer", "sgd", "--momentum", "0.9", "--nesterov", "--schedule", "triangle", "--warmup", "2"))
    text = must(run("inspect", folder / "resnet")).stdout
    assert "steps      3" in text and "flips recorded" in text and "nesterov" in text and "batches of 4" in text, text
    block = load_file(folder / "resnet/blocks/00000000-00000002.safetensors")
    assert sorted(set(block["batch_flip"].tolist())) == [0, 1] and block["learning_rate"][0, 0] == 0
    assert load_file(folder / "resnet/data.safetensors")["train/labels"].tolist() == [0, 1] * 3


def expect_text(folder):
    words = "the quick brown fox jumps over a lazy dog while seven green birds sing about rivers and the old town".split()
    generator = random.Random(2)
    (folder / "text.txt").write_text("\n".join(" ".join(generator.choices(words, k=12)) + "." for _ in range(600)))
    must(run("record", "--history", folder / "llama", "--text", folder / "text.txt", "--vocabulary", "300", "--hidden", "16", "--intermediate", "24",
             "--layers", "1", "--heads", "2", "--key-value-heads", "1", "--sequence-length", "24", "--batch", "8", "--max-steps", "5",
             "--validation-samples", "7"))
    data = load_file(folder / "llama/data.safetensors")
    assert data["validation/inputs"].shape == (7, 24)
    assert (data["train/inputs"][:, 1:] == data["train/labels"][:, :-1]).all()
    assert (folder / "llama/tokenizer.model").exists() and "llama, " in must(run("inspect", folder / "llama")).stdout


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        must(record(folder / "one"))
        must(record(folder / "two"))
        whole = bytes_of(folder / "one")
        assert whole == bytes_of(folder / "two"), "the same seed gave other bytes"
        expect_contents(folder / "one")
        expect_inspect(folder / "one")
        kills = expect_resumed_runs(folder, whole)
        expect_images(folder)
        expect_text(folder)
        expect_bad_input(folder, folder / "one")
        assert kills >= 1, kills  # a quick machine may be done before a kill
        print(f"{STEPS} steps; killed {kills} times and resumed: the same bytes")


sys.exit(main())
