"""Two hosts on this machine, in network namespaces of their own, each with a bridge of containers of one and the same address: Open MPI takes it for a
network that the hosts share, and its first messages never arrive. The job ends, with the networks named, and the remedy that is named cures it.

SKIPPED, exit code 77, where there is no `ip` or no right to make namespaces.
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from program import EXPLAIND, GOLDENS, MPIRUN, decompose, must  # noqa: E402
from store_contents import contents  # noqa: E402

JOB = ["decompose", "--series", GOLDENS / "grouped_query/series", "--samples", GOLDENS / "grouped_query/samples.jsonl"]
ADDRESSES = {"na": "10.77.0.1", "nb": "10.77.0.2"}


class Hosts:
    """na and nb, and how a command is run on one of them."""

    def __enter__(self):
        self.holders = {name: subprocess.Popen(["unshare", "--net", "--uts", "sh", "-c", f"hostname {name} && exec sleep 600"]) for name in ADDRESSES}
        time.sleep(.5)
        na, nb = (holder.pid for holder in self.holders.values())
        made = subprocess.run(["ip", "link", "add", "net0", "netns", str(na), "type", "veth", "peer", "name", "net0", "netns", str(nb)], capture_output=True)
        if made.returncode or any(holder.poll() is not None for holder in self.holders.values()):
            skip("network namespaces are not allowed here")
        for name, address in ADDRESSES.items():
            for command in ("ip link set lo up", "ip link set net0 up", f"ip addr add {address}/24 dev net0", "ip link add docker0 type bridge",
                            "ip addr add 172.31.0.1/16 dev docker0", "ip link set docker0 up"):
                subprocess.run([*self.on(name), *command.split()], check=True)
        return self

    def __exit__(self, *_):
        for holder in self.holders.values():
            holder.kill()
            holder.wait()

    def on(self, name):
        space = f"/proc/{self.holders[name].pid}/ns"
        return ["nsenter", f"--net={space}/net", f"--uts={space}/uts"]


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(77)


def job(hosts, folder, store, *mca, patience):
    """mpirun on na, with a rank on each; instead of ssh a script goes to nb."""
    agent = folder / "agent.sh"
    agent.write_text(f'#!/bin/sh\nshift\nexec {" ".join(hosts.on("nb"))} sh -c "$*"\n')
    agent.chmod(0o755)
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", EXPLAIND_FIRST_MESSAGE=patience)
    environment.pop("OMPI_MCA_pml", None)
    command = [*hosts.on("na"), MPIRUN, "--bind-to", "none", "-H", ",".join(ADDRESSES.values()), "--mca", "plm_rsh_agent", agent, *mca, "-x",
               "EXPLAIND_FIRST_MESSAGE", EXPLAIND, *JOB, "--store", store]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True)
    began = time.monotonic()
    try:
        said = process.communicate(timeout=120)[0]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, time.monotonic() - began, said


def main():
    argparse.ArgumentParser().parse_known_args()
    if shutil.which("ip") is None:
        skip("there is no `ip` here: launch/setup.sh --cluster installs it")
    if os.geteuid() != 0:
        skip("only root may make network namespaces")
    with tempfile.TemporaryDirectory() as name, Hosts() as hosts:
        folder = pathlib.Path(name)
        # mpirun's own messages are led the right way: what hangs is the ranks'.
        code, seconds, said = job(hosts, folder, folder / "o.h5", "--mca", "oob_tcp_if_include", "net0", patience="4")
        assert code not in (0, 124) and seconds < 40, (code, seconds, said)
        errors = [line for line in said.splitlines() if line.startswith("error:")]
        assert len(errors) == 1 and errors[0].startswith("error: rank 0 on na: all ranks have begun"), said
        for word in ("net0 10.77.0.1/24", "docker0 172.31.0.1/16 (a bridge inside this machine)", "within 4 s", "EXPLAIND_FIRST_MESSAGE"):
            assert word in errors[0], (word, errors[0])
        assert not (folder / "o.h5").exists()
        remedy = re.search("`mpirun (--mca [^`]*)`", errors[0]).group(1).split()
        print(f"a network that leads nowhere: exit {code} after {seconds:.0f} s, of which 4 s are waiting; said: {' '.join(remedy)}")
        code, seconds, said = job(hosts, folder, folder / "o.h5", *remedy, patience="30")
        assert code == 0, said
        must(decompose(folder / "whole.h5"))
        assert contents(folder / "o.h5") == contents(folder / "whole.h5")
        print(f"with that: the same store, in {seconds:.0f} s")


main()
