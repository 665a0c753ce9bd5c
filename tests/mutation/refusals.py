"""Does a test hold every refusal? Takes refusals out of the program one at a time and demands that a test fails.

    python tests/mutation/refusals.py [--sample 60] [--seed 1] [--only WORD] [--tests REGEX] [--jobs 2] [--cmake=-D…]

Once: the sources are copied to build/refusals/tree, each refusal becomes a statement that an environment variable takes out
(take_out.py), and all is built. Then every test runs once, to learn which refusals it reaches (build/refusals/learnt.json). Then
for each refusal of the sample the tests that reach it run with it taken out, the quickest first, until one fails: that one holds
it. What no test holds is listed with file, line and statement, and the exit code is 1.

A second run builds and learns only what changed: a test whose program or script is another. --learn-again forgets what was learnt
(do so when the program's behaviour changed and scripts of tests/system did not). The sample is drawn by --seed from names that
outlive other changes, so it stays the same while tests are written for it; --sample 0 takes all. --list prints all refusals.

Not tried: what is not part of this build (CUDA without nvcc), and the stand-ins for it, which nothing calls.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import take_out

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build/refusals"
TREE = WORK / "tree"
BUILD = TREE / "build/release"
STAND_INS = ("src/kernels/cuda/not_built.cpp", "src/comm/nccl_not_built.cpp")
# A function that ends without a value, because its last statement was taken out, stops there.
OPTIONS = "-w;-O1;-fsanitize=return;-fsanitize-undefined-trap-on-error"
MEMORY = 16 << 30  # a size that nothing refuses any more must not take the machine down


# ---- the program in which refusals can be taken out

def prepare():
    """Writes the tree; files that would not change stay untouched. Returns {name: Refusal} of all that can be tried."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "-co", "--exclude-standard"], check=True, capture_output=True)
    names = {name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()}
    sources = {name: (ROOT / name).read_text() for name in sorted(names)
               if name.startswith("src/") and name.endswith((".cpp", ".hpp")) and name not in STAND_INS}
    found = take_out.find_all(sources)
    header = WORK / "taken_out.hpp"
    write(header, take_out.HEADER.encode())
    for name in names:
        content = (ROOT / name).read_bytes()
        if name in found:
            content = found[name][0].rewritten(found[name][1], header).encode()
        elif re.fullmatch(r"src/\w+/CMakeLists\.txt", name):
            room = name.removesuffix("CMakeLists.txt")
            changed = [source.removeprefix(room) for source, (_, refusals) in found.items()
                       if source.startswith(room) and source.endswith(".cpp") and refusals]
            if changed:
                content += f'\nset_source_files_properties({" ".join(changed)} PROPERTIES COMPILE_OPTIONS "{OPTIONS}")\n'.encode()
        write(TREE / name, content)
        if os.access(ROOT / name, os.X_OK):
            (TREE / name).chmod(0o755)
    for path in TREE.rglob("*"):
        name = path.relative_to(TREE).as_posix()
        if path.is_file() and name not in names and not name.startswith("build/") and "__pycache__" not in name:
            path.unlink()
    return {refusal.name: refusal for _, refusals in found.values() for refusal in refusals}


def write(path, content):
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def build(jobs, arguments):
    (TREE / "build").mkdir(exist_ok=True)
    dependencies = TREE / "build/deps"
    if not dependencies.is_symlink():
        dependencies.symlink_to((ROOT / "build/deps").resolve())
    # The tests are those of ROOT, down to the path of their data, so that ccache knows them.
    subprocess.run(["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DEXPLAIND_TESTS=ON",
                    f"-DEXPLAIND_TEST_PYTHON={ROOT}/build/deps/venv/bin/python",
                    f"-DEXPLAIND_TEST_DATA={ROOT}/tests/goldens", *arguments], check=True, stdout=subprocess.DEVNULL)
    if subprocess.run(["cmake", "--build", BUILD, "-j", str(jobs)]).returncode != 0:
        sys.exit("The build failed: see above. Where the project itself builds, a refusal was rewritten wrongly")


