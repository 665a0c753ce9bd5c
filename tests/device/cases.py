"""Every engine and model on the device against the processor, and the same bits from every source of weights and number of ranks."""
import csv
import io
import pathlib
import random
import shutil
import struct
import tempfile

GOLDENS = pathlib.Path(__file__).resolve().parents[1] / "goldens"
LLAMAS = {"grouped, untied": GOLDENS / "llama/grouped_query", "tied": GOLDENS / "llama/tied"}
ROUNDING = {"fp64": 1e-11, "fp32": 1e-4, "tf32": 2e-2, "bf16": 5e-2}  # relative to the largest score


def table(machine, store, variable="psi", keep=("step_to", "id", "component")):
    """{coordinates: value} of a variable, by the program's own CSV."""
    text = machine.explaind("query", store, "--variable", variable, "--group-by", ",".join(keep), "--format", "csv")
    rows = list(csv.reader(io.StringIO(text)))
    return {tuple(row[:-1]): float(row[-1]) for row in rows[1:]}


def apart(here, there):
    """Largest distance relative to the largest value."""
    if here.keys() != there.keys():
        raise RuntimeError("the two stores hold different scores")
    return max(abs(here[key] - there[key]) for key in here) / max(max(map(abs, here.values())), 1e-300)


def write_images(folder):
    """IDX files of random images with three classes."""
    draw = random.Random(1)
    folder.mkdir()
    for name, count in (("train", 48), ("t10k", 12)):
        pixels = bytes(draw.randrange(256) for _ in range(count * 14 * 14))
        (folder / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">BBBBIII", 0, 0, 8, 3, count, 14, 14) + pixels)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">BBBBI", 0, 0, 8, 1, count) + bytes(i % 3 for i in range(count)))
    return folder


def record_runs(machine, work):
    """Tiny recorded runs of the three classifiers, made on the processor."""
    images = write_images(work / "images")
    shapes = {
        "grokking_transformer": ["--modulus", 7, "--hidden", 16, "--heads", 2, "--intermediate", 12, "--train-samples", 18, "--validation-samples", 6],
        "cnn": ["--dataset", "idx", "--data", images, "--filters", 4, "--hidden", 10],
        "resnet9": ["--dataset", "idx", "--data", images, "--filters", 4],
    }
    runs = {}
    for model, options in shapes.items():
        runs[model] = work / model
        machine.explaind("record", "--model", model, "--history", runs[model], "--batch", 12, "--max-steps", 3, "--warmup", 0,
                         "--schedule", "constant", "--seed", 3, *options)
    return runs


def engine_cases(runs):
    """(name, arguments of decompose, precisions, coordinates that are kept, variables)."""
    plain = ("step_to", "id", "component")
    for name, folder in LLAMAS.items():
        series = ["--series", folder / "series", "--samples", folder / "samples.jsonl", "--quadrature", "gauss:3"]
        yield f"Llama, {name}", series, ("fp64", "fp32", "tf32", "bf16"), plain, ("psi", "value_from")
        yield f"Llama, {name}: rows", [*series, "--component", "row"], ("fp32",), plain, ("psi",)
        yield f"Llama, {name}: heads × positions", [*series, "--component", "head", "--axes", "sample,position"], ("fp32",), (*plain, "position"), ("psi",)
        yield f"Llama, {name}: a logit", [*series, "--functional", "logit:-1:5"], ("fp32",), plain, ("psi",)
        yield f"Llama, {name}: split products", [*series, "--product-form", "split"], ("fp32",), plain, ("psi",)
    for model, run in runs.items():
        samples = ["--series", run, "--samples", "validation:0:3", "--quadrature", "gauss:3"]
        yield f"{model}: loss", samples, ("fp64", "fp32"), plain, ("psi", "value_from")
        yield f"{model}: every logit (forward mode)", [*samples, "--functional", "logit", "--axes", "sample,output"], ("fp64", "fp32"), (*plain, "output"), ("psi",)
        yield f"{model}: parts", [*samples, "--parts", "decay,rounding,data"], ("fp64",), plain, ("psi", "psi_data", "psi_decay")
    steps = GOLDENS / "optimizer_steps"
    yield ("optimizer steps", ["--source", "steps", "--series", steps / "series", "--samples", steps / "samples.jsonl", "--training-batch", steps / "train.jsonl",
                               "--batch-mean", "tokens", "--clip", "0.3", "--quadrature", "gauss:3", "--axes", "sample,train_group"],
           ("fp64", "fp32"), plain, ("psi", "psi_momentum", "psi_decay"))
    first = next(iter(LLAMAS.values()))
    yield ("single scalars (stay on the processor)", ["--series", first / "series", "--samples", first / "samples.jsonl", "--quadrature", "gauss:3",
                                                      "--component", "parameter"], ("fp32",), plain, ("psi",))


