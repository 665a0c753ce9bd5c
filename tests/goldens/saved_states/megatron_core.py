"""A small training by Megatron Core itself (pip install megatron-core, 0.16.1 was used), on CPUs, saved after steps 2, 3 and 4 as torch_dist: FOLDER/iter_N, with
the config.json of the same model and losses.json, each sample's loss at every step. Run by hand; it is no part of the suite.

    python megatron_core.py FOLDER SAMPLES.jsonl fp32|fully_reshardable|dp_reshardable TENSOR_PARALLEL

`decompose --series FOLDER --samples SAMPLES.jsonl` then has these losses as value_from and value_to, and so has `--source steps --training-batch SAMPLES.jsonl
--batch-mean tokens --clip 0` at the next step: measured 3e-7 apart (fp32). Token ids below 33.
"""
import argparse
import contextlib
import json
import os
import sys

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode


class OnCpu(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if "cuda" in str(kwargs.get("device")):
            kwargs["device"] = "cpu"
        return func(*args, **kwargs)


def train(rank, folder, file, kind, parallel):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29513", RANK=str(rank), WORLD_SIZE="2")
    dist.init_process_group("gloo", rank=rank, world_size=2)
    torch.cuda.synchronize = lambda *a: None
    torch.cuda.current_device = lambda: torch.device("cpu")
    torch.cuda.is_available = lambda: False
    torch.cuda.FloatTensor, torch.cuda.IntTensor = torch.FloatTensor, torch.IntTensor
    torch.Tensor.cuda = lambda self, *a, **k: self
    kind_of = torch.Tensor.type
    torch.Tensor.type = lambda self, *a, **k: kind_of(self, *a, **k) if a or k else kind_of(self).replace("cuda.", "").replace("torch.", "torch.cuda.")  # its optimizer asks for it
    OnCpu().__enter__()
    import megatron.core.tensor_parallel.random as random
    from megatron.core import dist_checkpointing, parallel_state
    from megatron.core.distributed import DistributedDataParallel, DistributedDataParallelConfig
    from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
    from megatron.core.models.gpt.gpt_model import GPTModel
    from megatron.core.optimizer import OptimizerConfig, get_megatron_optimizer
    from megatron.core.transformer.transformer_config import TransformerConfig
    random.CudaRNGStatesTracker.fork = lambda self, *a, **k: contextlib.nullcontext()
    parallel_state.initialize_model_parallel(parallel, 1)
    torch.manual_seed(0)
    config = TransformerConfig(num_layers=2, hidden_size=16, ffn_hidden_size=24, num_attention_heads=4, num_query_groups=2, use_cpu_initialization=True,
                               normalization="RMSNorm", gated_linear_unit=True, activation_func=F.silu, add_bias_linear=False, tensor_model_parallel_size=parallel,
                               bias_activation_fusion=False, attention_dropout=0.0, hidden_dropout=0.0)
    model = GPTModel(config, get_gpt_layer_local_spec(normalization="RMSNorm"), vocab_size=40, max_sequence_length=64, position_embedding_type="rope",
                     share_embeddings_and_output_weights=False, parallel_output=False)
    distributed = kind != "fp32"
    model = DistributedDataParallel(config, DistributedDataParallelConfig(use_distributed_optimizer=distributed, bucket_size=100), model)
    optimizer = get_megatron_optimizer(OptimizerConfig(optimizer="adam", lr=0.01, weight_decay=0.1, adam_beta1=.9, adam_beta2=.95, adam_eps=1e-6,
                                                       use_distributed_optimizer=distributed, params_dtype=torch.float32, clip_grad=0.0), [model])
    groups = [group for each in optimizer.chained_optimizers for group in each.optimizer.param_groups]
    samples = [torch.tensor([json.loads(line)["input_ids"]]) for line in open(file, encoding="utf-8")]

    def losses(reduction):
        for ids in samples:
            length = ids.shape[1]
            mask = torch.triu(torch.ones(length, length, dtype=torch.bool), 1)[None, None]
            logits = model(ids, torch.arange(length)[None], mask)
            yield F.cross_entropy(logits[0, :-1, :33].float(), ids[0, 1:], reduction=reduction)

    said = {}
    for step in range(5):
        if step:
            for group in groups:  # as Megatron's scheduler of both does it
                group.update(weight_decay=0.1 * group["wd_mult"], lr=0.01 / step)
            model.zero_grad_buffer()
            optimizer.zero_grad()
            (sum(losses("sum")) / sum(ids.shape[1] - 1 for ids in samples)).backward()
            model.finish_grad_sync()
            optimizer.step()
            for group in groups:
                group.update(lr=0.01 / (step + 1))
        with torch.no_grad():
            said[step] = [loss.item() for loss in losses("mean")]
        if step >= 2:
            target = f"{folder}/iter_{step:07d}"
            os.makedirs(target, exist_ok=True)
            arguments = argparse.Namespace(num_layers=2, num_attention_heads=4, num_query_groups=2, group_query_attention=True, rotary_interleaved=False)
            state = optimizer.sharded_state_dict(model.module.sharded_state_dict(prefix=""), metadata={"distrib_optim_sharding_type": kind} if distributed else {})
            dist_checkpointing.save({**model.module.sharded_state_dict(prefix=""), "optimizer": state, "args": arguments, "iteration": step}, target)
    if rank == 0:
        with open(f"{folder}/losses.json", "w", encoding="utf-8") as out:
            json.dump(said, out)
        with open(f"{folder}/config.json", "w", encoding="utf-8") as out:
            json.dump(dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
                           num_key_value_heads=2, vocab_size=33, max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False,
                           hidden_act="silu"), out)
    dist.destroy_process_group()


if __name__ == "__main__":
    torch.multiprocessing.spawn(train, (sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])), nprocs=2)
