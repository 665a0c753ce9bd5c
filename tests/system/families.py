"""explaind record --family: a small series of every family, which transformers opens without a tensor missing; losses are transformers', scores
add up to their change, and ranks change nothing."""
import json
import pathlib
import sys
import tempfile

import h5py
import numpy
import torch
import transformers

from program import decompose, must, run, write_samples

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
FAMILIES = ["llama", "gpt_neox", "olmo", "olmo2", "olmo3", "qwen2", "qwen3", "smollm3", "mistral", "apertus", "gemma2", "gemma3_text", "gpt2"]
SMALL = ["--vocabulary", "300", "--hidden", "64", "--intermediate", "48", "--layers", "2", "--heads", "4", "--sequence-length", "24", "--batch", "4",
         "--max-steps", "6", "--warmup", "1", "--checkpoints", "3", "--learning-rate", "3e-3", "--threads", "1"]
RULE = ["--quadrature", "gauss:8", "--threads", "1", "--precision", "fp32"]


def write_text(path):
    """Sentences of a few words in an order that can be learnt."""
    words = "the quick brown fox jumps over a lazy dog while seven green birds sing about rivers and the old town".split()
    lines = [" ".join(words[(i * i + 3 * j) % len(words)] for j in range(12)) + "." for i in range(400)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def losses(checkpoint, samples):
    """Mean loss of every sample in transformers, fp32."""
    model, report = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32, attn_implementation="eager",
                                                                      output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"], (checkpoint, report)
    ids = [torch.tensor([json.loads(line)["input_ids"]]) for line in samples.read_text().splitlines()]
    with torch.no_grad():
        return numpy.array([model(input_ids=each, labels=each).loss.item() for each in ids])


def of_store(path, *names):
    with h5py.File(path) as store:
        return [store[name][...] for name in names]


def expect_family(family, folder, text, samples):
    series = folder / family
    must(run("record", "--family", family, "--text", text, "--series", series, *SMALL))
    store = folder / f"{family}.h5"
    must(decompose(store, series, samples, *RULE, "--component", "head"))
    psi, begin, end, step = of_store(store, "psi", "value_from", "value_to", "step_to")
    for segment, at in enumerate(step):
        expected = losses(series / f"step-{at}", samples)
        assert numpy.abs(end[segment] - expected).max() < 2e-5 * expected.max(), (family, end[segment], expected)
    gap = numpy.abs(psi.sum(axis=-1) - (end - begin))
    assert (gap < 2e-2 * numpy.abs(psi).sum(axis=-1)).all(), (family, gap)
    ranked = folder / f"{family}.2.h5"
    must(decompose(ranked, series, samples, *RULE, "--component", "neuron", "--parameters", "streamed", ranks=2))
    alone = folder / f"{family}.1.h5"
    must(decompose(alone, series, samples, *RULE, "--component", "neuron"))
    (one,), (two,) = of_store(alone, "psi"), of_store(ranked, "psi")
    assert numpy.array_equal(one, two), family
    assert numpy.allclose(one.sum(axis=-1), psi.sum(axis=-1), rtol=1e-4, atol=1e-6), family


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        text = write_text(folder / "text.txt")
        samples = write_samples(folder / "samples.jsonl", (20, 13, 24), 300)
        for family in sys.argv[1:] or FAMILIES:
            expect_family(family, folder, text, samples)
        wrong = run("record", "--family", "bloom", "--text", text, "--series", folder / "none", *SMALL)
        assert wrong.returncode != 0 and "--family" in wrong.stderr and "gpt_neox" in wrong.stderr, wrong.stderr
        wrong = decompose(folder / "none.h5", folder / "gpt2", samples, *RULE, "--max-length", "513") if (folder / "gpt2").exists() else None
        assert wrong is None or (wrong.returncode != 0 and "--max-length" in wrong.stderr and "512" in wrong.stderr), wrong.stderr
        wrong = run("record", "--family", "gpt2", "--key-value-heads", "2", "--text", text, "--series", folder / "none", *SMALL)
        assert wrong.returncode != 0 and "--key-value-heads" in wrong.stderr, wrong.stderr
    print("families: ok")


if __name__ == "__main__":
    main()