def engines(machine, rows):
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for name, arguments, precisions, keep, variables in engine_cases(record_runs(machine, work)):
            for precision in precisions:
                if precision == "tf32" and machine.rehearse:
                    continue
                row = {"case": name, "precision": precision}
                rows.append(row)
                try:
                    scores = {}  # by device and variable; a rehearsal has one device
                    for device in dict.fromkeys(("cpu", machine.device)):
                        store = work / f"{device}-{len(rows)}.h5"
                        used = "fp32" if device == "cpu" and precision == "tf32" else precision  # processors have no tf32
                        machine.explaind("decompose", *arguments, "--precision", used, "--device", device, "--store", store, "--overwrite")
                        scores |= {(device, each): table(machine, store, each, keep[:2] if each == "value_from" else keep) for each in variables}
                    errors = [apart(scores["cpu", each], scores[machine.device, each]) for each in variables]
                    row.update(error=max(errors), bound=ROUNDING[precision], ok=max(errors) <= ROUNDING[precision])
                except RuntimeError as failure:
                    row.update(ok=False, said=str(failure)[:160])


def ranks(machine, rows):
    """Resident, streamed and gathered, by one and two ranks: the scores of the first, bit for bit."""
    folder = next(iter(LLAMAS.values()))
    arguments = ["decompose", "--series", folder / "series", "--samples", folder / "samples.jsonl", "--chunk", 4, "--micro-batch", 2, "--device", machine.device]
    ways = {"resident": ["--parameters", "resident"], "streamed": ["--parameters", "streamed"]}
    with tempfile.TemporaryDirectory() as work:
        expected = None
        for count in (1, 2):
            for way, options in ways.items() if count == 1 else {**ways, "gathered": ["--parameters", "gathered", "--shards", 2]}.items():
                store = pathlib.Path(work) / f"{way}{count}.h5"
                machine.explaind(*arguments, *options, "--store", store, ranks=count)
                scores = table(machine, store)
                expected = expected or scores
                rows.append({"weights": way, "ranks": count, "apart": apart(expected, scores), "ok": scores == expected})


def sanitizer(machine, rows):
    folder = next(iter(LLAMAS.values()))
    tool = [] if machine.rehearse else [shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer", "--error-exitcode", "9"]
    if tool and not pathlib.Path(tool[0]).exists():
        rows.append({"tool": "compute-sanitizer", "said": "SKIPPED: it is not on this machine"})
        return
    with tempfile.TemporaryDirectory() as work:
        said = machine.run(*tool, machine.bundle / "explaind", "decompose", "--series", folder / "series", "--samples", folder / "samples.jsonl", "--quadrature",
                           "gauss:1", "--parameters", "streamed", "--device", machine.device, "--store", pathlib.Path(work) / "s.h5", check=False)
        errors = [line.strip() for line in said.splitlines() if "ERROR SUMMARY" in line or line.startswith("error:")]
        rows.append({"tool": tool[0] if tool else "none (rehearsal)", "said": errors[-1] if errors else "",
                     "ok": not errors or "ERROR SUMMARY: 0 errors" in errors[-1]})
