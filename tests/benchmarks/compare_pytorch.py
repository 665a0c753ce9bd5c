#!/usr/bin/env python3
"""explaind against PyTorch and Hugging Face on the same machine in the same run.

  evaluation     one gradient evaluation with all sample × tensor scores (and rows × samples, samples × positions) against forward + backward of a
                 mean loss in PyTorch, for a Llama of hidden 512 and 8 layers: 8 × 256 and 64 × 32 tokens. Interleaved, medians.
                   … evaluation --series build/compare --bench build/release/evaluation_benchmark [--family gpt_neox]
                 BENCH is called as `BENCH --series DIR --samples FILE --component tensor|row --axes LIST --threads N --evaluations N` and prints
                 JSON {"seconds_per_evaluation": [...]} on its standard output.
  decomposition  a whole series: PyTorch with the paper's 100 midpoint nodes and a loop over samples, in fp32, against `explaind decompose` at its
                 defaults; errors of both against `explaind decompose --precision fp64 --tolerance 1e-8`.
                   … decomposition --series build/quickstart/series --samples build/quickstart/held_out.jsonl --work build/compare
                       [--explaind build/release/explaind] [--launch "launch/run.sh -n 2"] [--segments 0,5,11]

  model          one gradient evaluation of a series and samples of yours, as `explaind decompose` pays it: the slope of its time between two
                 fixed numbers of nodes of one segment, so that start-up, values at checkpoints and the store fall out; against PyTorch's forward +
                 backward of the same batch. Bound 1.05 at four samples of 96 tokens of a 135M model.
                   … model --series DIR --steps 4,8 --samples FILE --work build/compare --explaind build/release/explaind

Run with build/deps/venv/bin/python (launch/setup.sh --tests). Tables in Markdown go to the standard output.
"""
import argparse
import json
import os
import pathlib
import random
import shlex
import statistics
import subprocess
import sys
import time

import numpy
import torch
import transformers

import loading
import llama_float64 as reference

SHAPES = {"8 × 256": (8, 256, 1.15), "64 × 32": (64, 32, 1.25)}  # samples, tokens, allowed ratio
STREAMED = "sample × tensor, streamed (8 nodes share a block)"
CASES = {"sample × tensor": ("--component", "tensor", "--axes", "sample"), "sample × row": ("--component", "row", "--axes", "sample"),
         "sample × position × tensor": ("--component", "tensor", "--axes", "sample,position"),
         STREAMED: ("--component", "tensor", "--axes", "sample", "--parameters", "streamed", "--nodes", "8")}
ALLOWED_STREAMED = 1.5  # four products instead of three


def progress(text):
    print(text, file=sys.stderr, flush=True)


def open_model(directory, attention="sdpa"):
    return transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation=attention)


def machine(threads):
    with open("/proc/cpuinfo") as file:
        name = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown CPU")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True,
                            cwd=pathlib.Path(__file__).parent).stdout.strip()
    return (f"{time.strftime('%Y-%m-%d')}, {name}, {threads} threads, PyTorch {torch.__version__}, transformers {transformers.__version__}, "
            f"commit {commit or 'unknown'}")


# ---- one evaluation ---------------------------------------------------------------------------------------------------------------------

# What a family has beside the sizes of the benchmark's model.
FAMILIES = {"llama": {"num_key_value_heads": 4}, "qwen3": {"num_key_value_heads": 4, "head_dim": 64}, "olmo2": {}, "gpt_neox": {"rotary_pct": 0.25},
            "gpt2": {"n_embd": 512, "n_layer": 8, "n_head": 8, "n_inner": 1408, "n_positions": 512}}


