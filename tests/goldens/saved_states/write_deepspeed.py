"""Checkpoints of DeepSpeed as its own library writes them: a tiny Llama (tied, one frozen matrix), trained for three AdamW steps in two groups by two
ranks on processors with ZeRO 1, 2 and 3, and what ds_to_universal makes of them. Beside them what DeepSpeed says of the weights and moments.

Needs deepspeed 0.19.8 (`pip install --no-deps --target DIR deepspeed hjson psutil py-cpuinfo pydantic pydantic-core annotated-types
typing-inspection msgpack einops tqdm packaging`, PYTHONPATH=DIR). Run by hand, in this folder: `python write_deepspeed.py`."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FROZEN = "model.layers.0.self_attn.o_proj.weight"
STEPS = 3


def train(stage, folder):
    import deepspeed
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    rank = int(os.environ["RANK"])
    torch.manual_seed(0)
    config = LlamaConfig(hidden_size=8, intermediate_size=12, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, vocab_size=15,
                         tie_word_embeddings=True, max_position_embeddings=32, pad_token_id=None, bos_token_id=1, eos_token_id=2)
    model = LlamaForCausalLM(config)
    model.get_parameter(FROZEN).requires_grad_(False)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    groups = [{"params": [p for name, p in trained.items() if "norm" not in name], "weight_decay": .1},
              {"params": [p for name, p in trained.items() if "norm" in name], "weight_decay": 0.}]
    optimizer = torch.optim.AdamW(groups, lr=1e-2, betas=(.9, .95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    engine, *_ = deepspeed.initialize(model=model, optimizer=optimizer, lr_scheduler=schedule, config={
        "train_micro_batch_size_per_gpu": 2, "gradient_clipping": 1.0, "zero_optimization": {"stage": stage}, "zero_allow_untested_optimizer": True,
        "bf16": {"enabled": True}})
    for step in range(STEPS):
        torch.manual_seed(100 * step + rank)
        tokens = torch.randint(0, 15, (2, 6))
        engine.backward(engine(input_ids=tokens, labels=tokens).loss)
        engine.step()
    # What ds_to_universal asks of the training program.
    engine.save_checkpoint(folder, tag=f"global_step{STEPS}", client_state={"universal_checkpoint_info": {}, "iteration": STEPS})
    if rank == 0:
        config.save_pretrained(folder)


def what_deepspeed_says(folder, tag):
    """Weights as zero_to_fp32 gives them, moments as ds_to_universal does."""
    import torch
    from deepspeed.utils.zero_to_fp32 import get_fp32_state_dict_from_zero_checkpoint
    said = {name: tensor.clone() for name, tensor in get_fp32_state_dict_from_zero_checkpoint(folder, tag.name).items() if name != "lm_head.weight"}
    if FROZEN not in said:  # of stage 1 the frozen matrix is left out
        said[FROZEN] = torch.load(tag / "mp_rank_00_model_states.pt", weights_only=False)["module"][FROZEN]
    for name in [name for name in said if name != FROZEN]:
        for moment in ("exp_avg", "exp_avg_sq"):
            found = torch.load(f"{tag}_universal/zero/{name}/{moment}.pt", weights_only=False)
            said[f"{name}.{moment}"] = (found["param"] if isinstance(found, dict) else found).reshape(said[name].shape).clone()
    return said


def main():
    from safetensors.torch import save_file
    for stage in (1, 2, 3):
        target = HERE / f"zero{stage}"
        shutil.rmtree(target, ignore_errors=True)
        environment = dict(os.environ, DS_ACCELERATOR="cpu", OMP_NUM_THREADS="1", MASTER_ADDR="127.0.0.1", MASTER_PORT="29517", WORLD_SIZE="2")
        with tempfile.TemporaryDirectory() as folder:
            ranks = [subprocess.Popen([sys.executable, __file__, str(stage), folder], env=dict(environment, RANK=str(rank), LOCAL_RANK=str(rank)))
                     for rank in range(2)]
            assert [rank.wait(300) for rank in ranks] == [0, 0]
            tag = pathlib.Path(folder, f"global_step{STEPS}")
            subprocess.run([sys.executable, "-m", "deepspeed.checkpoint.ds_to_universal", "--input_folder", tag, "--output_folder",
                            f"{tag}_universal", "--num_extract_workers", "1", "--num_merge_workers", "1"], env=environment, check=True)
            save_file(what_deepspeed_says(folder, tag), f"{folder}/said.safetensors")
            if stage == 1:
                shutil.rmtree(f"{tag}_universal")
            shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.py", "tmp", "latest_universal"))
    json.dump({"updates": STEPS, "learning_rate": 1e-2 / (1 + STEPS), "beta1": .9, "beta2": .95, "epsilon": 1e-8,
               "weight_decay": {"": .1, "norm": 0.0}, "frozen": FROZEN}, open(HERE / "deepspeed.json", "w"), indent=1)


if __name__ == "__main__":
    train(int(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 1 else main()
