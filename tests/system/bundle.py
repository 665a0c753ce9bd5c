"""launch/bundle.sh: a folder that runs where there is no Open MPI, HDF5 or Boost."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import pyarrow.parquet

ROOT = pathlib.Path(os.environ["EXPLAIND_SOURCE"])
LIMIT = 64 << 20
ELSEWHERE = re.compile(r"lib(mpi|open-|hdf5|boost|fmt|sentencepiece|crypto|event|hwloc)")


def run(*command, environment=None):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    if done.returncode != 0:
        sys.exit(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def hiding(folders):
    """A command prefix under which these folders are empty; nothing where this machine does not allow it."""
    mounts = "; ".join(f"mount -t tmpfs none {folder}" for folder in folders if os.path.isdir(folder))
    if subprocess.run(["unshare", "-m", "sh", "-ec", mounts], capture_output=True).returncode != 0:
        print("the system's Open MPI cannot be hidden here: only the loader's choice is checked")
        return []
    return ["unshare", "-m", "sh", "-ec", mounts + '; exec "$@"', "sh"]


def expect_tables(bundle, folder, bare):
    """Apache Arrow is not in the bundle; it is found where EXPLAIND_ARROW says."""
    table = folder / "samples.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"input_ids": [[1, 2, 3]]}), table)
    call = [str(bundle / "explaind"), "tokenize", str(ROOT / "tests/goldens/llama/tied/series"), "--samples", str(table)]
    arrow = os.environ.get("EXPLAIND_ARROW") or str(ROOT / "build/deps/arrow")
    assert "3 tokens, 2 predicted" in run(*call, environment=dict(bare, EXPLAIND_ARROW=arrow))
    (bundle / "bin/libexplaind_arrow.so").unlink()
    refused = subprocess.run(call, env=bare, capture_output=True, text=True)
    assert refused.returncode == 1 and "built without Apache Arrow" in refused.stderr, refused


def expect_a_store_without_ssh(bundle, folder, bare, hidden):
    """One process, which starts no other."""
    series = ROOT / "tests/goldens/llama/grouped_query"
    ssh = shutil.which("ssh")
    no_ssh = hiding(hidden)
    if no_ssh and ssh:
        no_ssh[4] = f"mount --bind /dev/null {ssh}; {no_ssh[4]}"
    said = run(*no_ssh, str(bundle / "explaind"), "decompose", "--series", str(series / "series"), "--samples", str(series / "samples.jsonl"), "--store",
               str(folder / "o.h5"), environment=bare)
    assert "Wrote" in said and (folder / "o.h5").exists(), said


def main():
    libtorch = os.environ.get("EXPLAIND_LIBTORCH") or str(ROOT / "build/deps/libtorch")
    with tempfile.TemporaryDirectory() as folder:
        bundle = pathlib.Path(folder) / "explaind"
        bundle.mkdir()
        (bundle / "notes.txt").write_text("mine")
        refused = subprocess.run([ROOT / "launch/bundle.sh", bundle], capture_output=True, text=True)
        assert refused.returncode != 0 and "did not make it" in refused.stderr and (bundle / "notes.txt").exists(), refused.stderr
        (bundle / "notes.txt").unlink()
        run(str(ROOT / "launch/bundle.sh"), str(bundle))
        size = sum(f.stat().st_size for f in bundle.rglob("*") if f.is_file())
        assert size < LIMIT, f"the bundle has {size} bytes"
        bare = {"PATH": "/usr/bin:/bin", "EXPLAIND_LIBTORCH": libtorch, "OMP_NUM_THREADS": "1",
                "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        moved = bundle.rename(pathlib.Path(folder) / "moved")
        listing = run("bash", "-c", f"here={moved}; . $here/environment.sh; ldd $here/bin/explaind", environment=bare)
        for line in listing.splitlines():
            assert str(moved) in line or not ELSEWHERE.search(line), line
        plugins = run("ompi_info", "--parsable", "--path", "pkglibdir").strip().split(":")[-1]
        messages = run("ompi_info", "--parsable", "--path", "pkgdatadir").strip().split(":")[-1]
        said = run(*hiding([plugins, messages]), str(moved / "mpirun"), "--oversubscribe", "--bind-to", "none", "-n", "2",
                   str(moved / "explaind"), "--version", environment=bare)
        assert said.count("explaind ") == 1, said  # one rank speaks for both
        expect_a_store_without_ssh(moved, pathlib.Path(folder), bare, [plugins, messages])
        expect_tables(moved, pathlib.Path(folder), bare)
        nowhere = dict(bare, EXPLAIND_LIBTORCH=folder)
        refused = subprocess.run([str(moved / "explaind"), "--version"], env=nowhere, capture_output=True, text=True)
        assert refused.returncode == 2 and "EXPLAIND_LIBTORCH" in refused.stderr, refused


main()
