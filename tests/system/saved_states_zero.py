"""What DeepSpeed, nanotron and OLMo save for themselves: the same scores, to the bit, as of the same training in Hugging Face's form; and the losses that
OLMo's own model has."""
import json
import pathlib
import shutil
import sys
import tempfile

import h5py

from program import SOURCE, decompose, must, run
from store_contents import texts

GOLDENS = SOURCE / "tests/goldens/saved_states"
sys.path.insert(0, str(GOLDENS))
import training_programs  # noqa: E402

LAYOUTS = ("zero1", "zero3", "trainer", "universal", "nanotron")


def numbers(path):
    """What a store says of scores, and of which components."""
    with h5py.File(path) as file:
        return {name: file[name][()].tobytes() for name in file if name.startswith(("psi", "value", "residual", "quadrature"))}, texts(file["component"])


def scores(series, samples, store, *more):
    must(decompose(store, series, samples, *more))
    return numbers(store)


def expect_the_same(folder):
    samples = folder / "samples.jsonl"
    samples.write_text("".join(json.dumps({"input_ids": each}) + "\n" for each in ([1, 2, 3, 4, 5, 6], [9, 8, 7, 32, 1])))
    steps = ("--source", "steps", "--training-batch", samples, "--batch-mean", "tokens", "--clip", "1", "--quadrature", "gauss:3")
    plain = scores(folder / "plain", samples, folder / "plain.h5")
    stepped = scores(folder / "plain", samples, folder / "plain_steps.h5", *steps)
    assert any(name == "psi_momentum" for name in stepped[0])
    for layout in LAYOUTS:
        assert scores(folder / layout, samples, folder / f"{layout}.h5") == plain, layout
        assert scores(folder / layout, samples, folder / f"{layout}_steps.h5", *steps) == stepped, layout
    return samples, steps


def expect_said(folder):
    for layout, said in (("zero1", ("ZeRO-1, 2 ranks", "masters of 32 bits", "--clip 1", "1 frozen parameters")), ("zero3", ("ZeRO-3, 3 ranks",)),
                         ("universal", ("a universal checkpoint of DeepSpeed",)), ("nanotron", ("a checkpoint of nanotron", "masters of 32 bits", "rotary"))):
        text = must(run("inspect", folder / layout)).stdout
        assert "3 checkpoints, steps 2 to 5" in text and all(each in text for each in said), (layout, text)
    for layout in LAYOUTS:
        checked = run("inspect", folder / layout, "--check")
        # safetensors writes metadata in any order: nanotron's file of the frozen matrix is the same in some checkpoints by chance.
        clean = "Nothing was found" in checked.stdout or (layout == "nanotron" and "1 finding" in checked.stdout and "attn/o_proj" in checked.stdout)
        assert clean and checked.returncode in (0, 1), (layout, checked.stdout, checked.stderr)


def expect_refused(folder, samples, steps):
    """One missing piece of each layout, by its name."""
    for layout, piece, named in (("zero1", "global_step3/bf16_zero_pp_rank_1_mp_rank_00_optim_states.pt", "has no bf16_zero_pp_rank_1_mp_rank_00_optim_states.pt"),
                                 ("zero3", "global_step3/bf16_zero_pp_rank_2_mp_rank_00_optim_states.pt", "has no bf16_zero_pp_rank_2_mp_rank_00_optim_states.pt"),
                                 ("zero3", "global_step3/zero_pp_rank_1_mp_rank_00_model_states.pt", "hold the frozen parameters"),
                                 ("universal", "global_step3_universal/zero/model.norm.weight/exp_avg_sq.pt", "has no zero/model.norm.weight/exp_avg_sq.pt"),
                                 ("nanotron", "3/model/model/decoder/1/pp_block/mlp/down_proj/model_weight_pp-rank-0-of-1_tp-rank-1-of-2.safetensors",
                                  "has no model_weight_pp-rank-0-of-1_tp-rank-1-of-2.safetensors"),
                                 ("nanotron", "3/optimizer/optimizer_pp-0-of-1_dp-1-of-2_tp-0-of-2_exp-0-of-1.pt", "has no optimizer_pp-0-of-1_dp-1-of-2_tp-0-of-2"),
                                 ("trainer", "checkpoint-3/global_step3", "no optimizer state")):
        series = folder / "broken"
        shutil.rmtree(series, ignore_errors=True)
        shutil.copytree(folder / layout, series)
        lost = series / piece
        shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
        process = decompose(folder / "broken.h5", series, samples, *steps)
        assert process.returncode == 1 and named in process.stderr, (piece, process.returncode, process.stderr)
        assert not (folder / "broken.h5").exists()


def expect_losses_of_olmo(folder):
    for kind in ("olmo1", "olmo2"):
        said, store = json.loads((GOLDENS / kind / "said.json").read_text()), folder / f"{kind}.h5"
        must(decompose(store, GOLDENS / kind, GOLDENS / kind / "samples.jsonl", "--precision", "fp64"))
        with h5py.File(store) as file:
            for name, step in (("value_from", "2"), ("value_to", "3")):
                apart = abs(file[name][0] - said[step]["losses"]).max()
                assert apart < 1e-6, (kind, name, apart)  # OLMo computes in fp32
        must(decompose(folder / f"{kind}_steps.h5", GOLDENS / kind, GOLDENS / kind / "samples.jsonl", "--source", "steps", "--training-batch",
                       GOLDENS / kind / "samples.jsonl", "--batch-mean", "samples", "--clip", "0"))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        training_programs.main(folder)
        samples, steps = expect_the_same(folder)
        expect_said(folder)
        expect_refused(folder, samples, steps)
        expect_losses_of_olmo(folder)


if __name__ == "__main__":
    main()
