"""A rank that fails ends the whole job, also where others wait for it in their segment group: one message that names it, soon."""
import os
import subprocess
import sys
import time

run, program, mpirun = sys.argv[1:]
# ranks, shards, the one that fails, how it does, exit code, what is said once, and by whom
CASES = [(1, 1, 0, "fails", 1, "the disk is on fire"), (3, 1, 0, "fails", 1, "the disk is on fire"), (3, 1, 2, "fails", 1, "the disk is on fire"),
         (4, 2, 3, "fails", 1, "the disk is on fire"), (2, 2, 0, "fails", 1, "the disk is on fire"),
         (3, 3, 2, "lost", 1, "rank 2: did not come to gather"), (4, 2, 2, "lost", 1, "rank 2: did not come to gather"),
         (2, 2, 1, "killed", 137, "rank 1"), (4, 2, 2, "killed", 137, "rank 2")]
for ranks, shards, failing, how, code, message in CASES:
    start = time.monotonic()
    process = subprocess.run(["timeout", "-k", "5", "60", run, "-n", str(ranks), program, str(failing), str(shards), how],
                             capture_output=True, text=True, env=dict(os.environ, MPIRUN=mpirun))
    text = process.stdout + process.stderr
    assert process.returncode == code, (process.returncode, text)
    assert text.count(message) == 1, text
    said = [line for line in text.splitlines() if not line.startswith("[")]  # "[host:pid] …" is Open MPI's own, now and then
    assert text.count("error:") == 1 and len(said) == 1 and f"rank {failing}" in said[0], text
    assert ("signal 9" if how == "killed" else "unit") in text, text
    assert time.monotonic() - start < 30
print("one message, soon")