def in_this_build(refusals):
    """Without the sources that this build has no use for."""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    compiled = set()
    for command in commands:
        file = pathlib.Path(command["file"])
        compiled.add(file.resolve())
        if file.parent.name == "Unity":  # several sources, compiled at once
            compiled |= {pathlib.Path(name).resolve() for name in re.findall(r'^#include "([^"]+)"', file.read_text(), re.M)}
    assert compiled & {(TREE / refusal.file).resolve() for refusal in refusals.values()}, "no refusal is in a source that is compiled"
    return {name: refusal for name, refusal in refusals.items()
            if refusal.file.endswith(".hpp") or (TREE / refusal.file).resolve() in compiled}


# ---- tests

class Test:
    """One entry of ctest. Of a GoogleTest program single cases can be run."""

    def __init__(self, entry):
        self.name, self.command = entry["name"], entry["command"]
        properties = {p["name"]: p["value"] for p in entry.get("properties", [])}
        self.environment = dict(pair.split("=", 1) for pair in properties.get("ENVIRONMENT", []))
        self.folder = properties.get("WORKING_DIRECTORY", str(BUILD))
        self.skipped = properties.get("SKIP_RETURN_CODE")
        self.has_cases = len(self.command) == 1

    def stamp(self):
        """Changes when the test does."""
        files = [pathlib.Path(word) for word in self.command if pathlib.Path(word).is_file()]
        return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()[:16]

    def run(self, log, timeout, cases=(), **environment):
        """Returns whether it passed. What it prints goes to `log`, where reached refusals are written as well."""
        command = [*self.command, *(["--gtest_filter=" + ":".join(cases), "--gtest_fail_fast"] if cases else [])]
        scratch = tempfile.mkdtemp(prefix="refusals-")
        with open(log, "ab") as out:
            process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       env={**os.environ, **self.environment, "TMPDIR": scratch, **environment},
                                       start_new_session=True, preexec_fn=limit)
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                code = None
                out.write(f"\nran out of its {timeout:.0f} s\n".encode())
                end_session(process)
        shutil.rmtree(scratch, ignore_errors=True)
        return code == 0 or (code is not None and code == self.skipped)


