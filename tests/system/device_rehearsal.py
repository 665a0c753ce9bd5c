"""tests/device/check.py on the processor: every part runs and reports, and a part that fails does not keep the others from running."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ["EXPLAIND_SOURCE"])
LIMIT = 60 << 20  # what can be carried to such a machine
DEVICE_TESTS = ("cuda_kernels_tests", "device_tests", "nccl_device_tests")


def check(bundle, results, *options):
    return subprocess.run([sys.executable, ROOT / "tests/device/check.py", "--rehearse", *options, bundle, results], capture_output=True, text=True,
                          env=dict(os.environ, EXPLAIND_LIBTORCH=os.environ.get("EXPLAIND_LIBTORCH") or str(ROOT / "build/deps/libtorch")))


def outcome_of(results):
    return json.loads((results / "results.json").read_text())["parts"]


def main():
    program = pathlib.Path(os.environ["EXPLAIND"]).resolve()
    with_tests = all((program.parent / name).exists() for name in DEVICE_TESTS)
    if not with_tests:
        print("the tests of devices are not built here (no nvcc): the other parts alone")
    parts = [*(["tests"] if with_tests else []), "engines", "ranks", "sanitizer", "speed"]
    with tempfile.TemporaryDirectory() as folder:
        bundle, results = pathlib.Path(folder) / "bundle", pathlib.Path(folder) / "results"
        made = subprocess.run([ROOT / "launch/bundle.sh", *(["--tests"] if with_tests else []), bundle], capture_output=True, text=True)
        assert made.returncode == 0, made.stdout + made.stderr
        size = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
        assert size < LIMIT, f"the bundle has {size} bytes"

        done = check(bundle, results, "--parts", ",".join(parts))
        table = (results / "table.md").read_text()
        assert done.returncode == 0, done.stdout + done.stderr + table + (results / "log.txt").read_text()[-4000:]
        found = outcome_of(results)
        assert list(found) == parts and all(part["rows"] for part in found.values()), table
        assert len(found["engines"]["rows"]) > 25 and all("error" in row for row in found["engines"]["rows"]), table
        assert {row["weights"] for row in found["ranks"]["rows"]} == {"resident", "streamed", "gathered"}, table
        assert {row["precision"] for row in found["speed"]["rows"]} == {"fp64", "fp32", "bf16"}, table
        for name in parts:
            assert f"## {name}: ok" in table, table
        print(table)

        # A device whose scores differ is found, and the parts after it are run.
        program = bundle / "explaind"
        real = program.rename(bundle / "explaind-itself")
        program.write_text(f'#!/usr/bin/env bash\nif [ "$1" = query ]; then exec "{real}" "$@" | sed "2s/.$/9/; 2s/^\\(.*\\),/\\1,$RANDOM/"; fi\nexec "{real}" "$@"\n')
        program.chmod(0o755)
        done = check(bundle, results, "--parts", "ranks,sanitizer")
        found = outcome_of(results)
        assert done.returncode == 1 and not found["ranks"]["ok"] and found["sanitizer"]["ok"], done.stdout + done.stderr
        assert "## ranks: FAILED" in (results / "table.md").read_text()

        # A program that does not run is reported part by part.
        program.write_text('#!/usr/bin/env bash\n[ "$1" = --version ] && exit 0\necho "error: no device" >&2\nexit 1\n')
        done = check(bundle, results, "--parts", "engines,ranks,speed")
        found = outcome_of(results)
        assert done.returncode == 1 and list(found) == ["engines", "ranks", "speed"] and not any(part["ok"] for part in found.values()), done.stdout
        assert all("no device" in part["error"] for part in found.values()), found


main()
