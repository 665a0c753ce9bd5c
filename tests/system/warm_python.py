"""A `python3` for the commands of messages. Every one of them would take seconds to import torch; here each is a fork of this process, which has.

As a command sees it, it is a process of its own: its arguments, environment, directory, open files and exit code, and an empty __main__.
"""
import json
import os
import pathlib
import runpy
import signal
import socket
import sys
import traceback

# What stands in a folder of PATH: hands all of that over, and waits. It knows nothing of packages, so it starts at once.
CLIENT = """#!{python} -ISs
import json, os, socket, sys
place = socket.socket(socket.AF_UNIX)
place.connect({place!r})
handed = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(place, [len(handed).to_bytes(8, "little")], [0, 1, 2])
place.sendall(handed)
sys.exit((place.recv(1) or b"\\1")[0])
"""


class WarmPython:
    """A folder with a `python3` in it, as long as the `with` lasts. torch must be imported, and this process have one thread."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "warm"
        self.folder.mkdir()

    def __enter__(self):
        place = str(self.folder / "place")
        program = self.folder / "python3"
        program.write_text(CLIENT.format(python=os.path.realpath(sys.executable), place=place))
        program.chmod(0o755)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(place)
        listener.listen()
        self.server = os.fork()
        if self.server == 0:
            serve(listener)
        listener.close()
        return self.folder

    def __exit__(self, *_):
        os.kill(self.server, signal.SIGKILL)
        os.waitpid(self.server, 0)


def serve(listener):
    """One command after the other, until it is killed."""
    while True:
        client, _ = listener.accept()
        size, files, _, _ = socket.recv_fds(client, 8, 3)
        handed = b""
        while len(handed) < int.from_bytes(size, "little"):
            handed += client.recv(1 << 16)
        child = os.fork()
        if child == 0:
            become(*json.loads(handed), files)
        for file in files:
            os.close(file)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        client.sendall((code if code >= 0 else 128 - code).to_bytes(1, "little"))
        client.close()


def become(arguments, directory, environment, files):
    """The command, in this process: -c PROGRAM …, -m MODULE … or FILE …"""
    code = 1
    try:
        for place, file in enumerate(files):
            os.dup2(file, place)
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)
        how = arguments[0] if arguments[0] in ("-c", "-m") else ""
        what, *rest = arguments[1 if how else 0:]
        sys.argv = [how or what, *rest]
        if how == "-c":
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
        elif how == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(what, run_name="__main__")
        code = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