def limit():
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_session(process):
    """Ends a test and all that it started: mpirun first, which ends its ranks."""
    os.killpg(process.pid, signal.SIGTERM)
    time.sleep(3)
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getsid(int(entry.name)) == process.pid:
                os.kill(int(entry.name), signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()


def tests_named(pattern):
    shown = subprocess.run(["ctest", "--show-only=json-v1"], cwd=BUILD, check=True, capture_output=True)
    return [test for test in map(Test, json.loads(shown.stdout)["tests"]) if re.search(pattern, test.name)]


def learn(tests, again):
    """What each test reaches: {test: {stamp, seconds, passed, reached: {refusal: {case: seconds}}}}."""
    path = WORK / "learnt.json"
    learnt = json.loads(path.read_text()) if path.is_file() and not again else {}
    for number, test in enumerate(tests, 1):
        stamp = test.stamp()
        known = learnt.get(test.name, {})
        if known.get("stamp") == stamp and known["passed"]:
            continue
        log = WORK / "learn.log"
        log.unlink(missing_ok=True)
        start = time.monotonic()
        passed = test.run(log, 1800, EXPLAIND_REFUSALS_LOG=str(log))
        seconds = time.monotonic() - start
        reached = reached_in(log.read_text(errors="replace"), seconds)
        learnt[test.name] = {"stamp": stamp, "seconds": seconds, "passed": passed, "reached": reached}
        print(f"[{number}/{len(tests)}] {test.name}: reaches {len(reached)} refusals, {seconds:.0f} s"
              + ("" if passed else ", FAILS with all in place: not used"), flush=True)
        if not passed:
            shutil.copy(log, WORK / f"fails_{test.name}.log")
        path.write_text(json.dumps(learnt, indent=1))
    return learnt


def reached_in(text, seconds):
    """{refusal: {case: seconds}}; outside the cases of GoogleTest the case is "". """
    reached, case = {}, ""
    for line in text.splitlines():
        if started := re.match(r"\[ RUN      \] (\S+)", line):
            case = started.group(1)
        elif ended := re.search(r"\[       OK \] (\S+) \((\d+) ms\)$", line):
            for cases in reached.values():
                if ended.group(1) in cases:
                    cases[ended.group(1)] = int(ended.group(2)) / 1000
            case = ""
        for name in re.findall(r"refusal (\S+~[0-9a-f]{6})", line):
            reached.setdefault(name, {})[case] = seconds
    return reached


# ---- one refusal at a time

def holder(refusal, tests, learnt):
    """(the test that fails without it or None, the tests that were tried)."""
    candidates = []
    for test in tests:
        known = learnt[test.name]
        cases = known["reached"].get(refusal.name)
        if cases and known["passed"]:
            single = test.has_cases and "" not in cases
            candidates.append((sum(cases.values()) if single else known["seconds"], test, sorted(cases) if single else ()))
    candidates.sort(key=lambda candidate: candidate[0])
    logs = WORK / "taken_out"
    logs.mkdir(exist_ok=True)
    for seconds, test, cases in candidates:
        log = logs / f"{refusal.name.replace('/', '.')}.log"
        log.unlink(missing_ok=True)
        if not test.run(log, 60 + 10 * seconds, cases, EXPLAIND_TAKEN_OUT=refusal.name):
            failed = re.findall(r"\[  FAILED  \] ([\w./]+)", log.read_text(errors="replace"))
            return " ".join([test.name, *failed[:1]]), candidates
    return None, candidates


def drawn(refusals, seed, count):
    """A sample that other refusals, added or removed, change by one at most."""
    order = sorted(refusals.values(), key=lambda r: hashlib.sha256(f"{seed} {r.name}".encode()).digest())
    return order[:count] if count else order


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sample", type=int, default=60, help="how many refusals are tried; 0: all")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default="", metavar="WORD", help="only refusals whose file, name or statement holds WORD")
    options.add_argument("--tests", default="", metavar="REGEX", help="only tests of these names")
    options.add_argument("--jobs", type=int, default=2, help="compilers at once")
    options.add_argument("--cmake", action="append", default=[], metavar="-D…", help="given to cmake")
    options.add_argument("--learn-again", action="store_true")
    options.add_argument("--list", action="store_true", help="print all refusals and end")
    asked = options.parse_args()

    refusals = prepare()
    (WORK / "refusals.txt").write_text("".join(f"{r.name}\t{r.file}:{r.line}\t{r.text}\n" for r in refusals.values()))
    if asked.list:
        print((WORK / "refusals.txt").read_text() + f"{len(refusals)} refusals")
        return 0
    build(asked.jobs, asked.cmake)
    refusals = in_this_build(refusals)
    tests = tests_named(asked.tests)
    learnt = learn(tests, asked.learn_again)

    chosen = {name: r for name, r in refusals.items() if asked.only in f"{r.file} {name} {r.text}"}
    sample = drawn(chosen, asked.seed, asked.sample)
    missed = []
    for number, refusal in enumerate(sample, 1):
        by, tried = holder(refusal, tests, learnt)
        if by is None:
            missed.append((refusal, tried))
        print(f"[{number}/{len(sample)}] {refusal.file}:{refusal.line} " + (f"held by {by}" if by else "NOT HELD"), flush=True)
    for refusal, tried in missed:
        why = "passed without it: " + ", ".join(test.name for _, test, _ in tried) if tried else "reached by no test"
        print(f"\n{refusal.file}:{refusal.line} ({refusal.name}) {why}\n    {refusal.text}")
    print(f"\n{len(sample) - len(missed)} of {len(sample)} held (seed {asked.seed}), {sum(not tried for _, tried in missed)} reached by no "
          f"test; {len(refusals)} refusals in this build, {len(tests)} tests")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
