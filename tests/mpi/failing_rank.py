"""A rank that fails ends the whole job, also where others wait for it in their segment group: one message that names it, exit code 1, soon."""
import subprocess
import sys
import time

program, mpirun = sys.argv[1:]
for ranks, shards, failing in ((1, 1, 0), (3, 1, 0), (3, 1, 2), (4, 2, 3), (2, 2, 0)):
    start = time.monotonic()
    process = subprocess.run(["timeout", "-k", "5", "60", mpirun, "--quiet", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), program,
                              str(failing), str(shards)], capture_output=True, text=True)
    text = process.stdout + process.stderr
    assert process.returncode == 1, (process.returncode, text)
    assert text.count("the disk is on fire") == 1, text
    assert f"rank {failing}" in text and "unit" in text, text
    assert time.monotonic() - start < 30
print("one message, exit code 1")
