"""A cluster without root: the libraries lie in folders of their own, and none of them where the system has its own. In a mount
namespace the system's are hidden, copies lie in a prefix, and a user of no name (uid 12345) asks setup.sh --check, configures and builds."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from program import SOURCE

SYSTEM = pathlib.Path("/usr")
LIBRARIES = SYSTEM / "lib/x86_64-linux-gnu"
# What `launch/setup.sh --check` must say is missing: words, variable.
HIDDEN = {"HDF5": "HDF5_ROOT", "Boost": "Boost_ROOT", "fmt": "fmt_ROOT", "nlohmann-json": "nlohmann_json_ROOT", "Eigen": "Eigen3_ROOT",
          "SentencePiece": "CMAKE_PREFIX_PATH", "D3": "EXPLAIND_D3"}


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(77)


def copy(source, target):
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def make_prefixes(folder):
    """A folder for each, as modules have them. Returns the options that name them."""
    places = {name: folder / name for name in ("hdf5", "boost", "fmt", "json", "eigen", "sentencepiece", "d3")}
    copy(SYSTEM / "include/hdf5/openmpi", places["hdf5"] / "include")
    for name, library in (("hdf5", "hdf5_openmpi"), ("hdf5_hl", "hdf5_openmpi_hl")):
        for file in LIBRARIES.glob(f"lib{library}.so*"):
            copy(file, places["hdf5"] / "lib" / file.name)
        (places["hdf5"] / "lib" / f"lib{name}.so").symlink_to(f"lib{library}.so")
    copy(SYSTEM / "include/boost", places["boost"] / "include/boost")
    for file in LIBRARIES.glob("libboost_program_options*"):
        copy(file, places["boost"] / "lib" / file.name)
    copy(SYSTEM / "include/fmt", places["fmt"] / "include/fmt")
    for file in LIBRARIES.glob("libfmt*"):
        copy(file, places["fmt"] / "lib/x86_64-linux-gnu" / file.name)
    copy(LIBRARIES / "cmake/fmt", places["fmt"] / "lib/x86_64-linux-gnu/cmake/fmt")
    copy(SYSTEM / "include/nlohmann", places["json"] / "include/nlohmann")
    copy(SYSTEM / "share/cmake/nlohmann_json", places["json"] / "share/cmake/nlohmann_json")
    copy(SYSTEM / "include/eigen3", places["eigen"] / "include/eigen3")
    copy(SYSTEM / "share/eigen3/cmake", places["eigen"] / "share/eigen3/cmake")
    for file in LIBRARIES.glob("libsentencepiece*"):
        copy(file, places["sentencepiece"] / "lib" / file.name)
    for file in (SYSTEM / "include").glob("sentencepiece*"):
        copy(file, places["sentencepiece"] / "include" / file.name)
    text = (LIBRARIES / "pkgconfig/sentencepiece.pc").read_text()
    pc = places["sentencepiece"] / "lib/pkgconfig/sentencepiece.pc"
    pc.parent.mkdir()
    pc.write_text(text.replace("prefix=/usr", f"prefix={places['sentencepiece']}").replace("/lib/x86_64-linux-gnu", "/lib"))
    d3 = next(path for path in (SYSTEM / "share/nodejs/d3/dist/d3.min.js", SYSTEM / "share/javascript/d3/dist/d3.min.js") if path.exists())
    copy(d3, places["d3"] / "d3.min.js")
    return [f"-DHDF5_ROOT={places['hdf5']}", f"-DBoost_ROOT={places['boost']}", f"-Dfmt_ROOT={places['fmt']}", f"-Dnlohmann_json_ROOT={places['json']}",
            f"-DEigen3_ROOT={places['eigen']}", f"-DCMAKE_PREFIX_PATH={places['sentencepiece']}", f"-DEXPLAIND_D3={places['d3']}/d3.min.js"]


def hiding():
    """Shell lines: an empty folder over each of the system's folders, an empty file over each of its files."""
    folders = [SYSTEM / "include" / name for name in ("hdf5", "boost", "fmt", "nlohmann", "eigen3")]
    folders += [LIBRARIES / "hdf5", LIBRARIES / "cmake/fmt", SYSTEM / "share/cmake/nlohmann_json", SYSTEM / "share/eigen3",
                SYSTEM / "share/nodejs/d3", SYSTEM / "share/javascript/d3", *LIBRARIES.glob("cmake/[bB]oost*-*/")]
    files = [LIBRARIES / "pkgconfig/sentencepiece.pc", SYSTEM / "bin/h5pcc", SYSTEM / "bin/h5pcc.openmpi",
             SYSTEM / "include/sentencepiece_processor.h"]
    lines = [f"mount -t tmpfs none {folder}" for folder in folders if folder.is_dir() and not folder.is_symlink()]
    return lines + [f"mount --bind /dev/null {file}" for file in files if file.exists() and not file.is_symlink()]


