"""The training axis of a run whose training samples' momentum does not fit the memory given: the sweep by origin runs in it, the applied index runs in it a
block of parameters at a time and gives the same sums, and where not even that fits it is refused. Processes are measured, not only planned."""
import os
import pathlib
import re
import subprocess
import tempfile

import h5py

from program import EXPLAIND, must, run
from store_contents import contents

SAMPLES, STEPS, PARAMETERS = 600, 8, 63_424
MODEL = ["--model", "grokking_transformer", "--modulus", "37", "--train-samples", str(SAMPLES), "--validation-samples", "60", "--hidden", "64", "--heads",
         "4", "--intermediate", "384", "--batch", "150", "--epochs", "2", "--warmup", "2", "--learning-rate", "1e-3", "--threads", "1"]
MOMENTUM = SAMPLES * PARAMETERS * 8  # bytes: 305 MB


def decompose(folder, index, memory, store=None):
    """Exit status, text and the process's peak resident memory in bytes."""
    command = [EXPLAIND, "decompose", "--series", folder / "run", "--samples", "validation:0-0", "--axes", "sample,train_sample", "--store",
               folder / (store or f"{index}.h5"), "--overwrite", "--quadrature", "gauss:2", "--step-index", index, "--memory", memory, "--threads", "1"]
    with open(folder / "text", "w+", encoding="utf-8") as text:
        process = subprocess.Popen(list(map(str, command)), stdout=text, stderr=subprocess.STDOUT, env=dict(os.environ, OMP_NUM_THREADS="1"))
        _, status, usage = os.wait4(process.pid, 0)
        text.seek(0)
        return os.waitstatus_to_exitcode(status), text.read(), usage.ru_maxrss * 1024


def summed(path):
    with h5py.File(path) as store:
        return store["psi_data"][()].sum(axis=0), store["psi"][()].sum(axis=0)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text = must(run("record", "--history", folder / "run", *MODEL)).stdout
        assert f"{PARAMETERS}" in text.replace(",", ""), text
        peaks = {}
        for index, memory in [("origin", 240_000_000), ("applied", 240_000_000)]:
            assert memory < MOMENTUM
            code, text, peaks[index] = decompose(folder, index, memory)
            assert code == 0, text
        for index, peak in peaks.items():
            print(f"{index}: peak {peak / 1e6:.0f} MB, where all momentum is {MOMENTUM / 1e6:.0f} MB")
            assert peak < 310_000_000, "the program itself, LibTorch's libraries among it, takes up to 200 MB"
        (origin, psi), (applied, same_psi) = summed(folder / "origin.h5"), summed(folder / "applied.h5")
        assert abs(origin).max() > 1e-5 and abs(origin - applied).max() < 1e-4 * abs(applied).max(), abs(origin - applied).max()
        assert abs(psi - same_psi).max() < 1e-6 * abs(psi).max()
        code, text, _ = decompose(folder, "applied", 2_000_000_000, store="whole.h5")
        assert code == 0 and contents(folder / "whole.h5") == contents(folder / "applied.h5"), "memory decides how many passes there are, and no bit"
        with h5py.File(folder / "applied.h5") as store:  # in every step, in blocks
            data = store["psi_data"][()]
            missing = store["psi"][()] - data.sum(axis=-1) - store["psi_decay"][()] - store["psi_rounding"][()]
            assert abs(missing).max() < 1e-6 * abs(data).sum(axis=-1).max(), abs(missing).max()
        planned = must(run("plan", "--series", folder / "run", "--samples", "validation:0-0", "--axes", "sample,train_sample", "--quadrature", "gauss:2",
                           "--step-index", "applied", "--memory", "240MB")).stdout
        blocks = int(re.search(r"in (\d+) blocks of parameters", planned).group(1))
        assert blocks > 3, planned
        code, text, _ = decompose(folder, "applied", 156_000_000)
        assert code == 2 and "keep train_group, or take --step-index origin" in text, text
    print("origin and applied within the memory given")


main()
