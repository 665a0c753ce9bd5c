"""launch/slurm/decompose.sbatch under a real Slurm of four nodes on this machine (tests/cluster/lab).

    slurm.py [--only WORD] [--slow]      --slow: also the real time limit, which takes minutes

SKIPPED, exit code 77, where there is no Slurm (launch/setup.sh --cluster) or no right to start it.
"""
import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from program import EXPLAIND, GOLDENS, SOURCE, must, run, write_samples  # noqa: E402
from store_contents import committed, contents  # noqa: E402

LAB = pathlib.Path(__file__).resolve().parent / "lab"
SCRIPT = SOURCE / "launch/slurm/decompose.sbatch"
SERIES = GOLDENS / "grouped_query/series"
DEADLINE = 240


class Slurm:
    """The lab, started and ended here; its clients' environment."""

    def __init__(self, folder):
        self.place = folder / "lab"
        self.environment = dict(os.environ, LAB=str(self.place), SLURM_CONF=str(self.place / "slurm.conf"), OMP_NUM_THREADS="1",
                                OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", EXPLAIND=EXPLAIND)
        interface = subprocess.run(["bash", "-c", f". {LAB}/labenv.sh; echo $dev"], capture_output=True, text=True, check=True, env=self.environment).stdout.strip()
        for layer in ("btl", "oob"):  # bridges of containers make Open MPI hang
            self.environment[f"OMPI_MCA_{layer}_tcp_if_include"] = interface

    def __enter__(self):
        up = subprocess.run(["bash", LAB / "up.sh"], capture_output=True, text=True, env=self.environment, timeout=60)
        if up.returncode:
            skip(f"Slurm does not start here: {up.stdout}{up.stderr}")
        return self

    def __exit__(self, *_):
        subprocess.run(["bash", LAB / "down.sh"], capture_output=True, env=self.environment, timeout=120)

    def ask(self, *command):
        return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True, env=self.environment, timeout=60).stdout.strip()

    def submit(self, log, *arguments, launcher="srun", nodes=2, options=()):
        environment = self.environment | {"LAUNCHER": launcher}
        command = ["sbatch", "--parsable", f"--nodes={nodes}", "--ntasks-per-node=1", "--cpus-per-task=1", "--time=10", f"--output={log}", *options, SCRIPT,
                   *arguments]
        return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True, env=environment, timeout=60).stdout.strip().split(";")[0]

    def state(self, job):
        """Its state, exit code, and how often it was started again."""
        shown = dict(word.split("=", 1) for word in self.ask("scontrol", "--oneliner", "show", "job", job).split() if "=" in word)
        return shown["JobState"], int(shown["ExitCode"].split(":")[0]), int(shown["Restarts"])

    def wait(self, job, log, states=("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL")):
        """Slurm holds a restart back for two minutes; a few seconds are enough for the first start's PMIx files to be removed."""
        began, pending = time.monotonic(), None
        while True:
            state = self.state(job)
            if state[0] in states:
                return state
            pending = (pending or time.monotonic()) if state[0] == "PENDING" and state[2] > 0 else None
            if pending and time.monotonic() - pending > 8:
                subprocess.run(["scontrol", "update", f"JobId={job}", "StartTime=now"], capture_output=True, env=self.environment, timeout=60)
            assert time.monotonic() - began < DEADLINE, (job, state, log.read_text() if log.exists() else "")
            time.sleep(.5)

    def all_up(self):
        """Nodes that were lost are taken in again."""
        for _ in range(60):
            states = dict(line.split() for line in self.ask("sinfo", "-h", "-N", "-o", "%N %T").splitlines())
            down = [node for node, state in states.items() if "down" in state or "drain" in state]
            if not down and not any("*" in state for state in states.values()):
                return
            for node in down:
                subprocess.run(["scontrol", "update", f"NodeName={node}", "State=RESUME"], capture_output=True, env=self.environment, timeout=60)
            time.sleep(1)
        raise AssertionError(states)

    def cancel(self, *arguments):
        subprocess.run(["scancel", *map(str, arguments)], check=True, env=self.environment, timeout=60)


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(77)


