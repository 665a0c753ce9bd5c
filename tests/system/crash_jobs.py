"""The jobs that crash tests kill, and what must hold of their files after any end: stores, recorded runs and series are whole, or say that they are not."""
from program import run, write_samples
from shimmed_job import MODEL, NETWORK, QUICK, SERIES, Job, files_of, finish, names_in
from store_contents import contents
from store_units import expect_intact, tiles_of

DECOMPOSE_RUN = ["--samples", "validation:0-1", *QUICK]


def jobs(folder):
    samples = write_samples(folder / "samples.jsonl", [3, 21, 5], 60)
    scores = ["decompose", "--series", SERIES, "--samples", samples, "--store", "OUT/o.h5", "--chunk", "2", *QUICK]
    text = folder / "text.txt"
    text.write_text("the cat sat on the mat and the dog sat on the log\n" * 40)
    scalars = [*scores, "--component", "parameter"]
    return [
        StoreJob("scores", scores),
        StoreJob("scalars", scalars),
        StoreJob("marked", [*scores, "--segment-groups", "2"], ranks=2, variables={"HDF5_USE_FILE_LOCKING": "FALSE"}),  # a claim without flock
        StoreJob("scores-shared-by-2-ranks", [*scores, "--shards", "2", "--micro-batch", "1"], ranks=2),
        StoreJob("scores-of-2-groups", [*scores, "--segment-groups", "2"], ranks=2),
        StoreJob("scalars-of-2-ranks", scalars, ranks=2),
        RunJob("run", ["record", "--history", "OUT/run", *MODEL, "--epochs", "3", "--block-size", "10kB"]),
        RunJob("run-on-text", ["record", "--history", "OUT/run", "--model", "llama", "--text", text, *NETWORK[:-8], "--batch", "2", "--train-samples",
                               "6", "--validation-samples", "2", "--max-steps", "3", "--block-size", "10kB", "--threads", "1"]),
        SeriesJob("series", ["record", "--text", text, "--series", "OUT/series", *NETWORK, "--optimizer-state"]),
    ]


def said(process):
    return f"exit {process.returncode}\n{process.stdout[-600:]}{process.stderr[-1500:]}"


class CrashJob(Job):
    """expect_sound(folder): what must hold of the files after any crash, without a change to them; returns how much of them is complete.
    finish_in(folder): the command that goes on with them, and what must be there then."""

    def measure(self, folder):
        """Keeps what an uninterrupted job leaves."""
        process = finish(self.command(folder))
        assert process.returncode == 0, (self.name, said(process))
        self.names = names_in(folder)
        self.keep(folder)

    def finish_in(self, folder):
        process = finish(self.command(folder) + (self.resumed if any(folder.iterdir()) else []))
        assert process.returncode == 0, f"going on with it: {said(process)}"
        self.expect_whole(folder)

    def expect_whole(self, folder):
        assert self.read(folder / self.output) == self.reference, "what is finished afterwards differs from what was never interrupted"
        left = names_in(folder)
        assert left == self.names, f"left beside it: {set(left) - set(self.names)}, missing: {set(self.names) - set(left)}"

    def keep(self, folder):
        self.reference = self.read(folder / self.output)


class StoreJob(CrashJob):
    def __init__(self, name, arguments, ranks=0, **more):
        super().__init__(name, arguments, "o.h5", contents, ranks, **more)

    def keep(self, folder):
        super().keep(folder)
        self.tiles = tiles_of(folder / "o.h5")

    def expect_sound(self, folder):
        return len(expect_intact(folder / "o.h5", self.tiles))

    def expect_whole(self, folder):
        super().expect_whole(folder)
        assert expect_intact(folder / "o.h5", self.tiles) == set(self.tiles)


class RunJob(CrashJob):
    """A recorded run says itself that it has ended; one that has not is refused by readers and gone on with by --resume."""

    def __init__(self, name, arguments):
        super().__init__(name, arguments, "run", files_of, whole=[])

    def finish_in(self, folder):
        ended = (folder / "run/complete.json").exists()
        process = finish(self.command(folder) + (self.resumed if any(folder.iterdir()) else []))
        if ended:
            assert process.returncode == 1 and "has ended" in process.stderr, f"going on with a run that has ended: {said(process)}"
        else:
            assert process.returncode == 0, f"going on with it: {said(process)}"
        self.expect_whole(folder)

    def expect_sound(self, folder):
        path = folder / "run"
        if (path / "complete.json").exists():
            files = {name: each for name, each in files_of(path).items() if name != ".lock" and not name.endswith(".tmp")}
            assert files == self.reference, f"a run that says it has ended differs in {[n for n in self.reference if files.get(n) != self.reference[n]]}"
            return len(files)
        process = run("decompose", "--series", path, "--store", folder / "refused.h5", *DECOMPOSE_RUN)
        words = ("cut short", "not a recorded run", "no such", "no checkpoint")
        assert process.returncode == 1 and any(word in process.stderr for word in words), f"a run that was cut short is read: {said(process)}"
        assert not list(folder.glob("refused.h5*")), "the refusal leaves files"
        return 0


class SeriesJob(CrashJob):
    """Every checkpoint is whole, and a series of which some are missing says so."""

    def __init__(self, name, arguments):
        super().__init__(name, arguments, "series", files_of, whole=[])
        self.resumed = ["--overwrite"]

    def expect_sound(self, folder):
        path = folder / "series"
        there = [each for each in sorted(path.glob("step-*"))]
        for step in there:
            for name, data in self.reference.items():
                if name.startswith(step.name + "/"):
                    file = path / name
                    assert file.exists() and file.read_bytes() == data, f"{name} of a checkpoint that has its name is not whole"
            extra = {f"{step.name}/{name}" for name in files_of(step)} - set(self.reference)
            assert not extra, f"a checkpoint holds {extra}"
        if len(there) == len({name.split("/")[0] for name in self.reference if name.startswith("step-")}) or not there:
            return len(there)
        process = run("inspect", path)
        assert "did not end" in process.stdout + process.stderr, f"a series that was cut short is shown as a whole one: {said(process)}"
        return len(there)
