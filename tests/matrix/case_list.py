"""The cases: what is asked of the program, and with how many ranks. Paths are those of the folder in which it runs: `inputs` and `kept` beside the new files.

Decompositions come first, then what is printed of their kept stores. A case that exits with anything but 0 or 3 is a refusal, and leaves no file."""
import dataclasses
import itertools

RANKS = {"1": (0, []), "3": (3, []), "3x3": (3, ["--shards", "3"])}  # and how they share units


@dataclasses.dataclass
class Case:
    name: str
    kind: str  # decompose, refusal, or a verb that prints
    arguments: list
    ranks: int = 0
    file: str = ""  # what it leaves


def of_series(series, samples):
    return ["--series", f"inputs/{series}", "--samples", samples if "validation" in samples or "train:" in samples else f"inputs/{samples}"]


GROUPED = of_series("llama/grouped_query/series", "llama/grouped_query/samples.jsonl")
TIED = of_series("llama/tied/series", "long.jsonl")
MOVED = of_series("moved", "short.jsonl")
UNITS = "--chunk 2 --micro-batch 1"  # several for three ranks

# name: (series and samples, options, with what ranks)
GRANULARITIES = {
    "tensor": (GROUPED, "", "1"),
    "tensor_units": (GROUPED, UNITS, "1 3 3x3"),
    "tensor_fp64": (GROUPED, "--precision fp64 --tolerance 1e-8 --component tensor", "1"),
    "layer_position": (TIED, f"{UNITS} --component layer --axes sample,position", "1 3x3"),
    "kind_group": (GROUPED, f"{UNITS} --component kind --axes group", "1"),
    "head_group_position_sum": (TIED, f"{UNITS} --component head --axes group,position --group-reduce sum", "1 3x3"),
    "head_position_fp64": (TIED, f"{UNITS} --component head --axes sample,position --precision fp64", "1 3"),
    "row": (GROUPED, "--component row", "1"),
    "row_units": (TIED, f"{UNITS} --component row", "1 3"),
    "row_position": (TIED, "--component row --axes sample,position --quadrature gauss:2", "1"),
    "row_group_f32": (GROUPED, f"{UNITS} --component row --axes group --store-dtype f32", "1 3"),
    "no_samples": (GROUPED, f"{UNITS} --axes segment", "1 3"),
    "scalars": (TIED, f"{UNITS} --component parameter", "1 3"),
    "scalars_group_fp64": (GROUPED, f"{UNITS} --component parameter --axes group --precision fp64", "1"),
    "scalars_group_sum": (GROUPED, "--component parameter --axes group --group-reduce sum --micro-batch 3", "1"),
    "scalars_no_samples_f32": (GROUPED, f"{UNITS} --component parameter --axes segment --store-dtype f32", "1 3x3"),
    "scalars_summed_steps": (GROUPED, "--component parameter --steps every:2 --step-policy sum --precision fp64", "1"),
}
FUNCTIONALS = {
    "loss_sum": (GROUPED, "--functional loss_sum", "1"),
    "logit": (TIED, f"{UNITS} --functional logit:-1:5 --component row", "1 3"),
    "logit_diff": (GROUPED, "--functional logit_diff:1:5:9 --axes sample,position", "1"),
    "logprob": (TIED, f"{UNITS} --functional logprob:-1:3 --precision fp64", "1 3x3"),
    "activation_embedding": (GROUPED, "--functional activation:0:-1:4", "1"),
    "activation_block": (GROUPED, f"{UNITS} --functional activation:1:2:7 --component head", "1"),
    "activation_norm": (GROUPED, "--functional activation:3:-1:4 --component row --precision fp64", "1"),
    "scalars_logit": (GROUPED, "--functional logit:-1:5 --component parameter --quadrature gauss:3", "1"),
}
SOURCES = {
    "resident": (TIED, f"{UNITS} --parameters resident --component head", "1"),
    "streamed": (TIED, f"{UNITS} --parameters streamed --component head", "1 3x3"),
    "streamed_row_position": (GROUPED, "--parameters streamed --component row --axes sample,position --quadrature gauss:2", "1"),
    "streamed_split": (GROUPED, f"{UNITS} --parameters streamed --product-form split --precision fp64", "1"),
    "gathered": (TIED, f"{UNITS} --parameters gathered --component head", "3x3"),
    "gathered_bf16": (GROUPED, f"{UNITS} --parameters gathered --precision bf16 --component row", "3x3"),
    "gathered_logit": (GROUPED, f"{UNITS} --parameters gathered --functional logit:-1:5 --product-form formed", "3x3"),
}
PRECISIONS = {
    "bf16_formed": (TIED, f"{UNITS} --precision bf16 --product-form formed", "1"),
    "bf16_split": (TIED, f"{UNITS} --precision bf16 --product-form split --component row", "1 3"),
    "fp32_formed": (TIED, "--product-form formed --component row", "1"),
    "fp32_split": (TIED, "--product-form split --component head --axes sample,position", "1"),
    "fp64_split": (TIED, "--product-form split --precision fp64", "1"),
    "same_values": (GROUPED, f"{UNITS} --value-precision same", "1"),
    "same_values_bf16": (GROUPED, "--value-precision same --precision bf16", "1"),
    "two_threads": (GROUPED, "--threads 2 --micro-batch 5", "1"),
}
RULES = {
    "gauss_1": (GROUPED, "--quadrature gauss:1", "1"),
    "gauss_12": (GROUPED, "--quadrature gauss:12 --precision fp64", "1"),
    "midpoint_7": (GROUPED, "--quadrature midpoint:7 --component row", "1"),
    "first_3": (GROUPED, "--first-nodes 3", "1"),
    "first_9_row": (GROUPED, "--first-nodes 9 --component row", "1"),
    "capped": (GROUPED, "--max-nodes 9 --tolerance 1e-9", "1"),
    "gross": (TIED, f"{UNITS} --relative-to gross --tolerance 1e-7 --precision fp64", "1"),
    "absolute": (GROUPED, "--absolute-tolerance 1e-3", "1"),
    "limited_by_precision": (GROUPED, "--tolerance 1e-12 --absolute-tolerance 1e-14", "1"),
}
SELECTIONS = {
    **{f"{name}_{policy}": (MOVED, f"{UNITS} --steps {choice} --step-policy {policy} --precision fp64 {more}", "1")
       for name, choice, more in (("top", "top:0.4", ""), ("every", "every:2", "--component row"), ("list", "list:1|4", "--axes group"))
       for policy in ("merge", "sum", "drop")},
    "top_sum_ranks": (MOVED, f"{UNITS} --steps top:0.4 --step-policy sum", "3"),
    "all_steps": (MOVED, UNITS, "1 3 3x3"),
    "range": (MOVED, "--steps range:1:4", "1"),
}
DECAY = "--parts decay --weight-decay 0.1 --learning-rate 1e-3 --warmup 2 --max-steps 200"
PARTS_OF_SERIES = {
    "decay_cosine": (GROUPED, f"{UNITS} {DECAY} --schedule cosine --minimum-learning-rate 0.1 --decay-on matrices", "1"),
    "decay_wsd_streamed": (GROUPED, f"{DECAY} --schedule wsd --minimum-learning-rate 0.1 --decay-steps 50 --decay-on all --parameters streamed", "1"),
    "decay_triangle_row": (GROUPED, f"{DECAY} --schedule triangle --decay-on all --component row --steps every:2 --step-policy sum", "1"),
    "decay_constant": (TIED, f"{DECAY} --schedule constant --decay-on matrices --axes sample,position", "1"),
}
FORMS = {
    **{variant: (of_series(f"llama/{variant}/series", f"llama/{variant}/samples.jsonl"), "--quadrature gauss:3", "1")
       for variant in ("attention_bias", "fp16", "head_dim", "multi_query", "rope_linear", "rope_llama3", "sharded")},
    "torch_files": (of_series("torch_files", "llama/grouped_query/samples.jsonl"), "--quadrature gauss:3 --hash-inputs", "1"),
    "phases": (of_series("phases", "llama/grouped_query/samples.jsonl"), "--phases first=0,second=10 --quadrature gauss:3", "1"),
    "list": (of_series("list.txt", "llama/grouped_query/samples.jsonl"), "--quadrature gauss:3", "1"),
    "truncated": (TIED, "--max-length 8 --truncate --quadrature gauss:3", "1"),
    "texts": (of_series("text_series", "texts.jsonl"), f"{UNITS} --component head --axes sample,position", "1 3"),
}
STEP = [*of_series("optimizer_steps/series", "optimizer_steps/samples.jsonl"), "--source", "steps", "--training-batch", "inputs/optimizer_steps/train.jsonl"]
TEXT_STEP = [*of_series("text_series", "texts.jsonl"), "--source", "steps", "--training-batch", "inputs/training_texts.jsonl"]
MEAN = "--batch-mean tokens --clip 0.3 --tolerance 1e-3"
OPTIMIZER_STEPS = {
    "train_sample_fp64": (STEP, f"{MEAN} --precision fp64 --step-precision fp64 --axes sample,train_sample", "1"),
    "train_group_row": (STEP, f"{MEAN} {UNITS} --component row --axes sample,train_group", "1 3 3x3"),
    "position_train_group_head": (STEP, f"{MEAN} {UNITS} --component head --axes sample,position,train_group", "1"),
    "train_sample_only": (STEP, f"{MEAN} {UNITS} --axes train_sample", "1"),
    "group": (STEP, f"{MEAN} --axes group --precision fp64", "1"),
    "split": (STEP, f"{MEAN} {UNITS} --axes sample,train_group --product-form split", "1"),
    "streamed": (STEP, f"{MEAN} {UNITS} --axes sample,train_group --parameters streamed", "1"),
    "gathered": (STEP, f"{MEAN} {UNITS} --axes sample,train_group --parameters gathered", "3x3"),
    "unclipped_samples": (STEP, "--batch-mean samples --clip 0 --quadrature gauss:3 --functional logit:-1:5", "1"),
    "texts": (TEXT_STEP, "--batch-mean tokens --clip 1 --quadrature gauss:3 --axes sample,train_sample", "1"),
}
LOOSE = "--tolerance 1e-3 --precision fp64"  # networks with kinks