class Question:
    """A job of many short units, its plain store, and what is given to decompose."""

    def __init__(self, folder, samples=40):
        self.folder = folder
        self.samples = write_samples(folder / "samples.jsonl", [3 + i % 9 for i in range(samples)], 60)
        self.whole = folder / "whole.h5"
        must(run("decompose", *self.arguments(self.whole)))

    def arguments(self, store, *more):
        return ["--series", SERIES, "--samples", self.samples, "--store", store, "--chunk", "1", *more]

    def expect_whole(self, store, told):
        assert contents(store) == contents(self.whole), told


def until(condition, what):
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < DEADLINE, what
        time.sleep(.05)


def both_launchers(slurm, question):
    for launcher in ("srun", "mpirun"):
        store, log = question.folder / f"{launcher}.h5", question.folder / f"{launcher}.log"
        job = slurm.submit(log, *question.arguments(store), launcher=launcher)
        assert slurm.wait(job, log) == ("COMPLETED", 0, 0), log.read_text()
        question.expect_whole(store, launcher)


def warnings(slurm, question):
    """What the script does when Slurm warns it: the ranks finish their units, the job is queued again, and comes to the same store."""
    for launcher in ("srun", "mpirun"):
        store, log = question.folder / f"warned-{launcher}.h5", question.folder / f"warned-{launcher}.log"
        job = slurm.submit(log, *question.arguments(store, "--quadrature", "midpoint:60"), launcher=launcher)
        until(lambda: committed(store) > 3, log)
        slurm.cancel("--batch", "--signal=USR1", job)
        state = slurm.wait(job, log)
        text = log.read_text()
        assert state == ("COMPLETED", 0, 1), (state, text)
        assert "the time limit is near" in text and "queued again (restart 1)" in text and "TIME" not in text, text
        plain = question.folder / "sixty.h5"
        if not plain.exists():
            must(run("decompose", *question.arguments(plain, "--quadrature", "midpoint:60")))
        assert contents(store) == contents(plain), text


def started_by_srun(slurm, question):
    """srun without PMIx, as it is by default: one task does what needs one; ranks are told how to be started; a task alone works."""
    def srun(*command, tasks=2, mpi="none"):
        return subprocess.run(["srun", f"--mpi={mpi}", f"--nodes={min(tasks, 2)}", f"--ntasks={tasks}", "--time=5", EXPLAIND, *map(str, command)], capture_output=True,
                              text=True, env=slurm.environment, timeout=DEADLINE)
    whole = must(run("inspect", question.whole)).stdout
    for mpi in ("none", "pmi2", "pmix"):
        shown = srun("inspect", question.whole, mpi=mpi)
        assert shown.returncode == 0 and shown.stdout == whole, (mpi, shown)
        assert srun("decompose", "--help", mpi=mpi).stdout.count("Usage:") == 1, mpi
        store = question.folder / f"srun-{mpi}.h5"
        two = srun("decompose", *question.arguments(store), mpi=mpi)
        if mpi != "pmix":
            assert two.returncode == 2 and two.stderr.count("error: srun: it started 2 tasks") == 1 and "`srun --mpi=pmix`" in two.stderr, (mpi, two)
            assert "MPI_Init" not in two.stderr and not store.exists(), (mpi, two)
        alone = srun("decompose", *question.arguments(store, "--overwrite"), tasks=1, mpi=mpi)
        assert alone.returncode == 0, (mpi, alone)
        question.expect_whole(store, mpi)
    # In a batch script of several tasks a program may well run alone, though SLURM_NTASKS says 2.
    store, log = question.folder / "in-script.h5", question.folder / "in-script.log"
    words = " ".join(map(str, question.arguments(store)))
    job = slurm.ask("sbatch", "--parsable", "--nodes=2", "--ntasks=2", "--time=5", f"--output={log}", f"--wrap={EXPLAIND} decompose {words}")
    assert slurm.wait(job, log) == ("COMPLETED", 0, 0), log.read_text()
    question.expect_whole(store, "in a batch script")


