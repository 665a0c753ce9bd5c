#!/usr/bin/env python3
"""The eight changes of src/README.md ("Where to change what"), each kept as a patch here: it applies to this tree, touches at
most three rooms, and compiles.

    walks.py BUILD              every patch: applies, rooms, and each of its sources compiled alone (no code is made)
    walks.py BUILD --build DIR  builds the whole program in DIR, from a copy of the sources, and again after each patch

BUILD is a configured build of this tree; its compile commands are used. A patch that no longer applies is made anew: apply it
by hand, and `git diff` it over the old one.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
WALKS = ("family", "classifier", "functional", "certificate", "rule", "axis", "verb", "kernel")
MOST_ROOMS = 3


def files_of(patch):
    return sorted(set(re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.M)))


def rooms_of(files):
    return sorted({file.split("/")[1] for file in files if file.startswith("src/") and file.count("/") > 1})


def git_apply(tree, patch, *more):
    # Outside any repository, or git would leave out what is not in it.
    environment = dict(os.environ, GIT_CEILING_DIRECTORIES=str(tree.parent))
    done = subprocess.run(["git", "apply", *more, str(patch)], cwd=tree, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"walks: {patch.name} does not apply:\n{done.stderr}")


def command_of(room, suffix, commands):
    """How some other source of the room and language is compiled."""
    main = suffix == "main"
    for entry in commands:
        output = re.search(r" -o (\S+)", entry["command"]).group(1)
        if main and "CMakeFiles/explaind.dir/main.cpp" in output:
            return entry
        if not main and f"src/{room}/CMakeFiles/{room}.dir/" in output and (pathlib.Path(entry["file"]).suffix == ".cu") == (suffix == ".cu"):
            return entry
    return None


def compile_alone(tree, file, build, commands):
    """Whether a source of the changed tree compiles as it would in its room."""
    path = pathlib.Path(file)
    room = path.parts[1]
    entry = command_of(room, "main" if path.name == "main.cpp" else path.suffix, commands)
    if entry is None:
        return f"walks: {file}: nothing of its kind is built here"
    command = entry["command"].replace(entry["file"], str(tree / file))
    command = re.sub(r" -o \S+", " -o /dev/null" if path.suffix == ".cu" else "", command)
    command = re.sub(rf"{re.escape(str(build))}/rooms/(\w+)", rf"{tree}/rooms/\1", command)
    command = command.replace(f"-I{SOURCE}/include", f"-I{tree}/include").replace(f"-isystem {SOURCE}/include", f"-isystem {tree}/include")
    if path.suffix != ".cu":
        command = command.replace(" -c ", " -fsyntax-only -c ")
    done = subprocess.run(command, shell=True, cwd=entry["directory"], capture_output=True, text=True,
                          env=dict(os.environ, CCACHE_DISABLE="1"))
    return None if done.returncode == 0 else f"walks: {file} does not compile:\n{done.stderr[:4000]}"


def copy_of(folder):
    tree = folder / "tree"
    tree.mkdir(parents=True)
    for name in ("src", "include"):
        shutil.copytree(SOURCE / name, tree / name)
    for room in (path for path in (tree / "src").iterdir() if path.is_dir() and path.name != "cmake"):
        (tree / "rooms" / room.name).mkdir(parents=True)
        (tree / "rooms" / room.name / room.name).symlink_to(room)
    return tree


def expect_small_walks():
    for walk in WALKS:
        patch = HERE / f"{walk}.patch"
        files = files_of(patch)
        rooms = rooms_of(files)
        assert files and all(file.startswith(("src/", "tests/")) for file in files), f"{walk}: {files}"
        assert 1 <= len(rooms) <= MOST_ROOMS, f"{walk}: touches {', '.join(rooms)}"
        assert f"`{walk}.patch`" in (SOURCE / "src/README.md").read_text(), f"src/README.md does not name {walk}.patch"
        print(f"{walk:<12} {len(files)} files in {', '.join(rooms)}", flush=True)
    extra = {path.stem for path in HERE.glob("*.patch")} - set(WALKS)
    assert not extra, f"nobody walks {extra}"


def compile_all(build):
    commands = json.loads((build / "compile_commands.json").read_text())
    with_cuda = any(entry["file"].endswith(".cu") for entry in commands)
    unbuilt = "not_built.cpp" if with_cuda else ".cu"
    faults = []
    for walk in WALKS:
        patch = HERE / f"{walk}.patch"
        with tempfile.TemporaryDirectory() as name:
            tree = copy_of(pathlib.Path(name).resolve())
            git_apply(tree, patch, "--include=src/*")
            for file in files_of(patch):
                if file.startswith("src/") and file.endswith((".cpp", ".cu")):
                    if file.endswith(unbuilt):
                        continue
                    faults.append(compile_alone(tree, file, build, commands))
    faults = [fault for fault in faults if fault]
    if faults:
        sys.exit("\n".join(faults))


def build_all(folder):
    """The program after each patch, from one build folder."""
    folder.mkdir(parents=True)
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=SOURCE, check=True, capture_output=True)
    tree = folder / "tree"
    for file in filter(None, listed.stdout.decode().split("\0")):
        if (SOURCE / file).is_file():
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(SOURCE / file, tree / file)
    (tree / "build").mkdir(exist_ok=True)
    (tree / "build/deps").symlink_to(SOURCE / "build/deps")
    ninja = ["cmake", "--build", str(tree / "build/release"), "--target", "explaind"]
    subprocess.run(["cmake", "--preset", "release", "-DEXPLAIND_TESTS=OFF", "-DEXPLAIND_WARNINGS_AS_ERRORS=ON"], cwd=tree, check=True)
    for walk in ("", *WALKS):
        if walk:
            git_apply(tree, HERE / f"{walk}.patch")
        subprocess.run(ninja, cwd=tree, check=True)
        if walk:
            git_apply(tree, HERE / f"{walk}.patch", "--reverse")
        print(f"walks: built {'with ' + walk if walk else 'as it is'}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("configured", metavar="BUILD", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, metavar="DIR")
    options = parser.parse_args()
    expect_small_walks()
    if options.build:
        build_all(options.build.resolve())
    else:
        compile_all(options.configured.resolve())
    print(f"walks: {len(WALKS)} patches apply and compile")


if __name__ == "__main__":
    main()
