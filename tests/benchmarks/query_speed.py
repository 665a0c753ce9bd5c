"""explaind query against h5py and NumPy on the same work, each a process of its own, from the page cache: seconds and peak memory. And one sample
and one component of the store, against reading just their bytes. Bounds: half of NumPy's speed in a quarter of its memory.

    query_speed.py --program build/release/explaind [--gib 2] [--folder /tmp]
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import h5py
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from made_store import make_store  # noqa: E402

SEGMENTS, SAMPLES = 12, 256
QUESTIONS = ["kind", "layer", "kind,id", "step_to,kind,id", "component"]


def numbered(file, name):
    """The distinct values of a coordinate, and which of them every component has."""
    values = file[name][()]
    if values.ndim == 2:
        values = values.view(f"S{values.shape[1]}")[:, 0]
    return numpy.unique(values, return_inverse=True)


def by_numpy(store, question):
    """What a researcher would write: all of psi in memory; means over samples, sums over the rest."""
    with h5py.File(store) as file:
        names, place = numbered(file, "kind" if "kind" in question else "layer")
        psi = file["psi"][:]
    if question == "component":
        return psi.mean(1).sum(0)
    if question in ("kind", "layer"):
        return numpy.bincount(place, weights=psi.mean(1).sum(0), minlength=len(names))
    one = numpy.zeros((psi.shape[2], len(names)))
    one[numpy.arange(psi.shape[2]), place] = 1
    return (psi.sum(0) if question == "kind,id" else psi) @ one


def timed(command):
    """Best of two: seconds and the largest resident size of the process in MB."""
    best = None
    for _ in range(2):
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak = 0
        while process.poll() is None:  # a child's peak in rusage would be that of this process
            peak = max(peak, resident(process.pid))
            time.sleep(0.002)
        seconds = time.monotonic() - began
        assert process.returncode == 0, command
        best = min(best or (seconds, peak), (seconds, peak))
    return best


def resident(process):
    """Its peak so far, MB; 0 where it has ended."""
    try:
        lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0)


def raw(store):
    """Seconds to read the bytes of a sample, and of a component."""
    with h5py.File(store) as file:
        start, (segments, samples, components) = file["psi"].id.get_offset(), file["psi"].shape
    with open(store, "rb") as file:
        began = time.monotonic()
        for segment in range(segments):
            os.pread(file.fileno(), 8 * components, start + 8 * components * (segment * samples + 77))
        sample = time.monotonic()
        for row in range(segments * samples):
            os.pread(file.fileno(), 8, start + 8 * (row * components + 4711))
        return sample - began, time.monotonic() - sample


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/explaind")
    parser.add_argument("--gib", type=float, default=2)
    parser.add_argument("--folder")
    parser.add_argument("--numpy", nargs=2, metavar=("STORE", "QUESTION"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.numpy:
        by_numpy(*options.numpy)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        store = pathlib.Path(folder) / "large.h5"
        make_store(store, segments=SEGMENTS, samples=SAMPLES, layers=24, rows=max(8, int(260 * options.gib)))
        print(f"{store.stat().st_size / 2**30:.2f} GiB; seconds and MB: explaind, NumPy, and their ratios")
        for question in QUESTIONS:
            ours = timed([options.program, "query", str(store), "--group-by", question, "--format", "csv"])
            theirs = timed([sys.executable, __file__, "--numpy", str(store), question])
            print(f"{question:16} {ours[0]:5.2f} s {ours[1]:6.0f} MB   {theirs[0]:5.2f} s {theirs[1]:6.0f} MB   {ours[0] / theirs[0]:.2f} {ours[1] / theirs[1]:.2f}")
        start, _ = timed([options.program, "query", str(store), "--variable", "value_from", "--format", "csv"])
        with h5py.File(store) as file:
            component = file["component"][4711].tobytes().rstrip(b"\0").decode()
        # A name has no character that means something in a selection.
        for what, selection, bare in zip(("a sample", "a component"), ("id=secret-id-77", f"component={component}"), raw(store)):
            ours, _ = timed([options.program, "query", str(store), "--select", selection, "--format", "npy", "--output", str(store) + ".npy"])
            print(f"{what:16} {ours:5.2f} s, of which {start:.2f} s are the start and coordinates of few rows; its bytes alone {bare:.3f} s")


if __name__ == "__main__":
    main()