def kill_waits(slurm, question):
    """What TERM leaves under srun: scancel sends it to all ranks, and KILL after Slurm's KillWait. Short units are finished; those of minutes are given up,
    with a word after --grace (25 s if it is not given), without one where that is longer than KillWait (KILLWAIT=30 in the environment: the lab has 5)."""
    wait = next(int(line.split("=")[1].split()[0]) for line in slurm.ask("scontrol", "show", "config").splitlines() if line.startswith("KillWait"))
    longest = ["--quadrature", "midpoint:20000"]
    for number, (units, grace, least, most) in enumerate((("short", [], 0, 2), ("of minutes", ["--grace", "2"], 1.5, 4),
                                                          ("of minutes", [], min(wait, 25) - .5, min(wait, 25) + 5))):
        store, log = question.folder / f"cancelled-{number}.h5", question.folder / f"cancelled-{number}.log"
        job = slurm.submit(log, *question.arguments(store, *(["--quadrature", "midpoint:60"] if units == "short" else longest), *grace))
        until(lambda: committed(store) > 3 if units == "short" else store.exists(), log)
        time.sleep(0 if units == "short" else 2)  # many short ones are done in that time
        slurm.cancel(job)
        began = time.monotonic()
        until(lambda: no_rank(store), log)
        seconds = time.monotonic() - began
        print(f"  scancel under KillWait {wait}, units {units} {' '.join(grace)}: ranks gone after {seconds:.1f} s", flush=True)
        assert least <= seconds <= most + 2, (units, grace, seconds)
        assert slurm.wait(job, log)[0] == "CANCELLED"
        assert ("longer than --grace" in log.read_text()) == (units != "short" and (bool(grace) or wait > 25)), log.read_text()


def no_rank(store):
    return not ranks_of(store)


def ends(slurm, question):
    """What is wrong is not tried again; what missed its tolerance is done."""
    log = question.folder / "wrong.log"
    job = slurm.submit(log, *question.arguments(question.folder / "wrong.h5", "--component", "tensr"), nodes=1)
    assert slurm.wait(job, log) == ("FAILED", 2, 0), log.read_text()
    log = question.folder / "missing.log"
    job = slurm.submit(log, "--series", question.folder / "none", "--samples", question.samples, "--store", question.folder / "none.h5")
    assert slurm.wait(job, log) == ("FAILED", 1, 0), log.read_text()
    log = question.folder / "missed.log"
    job = slurm.submit(log, *question.arguments(question.folder / "missed.h5", "--max-nodes", "9", "--precision", "fp64", "--tolerance", "1e-14"), nodes=1)
    assert slurm.wait(job, log) == ("COMPLETED", 0, 0) and "missed their tolerance, and are flagged" in log.read_text(), log.read_text()


def lost_ranks(slurm, question):
    """A rank that is killed ends the others; the job comes to the same store."""
    store, log = question.folder / "killed.h5", question.folder / "killed.log"
    job = slurm.submit(log, *question.arguments(store, "--quadrature", "midpoint:60"))
    until(lambda: committed(store) > 3, log)
    os.kill(rank_of(store), signal.SIGKILL)
    state = slurm.wait(job, log)
    assert state == ("COMPLETED", 0, 1) and "a rank or a node was lost (exit code 137)" in log.read_text(), (state, log.read_text())
    plain = question.folder / "sixty.h5"
    if not plain.exists():
        must(run("decompose", *question.arguments(plain, "--quadrature", "midpoint:60")))
    assert contents(store) == contents(plain)


def ranks_of(store):
    """Processes of the program that write this store, by rank."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"explaind") and str(store).encode() in words:
                variables = dict(each.split(b"=", 1) for each in (process / "environ").read_bytes().split(b"\0") if b"=" in each)
                found[int(variables[b"PMIX_RANK"])] = int(process.name)
        except (OSError, KeyError):
            pass
    return found


def rank_of(store):
    """One of them."""
    return ranks_of(store).popitem()[1]


def lost(slurm, question, name, lose, find):
    """A job whose rank 1, alone on its node, is lost by `lose`: its ranks end with its name, and it is queued again and comes to the same store. The log."""
    store, log = question.folder / f"{name}.h5", question.folder / f"{name}.log"
    job = slurm.submit(log, *question.arguments(store, "--quadrature", "midpoint:60", "--silence", "5"))
    until(lambda: committed(store) > 3 and len(ranks_of(store)) == 2, log)
    survivor, gone = ranks_of(store)[0], ranks_of(store)[1]
    began = time.monotonic()
    found = lose(gone)
    until(lambda: not pathlib.Path(f"/proc/{survivor}").exists(), log)
    assert time.monotonic() - began < 45, log.read_text()
    print(f"  {name}: the other rank ended after {time.monotonic() - began:.0f} s", flush=True)
    find(found)
    state = slurm.wait(job, log)
    text = log.read_text()
    assert state[:2] == ("COMPLETED", 0) and state[2] >= 1, (state, text)
    plain = question.folder / "sixty.h5"
    if not plain.exists():
        must(run("decompose", *question.arguments(plain, "--quadrature", "midpoint:60")))
    assert contents(store) == contents(plain), text
    return text


def stopped_rank(slurm, question):
    """It does not answer, and srun does not know."""
    text = lost(slurm, question, "stopped", lambda rank: os.kill(rank, signal.SIGSTOP), lambda _: None)
    assert "error: rank 1 on n" in text and "has not been heard since" in text and text.count("error: rank") == 1, text
    assert "a rank or a node was lost" in text, text


def stopped_node(slurm, question):
    """All its processes stand still, Slurm's too."""
    def lose(rank):
        node = processes_beside(rank)
        for process in node:
            os.kill(process, signal.SIGSTOP)
        return node

    def find(node):
        for process in node:
            try:
                os.kill(process, signal.SIGCONT)
            except ProcessLookupError:
                pass

    text = lost(slurm, question, "still", lose, find)
    assert "error: rank 1 on n" in text and "has not been heard since" in text and text.count("error: rank") == 1, text
    slurm.all_up()