def run(name, samples="validation:0-4"):
    return of_series(name, samples)


CLASSIFIERS = {
    "loss": (run("adamw"), f"{UNITS} {LOOSE}", "1 3 3x3"),
    "loss_fp32": (run("adamw_fp32"), "--tolerance 1e-2", "1"),
    "loss_smooth": (run("gelu"), "--precision fp64 --component row", "1"),
    "loss_smooth_silu": (run("silu"), f"{UNITS} --precision fp64 --component head --axes group", "1 3"),
    "capped_kinks": (run("adamw"), "--precision fp64 --tolerance 1e-6 --max-kink-nodes 100", "1"),
    "training_samples": (run("momentum", "train:0-5"), f"{LOOSE} --component layer", "1"),
    "logits": (run("adamw"), f"{UNITS} {LOOSE} --functional logit --axes sample,output", "1 3x3"),  # forward mode
    "logits_group": (run("adamw"), f"{LOOSE} --functional logit --axes group,output --group-reduce sum", "1"),
    "logits_kind_fixed": (run("gelu"), "--precision fp64 --quadrature gauss:4 --functional logit --axes sample,output --component kind", "1"),
    "logits_row": (run("adamw"), f"{LOOSE} --functional logit --axes sample,output --component row", "1"),
    "one_logit": (run("adamw"), f"{UNITS} {LOOSE} --functional logit:2 --component head", "1"),
    "label_logit_diff": (run("nesterov"), f"{LOOSE} --functional logit_diff:label:3", "1"),
    "label_logprob": (run("nesterov"), f"{LOOSE} --functional logprob:label --component row", "1"),
    "activation": (run("adamw"), f"{LOOSE} --functional activation:linear1.weight:3", "1"),
    "activations": (run("adamw"), f"{UNITS} {LOOSE} --functional activation:linear1.weight --axes sample,output", "1 3"),
    "scalars": (run("adamw"), f"{UNITS} {LOOSE} --component parameter --functional logit_diff:label:3", "1 3x3"),
    "scalars_logits": (run("adamw"), "--precision fp64 --quadrature gauss:3 --component parameter --functional logit --axes sample,output", "1"),
    "every_sum": (run("adamw"), f"{LOOSE} --steps every:2 --step-policy sum", "1"),
    "every_merge_scalars": (run("adamw"), f"{LOOSE} --steps every:2 --component parameter", "1"),
    "top_drop": (run("adamw"), f"{LOOSE} --steps top:0.5 --step-policy drop", "1"),
    "cnn": (run("cnn", "validation"), f"{UNITS} {LOOSE} --component row", "1 3"),
    "cnn_logits": (run("cnn", "validation"), f"{LOOSE} --functional logit --axes sample,output", "1"),
    "resnet9": (run("resnet9", "validation"), "--precision fp64 --quadrature gauss:2", "1"),
    "resnet9_logits": (run("resnet9", "validation"), "--precision fp64 --quadrature midpoint:2 --functional logit --axes sample,output", "1"),
}
PARTS = "--parts decay,rounding,data --quadrature gauss:3"
LLAMA_RUN = of_series("llama_run", "short.jsonl")
PARTS_OF_RUNS = {
    **{name: (run(name), f"{PARTS} --precision fp64", "1") for name in ("adam", "momentum", "dampening")},
    "adamw": (run("adamw"), f"{PARTS} {UNITS} --precision fp64", "1 3"),
    "adamw_fp32": (run("adamw_fp32"), PARTS, "1"),
    "adam_kept_merge": (run("adam_kept"), f"{PARTS} --precision fp64 --steps every:3", "1"),
    "nesterov_sum_row": (run("nesterov"), f"{PARTS} --precision fp64 --steps every:3 --step-policy sum --component row", "1"),
    "logits": (run("adamw"), f"{PARTS} {UNITS} --precision fp64 --functional logit --axes sample,output", "1 3x3"),
    "decay_alone": (run("adamw"), f"{LOOSE} --parts decay --axes group", "1"),
    "cnn": (run("cnn", "validation"), f"{PARTS} --precision fp64", "1"),
    "llama_run": (LLAMA_RUN, f"{PARTS} {UNITS} --component head --axes sample,position", "1 3"),
    "llama_run_streamed": (LLAMA_RUN, f"{PARTS} {UNITS} --parameters streamed --precision fp64", "1"),
    "llama_run_gathered": (LLAMA_RUN, f"{PARTS} {UNITS} --parameters gathered --precision fp64", "3x3"),
}
BY = {index: f"--quadrature gauss:3 --step-index {index}" for index in ("origin", "applied")}
TRAINING_AXIS = {
    **{f"{name}_{index}": (run(name), f"{by} --precision fp64 --axes sample,train_sample", "1")
       for (index, by), name in itertools.product(BY.items(), ("adamw", "adam_kept", "nesterov"))},
    **{f"logits_{index}": (run("adamw"), f"{by} {UNITS} --precision fp64 --functional logit --axes sample,output,train_sample --parts rounding", "1 3")
       for index, by in BY.items()},
    **{f"group_sum_{index}": (run("momentum"), f"{by} --precision fp64 --axes group,train_group --group-reduce sum", "1") for index, by in BY.items()},
    **{f"range_{index}": (run("adam"), f"{by} --precision fp64 --axes train_group --steps range:2:4 --component head", "1") for index, by in BY.items()},
    **{f"{name}_{index}": (of_series(f"training_axis/{name}/run", "validation"), f"{by} --precision fp64 --axes sample,train_sample", "1")
       for (index, by), name in itertools.product(BY.items(), ("varying_adamw", "varying_sgd"))},
    **{f"llama_run_{index}": (LLAMA_RUN, f"{by} {UNITS} --axes sample,train_group --component row", "1 3") for index, by in BY.items()},
    "adaptive": (run("gelu"), "--precision fp64 --axes sample,train_sample --functional logprob:label", "1"),
    "fp32": (run("adamw_fp32"), f"{BY['origin']} --axes sample,train_sample --component row", "1"),
    "cnn_origin": (run("cnn", "validation"), f"{BY['origin']} --precision fp64 --axes sample,train_sample", "1"),
}
KINDS = {"granularity": GRANULARITIES, "functional": FUNCTIONALS, "source": SOURCES, "precision": PRECISIONS, "rule": RULES, "selection": SELECTIONS,
         "decay": PARTS_OF_SERIES, "form": FORMS, "optimizer_step": OPTIMIZER_STEPS, "classifier": CLASSIFIERS, "part": PARTS_OF_RUNS,
         "training_axis": TRAINING_AXIS}

