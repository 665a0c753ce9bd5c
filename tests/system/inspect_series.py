"""inspect of series: network, tokenizer, optimizer states; a model beside its checkpoints; networks that cannot be decomposed."""
import json
import pathlib
import tempfile

from program import GOLDENS, copy_series, decompose, must, run


def inspected(path, *words):
    text = must(run("inspect", path)).stdout
    for word in words:
        assert word in text, (word, text)
    return text


def table(text):
    """The lines that say how far the weights moved."""
    lines = text.splitlines()
    return lines[next(i for i, line in enumerate(lines) if "|Δ|/|θ|" in line):]


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        series = copy_series("grouped_query", folder / "series")
        plain = inspected(series, "3 checkpoints, steps 0 to 100", "LlamaForCausalLM", "2 layers", "4 heads", "2 key-value heads", "untied",
                          "tokenizer   none: samples need input_ids", "optimizer   none")
        assert len(table(plain)) == 1 + 2 and "cannot be decomposed" not in plain, plain
        steps = sorted((each for each in series.iterdir() if each.is_dir()), key=lambda each: int(each.name.split("-")[-1]))

        for step in steps[:2]:
            (step / "optimizer.pt").write_bytes(b"")
        (steps[0] / "tokenizer.model").write_bytes(b"")
        inspected(series, "optimizer.pt in 2 of 3 checkpoints", "not read, so samples need input_ids:", "tokenizer.model: not a SentencePiece model")
        model = {"type": "BPE", "vocab": {"<s>": 0, "a": 1, "b": 2, "ab": 3}, "merges": ["a b"]}
        begin = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"<s>": {"ids": [0]}}}
        (steps[0] / "tokenizer.json").write_text(json.dumps({"model": model, "post_processor": begin}))
        inspected(series, "tokenizer.json (BPE, 4 pieces, 0 added tokens): samples may be texts", "begins with <s> (0), no end of sequence")
        (steps[0] / "tokenizer.json").write_text(json.dumps({"model": model | {"type": "WordPiece"}}))
        inspected(series, "not read, so samples need input_ids:", '"WordPiece", which is not covered')
        (steps[0] / "tokenizer.json").unlink()

        # As Trainer leaves it: the last model beside its checkpoints. inspect and decompose agree.
        beside = copy_series("grouped_query", folder / "trainer")
        for step in sorted(each for each in beside.iterdir() if each.is_dir()):
            step.rename(beside / f"checkpoint-{step.name.split('-')[-1]}")
        for file in (beside / "checkpoint-100").iterdir():
            (beside / file.name).write_bytes(file.read_bytes())
        text = inspected(beside, "3 checkpoints, steps 0 to 100", "weights of no step")
        assert table(text) == table(plain)
        said = must(decompose(folder / "beside.h5", beside)).stdout
        assert "3 checkpoints of" in said, said
        one = inspected(beside / "checkpoint-10", "LlamaForCausalLM", "model.embed_tokens.weight")
        assert "steps" not in one, one
        (beside / "checkpoint-100").rename(folder / "last")
        inspected(folder / "last", "LlamaForCausalLM", "model.embed_tokens.weight")

        # Weights can be compared whatever network they are of.
        other = copy_series("grouped_query", folder / "other")
        for step in other.iterdir():
            if not step.is_dir():
                continue
            config = json.loads((step / "config.json").read_text())
            config.update(architectures=["MambaForCausalLM"], model_type="mamba")
            (step / "config.json").write_text(json.dumps(config))
        text = inspected(other, "3 checkpoints, steps 0 to 100", "MambaForCausalLM (mamba)", "cannot be decomposed: ")
        assert table(text) == table(plain), text
        inspected(other / steps[0].name, "MambaForCausalLM", "cannot be decomposed: ")
    print("inspect shows series of any network, and agrees with decompose")


main()
