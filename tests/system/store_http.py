"""One row of a large store on a web server: counted are the requests that xarray with h5netcdf over fsspec makes for it, and what it reads."""
import http.server
import pathlib
import re
import tempfile
import threading

import fsspec
import h5py
import xarray

from program import GOLDENS, decompose, must, write_samples

MOST = 8


class Ranges(http.server.BaseHTTPRequestHandler):
    """Serves one file by ranges, and counts."""
    protocol_version = "HTTP/1.1"
    path_on_disk, requests = None, []

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        size = self.path_on_disk.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = (int(asked[1]), min(int(asked[2] or size - 1), size - 1)) if asked else (0, size - 1)
        self.requests.append((self.command, first, last))
        self.send_response(206 if asked else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last + 1 - first))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if body:
            with open(self.path_on_disk, "rb") as file:
                file.seek(first)
                self.wfile.write(file.read(last + 1 - first))

    def log_message(self, *_):
        pass


def expect_few_requests(address, store, block):
    """block: bytes that fsspec asks for at once; None: its default."""
    Ranges.requests.clear()
    options = {} if block is None else {"block_size": block}
    with fsspec.open(address, **options) as remote, xarray.open_dataset(remote, engine="h5netcdf") as found:
        row = found.psi.isel(segment=1, sample=30).load()
    with h5py.File(store) as file:
        assert (row.values == file["psi"][1, 30]).all()
    size, read = store.stat().st_size, sum(last + 1 - first for command, first, last in Ranges.requests if command == "GET")
    print(f"{size} bytes, blocks of {block}: {len(Ranges.requests)} requests, {read} bytes", flush=True)
    assert len(Ranges.requests) <= MOST and read < size, Ranges.requests


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        store = folder / "rows.h5"
        samples = write_samples(folder / "samples.jsonl", [6] * 250, 64)
        must(decompose(store, GOLDENS / "grouped_query/series", samples, "--component", "row", "--axes", "sample,position", "--quadrature", "gauss:1"))
        Ranges.path_on_disk = store
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ranges)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for block in (None, 1 << 20, 1 << 18):
            expect_few_requests(f"http://127.0.0.1:{server.server_port}/rows.h5", store, block)
        server.shutdown()


main()