# name: (series and samples, options, ranks)
REFUSALS = {
    "unknown_part": (GROUPED, "--parts gradient", "1"),
    "estimate_without_training": (GROUPED, "--parts decay", "1"),
    "all_logits_of_a_series": (GROUPED, "--functional logit", "1"),
    "scalars_streamed": (GROUPED, "--component parameter --parameters streamed", "3"),
    "scalars_position": (GROUPED, "--component parameter --axes sample,position", "1"),
    "steps_without_batch": (GROUPED, "--source steps", "1"),
    "steps_of_a_run": (run("adamw"), "--source steps --training-batch inputs/short.jsonl --batch-mean tokens --clip 0", "1"),
    "no_such_step": (MOVED, "--steps list:5", "1"),
    "shards_of_one": (GROUPED, "--shards 2", "1"),
    "too_little_memory": (GROUPED, "--memory 1MB", "3"),
    "training_axis_of_a_series": (GROUPED, "--axes sample,train_sample", "1"),
    "training_axis_with_every": (run("adamw"), "--axes sample,train_sample --steps every:2", "3"),
    "other_precision": (run("adamw"), "--axes sample,train_sample --precision fp32", "1"),
    "long_sample": (TIED, "--max-length 8", "3"),
    "no_such_class": (run("adamw"), "--functional logit:77", "1"),
    "no_such_weight": (run("adamw"), "--functional activation:linear9.weight:3", "1"),
    "streamed_classifier": (run("adamw"), "--parameters streamed", "1"),
    "no_such_series": (of_series("nowhere", "short.jsonl"), "", "1"),
    "split_classifier": (run("adamw"), "--product-form split", "1"),
    "tf32": (GROUPED, "--precision tf32 --device cpu", "1"),
}
# name: (arguments, what it leaves). Plans are given a memory, so that they do not depend on what is free.
PRINTED = {
    "plan_series": (["plan", *GROUPED, "--memory", "2GB"], ""),
    "plan_row_ranks": (["plan", *TIED, *"--component row --axes sample,position --ranks 4 --shards 2 --chunk 1 --memory 2GB".split()], ""),
    "plan_gathered": (["plan", *TIED, *"--ranks 2 --shards 2 --parameters gathered --evaluations 12 --memory 2GB".split()], ""),
    "plan_scalars": (["plan", *GROUPED, *"--component parameter --axes group --memory 2GB".split()], ""),
    "plan_losses": (["plan", *MOVED, *"--steps top:0.4 --memory 2GB --losses-file losses.csv".split()], "losses.csv"),
    "plan_steps": (["plan", *STEP, *f"{MEAN} --axes sample,train_sample --memory 2GB".split()], ""),
    "plan_logits": (["plan", *run("adamw"), *f"{LOOSE} --functional logit --axes sample,output --memory 2GB".split()], ""),
    "plan_training_axis": (["plan", *run("adamw"), *f"{BY['applied']} --precision fp64 --axes sample,train_sample --memory 2GB".split()], ""),
    "plan_parts": (["plan", *LLAMA_RUN, *f"{PARTS} --memory 2GB".split()], ""),
    "inspect_series": (["inspect", "inputs/llama/grouped_query/series"], ""),
    "inspect_run": (["inspect", "inputs/adamw"], ""),
    "inspect_checkpoint": (["inspect", "inputs/text_series/step-0"], ""),
    "inspect_store": (["inspect", "kept/granularity_tensor_units.3.h5", "--provenance"], ""),
    "inspect_scalars": (["inspect", "kept/granularity_scalars.1.h5"], ""),
    "inspect_training_axis": (["inspect", "kept/training_axis_adamw_applied.1.h5"], ""),
    "inspect_version1": (["inspect", "inputs/version1/training_axis.h5"], ""),
    "query_kind": (["query", "kept/granularity_row.1.h5", "--group-by", "layer,kind", "--columns", "kind"], ""),
    "query_heads": (["query", "kept/granularity_head_position_fp64.1.h5", *"--group-by layer,head --share-kv-heads --format csv".split()], ""),
    "query_top": (["query", "kept/granularity_row.1.h5", *"--group-by step_to,component --top 7 --error --format json".split()], ""),
    "query_scalars": (["query", "kept/granularity_scalars.1.h5", *"--variable parameter/model.norm.weight --group-by row --top 5".split()], ""),
    "query_training": (["query", "kept/training_axis_adamw_origin.1.h5", *"--variable psi_data --group-by train_group,kind --format csv".split()], ""),
    "query_similarity": (["query", "kept/training_axis_adamw_origin.1.h5", *"--variable psi_data --similarity train_sample --format csv".split()], ""),
    "query_array": (["query", "kept/granularity_layer_position.1.h5", *"--sum component --format npy --output array.npy".split()], "array.npy"),
    "query_version1": (["query", "inputs/version1/groups.h5", "--group-by", "group"], ""),
    "study_exactness": (["study", "exactness", "--history", "inputs/gelu", "--rules", "midpoint:3,adaptive", "--followed-samples", "4", "--threads", "1"], ""),
}


def all_cases():
    """In an order in which what a case reads is made before it."""
    for kind, named in {**KINDS, "refusal": REFUSALS}.items():
        for name, (series, options, ranks) in named.items():
            for each in ranks.split():
                count, grid = RANKS[each]
                full = f"{kind}_{name}.{each}"
                file = "" if kind == "refusal" else full + ".h5"
                store = file or "refused.h5"
                yield Case(full, kind, ["decompose", *series, "--store", store, *options.split(), *grid], count, file)
    for name, (arguments, file) in PRINTED.items():
        yield Case(name, name.split("_")[0], arguments, file=file)
