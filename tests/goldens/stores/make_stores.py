"""Makes the stores of this folder: small ones of each shape, in the layout that the program writes which is named.

    EXPLAIND=PROGRAM build/deps/venv/bin/python tests/goldens/stores/make_stores.py VERSION     VERSION: that the program writes

Made once, by the last program that wrote a version, and kept: later programs read them for ever (tests/system/old_stores.py). version1/ was made by
revision e073819, version2/ by 08d476c. numbers.json beside the stores has the numbers that h5py found then (old_stores.py --keep VERSION).
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
GOLDENS = HERE.parent
LLAMA, TIED, RUN = map(pathlib.Path, ("llama/grouped_query", "llama/tied", "training_axis/sgd"))

CASES = {
    "psi": ["--series", LLAMA / "series", "--samples", LLAMA / "samples.jsonl", "--component", "head", "--steps", "top:1"],
    "groups": ["--series", LLAMA / "series", "--samples", LLAMA / "samples.jsonl", "--axes", "group,position", "--store-dtype", "f32"],
    "parameter": ["--series", TIED / "series", "--samples", TIED / "samples.jsonl", "--component", "parameter", "--axes", "", "--store-dtype", "f32"],
    "training_axis": ["--series", RUN / "run", "--samples", "validation", "--functional", "logit", "--axes", "sample,output,train_sample",
                      "--quadrature", "gauss:3", "--precision", "fp64"],
}


def main():
    folder = HERE / f"version{sys.argv[1]}"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:  # stores name their inputs
        for inputs in (LLAMA, TIED, RUN):
            shutil.copytree(GOLDENS / inputs, pathlib.Path(work) / inputs)
        for name, options in CASES.items():
            subprocess.run([os.environ["EXPLAIND"], "decompose", *map(str, options), "--store", f"{name}.h5", "--chunk", "2", "--threads", "1"],
                           check=True, capture_output=True, cwd=work, env=dict(os.environ, OMP_NUM_THREADS="1"))
            shutil.copy(pathlib.Path(work) / f"{name}.h5", folder)
            print(f"{name}.h5: {(folder / name).with_suffix('.h5').stat().st_size} bytes")


main()
