"""explaind record: checkpoints that transformers opens with the same losses, the same bytes from the same seed, and its bad input."""
import math
import pathlib
import sys
import tempfile

import h5py
import sentencepiece
import torch
import transformers

from program import decompose, must, run

transformers.utils.logging.disable_progress_bar()
WORDS = "the quick brown fox jumps over a lazy dog while seven green birds sing about rivers and the old town".split()
SMALL = ["--vocabulary", "300", "--hidden", "16", "--intermediate", "24", "--layers", "2", "--heads", "4", "--key-value-heads", "2",
         "--sequence-length", "24", "--batch", "4", "--max-steps", "30", "--warmup", "3", "--checkpoints", "4", "--learning-rate", "1e-2",
         "--threads", "1"]
HELD_OUT = ["a lazy fox sings about the green town", "seven birds jump over the old dog while rivers sing"]


def write_text(path):
    """Sentences of a small grammar: enough for a tokenizer and something to learn."""
    lines, state = [], 7
    for _ in range(600):
        words = []
        for _ in range(12):
            state = (1103515245 * state + 12345) % 2**31
            words.append(WORDS[state // 65536 % len(WORDS)])
        lines.append(" ".join(words) + ".")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def record(text, series, *more):
    return run("record", "--text", text, "--series", series, *SMALL, *more)


def bytes_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def steps_of(series):
    return sorted(int(path.name.removeprefix("step-")) for path in series.glob("step-*"))


def expect_seeds(folder, text, first):
    again, other = folder / "again", folder / "other"
    moved = folder / "elsewhere" / "text.txt"  # where the text lies does not matter
    moved.parent.mkdir()
    moved.write_bytes(text.read_bytes())
    must(record(moved, again, "--seed", "5"))
    must(record(text, other, "--seed", "6"))
    one, two, three = bytes_of(first), bytes_of(again), bytes_of(other)
    assert one.keys() == two.keys() == three.keys()
    assert one == two, [name for name in one if one[name] != two[name]]
    weights = [name for name in one if name.endswith("model.safetensors")]
    assert len(weights) == 4 and all(one[name] != three[name] for name in weights)


def expect_losses(folder, series):
    """The store's values against transformers' own loss on the same tokens."""
    samples, store = folder / "samples.jsonl", folder / "out.h5"
    samples.write_text("".join(f'{{"id": "{i}", "group": "g", "text": "{text}"}}\n' for i, text in enumerate(HELD_OUT)))
    must(decompose(store, series, samples))
    with h5py.File(store) as file:
        losses = [*file["value_from"][()].tolist(), file["value_to"][-1].tolist()]
    first = None
    for step, expected in zip(steps_of(series), losses, strict=True):
        directory = series / f"step-{step}"
        model = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
        stored = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype="auto")
        assert stored.dtype == torch.bfloat16, stored.dtype
        pieces = sentencepiece.SentencePieceProcessor(model_file=str(directory / "tokenizer.model"))
        for text, value in zip(HELD_OUT, expected, strict=True):
            ids = torch.tensor([[pieces.bos_id(), *pieces.encode(text)]])
            with torch.no_grad():
                loss = model(input_ids=ids, labels=ids).loss.item()
            assert math.isclose(loss, value, rel_tol=1e-5), (step, loss, value)
        first = first or sum(expected)
    assert sum(losses[-1]) < 0.8 * first, losses
    assert abs(first / 2 - math.log(300)) < 0.3, "an untrained model guesses uniformly"


def expect_refusal(process, code, *words):
    assert process.returncode == code, (process.returncode, process.stderr)
    assert process.stderr.count("error:") == 1, process.stderr
    for word in words:
        assert word in process.stderr, (word, process.stderr)


def expect_bad_input(folder, text, series):
    expect_refusal(record(text, series), 1, str(series), "--overwrite")
    (series / "thesis.txt").write_text("not ours")
    expect_refusal(record(text, series, "--overwrite"), 1, "thesis.txt")
    assert (series / "step-30").exists() and (series / "thesis.txt").exists()
    expect_refusal(record(folder / "nowhere", folder / "x"), 1, "nowhere")
    expect_refusal(record(text, folder / "x", "--heads", "3"), 2, "heads")
    expect_refusal(record(text, folder / "x", "--max-steps", "-1"), 2, "max-steps")
    empty = folder / "empty.txt"
    empty.write_text("")
    expect_refusal(record(empty, folder / "x"), 1, "empty.txt")
    assert not (folder / "x").exists(), "a refused run left files"


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        text, series = write_text(folder / "text.txt"), folder / "series"
        process = must(record(text, series, "--seed", "5"))
        for step in steps_of(series):
            assert f"{step} " in process.stdout, "the loss of each checkpoint is reported"
        assert len(steps_of(series)) == 4 and steps_of(series)[0] == 0 and steps_of(series)[-1] == 30
        expect_losses(folder, series)
        expect_seeds(folder, text, series)
        expect_bad_input(folder, text, series)
        print(f"steps {steps_of(series)}: transformers opens every checkpoint with the same losses; seeds decide the bytes")


sys.exit(main())