def node_off(slurm, question):
    """All its processes are gone at once, and it stays off: the job goes on elsewhere."""
    def lose(rank):
        name = subprocess.run(["nsenter", f"--target={rank}", "--uts", "hostname"], capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run(["bash", LAB / "nodekill.sh", name], capture_output=True, check=True, env=slurm.environment)
        return name

    names = []

    def find(name):
        names.append(name)
        until(lambda: "down" in slurm.ask("sinfo", "-h", "-N", "-n", name, "-o", "%T"), name)

    lost(slurm, question, "off", lose, find)
    subprocess.run(["bash", LAB / "nodeup.sh", *names], capture_output=True, check=True, env=slurm.environment)
    slurm.all_up()


def processes_beside(rank):
    """Those with the host name of its node."""
    def namespace(process):
        try:
            return os.readlink(f"/proc/{process}/ns/uts")
        except OSError:
            return ""

    own = namespace(rank)
    assert own != namespace(1), "a node has a host name of its own"
    return [int(each.name) for each in pathlib.Path("/proc").glob("[0-9]*") if namespace(each.name) == own]


def arrays(slurm, question):
    """An array over samples: each task its part, merged to the store of all."""
    lines = question.samples.read_text().splitlines(keepends=True)
    for task in range(2):
        (question.folder / f"part-{task}.jsonl").write_text("".join(lines[20 * task:20 * task + 20]))
    log = question.folder / "array.log"
    job = slurm.submit(log, "--series", SERIES, "--samples", question.folder / "part-%a.jsonl", "--store", question.folder / "part-%a.h5", "--chunk", "1", nodes=1,
                       options=["--array=0-1"])
    for task in range(2):
        assert slurm.wait(f"{job}_{task}", log) == ("COMPLETED", 0, 0), log.read_text()
    merged = question.folder / "merged.h5"
    must(run("store", "merge", *[question.folder / f"part-{task}.h5" for task in range(2)], "-o", merged))
    question.expect_whole(merged, "merged")


def time_limits(slurm, question):
    """The real thing: a limit of a minute, a warning before it, and what is left is done after it."""
    store, log = question.folder / "limited.h5", question.folder / "limited.log"
    job = slurm.submit(log, *question.arguments(store, "--quadrature", "midpoint:600"), options=["--time=1", "--signal=B:USR1@40"])
    until(lambda: slurm.state(job)[2] > 0, log)
    assert "queued again" in log.read_text(), log.read_text()
    assert slurm.wait(job, log)[:2] == ("COMPLETED", 0), log.read_text()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--slow", action="store_true")
    options = parser.parse_args()
    for program in ("slurmctld", "slurmd", "munged", "sbatch"):
        if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin") is None:
            skip(f"there is no {program} here: launch/setup.sh --cluster installs it")
    if os.geteuid() != 0:
        skip("only root may start the nodes")
    checks = [both_launchers, started_by_srun, warnings, kill_waits, ends, lost_ranks, stopped_rank, stopped_node, node_off, arrays] + ([time_limits] if options.slow else [])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # munged wants its folders safe
        question = Question(folder)
        with Slurm(folder) as slurm:
            for check in checks:
                if options.only not in check.__name__:
                    continue
                began = time.monotonic()
                check(slurm, question)
                print(f"{check.__name__}: {time.monotonic() - began:.0f} s", flush=True)


main()
