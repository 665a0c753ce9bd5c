"""decompose of a run that PyTorch recorded, with its training samples as an axis: psi_data is the golden influence tensor by origin step and by the step
applied, element by element, also where every hyper-parameter changes from step to step; parts add up to psi; groups of training samples and of prediction
samples are sums; ranges of steps, whose past is momentum; the store is the same for any number of ranks and after a resume; what does not go together is
refused."""
import json
import pathlib
import re
import sys
import tempfile

import h5py
import numpy
from safetensors.numpy import load_file

from program import SOURCE, must, run
from store_contents import contents, texts

GOLDENS = SOURCE / "tests/goldens/training_axis"
RULE = ["--quadrature", "gauss:12", "--precision", "fp64", "--functional", "logit"]


def decompose(name, store, *more, ranks=0, axes="sample,output,train_sample"):
    return run("decompose", "--series", GOLDENS / name / "run", "--samples", "validation", "--store", store, "--axes", axes, "--parts", "rounding", *RULE, *more,
               ranks=ranks)


def expect_close(found, expected, what):
    allowed = 1e-9 * abs(expected) + 1e-14 * abs(expected).max()
    assert found.shape == expected.shape, (what, found.shape, expected.shape)
    assert (abs(found - expected) <= allowed).all(), (what, abs(found - expected).max())


def expect_golden(name, folder):
    store, golden = folder / f"{name}.h5", load_file(GOLDENS / name / "gamma.safetensors")
    must(decompose(name, store))
    with h5py.File(store) as file:
        data, decay, psi = file["psi_data"][()], file["psi_decay"][()], file["psi"][()]  # s x c k j, s x c j, s x c j
        assert file["psi_data"].attrs["step_index"] in ("origin", b"origin")
        residual, change = file["residual"][()], file["value_to"][()] - file["value_from"][()]
    steps, samples, components, train, outputs = data.shape
    origin = golden["origin"].reshape(samples, outputs, steps, train, components).transpose(2, 0, 4, 3, 1)
    expect_close(data, origin, name)
    if golden["origin_decay"].any():
        expect_close(decay, golden["origin_decay"].reshape(samples, outputs, steps, components).transpose(2, 0, 3, 1), name)
    expect_close(psi.sum(axis=0), data.sum(axis=(0, 3)) + decay.sum(axis=0), f"{name}: parts add up over the steps")
    expect_close(change, psi.sum(axis=2) + residual, f"{name}: residual")
    return data


def expect_parts(name, folder):
    """The parts of every step beside the whole (engine A with directions) are the golden's updates times its integrals."""
    golden, sizes = load_file(GOLDENS / name / "gamma.safetensors"), [numpy.prod(shape) for shape in shapes_of(name)]
    store = folder / "parts.h5"
    must(run("decompose", "--series", GOLDENS / name / "run", "--samples", "validation", "--store", store, "--axes", "sample,output", "--parts", "data,decay",
             "--overwrite", *RULE))
    with h5py.File(store) as file:
        for variable, update in [("psi_data", golden["update"].sum(axis=1)), ("psi_decay", golden["decay"])]:
            scores = golden["gradient"] * update[None]  # f s D
            by_tensor = numpy.stack([block.sum(axis=2) for block in numpy.split(scores, numpy.cumsum(sizes)[:-1], axis=2)], axis=2)
            samples, outputs = file[variable].shape[1], file[variable].shape[3]
            expected = by_tensor.reshape(samples, outputs, *by_tensor.shape[1:]).transpose(2, 0, 3, 1)
            expect_close(file[variable][()], expected, f"{name}: {variable} of --parts")


def parts_of(path):
    """psi, psi_data summed over training samples, and the other parts of a store: s x c j."""
    with h5py.File(path) as file:
        return (file["psi"][()], file["psi_data"][()].sum(axis=-2),
                {name: file[name][()] for name in ["psi_decay", "psi_momentum", "psi_rounding"] if name in file})


def expect_applied(name, folder):
    """Γ(s, k) = update · gradient of the golden, by the step that applied it; the parts add up in every step."""
    store, golden = folder / f"{name}-applied.h5", load_file(GOLDENS / name / "gamma.safetensors")
    must(decompose(name, store, "--step-index", "applied"))
    with h5py.File(store) as file:
        data = file["psi_data"][()]
        for variable, index in [("psi_data", "applied"), ("psi_decay", "applied"), ("psi_rounding", "applied")]:
            assert file[variable].attrs["step_index"] in (index, index.encode()), variable
        assert "psi_momentum" not in file
    steps, samples, components, train, outputs = data.shape
    gamma = golden["update"][None] * golden["gradient"][:, :, None]  # f s k D
    sizes = [numpy.prod(shape) for shape in shapes_of(name)]
    expected = numpy.stack([block.sum(axis=3) for block in numpy.split(gamma, numpy.cumsum(sizes)[:-1], axis=3)], axis=3)
    expect_close(data, expected.reshape(samples, outputs, steps, train, components).transpose(2, 0, 4, 3, 1), f"{name}: applied")
    psi, summed, others = parts_of(store)
    missing = psi - summed - sum(others.values())
    assert abs(missing).max() <= 1e-13 * abs(psi).max(), (name, abs(missing).max())
    assert 0 < abs(others["psi_rounding"]).max() < 1e-12 * abs(psi).max()
    origin_psi, origin_data, origin_others = parts_of(folder / f"{name}.h5")
    expect_close(summed.sum(axis=0), origin_data.sum(axis=0), f"{name}: both indices, in the sum over steps")
    missing = (origin_psi - origin_data - sum(origin_others.values()))
    assert abs(missing.sum(axis=0)).max() <= 1e-13 * abs(psi).max()
    assert abs(missing).max() > 1e-4 * abs(psi).max(), "by origin the parts of one step do not add up"


