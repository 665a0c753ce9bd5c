"""Peak anonymous memory (RssAnon: mapped files aside) of a program's ranks, read from /proc while they run."""
import os
import pathlib
import subprocess
import sys
import threading
import time


def anonymous(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def ranks_of(pid, name):
    """Process ids of `pid` and below that run `name`."""
    found = []
    try:
        if pathlib.Path(os.readlink(f"/proc/{pid}/exe")).name == name:
            found.append(pid)
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return found
    for child in map(int, children):
        found += ranks_of(child, name)
    return found


def run(command, name, environment=(), accept=(0, 3)):
    """Seconds, the peak anonymous bytes of the largest rank, and what was printed."""
    peak, done = 0, threading.Event()
    start = time.perf_counter()
    process = subprocess.Popen(command, env=dict(os.environ, **dict(environment)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def watch():
        nonlocal peak
        while not done.wait(0.01):
            peak = max([peak, *map(anonymous, ranks_of(process.pid, name))])

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, errors = process.communicate()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    if process.returncode not in accept:
        sys.exit(f"exit {process.returncode}: {' '.join(map(str, command))}\n{errors}")
    return seconds, peak, out
