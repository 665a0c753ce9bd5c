"""Unsharded checkpoints as OLMo's first training program saves them (olmo 0.6.0): a tiny OLMo and a tiny OLMo-2 after two and three AdamW steps, with the
library's own model, optimizer, groups and schedule, and the losses that its model has on two samples at each.

Needs ai2-olmo 0.6.0 and omegaconf 2.3 with its antlr4 runtime, PyYAML and rich (`pip install --no-deps --target DIR …`, PYTHONPATH=DIR). What they
want for downloads is replaced by nothing. Run by hand, in this folder: `python write_olmo.py`."""
import importlib.machinery
import json
import pathlib
import shutil
import sys
from unittest.mock import MagicMock

class Nothing:
    """Finds every module of these packages, and in it whatever is asked for."""
    PACKAGES = ("boto3", "botocore", "requests", "cached_path", "google", "wandb", "torchmetrics", "datasets")

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.split(".")[0] in self.PACKAGES else None

    def create_module(self, spec):
        module = MagicMock()
        module.SchemeClient, module.__path__, module.__spec__ = type("Client", (), {"recoverable_errors": ()}), [], spec
        return module

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, Nothing())

import torch  # noqa: E402
from olmo.config import TrainConfig  # noqa: E402
from olmo.model import OLMo  # noqa: E402
from olmo.optim import build_optimizer, build_scheduler  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES = [[3, 1, 4, 1, 5, 9], [2, 6, 5, 3]]
BASE = dict(d_model=8, n_heads=2, n_kv_heads=1, n_layers=1, mlp_hidden_size=16, rope=True, rope_theta=10000, activation_type="swiglu", block_type="sequential",
            include_bias=False, bias_for_layer_norm=False, vocab_size=15, embedding_size=16, max_sequence_length=8, eos_token_id=14, pad_token_id=15,
            attention_dropout=0.0, residual_dropout=0.0, embedding_dropout=0.0, init_device="cpu", init_fn="normal", init_std=0.5, layer_norm_eps=1e-5)
KINDS = {"olmo1": dict(BASE, layer_norm_type="default", layer_norm_with_affine=False, attention_layer_norm=False, attention_layer_norm_with_affine=False,
                       weight_tying=False, clip_qkv=0.5),
         "olmo2": dict(BASE, layer_norm_type="rms", layer_norm_with_affine=True, attention_layer_norm=True, attention_layer_norm_with_affine=True,
                       norm_after=True, weight_tying=False)}


def loss(model, tokens):
    logits = model(input_ids=torch.tensor([tokens])).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits.double(), torch.tensor(tokens[1:]))


def write(kind):
    torch.manual_seed(0)
    folder = HERE / kind
    shutil.rmtree(folder, ignore_errors=True)
    config = TrainConfig.new(
        model=KINDS[kind], optimizer=dict(name="adamw", learning_rate=1e-2, weight_decay=0.1, betas=(0.9, 0.95), eps=1e-8, decay_norm_and_bias=True,
                                          decay_embeddings=False),
        scheduler=dict(name="cosine_with_warmup", t_warmup=2, alpha_f=0.1), max_duration=10, global_train_batch_size=4, max_grad_norm=1.0,
        softmax_auxiliary_loss=True, auxiliary_loss_multiplier=1e-5, data=dict(paths=["a.npy", "b.npy"]))
    model = OLMo(config.model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name or "ln_f" in name:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    optimizer, scheduler = build_optimizer(config, model), build_scheduler(config)
    said = {}
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for step in range(1, 4):
        sum(loss(model, tokens) for tokens in SAMPLES).float().backward()
        for group in optimizer.param_groups:
            group["lr"] = scheduler.get_lr(config.optimizer.learning_rate, step, config.max_duration)
        optimizer.step()
        optimizer.zero_grad()
        if step == 1:
            continue
        target = folder / f"step{step}-unsharded"
        target.mkdir(parents=True)
        torch.save(model.state_dict(), target / "model.pt")
        state = optimizer.state_dict()
        if step == 3:  # by name, as FSDP's full state; step 2 has numbers, with their names beside them
            ordered = [names[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]]
            state = {"state": {ordered[i]: each for i, each in state["state"].items()},
                     "param_groups": [dict(group, params=[ordered[i] for i in group["params"]]) for group in state["param_groups"]]}
        torch.save(state, target / "optim.pt")
        torch.save({"epoch": 0, "global_step": step, "global_train_tokens_seen": 32 * step, "checkpoints": [pathlib.PosixPath("step1-unsharded")],
                    "rng": {"torch": torch.zeros(4, dtype=torch.uint8)}}, target / "train.pt")
        config.save(target / "config.yaml")
        said[step] = {"losses": [loss(model, tokens).item() for tokens in SAMPLES],
                      "next_rate": scheduler.get_lr(config.optimizer.learning_rate, step + 1, config.max_duration)}
    json.dump(said, open(folder / "said.json", "w"), indent=1)
    (folder / "samples.jsonl").write_text("".join(json.dumps({"input_ids": tokens}) + "\n" for tokens in SAMPLES))


if __name__ == "__main__":
    for each in KINDS:
        write(each)