def config_of(family):
    sizes = {"vocab_size": 8192, "hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 8, "num_attention_heads": 8,
             "max_position_embeddings": 512, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    own = {key: value for key, value in sizes.items() if family != "gpt2" or key in ("vocab_size", "bos_token_id", "eos_token_id")}
    return transformers.AutoConfig.for_model(family, **(own | FAMILIES[family]))


def write_benchmark_series(folder, family):
    """Two fp32 checkpoints of the benchmark's model and a samples file per shape; kept between runs."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "made").exists():
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(config_of(family))
        model.save_pretrained(folder / "series" / "step-0")
        for p in model.parameters():
            p.data += 0.003 * torch.randn_like(p)
        model.save_pretrained(folder / "series" / "step-1")
        rng = random.Random(0)
        for count, length, _ in SHAPES.values():
            lines = [json.dumps({"id": str(i), "input_ids": [rng.randrange(8192) for _ in range(length)]}) for i in range(count)]
            (folder / f"samples-{count}x{length}.jsonl").write_text("\n".join(lines) + "\n")
        (folder / "made").touch()


def timed(function, repeats):
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return seconds


class PyTorchPasses:
    """What PyTorch is timed at, on one batch of equally long samples."""

    def __init__(self, model, ids):
        self.model, self.ids = model, ids
        self.delta = {n: torch.full_like(p, 1e-3) for n, p in model.named_parameters()}

    def forward(self):
        with torch.no_grad():
            self.model(input_ids=self.ids, labels=self.ids)

    def forward_backward(self):
        self.model.zero_grad(set_to_none=True)
        self.model(input_ids=self.ids, labels=self.ids).loss.backward()

    def loop_over_samples(self):
        """Sample × tensor scores the only way autograd gives them: one backward pass each."""
        for sample in self.ids:
            self.model.zero_grad(set_to_none=True)
            self.model(input_ids=sample[None], labels=sample[None]).loss.backward()
            for name, p in self.model.named_parameters():
                torch.dot(p.grad.flatten(), self.delta[name].flatten())


def run_bench(args, samples, options):
    command = [args.bench, "--series", str(args.series / "series"), "--samples", str(samples), *options,
               "--threads", str(args.threads), "--evaluations", str(args.evaluations)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": str(args.threads)})
    if done.returncode != 0:
        raise SystemExit(f"failed with {done.returncode}: {shlex.join(command)}")
    return json.loads(done.stdout)["seconds_per_evaluation"]


def measure_shape(args, model, shape):
    count, length, _ = SHAPES[shape]
    samples = args.series / f"samples-{count}x{length}.jsonl"
    passes = PyTorchPasses(model, torch.tensor([json.loads(line)["input_ids"] for line in samples.read_text().splitlines()]))
    functions = {"PyTorch forward": passes.forward, "PyTorch forward + backward": passes.forward_backward,
                 "PyTorch sample × tensor (loop over samples)": passes.loop_over_samples}
    seconds = {name: [] for name in (*functions, *CASES)}
    passes.forward_backward()  # warm-up
    for round_number in range(args.rounds):
        for name, function in functions.items():
            if "loop" not in name:
                seconds[name] += timed(function, args.evaluations)
            elif round_number == 0 and not args.case:  # slow, and only for comparison
                seconds[name] += timed(function, 1)
        model.zero_grad(set_to_none=True)
        for name, options in CASES.items():
            seconds[name] += run_bench(args, samples, options) if args.bench and name in (args.case or CASES) else []
        progress(f"{shape}: round {round_number + 1} of {args.rounds}")
    return {name: values for name, values in seconds.items() if values}


def evaluation(args):
    write_benchmark_series(args.series, args.family)
    model = open_model(args.series / "series" / "step-0")
    print(f"One evaluation, {args.family}, fp32, hidden 512, 8 layers, vocabulary 8,192. {machine(args.threads)}; median of {args.rounds} interleaved rounds.\n")
    print("| tokens | what | median s | fastest–slowest s | ratio to forward + backward | allowed |\n|---|---|---|---|---|---|")
    for shape, (_, _, allowed) in SHAPES.items():
        if shape not in (args.shape or SHAPES):
            continue
        measured = measure_shape(args, model, shape)
        unit = statistics.median(measured["PyTorch forward + backward"])
        for name, seconds in measured.items():
            median, ours = statistics.median(seconds), name in CASES
            print(f"| {shape} | {'explaind, ' if ours else ''}{name} | {median:.3f} | {min(seconds):.3f}–{max(seconds):.3f} | "
                  f"{median / unit:.2f} | {(ALLOWED_STREAMED if name == STREAMED else allowed) if ours else ''} |", flush=True)


# ---- one evaluation of a model of yours ---------------------------------------------------------------------------------------------------

def seconds_of_decompose(args, nodes):
    command = [args.explaind, "decompose", "--series", args.pair, "--samples", args.samples, "--store", args.work / "slope.h5", "--overwrite",
               "--component", "tensor", "--axes", "sample", "--quadrature", f"gauss:{nodes}", "--threads", args.threads,
               *shlex.split(args.decompose_options)]
    command = [str(part) for part in command]
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": str(args.threads)})
    if done.returncode not in (0, 3):
        raise SystemExit(f"failed with {done.returncode}: {shlex.join(command)}\n{done.stdout}")
    return time.perf_counter() - start


def link_pair(args):
    """A folder with the two checkpoints alone, so that there is one segment."""
    steps, checkpoints = zip(*reference.list_checkpoints(args.series))
    chosen = [int(step) for step in args.steps.split(",")]
    args.pair = args.work / f"pair-{args.series.resolve().parent.name}-{args.steps.replace(',', '-')}"
    args.pair.mkdir(parents=True, exist_ok=True)
    for step in chosen:
        link = args.pair / f"checkpoint-{step}"
        if not link.exists():
            link.symlink_to(pathlib.Path(checkpoints[steps.index(step)]).resolve())
    return args.pair / f"checkpoint-{chosen[0]}"


def model_slope(args):
    model = open_model(link_pair(args))
    ids = torch.tensor([json.loads(line)["input_ids"] for line in args.samples.read_text().splitlines()])
    passes, pytorch, slopes = PyTorchPasses(model, ids), [], []
    passes.forward_backward()  # warm-up
    for round_number in range(args.rounds):
        pytorch += timed(passes.forward_backward, args.evaluations)
        few, many = (seconds_of_decompose(args, nodes) for nodes in (args.few, args.many))
        slopes.append((many - few) / (args.many - args.few))
        progress(f"round {round_number + 1} of {args.rounds}: PyTorch {pytorch[-1]:.2f} s, explaind {slopes[-1]:.2f} s an evaluation")
    print(f"{ids.shape[0]} × {ids.shape[1]} tokens, {sum(p.numel() for p in model.parameters()) / 1e6:.0f}M parameters, fp32, steps {args.steps}, "
          f"gauss:{args.few} to gauss:{args.many}. {machine(args.threads)}; median (fastest–slowest) of {args.rounds} interleaved rounds.\n")
    unit, ours = statistics.median(pytorch), statistics.median(slopes)
    print(f"PyTorch forward + backward {unit:.3f} s ({min(pytorch):.3f}–{max(pytorch):.3f}), explaind {ours:.3f} s ({min(slopes):.3f}–"
          f"{max(slopes):.3f}): {ours / unit:.2f} times PyTorch's.")


# ---- a whole decomposition --------------------------------------------------------------------------------------------------------------

def explaind_store(args, name, *options):
    """The store WORK/NAME and the wall time of the program that made it (None where it was there already)."""
    path = args.work / name
    if not args.explaind:
        return loading.Store(path), None
    command = [*shlex.split(args.launch), args.explaind, "decompose", "--series", args.series, "--samples", args.samples, "--store", path,
               "--component", "tensor", "--axes", "sample", "--overwrite", *options]
    command = [str(part) for part in command]
    progress(shlex.join(command))
    threads = max(1, args.threads // args.ranks)
    start = time.perf_counter()
    code = subprocess.run(command, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": str(threads)}).returncode
    if code not in (0, 3):
        raise SystemExit(f"failed with {code}: {shlex.join(command)}")
    return loading.Store(path), time.perf_counter() - start


class MidpointDecomposition:
    """Ψ per sample and tensor of one segment by the paper's method: midpoint nodes, one backward pass per sample and node, fp32."""

    def __init__(self, start, end, samples, nodes):
        self.model, self.nodes = open_model(start), nodes
        self.start = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self.end = {n: p.detach() for n, p in open_model(end).named_parameters()}
        self.delta = {n: self.end[n] - p for n, p in self.start.items()}
        self.samples = [(torch.tensor([s["input_ids"]]), torch.tensor([s["labels"]])) for s in samples]

    def set_weights(self, weights):
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                p.copy_(weights[name])

    def values(self, weights):
        """F per sample, summed in float64 from fp32 logits, so that the residual shows the quadrature."""
        self.set_weights(weights)
        with torch.no_grad():
            return numpy.array([torch.nn.functional.cross_entropy(self.model(input_ids=ids).logits[0, :-1].double(), labels[0, 1:]).item()
                                for ids, labels in self.samples])

    def run(self):
        """psi [samples, tensors]."""
        psi = numpy.zeros((len(self.samples), len(self.delta)))
        with torch.no_grad():
            for node in range(self.nodes):
                t = (node + 0.5) / self.nodes
                for name, p in self.model.named_parameters():
                    torch.add(self.start[name], self.delta[name], alpha=t, out=p.data)
                with torch.enable_grad():
                    for s in range(len(self.samples)):
                        psi[s] += self.sample_scores(s)
        return psi / self.nodes

    def sample_scores(self, s):
        ids, labels = self.samples[s]
        self.model.zero_grad(set_to_none=True)
        self.model(input_ids=ids, labels=labels).loss.backward()
        return [torch.dot(p.grad.flatten(), self.delta[name].flatten()).item() for name, p in self.model.named_parameters()]


def compare_segment(args, segment, checkpoints, samples, ours, exact):
    """A row of the table, as a dict."""
    paper = MidpointDecomposition(checkpoints[segment], checkpoints[segment + 1], samples, args.nodes)
    paper.set_weights(paper.start)
    paper.sample_scores(0)  # warm-up
    start = time.perf_counter()
    psi = paper.run()
    value_from, value_to = paper.values(paper.start), paper.values(paper.end)
    seconds = time.perf_counter() - start
    for name, store in (("explaind", ours), ("reference", exact)):
        apart = max(numpy.abs(value_from - store.value_from[segment]).max(), numpy.abs(value_to - store.value_to[segment]).max())
        if apart > 1e-4:
            raise SystemExit(f"segment {segment}: the losses of PyTorch and of the store ({name}) are {apart:.1e} apart: other tokens or weights")
    truth = exact.psi[segment][:, [exact.tensors.index(n) for n in paper.delta]]
    own = ours.psi[segment][:, [ours.tensors.index(n) for n in paper.delta]]
    return {"seconds": seconds, "own_seconds": ours.seconds[segment].sum(), "nodes": ours.nodes[segment].mean(),
            "change": numpy.abs(value_to - value_from).max(), "residual": numpy.abs(value_to - value_from - psi.sum(1)).max(),
            "own_residual": numpy.abs(ours.residual[segment]).max(), "error": numpy.abs(psi - truth).max(), "own_error": numpy.abs(own - truth).max()}


def decomposition(args):
    args.work.mkdir(parents=True, exist_ok=True)
    steps, checkpoints = zip(*reference.list_checkpoints(args.series))
    samples, count = loading.load_samples(args.samples, checkpoints[-1]), len(checkpoints) - 1
    chosen = [int(s) for s in args.segments.split(",")] if args.segments else list(range(count))
    exact, _ = explaind_store(args, "reference-fp64.h5", "--precision", "fp64", "--tolerance", "1e-8")
    ours, wall = explaind_store(args, "explaind.h5", *shlex.split(args.decompose_options))
    for name, store in (("explaind.h5", ours), ("reference-fp64.h5", exact)):
        store.require_same_samples(args.work / name, samples, count)
    rows = {}
    for segment in chosen:
        rows[segment] = compare_segment(args, segment, checkpoints, samples, ours, exact)
        progress(f"segment {segment}: PyTorch {rows[segment]['seconds']:.1f} s ({len(rows)} of {len(chosen)})")
    print(f"{count} segments, {len(samples)} samples of {min(len(s['input_ids']) for s in samples)} to {max(len(s['input_ids']) for s in samples)} "
          f"tokens. {machine(args.threads)}. Errors are the largest over samples (and tensors), in nats; the reference is fp64 at 1e-8 (its largest "
          f"residual {numpy.abs(exact.residual).max():.0e}).\n")
    print("| segment | largest \\|ΔF\\| | PyTorch s | explaind s | residual, PyTorch | explaind | error of Ψ, PyTorch | explaind | "
          "evaluations a sample, PyTorch | explaind |\n|" + "---|" * 10)
    for s, r in rows.items():
        print(f"| {steps[s]} → {steps[s + 1]} | {r['change']:.2g} | {r['seconds']:.1f} | {r['own_seconds']:.2f} | {r['residual']:.1e} | "
              f"{r['own_residual']:.1e} | {r['error']:.1e} | {r['own_error']:.1e} | {args.nodes} | {r['nodes']:.1f} |")
    close(args, rows, count, ours, wall)


def close(args, rows, count, ours, wall):
    spent = sum(r["seconds"] for r in rows.values())
    total = spent * count / len(rows)
    how = "" if len(rows) == count else f" (extrapolated from {len(rows)} of {count} segments, {spent:.0f} s, at equal cost a segment)"
    own = wall if wall is not None else ours.seconds.sum() / args.ranks
    what = "the whole program, start-up and store included" if wall is not None else f"units' seconds over {args.ranks} ranks, start-up left out"
    print(f"\nPyTorch {total:.1f} s{how}, explaind {own:.1f} s ({what}): **{total / own:.1f} times faster**.")
    for name, theirs, mine in (("residual", "residual", "own_residual"), ("error of Ψ", "error", "own_error")):
        larger = [s for s, r in rows.items() if r[mine] >= r[theirs]]
        print(f"explaind's {name} is the smaller one on " + ("every segment." if not larger else f"all segments but {larger}."))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(required=True)
    one = parts.add_parser("evaluation", help="one gradient evaluation")
    one.add_argument("--series", type=pathlib.Path, required=True, help="folder for the benchmark's series and samples (260 MB, kept)")
    one.add_argument("--bench", help="the C++ side; without it only PyTorch is timed")
    one.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    one.add_argument("--evaluations", type=int, default=3, help="evaluations a round (default 3)")
    one.add_argument("--family", choices=sorted(FAMILIES), default="llama", help="whose shape the model has (default llama)")
    one.add_argument("--shape", action="append", choices=SHAPES, help="only this one; may be repeated (default: all)")
    one.add_argument("--case", action="append", choices=CASES, help="only this one, without the loop over samples; may be repeated (default: all)")
    one.set_defaults(run=evaluation)
    whole = parts.add_parser("decomposition", help="a whole decomposition")
    whole.add_argument("--series", type=pathlib.Path, required=True)
    whole.add_argument("--samples", type=pathlib.Path, required=True)
    whole.add_argument("--work", type=pathlib.Path, required=True, help="folder of the stores explaind.h5 and reference-fp64.h5")
    whole.add_argument("--explaind", help="the program; without it WORK's stores are taken as they are")
    whole.add_argument("--launch", default="", help="words in front of the program, as `mpirun -n 2`")
    whole.add_argument("--ranks", type=int, default=1, help="ranks that --launch starts; each gets threads / ranks (default 1)")
    whole.add_argument("--decompose-options", default="", help="more options of the compared (not the reference) run")
    whole.add_argument("--segments", help="comma list of the segments that PyTorch does (default: all); the total is extrapolated and says so")
    whole.add_argument("--nodes", type=int, default=100, help="midpoint nodes of PyTorch (default 100, the paper's)")
    whole.set_defaults(run=decomposition)
    model = parts.add_parser("model", help="one gradient evaluation of your model, by the slope of decompose")
    model.add_argument("--series", type=pathlib.Path, required=True)
    model.add_argument("--steps", required=True, help="the two steps between which it is decomposed, as 4,8")
    model.add_argument("--samples", type=pathlib.Path, required=True, help="JSON Lines of equally long input_ids")
    model.add_argument("--work", type=pathlib.Path, required=True, help="folder of the store and of links to the two checkpoints")
    model.add_argument("--explaind", required=True, help="the program")
    model.add_argument("--decompose-options", default="", help="more options of the program")
    model.add_argument("--few", type=int, default=5, help="nodes of the shorter run (default 5)")
    model.add_argument("--many", type=int, default=15, help="nodes of the longer run (default 15)")
    model.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default 3)")
    model.add_argument("--evaluations", type=int, default=3, help="PyTorch's evaluations a round (default 3)")
    model.set_defaults(run=model_slope)
    for part in (one, whole, model):
        part.add_argument("--threads", type=int, default=2, help="threads of each side (default 2)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    args.run(args)


if __name__ == "__main__":
    main()
