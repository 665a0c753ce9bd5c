"""A command under the shim of kill_at_write.c, with a folder of its own for all that it writes."""
import os
import shutil
import subprocess

from program import EXPLAIND, GOLDENS, MPIRUN

SERIES = GOLDENS / "grouped_query/series"  # 2 segments
QUICK = ["--quadrature", "gauss:2", "--threads", "1", "--device", "cpu"]
MODEL = ["--model", "grokking_transformer", "--modulus", "7", "--train-samples", "20", "--validation-samples", "8", "--hidden", "8", "--heads", "2",
         "--intermediate", "12", "--batch", "8", "--threads", "1"]
NETWORK = ["--hidden", "8", "--layers", "1", "--heads", "2", "--key-value-heads", "1", "--intermediate", "8", "--vocabulary", "300", "--sequence-length",
           "16", "--batch", "2", "--max-steps", "2", "--checkpoints", "2", "--threads", "1"]


class Job:
    """A command whose files lie in a folder of its own. output: what is compared; whole: the files, where each appears complete or not at all;
    resumed: the option by which the command goes on; variables: of its environment."""

    def __init__(self, name, arguments, output, read, ranks=0, failing_rank=None, resumed=("--resume",), whole=None, variables=None):
        self.name, self.arguments, self.output, self.read, self.ranks, self.failing_rank = name, arguments, output, read, ranks, failing_rank
        self.resumed, self.whole, self.variables = list(resumed), [output] if whole is None else whole, variables or {}

    def command(self, folder, **variables):
        words = [str(word).replace("OUT", str(folder)) for word in self.arguments]
        program = ["env", *(f"{name}={value}" for name, value in (self.variables | variables).items()), EXPLAIND, *words]
        if self.ranks:
            program = [MPIRUN, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", str(self.ranks), *program]
        return ["timeout", "-k", "5", "60", *program]

    def run(self, folder, shim="", **variables):
        """The finished process, and the calls that changed files in the folder, as "done write PATH" or "failed …"."""
        seen = folder.with_suffix(".calls")
        seen.unlink(missing_ok=True)
        if shim:
            variables = ({} if self.failing_rank is None else {"KILL_RANK": self.failing_rank}) | variables
            variables = {"LD_PRELOAD": shim, "KILL_FILE": f"{folder}/", "KILL_CALLS": seen} | variables
        process = finish(self.command(folder, **variables))
        return process, seen.read_text().splitlines() if seen.exists() else []


def finish(command):
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    return subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment)


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def names_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
