"""explaind report --figures: what the SVG files show, read from where their marks lie and how they are coloured, against the store."""
import pathlib
import re
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import numpy

from made_store import make_store
from program import must, run
from shown_numbers import Store, number_of

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ["losses", "kinds", "layers", "layer_maps", "cumulative", "components"]
GROUPS = ("de", "fr", "<b>&\"x", "日本語")
MISSING = [(10, 3), (11, 0)]


class Figure:
    """An SVG file whose values are read through its own axis."""

    def __init__(self, path):
        self.root = ElementTree.parse(path).getroot()
        ticks = [(float(tick.get("y")), float(tick.get("data-value"))) for tick in self.marks("text", "value-tick")]
        if len(ticks) > 1:
            (y0, v0), (y1, v1) = ticks[0], ticks[-1]
            self.value = lambda y: v0 + (y - y0) * (v1 - v0) / (y1 - y0)
            self.pixel = abs((v1 - v0) / (y1 - y0))
            for tick, (y, value) in zip(self.marks("text", "value-tick"), ticks):
                assert abs(self.value(y) - value) < 1e-5 * abs(v1 - v0) and abs(number_of(tick.text) - value) <= 0.02 * abs(v1 - v0), (tick.text, value)

    def marks(self, tag, kind):
        return [each for each in self.root.iter(SVG + tag) if each.get("class") == kind]

    def words(self):
        return [each.text for each in self.root.iter(SVG + "text")]


def number(mark, name):
    return float(mark.get(name))


def close(shown, stored, within, where):
    assert abs(shown - stored) <= within, f"{where}: the figure shows {shown}, the store holds {stored}"


def check_stack(path, store, parts, present):
    """parts: name to components. Heights, and on which side of zero; a missing column is striped."""
    figure = Figure(path)
    seen = set()
    for bar in figure.marks("rect", "bar"):
        column, part = int(bar.get("data-column")), bar.get("data-part")
        stored = store.score(slice(None), parts[part], column)
        top, bottom = figure.value(number(bar, "y")), figure.value(number(bar, "y") + number(bar, "height"))
        close(top - bottom, abs(stored), 0.01 * figure.pixel, f"{path.name} {part} {column}")
        assert (bottom > -0.01 * figure.pixel if stored > 0 else top < 0.01 * figure.pixel), (path.name, part, column, top, bottom)
        seen.add((column, part))
    assert seen == {(column, part) for column in present for part in parts}, path.name
    for column in present:  # on either side of zero one stands on the other
        boxes = sorted((number(bar, "y"), number(bar, "y") + number(bar, "height")) for bar in figure.marks("rect", "bar") if int(bar.get("data-column")) == column)
        assert all(abs(below[0] - above[1]) < 0.01 for above, below in zip(boxes, boxes[1:])), (path.name, column, boxes)
    assert len(figure.marks("rect", "missing")) == len(store.steps) - len(present)
    colours = {legend.get("data-name"): legend.get("fill") for legend in figure.marks("rect", "legend")}
    assert all(colours[bar.get("data-part")] == bar.get("fill") for bar in figure.marks("rect", "bar"))


def check_maps(path, store, present):
    figure = Figure(path)
    scale = [(number(each, "data-value"), numpy.array([int(each.get("fill")[i:i + 2], 16) for i in (1, 3, 5)])) for each in figure.marks("rect", "scale")]
    ends = [number_of(words) for words in figure.words() if words and re.match(r"^[+−][\d.]+( × .*)?$", words.replace("\u00a0", " "))]
    assert abs(ends[0] + ends[1]) < 1e-9 and abs(ends[1] / scale[-1][0] - 1) < 0.01, ends
    cells = figure.marks("rect", "cell")
    kinds = list(dict.fromkeys(store.kind))
    for cell in cells:
        panel, row, column = cell.get("data-panel"), cell.get("data-row"), int(cell.get("data-column"))
        if panel == "once in the model":
            takes = store.kind == row
        else:
            layer = store.layer.max() if row == "final" else int(row)
            takes = (store.kind == {"MLP": "mlp"}.get(panel, panel)) & (store.layer == layer)
        stored = store.score(slice(None), takes, column)
        colour = numpy.array([int(cell.get("fill")[i:i + 2], 16) for i in (1, 3, 5)])
        value, off = min(((value, numpy.abs(colour - of).max()) for value, of in scale), key=lambda each: each[1])
        assert off <= 8, (panel, row, column)
        close(value, stored, 1.1 * (scale[1][0] - scale[0][0]), f"{path.name} {panel} {row} {column}")
    rows = len(cells) // len(present)
    assert rows == len({(kind, layer) for kind, layer in zip(store.kind, store.layer)}) and len(kinds) == 5, (rows, kinds)