def as_nobody(command, hidden, folder):
    """The command by uid 12345 where the system's copies are hidden."""
    script = "\n".join(["set -e", *hidden, 'exec setpriv --reuid 12345 --regid 12345 --clear-groups --no-new-privs "$@"'])
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "CCACHE_DISABLE": "1", "TMPDIR": str(folder)}
    return subprocess.run(["unshare", "-m", "bash", "-c", script, "bash", *map(str, command)], env=environment, capture_output=True, text=True,
                          timeout=600, cwd=folder)


def main():
    if os.getuid() != 0 or subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode != 0:
        skip("hiding the system's libraries needs a mount namespace, and root")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        options, hidden, check = make_prefixes(folder), hiding(), SOURCE / "launch/setup.sh"
        folder.chmod(0o777)
        process = as_nobody([check, "--check"], hidden, folder)
        missing = [line for line in process.stdout.splitlines() if line.startswith("missing")]
        assert process.returncode == 1 and missing, process.stdout + process.stderr
        for words, variable in HIDDEN.items():
            assert any(words in line and f"-D{variable}=" in line for line in missing), (words, process.stdout)
        assert all(any(words in line for words in HIDDEN) for line in missing), process.stdout
        for word in ("LibTorch", "MPI", "zlib", "OpenSSL", "Oniguruma"):
            assert any(line.startswith("found") and word in line for line in process.stdout.splitlines()), (word, process.stdout)
        process = as_nobody([check, "--check", *options], hidden, folder)
        assert process.returncode == 0 and "Nothing is missing" in process.stdout, process.stdout + process.stderr
        # One that is missing ends the build's own configuration with the same words.
        configure = ["cmake", "-G", "Ninja", "-DEXPLAIND_UNITY=OFF", "-S", SOURCE, "-B", folder / "build", "-DEXPLAIND_TESTS=OFF", "-DEXPLAIND_CUDA=OFF"]
        process = as_nobody([*configure, *options[1:]], hidden, folder)
        assert process.returncode != 0 and "-DHDF5_ROOT=DIR" in process.stderr, process.stderr
        shutil.rmtree(folder / "build")
        process = as_nobody([*configure, *options], hidden, folder)
        assert process.returncode == 0, process.stdout + process.stderr
        cache = (folder / "build/CMakeCache.txt").read_text()
        for entry in ("HDF5_C_INCLUDE_DIR:", "fmt_DIR:", "nlohmann_json_DIR:", "Eigen3_DIR:"):
            assert f"={folder}" in next(line for line in cache.splitlines() if line.startswith(entry)), entry
        objects = ["src/config/CMakeFiles/config.dir/parse.cpp.o", "src/store/CMakeFiles/store.dir/hdf5.cpp.o"]  # of Boost, fmt and HDF5
        process = as_nobody(["cmake", "--build", folder / "build", "-j", "2", "--target", *objects], hidden, folder)
        assert process.returncode == 0, process.stdout[-4000:] + process.stderr
    print("a plain user builds against libraries in folders of their own, and is told which are missing")


main()