def shapes_of(name):
    return [parameter["shape"] for parameter in json.loads((GOLDENS / name / "run/run.json").read_text())["parameters"]]


def expect_groups(name, data, folder):
    labels = load_file(GOLDENS / name / "run/data.safetensors")["train/labels"]
    for index in ["origin", "applied"]:
        store = folder / f"groups-{index}.h5"
        must(decompose(name, store, "--step-index", index, axes="sample,output,train_group"))
        with h5py.File(store) as file:
            names = texts(file["train_group"])
            found = file["psi_data"][()]
        whole = data if index == "origin" else h5py.File(folder / f"{name}-applied.h5")["psi_data"][()]
        assert sorted(names) == sorted({str(label) for label in labels}), names
        for i, group in enumerate(names):
            expect_close(found[:, :, :, i], whole[:, :, :, labels == int(group)].sum(axis=3), f"group {group}")


def expect_prediction_groups(name, folder):
    """Axes group, and none: a group's mean or sum, all samples' sum; certificates stay those of the samples."""
    labels = load_file(GOLDENS / name / "run/data.safetensors")["validation/labels"]
    for index, whole in [("origin", folder / f"{name}.h5"), ("applied", folder / f"{name}-applied.h5")]:
        for axes, how in [("group,output,train_sample", "mean"), ("group,output,train_sample", "sum"), ("output,train_sample", "sum")]:
            store = folder / "reduced.h5"
            must(decompose(name, store, "--overwrite", "--step-index", index, "--group-reduce", how, "--chunk", "1", axes=axes))
            with h5py.File(store) as file, h5py.File(whole) as each:
                for variable in ["residual", "value_from", "value_to", "node_count", "tolerance_met"]:
                    assert numpy.allclose(file[variable][()], each[variable][()], rtol=0, atol=1e-13), (variable, axes)
                groups = list(dict.fromkeys(labels)) if "group" in axes else [None]
                for variable in ["psi", "psi_data", "psi_decay", "psi_rounding"]:
                    for i, group in enumerate(groups):
                        members = each[variable][()][:, [group in (None, label) for label in labels]]
                        expected = members.mean(axis=1) if how == "mean" else members.sum(axis=1)
                        found = file[variable][()][:, i] if "group" in axes else file[variable][()]
                        assert abs(found - expected).max() <= 1e-9 * abs(expected).max() + 1e-16, (variable, axes, how, index)


def expect_range(name, folder):
    """Steps 4 to 8 alone: what came before is psi_momentum, by the step applied; the parts add up; psi is that of the whole run."""
    golden = load_file(GOLDENS / name / "gamma.safetensors")
    whole, summed = parts_of(folder / f"{name}.h5")[0], {}
    for index in ["origin", "applied"]:
        store = folder / f"{name}-range-{index}.h5"
        must(decompose(name, store, "--step-index", index, "--steps", "range:4:8"))
        with h5py.File(store) as file:
            assert list(file["step_from"][()]) == [4, 5, 6, 7, 8] and list(file["step_to"][()]) == [5, 6, 7, 8, 9]
            data = file["psi_data"][()]
        psi, over_samples, others = parts_of(store)
        assert abs(psi - whole[4:9]).max() <= 1e-15
        missing = psi - over_samples - sum(others.values())
        assert abs(missing if index == "applied" else missing.sum(axis=0)).max() <= 1e-13 * abs(psi).max(), (index, abs(missing).max())
        assert abs(others["psi_momentum"][0]).max() > 1e-3 * abs(psi[0]).max()
        summed[index] = {"psi_data": data.sum(axis=0), **{key: value.sum(axis=0) for key, value in others.items()}}
        if index == "origin":
            steps, samples, components, train, outputs = data.shape
            origin = golden["origin_range"].reshape(samples, outputs, 12, train, components).transpose(2, 0, 4, 3, 1)
            expect_close(data, origin[4:9], f"{name}: range")
            if name == "adamw":  # its decay does not go through momentum
                expect_close(others["psi_momentum"].sum(axis=0), origin[:4].sum(axis=(0, 3)), "momentum is what earlier steps did in the range")
    for key, value in summed["origin"].items():
        assert abs(value - summed["applied"][key]).max() <= 1e-9 * abs(value).max() + 1e-15, key
    must(run("decompose", "--series", GOLDENS / name / "run", "--samples", "validation", "--overwrite", "--store", folder / "plain.h5", "--axes", "sample,output", *RULE,
             "--steps", "range:4:8"))
    with h5py.File(folder / "plain.h5") as file:
        assert abs(file["psi"][()] - whole[4:9]).max() <= 1e-12 and list(file["step_from"][()]) == [4, 5, 6, 7, 8]


