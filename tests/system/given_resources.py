"""Memory and processors that the job was given: what `plan` says under an affinity, Slurm's variables, and real control groups.

Groups are made and removed here, in the memory and cpu hierarchies of this machine: SKIPPED, with the reason, where that is not permitted.
"""
import contextlib
import os
import pathlib
import re
import subprocess
import tempfile

from program import EXPLAIND, GOLDENS, MPIRUN, write_samples

SERIES = GOLDENS / "grouped_query/series"
MB = 1_000_000


def plan(samples, before=(), ranks=1, **variables):
    """The plan's lines by their words; `before`: a command that starts it."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS" and not name.startswith("SLURM_")}
    environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} | {name: str(value) for name, value in variables.items()}
    start = [MPIRUN, "-n", str(ranks), "--oversubscribe", "--bind-to", "none"] if ranks > 1 else []
    done = subprocess.run([*before, *start, EXPLAIND, "plan", "--series", SERIES, "--samples", samples, "--evaluations", "3"],
                          capture_output=True, text=True, check=False, env=environment, timeout=120)
    assert done.returncode == 0, (before, variables, done.stdout, done.stderr)
    return dict(re.findall(r"^  (may take|threads) +(.*)$", done.stdout, re.M)) | {"notes": re.findall(r"^note: (.*)$", done.stdout, re.M)}


def megabytes(line):
    number, unit = re.match(r"([\d.]+) ([kMGT]B) a rank", line).groups()
    return float(number) * {"kB": 1e-3, "MB": 1, "GB": 1e3, "TB": 1e6}[unit]


def expect_masks_and_variables(samples):
    cores = len(os.sched_getaffinity(0))
    free = plan(samples)
    threads = int(free["threads"].split()[0])  # fewer than the mask has where a quota limits this machine
    assert 1 <= threads <= cores and " a rank: " in free["threads"], free
    assert "free" in free["may take"] or "control group" in free["may take"], free
    one = plan(samples, ["taskset", "-c", str(min(os.sched_getaffinity(0)))])
    assert one["threads"].startswith("1 a rank: 1 processor of"), one
    task = plan(samples, SLURM_CPUS_PER_TASK=1)
    assert task["threads"].startswith("1 a rank"), task
    named = plan(samples, OMP_NUM_THREADS=cores + 3)
    assert named["threads"] == f"{cores + 3} a rank" and any("run by turns" in note for note in named["notes"]), named
    node = plan(samples, SLURM_MEM_PER_NODE=2000)
    assert "Slurm" in node["may take"] and abs(megabytes(node["may take"]) - .8 * 2000 * 1.048576) < 10, node
    two = plan(samples, ranks=2, SLURM_MEM_PER_NODE=2000)
    assert "for 2 ranks" in two["may take"] and abs(megabytes(two["may take"]) - .4 * 2000 * 1.048576) < 10, two
    assert two["threads"].startswith(f"{max(1, threads // 2)} a rank"), two


@contextlib.contextmanager
def group(hierarchy, files):
    """A group around none of our processes yet, of version 1: its folder, and the command that starts another in it."""
    own = next((line.split(":", 2)[2].strip() for line in open("/proc/self/cgroup") if hierarchy in line.split(":")[1].split(",")), None)
    mount = pathlib.Path("/sys/fs/cgroup") / hierarchy
    if own is None or not mount.is_dir():
        raise PermissionError(f"no hierarchy of version 1 for {hierarchy}")
    folder = mount / own.lstrip("/") / f"explaind-test-{os.getpid()}"
    inner = folder / "inner"  # the limit stands above the group that the process is in
    inner.mkdir(parents=True)
    try:
        for name, value in files.items():
            (folder / name).write_text(str(value))
        yield folder, ["bash", "-c", f'echo $$ > {inner}/cgroup.procs; exec "$@"', "in"]
    finally:
        inner.rmdir()
        folder.rmdir()


def expect_memory_of_a_group(samples, folder):
    limit = 1500 * MB
    with group("memory", {"memory.limit_in_bytes": limit}) as (place, inside):
        empty = plan(samples, inside)
        assert f"control group {'/' + str(place.relative_to('/sys/fs/cgroup/memory'))} leaves" in empty["may take"], empty
        assert .8 * 1250 < megabytes(empty["may take"]) <= .8 * 1500, empty
        # Files that were written fill the group; their pages are given back, so they change little.
        subprocess.run([*inside, "dd", "if=/dev/zero", f"of={folder / 'large'}", "bs=1M", "count=1300"], check=True, capture_output=True)
        subprocess.run(["sync", folder / "large"], check=True)
        held = int((place / "memory.usage_in_bytes").read_text())
        filled = plan(samples, inside)
        assert held < 1000 * MB or megabytes(filled["may take"]) > .8 * 1000, (held, filled)
        (folder / "large").unlink()
        two = plan(samples, inside, ranks=2)
        assert "for 2 ranks" in two["may take"] and megabytes(two["may take"]) < .4 * 1500, two


def expect_quota_of_a_group(samples):
    with group("cpu", {"cpu.cfs_period_us": 100000, "cpu.cfs_quota_us": 50000}) as (_, inside):
        half = plan(samples, inside)
        assert half["threads"].startswith("1 a rank: the processor quota of its control group"), half


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        samples = write_samples(folder / "samples.jsonl", [3, 5], 60)
        expect_masks_and_variables(samples)
        try:
            expect_memory_of_a_group(samples, folder)
            expect_quota_of_a_group(samples)
        except (PermissionError, FileNotFoundError, OSError) as error:
            print(f"SKIPPED the control groups: {error}")


main()
