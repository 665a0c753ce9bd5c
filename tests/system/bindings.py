"""On whole nodes ranks are bound to NUMA domains: the commands that run.sh and decompose.sbatch put together, on machines that are
told by stand-ins for lscpu and nproc, and what the program says of a machine of several domains is in tests/unit/machine."""
import os
import pathlib
import subprocess
import tempfile

from program import MPIRUN, SOURCE


class Machine:
    """A folder of stand-ins: a machine of so many NUMA domains and processors, of which the job has some; launchers that print."""

    def __init__(self, folder, domains, processors, given):
        self.folder = folder
        lines = "\n".join(["# Node", *(str(each) for each in range(domains) for _ in range(2))])
        self.put("lscpu", f"cat <<'END'\n{lines}\nEND")
        self.put("nproc", f'if [ "${{1:-}}" = --all ]; then echo {processors}; else echo "${{OMP_NUM_THREADS:-{given}}}"; fi')
        for launcher in ("mpirun", "srun"):
            self.put(launcher, f'echo {launcher} "$@"')
        self.put("scontrol", "echo")

    def put(self, name, text):
        path = self.folder / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def said(self, command, **variables):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_") and name != "BIND"}
        environment |= dict(PATH=f"{self.folder}:{os.environ['PATH']}", MPIRUN="mpirun", OMP_NUM_THREADS="1", SLURM_JOB_ID="1", **variables)
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


def run_sh(machine, ranks, **variables):
    return machine.said([SOURCE / "launch/run.sh", "-n", str(ranks), "explaind", "decompose"], **variables)


def batch(machine, launcher, ranks, nodes, **variables):
    said = machine.said([SOURCE / "launch/slurm/decompose.sbatch", "--config", "my.ini"], LAUNCHER=launcher, SLURM_NTASKS=str(ranks),
                        SLURM_JOB_NUM_NODES=str(nodes), **variables)
    return next(line for line in said.splitlines() if line.startswith(launcher + " "))


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        whole = Machine(folder, 4, 64, 64)
        bound = run_sh(whole, 8)
        assert bound.startswith("mpirun --map-by ppr:2:numa --bind-to numa ") and "--bind-to none" not in bound and "-n 8" in bound, bound
        assert "ppr:4:numa" in run_sh(whole, 32, SLURM_JOB_NUM_NODES="2")
        for ranks, variables in ((6, {}), (4, {"SLURM_JOB_NUM_NODES": "2"}), (8, {"BIND": "none"})):
            said = run_sh(whole, ranks, **variables)
            assert "--bind-to none" in said and "numa" not in said, said
        line = batch(whole, "srun", 16, 2)
        assert "--cpu-bind=ldoms" in line and line.endswith("explaind decompose --config my.ini --resume"), line
        line = batch(whole, "mpirun", 16, 2)
        assert "--map-by ppr:2:numa --bind-to numa" in line and "--bind-to none" not in line, line
        for launcher in ("srun", "mpirun"):
            for ranks, variables in ((6, {}), (16, {"BIND": "none"})):
                line = batch(whole, launcher, ranks, 2, **variables)
                assert "numa" not in line and "ldoms" not in line and ("--bind-to none" in line) == (launcher == "mpirun"), line
        for machine in (Machine(folder, 4, 64, 32), Machine(folder, 1, 64, 64)):  # a part of a node; one domain
            assert "numa" not in run_sh(machine, 8) and "ldoms" not in batch(machine, "srun", 16, 2)
        # The flags are what mpirun itself understands.
        real = subprocess.run([MPIRUN, "--map-by", "ppr:2:numa", "--bind-to", "numa", "--oversubscribe", "-n", "2", "echo", "ran"],
                              capture_output=True, text=True, timeout=60)
        assert real.returncode == 0 and real.stdout == "ran\nran\n", real.stderr
    print("ranks are bound to NUMA domains where they have whole nodes, and nowhere else")


main()