def expect_same_for_any_ranks(name, folder):
    for index in ["origin", "applied"]:
        more = ["--chunk", "1", "--step-index", index]
        for ranks in range(1, 4):
            must(decompose(name, folder / f"{ranks}.h5", *more, "--overwrite", ranks=ranks if ranks > 1 else 0))
            assert contents(folder / "1.h5") == contents(folder / f"{ranks}.h5"), (index, ranks)
        with h5py.File(folder / "2.h5", "r+") as file:  # as a crash leaves it
            file["committed"][3:9, 1] = 0
            file["psi_data"][3:9, 1] = 7
        text = must(decompose(name, folder / "2.h5", *more, "--resume")).stdout
        assert "18 of 24 units are there" in text, text
        assert contents(folder / "1.h5") == contents(folder / "2.h5"), index


def program_bytes():
    """What plan says of program, weights and activations of the run that is refused below."""
    text = must(run("plan", "--series", GOLDENS / "adam/run", "--samples", "validation", "--precision", "fp64", "--functional", "logit:1")).stdout
    weights, graph = re.search(r"weights ([\d.]+) kB, graph ([\d.]+) kB", text).groups()
    return 2**27 + round(1000 * (float(weights) + float(graph)))


def expect_refused(folder):
    beside = program_bytes()
    for words, more in [("range:FIRST:LAST", ["--steps", "top:0.5"]),
                        ("no segment begins at step 12: they begin at steps 0 to 11", ["--steps", "range:4-12"]),
                        ("'range:8-4' is not understood", ["--steps", "range:8-4"]),
                        ("in the run's own type", ["--precision", "fp32"]),
                        ("Use --chunk 1", ["--memory", beside + 35_000]),
                        ("the updates at least", ["--memory", beside + 20_000, "--chunk", "1"]),
                        ("keep train_group, or take --step-index origin", ["--memory", beside + 30_000, "--chunk", "1", "--step-index", "applied"]),
                        ("Give rounding alone", ["--parts", "decay,rounding"]),
                        ("numbers the training axis", ["--axes", "sample,output", "--step-index", "applied"])]:
        arguments = {"--axes": "sample,output,train_sample", "--quadrature": "gauss:3", "--precision": "fp64", "--functional": "logit"}
        arguments.update(zip(more[::2], more[1::2]))
        process = run("decompose", "--series", GOLDENS / "adam/run", "--samples", "validation", "--store", folder / "no.h5",
                      *[word for pair in arguments.items() for word in pair])
        assert process.returncode in (1, 2) and words in process.stderr, (words, process.returncode, process.stderr)
        assert not (folder / "no.h5").exists()


def expect_planned(folder):
    """plan says the memory and the store's size that decompose then takes, for both indices; a run is refused in the same words."""
    for more in [[], ["--step-index", "applied"], ["--steps", "range:4:8"], ["--step-index", "applied", "--axes", "sample,output,train_group"]]:
        options = ["--series", GOLDENS / "sgd/run", "--samples", "validation", "--axes", "sample,output,train_sample", *RULE]
        if "--axes" in more:
            options[5], more = more[-1], more[:-2]
        text = must(run("plan", *options, *more)).stdout
        store = folder / "planned.h5"
        must(run("decompose", *options, *more, "--overwrite", "--store", store))
        said = re.search(r"^  store +([\d.]+) kB$", text, re.M)
        assert said and 0.8 < float(said.group(1)) * 1000 / store.stat().st_size < 1.25, (text, store.stat().st_size)
        with h5py.File(store) as file:  # by origin it takes gradients that nothing else needs
            assert ("psi_rounding" in file) == ("applied" in more)
        assert ("in 1 block of parameters" if "applied" in more else "adjoint sweep") in text and "12 evaluations a sample and step" in text, text
    process = run("plan", *options, "--steps", "top:0.5")
    assert process.returncode == 2 and "range:FIRST:LAST" in process.stderr, process.stderr


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case in ["varying_adamw", "varying_sgd", "adamw", "adamw_full_batch", "sgd"]:
            data = expect_golden(case, folder)
            assert numpy.abs(data).max() > 1e-3
        for case in ["adamw", "sgd", "varying_adamw", "varying_sgd"]:
            expect_applied(case, folder)
        for case in ["varying_adamw", "varying_sgd"]:
            expect_parts(case, folder)
        expect_groups("sgd", data, folder)
        for case in ["adamw", "sgd"]:  # a group each, and one group of both samples
            expect_prediction_groups(case, folder)
        for case in ["adamw", "sgd"]:
            expect_range(case, folder)
        expect_same_for_any_ranks("adamw", folder)
        expect_planned(folder)
        expect_refused(folder)
    print("psi_data of five recorded runs is the golden influence tensor")


sys.exit(main())
