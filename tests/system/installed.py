"""What `cmake --install` leaves is enough for a program of somebody else's: a consumer with find_package(explaind), which
sees the installed headers alone, decomposes under mpirun and prints what `explaind query` prints of the same question.

    installed.py BUILD      the folder that the program was built in
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import pyarrow.parquet

from program import GOLDENS, MPIRUN, SOURCE, decompose, must, run

SERIES = GOLDENS / "tied/series"
SAMPLES = GOLDENS / "tied/samples.jsonl"
FOREIGN = ("torch", "ATen", "c10", "hdf5", "H5", "mpi.h", "nlohmann", "fmt/")


def called(*command, code=0, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **more)
    if done.returncode != code:
        sys.exit(f"{' '.join(str(word) for word in command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def expect_headers_alone(prefix):
    """No header of another library, and none of the rooms."""
    headers = sorted((prefix / "include").rglob("*.hpp"))
    assert len(headers) >= 6, headers
    for header in headers:
        for line in header.read_text().splitlines():
            if not line.startswith("#include"):
                continue
            name = line.split()[1]
            assert not any(word in name for word in FOREIGN), f"{header}: {line}"
            assert name.startswith("<") or name.startswith('"explaind/'), f"{header}: {line}"


def main():
    build = pathlib.Path(sys.argv[1])
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prefix, consumer = folder / "prefix", folder / "consumer"
        called("cmake", "--install", build, "--prefix", prefix)
        expect_headers_alone(prefix)
        called("cmake", "-S", SOURCE / "tests/installed", "-B", consumer, f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
        called("cmake", "--build", consumer)
        program = consumer / "series_scores"

        # Under mpirun: the scores of the library's program are those of `explaind`.
        store = folder / "of_library.h5"
        told = called("timeout", "-k", "5", "120", MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", "2", program, SERIES,
                      SAMPLES, store, env=environment).stdout
        own = folder / "of_program.h5"
        must(decompose(own, SERIES, SAMPLES, "--axes", "group", "--component", "kind"))
        rows = json.loads(must(run("query", own, "--group-by", "group,kind", "--format", "json")).stdout)
        lines = [line.split(",") for line in told.splitlines()]
        assert len(lines) == len(rows) > 2, (told, rows)
        for (group, kind, value, unit), row in zip(lines, rows):
            assert (group, kind, unit) == (row["group"], row["kind"], "nat"), (told, row)
            assert abs(float(value) - row["psi"]) <= 1e-9 * abs(row["psi"]), (value, row)

        # Ranks that add in another order are refused here too, and a store says which library began it.
        job = [program, SERIES, SAMPLES, folder / "unlike.h5"]
        unlike = called("timeout", "-k", "5", "120", MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", "1", *job, ":", "-n", "1", "-x",
                        "ATEN_CPU_CAPABILITY=default", *job, env=environment, code=1)
        assert "their processors add in another order" in unlike.stderr and not (folder / "unlike.h5").exists(), unlike
        library = next(path for path in (prefix / "lib").rglob("libexplaind.so*") if not path.is_symlink())
        notes = called("readelf", "--notes", library).stdout
        build_id = next(line.split()[-1] for line in notes.splitlines() if "Build ID" in line)
        assert build_id in must(run("inspect", store, "--provenance")).stdout, build_id

        # An error is one message, and the exit code is the library's.
        twice = subprocess.run([program, SERIES, SAMPLES, store], capture_output=True, text=True, env=environment)
        assert twice.returncode == 1 and twice.stderr.count("error:") == 1 and str(store) in twice.stderr, twice
        wrong = subprocess.run([program], capture_output=True, text=True, env=environment)
        assert wrong.returncode == 2 and "usage: series_scores" in wrong.stderr, wrong

        # The program that is installed runs from there.
        version = called(prefix / "bin/explaind", "--version").stdout
        assert "explaind" in version and "LibTorch" in version, version
        table = folder / "samples.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"input_ids": [[1, 2, 3]]}), table)
        assert "3 tokens, 2 predicted" in called(prefix / "bin/explaind", "tokenize", SERIES, "--samples", table).stdout
        # So does the library, in a program of somebody else's.
        called("timeout", "-k", "5", "120", MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", "1", program, SERIES, table,
               folder / "of_table.h5", env=environment)
    print("installed: the package is found, a consumer decomposes on two ranks as the program does, errors end it in words")


if __name__ == "__main__":
    main()