def ends_of(curve):
    """y where each piece begins, and y at the right end of each of its columns."""
    return [[float(point.split(",")[1]) for point in piece.split("L")] for piece in curve.get("d").split("M")[1:]]


def check_curves(folder, store, present):
    figure = Figure(folder / "losses.svg")
    curves = {curve.get("data-name"): ends_of(curve) for curve in figure.marks("path", "curve")}
    assert curves.keys() == {"all", *GROUPS}, curves.keys()
    for name, pieces in curves.items():
        members = slice(None) if name == "all" else store.group == name
        begin, end = store.from_[:, members].mean(1), store.to[:, members].mean(1)
        columns = [column for column in range(len(store.steps)) if not numpy.isnan(begin[column])]
        assert sum(len(piece) - 1 for piece in pieces) == len(columns), name
        close(figure.value(pieces[0][0]), begin[columns[0]], 0.01 * figure.pixel, f"losses {name} at its start")
        for y, column in zip([y for piece in pieces for y in piece[1:]], columns):
            close(figure.value(y), end[column], 0.01 * figure.pixel, f"losses {name} {column}")
    figure = Figure(folder / "cumulative.svg")
    for curve in figure.marks("path", "curve"):
        name = curve.get("data-name")
        takes = slice(None) if name == "all" else store.kind == {"MLP": "mlp"}.get(name, name)
        shown = [figure.value(y) for piece in ends_of(curve) for y in piece[1:]]
        stored = numpy.cumsum([store.score(slice(None), takes, column) for column in present])
        for column, (a, b) in enumerate(zip(shown, stored)):
            close(a, b, 0.01 * figure.pixel, f"cumulative {name} {column}")
        assert len(shown) == len(stored)


def check_bars(path, store, present):
    figure = Figure(path)
    totals = {name: store.psi[present][:, :, i].mean(1).sum() for i, name in enumerate(store.name)}
    largest = sorted(totals, key=lambda name: -abs(totals[name]))[:20]
    bars = figure.marks("rect", "bar")
    assert [bar.get("data-name") for bar in bars] == largest
    unit = abs(totals[largest[0]]) / number(bars[0], "width")
    zero = {round(number(bar, "x") + (number(bar, "width") if totals[bar.get("data-name")] < 0 else 0), 1) for bar in bars}
    assert len(zero) == 1, zero
    for bar in bars:
        close(number(bar, "width") * unit, abs(totals[bar.get("data-name")]), 0.01 * unit, bar.get("data-name"))
    shown = [number_of(words) for words in figure.words() if words and re.match(r"^[+−]", words)]
    for name, value in zip(largest, shown, strict=True):
        close(value, totals[name], 0.006 * abs(totals[name]), name)


def expect_the_store(folder, path):
    figures = folder / "figures"
    said = must(run("report", path, "-o", folder / "page.html", "--figures", figures)).stdout
    assert sorted(each.name for each in figures.iterdir()) == sorted(name + ".svg" for name in NAMES) and "6 figures" in said, said
    store = Store(path)
    present = [segment for segment in range(len(store.steps)) if not numpy.isnan(store.psi[segment]).any()]
    last = store.layer.max()
    layers = {"embedding": store.layer == -1, **{f"layer {layer}": store.layer == layer for layer in range(last)}, "norm and unembedding": store.layer == last}
    layers["final norm and unembedding"] = layers.pop("norm and unembedding")
    check_stack(figures / "kinds.svg", store, {kind: store.kind == {"MLP": "mlp"}.get(kind, kind) for kind in ("embedding", "norm", "attention", "MLP", "unembedding")}, present)
    check_stack(figures / "layers.svg", store, layers, present)
    check_maps(figures / "layer_maps.svg", store, present)
    check_curves(figures, store, present)
    check_bars(figures / "components.svg", store, present)
    # Another store under these figures is seen.
    other = folder / "other.h5"
    make_store(other, seed=2, groups=GROUPS, missing=MISSING)
    for check in (lambda: check_stack(figures / "layers.svg", Store(other), layers, present), lambda: check_maps(figures / "layer_maps.svg", Store(other), present),
                  lambda: check_curves(figures, Store(other), present), lambda: check_bars(figures / "components.svg", Store(other), present)):
        try:
            check()
        except AssertionError:
            continue
        sys.exit("figures of another store pass")


