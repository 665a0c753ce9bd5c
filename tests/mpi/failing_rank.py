"""A rank that fails ends the whole job: one message that names it, exit code 1, soon."""
import subprocess
import sys
import time

program, mpirun = sys.argv[1:]
for ranks, failing in ((1, 0), (3, 0), (3, 2)):
    start = time.monotonic()
    process = subprocess.run(["timeout", "-k", "5", "60", mpirun, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), program,
                              str(failing)], capture_output=True, text=True)
    text = process.stdout + process.stderr
    assert process.returncode == 1, (process.returncode, text)
    assert text.count("the disk is on fire") == 1, text
    assert f"rank {failing}" in text and "unit" in text, text
    assert time.monotonic() - start < 30
print("one message, exit code 1")