def expect_joined_columns(folder):
    path = folder / "long.h5"
    make_store(path, segments=130, samples=3, layers=1, coordinate_steps=list(range(131)))
    must(run("report", path, "-o", folder / "long.html", "--figures", folder / "long"))
    figure, store = Figure(folder / "long/kinds.svg"), Store(path)
    bars = figure.marks("rect", "bar")
    assert {int(bar.get("data-column")) for bar in bars} == set(range(120)) and "per column" in figure.root.find(SVG + "desc").text
    sums = numpy.zeros(120)
    for bar in bars:
        top, bottom = figure.value(number(bar, "y")), figure.value(number(bar, "y") + number(bar, "height"))
        sums[int(bar.get("data-column"))] += (top - bottom) * (1 if bottom > -0.01 * figure.pixel else -1)
    close(sums.sum(), store.psi.mean(1).sum(), 0.1 * figure.pixel, "all bars of joined segments")
    # What a column's bars add up to is by how much F changes in it.
    losses = Figure(folder / "long/losses.svg")
    ends, = [ends_of(curve)[0] for curve in losses.marks("path", "curve") if curve.get("data-name") == "all"]
    changes = numpy.diff([losses.value(y) for y in ends])
    assert len(changes) == 120 and numpy.abs(changes - sums).max() < 0.02 * (losses.pixel + figure.pixel), numpy.abs(changes - sums).max()


def expect_refusals(folder, path):
    figures = folder / "figures"
    before = {each.name: each.read_bytes() for each in figures.iterdir()}

    def refused(code, *words, arguments):
        process = run("report", *arguments)
        assert process.returncode == code and all(word in process.stderr for word in words) and process.stderr.count("error:") == 1, process.stderr
        assert not (folder / "none.html").exists()
        assert {each.name: each.read_bytes() for each in figures.iterdir()} == before

    refused(1, "exists", "--overwrite", arguments=[path, "-o", folder / "none.html", "--figures", figures])
    refused(2, "two are given", arguments=[path, path, "-o", folder / "none.html", "--figures", folder / "more"])
    refused(1, "is no folder", arguments=[path, "-o", folder / "none.html", "--figures", path])
    refused(1, "cannot be made", arguments=[path, "-o", folder / "none.html", "--figures", path / "below"])
    own = figures / "kinds.svg"
    own.write_text("<svg/>")
    before["kinds.svg"] = b"<svg/>"
    refused(1, "is no figure of a report", arguments=[path, "-o", folder / "none.html", "--figures", figures, "--overwrite"])
    own.unlink()
    must(run("report", path, "-o", folder / "none.html", "--figures", figures, "--overwrite"))
    hidden = folder / "alone"
    make_store(folder / "alone.h5", samples=3, groups=("one",))
    must(run("report", folder / "alone.h5", "-o", folder / "alone.html", "--figures", hidden, "--anonymous"))
    ids = [mark.get("data-name") for mark in Figure(hidden / "losses.svg").marks("path", "curve")]
    assert "all" in ids and len(ids) == 4 and "secret-id" not in (hidden / "losses.svg").read_text(), ids


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        path = folder / "store.h5"
        make_store(path, groups=GROUPS, missing=MISSING)
        expect_the_store(folder, path)
        expect_joined_columns(folder)
        expect_refusals(folder, path)
    print("figures show the store")


main()
