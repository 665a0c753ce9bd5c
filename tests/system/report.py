"""explaind report: the page shows what the store holds, as a reader sees it in a browser; what it leaves out; what is refused.

    report.py             the test
    report.py --pictures DIR   also leaves pictures of the pages there"""
import base64
import json
import pathlib
import random
import re
import sys
import tempfile

import h5py
import numpy

from browser import CHROMIUM, DRIVER, Browser
from made_store import components_of, make_store
from planted_scores import background, planted_cluster, planted_phase
from program import GOLDENS, SOURCE, decompose, must, run
from shown_numbers import Store, check_bars, check_cells, marks_of, number_of, same, segment_of, tooltip_at

GROUPS = ("de", "fr", "</script><b>&x", "日本語")
MISSING = [(10, 3), (11, 0)]
RIGHT, ESCAPE = "\ue014", "\ue00c"


def check_page(browser, page, store, chance):
    """Twenty marks of one page, whoever made it, and a few more with the colours that a reader sees first."""
    browser.open(page, "#colour=linear")
    check_bars(browser, store, chance, 5)
    check_cells(browser, store, chance, "layer-maps", 6)
    check_cells(browser, store, chance, "groups", 4)
    check_cells(browser, store, chance, "heads", 5)
    browser.open(page, "#colour=root")
    check_cells(browser, store, chance, "layer-maps", 6, root=True)
    check_cells(browser, store, chance, "groups", 4, root=True)
    assert browser.complaints() == []


def check_curves(browser, store):
    """All points of the curves of F, through the CSV that the page offers; the curve's last point by its height."""
    table = browser.run("return figures.find(figure => figure.name === 'losses').table()")
    assert table["columns"] == ["step_from", "step_to", "group", "value_from", "value_to"], table["columns"]
    for step_from, step_to, group, value_from, value_to in table["rows"]:
        members = slice(None) if group == "all" else store.group == group
        segment = store.steps.index((step_from, step_to))
        for shown, stored in ((value_from, store.from_[segment, members].mean()), (value_to, store.to[segment, members].mean())):
            assert (shown is None) == bool(numpy.isnan(stored)), (group, segment, shown, stored)
            if shown is not None:
                same(shown, stored, f"F of {group}", share=1e-6)
    text = browser.run("return csvText({columns: ['a', 'b'], rows: [['x,\"y\"', 1.5], ['z', NaN]]})")
    assert text == 'a,b\n"x,""y""",1.5\nz,\n', text


def check_use(browser, page, store):
    """Choosing, linking, keys, downloads, nothing from the network, a phone's width."""
    browser.open(page, "#group=fr&steps=2:5")
    assert browser.run("return [state.who, state.first, state.last, document.querySelector('select').value]") == [2, 2, 5, "2"]
    bars = marks_of(browser, "kinds", ".bar")
    assert len(bars) == 4 * 5, len(bars)
    browser.run("document.querySelector('#kinds svg').focus({focusVisible: true})")
    browser.press(RIGHT, RIGHT)
    lines = browser.run("return [...tooltip.children].map(node => node.textContent)")
    assert lines[0].startswith("fr (mean of 3 samples)") and segment_of(store, lines[1]) == 3, lines
    browser.press(ESCAPE)
    assert browser.run("return [state.who, state.first]") == [2, None]
    browser.run("choose({who: 0, first: null, last: null})")
    assert browser.run("return location.hash") == ""
    pictures = browser.run("return figures.filter(figure => figure.plot).map(figure => [figure.name, svgText(figure).length, new DOMParser().parseFromString(svgText(figure), 'image/svg+xml').querySelector('parsererror')])")
    assert len(pictures) >= 8 and all(length > 1000 and error is None for _, length, error in pictures), pictures
    assert browser.run("return performance.getEntriesByType('resource').map(each => each.name)") == []
    assert browser.run("return document.querySelectorAll('b').length") == 0
    for width in (390, 1200):
        browser.resize(width)
        browser.open(page)
        assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.complaints() == []


def permuted(page, target):
    """The page with the numbers of one array moved by one place."""
    text = page.read_text()
    begin = text.index('<script type="application/json" id="data">') + len('<script type="application/json" id="data">')
    end = text.index("</script>", begin)
    data = json.loads(text[begin:end])
    for name in ("all", "cohorts", "totals"):
        values = numpy.frombuffer(base64.b64decode(data["contributions"][name]["f32"]), "<f4")
        data["contributions"][name]["f32"] = base64.b64encode(numpy.roll(values, 1).tobytes()).decode()
    target.write_text(text[:begin] + json.dumps(data).replace("<", "\\u003c") + text[end:])
    return target


def expect_pages_show_the_store(folder, path):
    store, page = Store(path), folder / "page.html"
    chance = random.Random(7)
    with Browser() as browser:
        check_page(browser, page, store, chance)
        check_curves(browser, store)
        check_similarity(browser, store)
        check_use(browser, page, store)
        wrong = permuted(page, folder / "wrong.html")
        try:
            check_page(browser, wrong, store, random.Random(7))
        except AssertionError as error:
            assert "the page shows" in str(error), error
        else:
            raise AssertionError("a page with other numbers passes")


def table_of(browser, figure):
    return browser.run("return figures.find(figure => figure.name === arguments[0]).table()", figure)["rows"]


def check_similarity(browser, store):
    """Cosines of samples over components, in the order of groups."""
    rows = table_of(browser, "similarity")
    whole = ~numpy.isnan(store.psi).any((1, 2))
    vectors = store.psi[whole].sum(0)
    vectors = vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)
    order = [i for group in dict.fromkeys(store.group) for i in numpy.flatnonzero(store.group == group)]
    assert [row[0] for row in rows] == [f"secret-id-{i}" for i in order]
    assert numpy.allclose([row[1:] for row in rows], (vectors @ vectors.T)[order][:, order], atol=1e-6)


def expect_comparison(folder):
    """Two stores: sums between the steps that both have, their difference, what cannot be compared."""
    first, second, page = folder / "first.h5", folder / "second.h5", folder / "two.html"
    make_store(first, segments=4, samples=4, layers=2, seed=3, coordinate_steps=[0, 1, 2, 5, 9])
    make_store(second, segments=3, samples=6, layers=2, seed=4, coordinate_steps=[0, 2, 9, 20])
    other = folder / "other.h5"
    make_store(other, segments=2, samples=2, layers=3)
    process = run("report", first, other, "-o", folder / "none.html")
    assert process.returncode == 1 and "cannot be compared" in process.stderr and "layer" in process.stderr, process.stderr
    apart = folder / "apart.h5"
    make_store(apart, segments=2, samples=2, layers=2, coordinate_steps=[100, 200, 300])
    process = run("report", first, apart, "-o", folder / "none.html")
    assert process.returncode == 1 and "no two neighbouring training steps" in process.stderr, process.stderr
    must(run("report", first, second, "-o", page))
    if not (CHROMIUM and DRIVER):
        return
    a, b = Store(first), Store(second)
    with Browser() as browser:
        browser.open(page, "#group=fr")
        rows = table_of(browser, "differences")
        columns = {(0, 2): ([0, 1], [0]), (2, 9): ([2, 3], [1])}
        assert {(row[0], row[1]) for row in rows} == set(columns), rows
        for begin, end, layer, kind, of_first, of_second, difference in rows:
            stored = [sum(store.score(store.group == "fr", (store.layer == layer) & (store.kind == kind), segment) for segment in segments)
                      for store, segments in zip((a, b), columns[begin, end])]
            same(of_first, stored[0], "first", share=1e-5)
            same(of_second, stored[1], "second", share=1e-5)
            same(difference, stored[1] - stored[0], "difference", share=1e-4, least=1e-7)
        assert browser.complaints() == []


def expect_positions(folder):
    """Scores of tokens, summed over everything else."""
    path, page = folder / "positions.h5", folder / "positions.html"
    pieces = ["<s>", "Ġein", "ĠWort", "Ã", "¼", "Ċ", "<0xE6>", "<0x97>", "<0xA5>"]  # ü and 日 in parts
    psi = make_store(path, segments=3, samples=4, layers=1, positions=9, tokens=[pieces] * 4)
    must(run("report", path, "-o", page))
    must(run("report", path, "-o", folder / "hidden.html", "--anonymous"))
    assert "Wort" in page.read_text() and "Wort" not in (folder / "hidden.html").read_text()
    # What decompose keeps of samples that are token ids.
    stored = folder / "kept.h5"
    must(decompose(stored, GOLDENS / "grouped_query/series", GOLDENS / "grouped_query/samples.jsonl", "--axes", "sample,position", "--component", "kind"))
    with h5py.File(stored) as file:
        kept = json.loads(file["provenance/tokens"][()].tobytes())
    asked = [json.loads(line)["input_ids"] for line in (GOLDENS / "grouped_query/samples.jsonl").read_text().splitlines()]
    assert [each["ids"] for each in kept] == asked, kept
    if not (CHROMIUM and DRIVER):
        return
    with h5py.File(path) as file:
        lengths = file["length"][()]
    with Browser() as browser:
        browser.open(page)
        rows = table_of(browser, "positions")
        assert len(rows) == lengths.sum()
        for sample, position, _, score in rows:
            same(score, psi.sum((0, 3))[int(sample.rsplit("-")[-1]), position], f"{sample} {position}", share=1e-5)
        words = browser.run("return [...document.querySelectorAll('.texts p')].map(text => [...text.children].map(token => token.textContent))")
        whole = ["<s>", " ein", " Wort", "·", "ü", "↵", "·", "·", "日"]
        assert words == [whole[:length] for length in lengths], words
        for token in marks_of(browser, "positions", ".token")[:3]:
            name, _, score = tooltip_at(browser, token["x"], token["y"])
            sample, position = re.match(r"secret-id-(\d+), position (\d+)", name).groups()
            same(number_of(score), psi.sum((0, 3))[int(sample), int(position)], name)
        assert browser.complaints() == []


def expect_findings(folder):
    """What find finds is in the page, at its step; of samples without names where these are to be left out."""
    path, page = folder / "findings.h5", folder / "findings.html"
    steps, parts = [10 * i for i in range(25)], list(components_of(4))
    mlp, attention = ([i for i, each in enumerate(parts) if each[2] == kind] for kind in ("mlp", "attention"))
    scores = planted_phase(background(24, 24, len(parts), numpy.random.default_rng(3)), mlp, attention, 9)
    clustered = planted_cluster(scores, [1, 4, 6, 11, 15, 16, 20, 22], [5, 12, 13], range(12, 16))
    clustered += (scores - clustered).mean(1, keepdims=True)  # the mix stays as it was
    make_store(path, 24, 24, ("de", "fr"), 4, scores=clustered, coordinate_steps=steps)
    must(run("report", path, "-o", page))
    must(run("report", path, "-o", folder / "unnamed.html", "--anonymous"))
    assert "secret-id" not in (folder / "unnamed.html").read_text()
    found = json.loads(must(run("find", path, "--format", "json", "--permutations", "999", "--what", "phases,clusters,divergences,handovers")).stdout)
    counts = {each["name"]: each["found"] for each in found["findings"]}
    assert counts["phases"] == 1 and counts["clusters"] == 2, counts
    if not (CHROMIUM and DRIVER):
        return
    with Browser() as browser:
        browser.open(page)
        title = browser.run("return document.getElementById('findings-title').textContent")
        assert "1 phase change" in title and "2 clusters" in title and "beyond chance" in title, title
        shown = {}
        for search, number, column, value in table_of(browser, "findings"):
            shown.setdefault(search, {}).setdefault(number, {})[column] = value
        for each in found["findings"]:
            assert len(shown.get(each["name"], {})) == each["found"], each["name"]
            for number, row in enumerate(each["rows"], 1):
                for column, value in shown[each["name"]][number].items():
                    assert value == row[column], (each["name"], column, value, row[column])
        # Both ends of the axis say where a step lies between them.
        mark = marks_of(browser, "findings", ".finding")[0]
        lines = tooltip_at(browser, mark["x"], mark["y"])
        assert "phase change at step 90" in lines[0], lines
        ends = browser.run("const axis = stepAxis(0, 1); return [axis.left(0), axis.left(9), axis.right(columnCount - 1)]")
        line = browser.run("const box = document.querySelector('#findings .plot svg line').getBoundingClientRect(); return [box.left, box.right]")
        assert abs((mark["x"] - line[0]) / (line[1] - line[0]) - (ends[1] - ends[0]) / (ends[2] - ends[0])) < 0.01, (mark, line, ends)
        assert browser.complaints() == []


def expect_bounds(folder):
    """Many segments share columns; of many groups those whose F changed most are told apart."""
    path, page = folder / "many.h5", folder / "many.html"
    groups = [f"group {i}" for i in range(50)]
    make_store(path, segments=130, samples=100, layers=1, groups=groups, coordinate_steps=list(range(131)))
    must(run("report", path, "-o", page))
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.S)[1])
    store, about = Store(path), data["about"]
    assert len(about["columns"]["from"]) == 120 and sum(about["columns"]["merged"]) == 130
    change = {group: abs((store.to - store.from_)[:, store.group == group].mean(1).sum()) for group in groups}
    largest = sorted(groups, key=lambda group: -change[group])[:40]
    assert {each["label"] for each in about["cohorts"][1:]} == set(largest) and about["cohorts_left_out"] == 10
    values = numpy.frombuffer(base64.b64decode(data["contributions"]["all"]["f32"]), "<f4").reshape(120, -1)
    assert numpy.allclose(values.sum(), store.psi.mean(1).sum(), rtol=1e-5)
    values = numpy.frombuffer(base64.b64decode(data["losses"]["change"]["f32"]), "<f4").reshape(120, 41)
    assert numpy.allclose(values[:, 0].sum(), (store.to - store.from_).mean(1).sum(), rtol=1e-5)


def expect_refusals(folder, path):
    def refused(code, *words, arguments):
        process = run("report", *arguments)
        assert process.returncode == code, (process.returncode, process.stdout, process.stderr)
        assert process.stderr.count("error:") == 1, process.stderr
        for word in words:
            assert word in process.stderr, (word, process.stderr)

    page = folder / "page.html"
    before = page.read_bytes()
    refused(1, "exists", "--overwrite", arguments=[path, "-o", page])
    must(run("report", path, "--output", page, "--overwrite"))
    assert page.read_bytes() == before, "a page is the same whenever it is made"
    foreign = folder / "foreign.html"
    foreign.write_text("<!doctype html>")
    refused(1, "no report", arguments=[path, "-o", foreign, "--overwrite"])
    assert foreign.read_text() == "<!doctype html>"
    refused(1, "not an HDF5 file", arguments=[foreign, "-o", folder / "none.html"])
    refused(1, "no such store", arguments=[folder / "none.h5", "-o", folder / "none.html"])
    refused(1, "is a folder", arguments=[path, "-o", folder])
    refused(1, str(folder / "none/page.html"), arguments=[path, "-o", folder / "none/page.html"])
    refused(2, "--output is missing", arguments=[path])
    damaged = folder / "damaged.h5"
    damaged.write_bytes(path.read_bytes()[:60000])
    refused(1, "damaged.h5", arguments=[damaged, "-o", folder / "none.html"])
    with h5py.File(folder / "empty.h5", "w") as file:
        file.attrs["store_version"] = numpy.int32(2)
    refused(1, "no scores", arguments=[folder / "empty.h5", "-o", folder / "none.html"])
    nothing = folder / "nothing.h5"
    make_store(nothing, segments=2, samples=2, layers=1, missing=[(s, i) for s in range(2) for i in range(2)])
    refused(1, "committed yet", arguments=[nothing, "-o", folder / "none.html"])
    left = sorted(file.name for file in folder.iterdir() if "none" in file.name or "tmp" in file.name)
    assert left == [], left
    # Too little to find anything in: the page says that nothing was looked for, and why, without the path.
    few = folder / "few.h5"
    make_store(few, segments=2, samples=3, layers=1, missing=[(s, i) for s in range(2) for i in range(3) if i > 0])
    must(run("report", few, "-o", folder / "few.html"))
    found = json.loads(re.search(r'id="data">(.*?)</script>', (folder / "few.html").read_text(), re.S)[1])["findings"]
    assert set(found) == {"why_not"} and "committed" in found["why_not"] and "few.h5" not in found["why_not"], found


def expect_nothing_private(folder, path):
    """--anonymous: none of the words that say who, where and what."""
    page = folder / "anonymous.html"
    must(run("report", path, "-o", page, "--anonymous"))
    text = page.read_text()
    for word in ("secret-host", "secret-id", "/secret", str(folder), path.name):
        assert word not in text, word
    assert "lm_head.weight" in text and "de" in text
    named = (folder / "page.html").read_text()
    assert "secret-id-" in named and "/secret/path" in named and "secret-host" not in named


def expect_other_shapes(folder):
    """Stores of version 1: groups, scalars, a training axis. Every figure is drawn for every choice, without a complaint."""
    if not (CHROMIUM and DRIVER):
        return
    with Browser() as browser:
        for path in sorted((SOURCE / "tests/goldens/stores/version1").glob("*.h5")):
            page = folder / f"{path.stem}.html"
            must(run("report", path, "-o", page))
            browser.open(page)
            browser.run("""
              for (const axis of stepModes) choose({axis});
              for (let who = 0; who < data.about.cohorts.length; ++who) choose({who});
              figures.filter(figure => figure.node).forEach(figure => { figure.table(); svgText(figure); });""")
            said = browser.run("return document.body.innerText")
            assert browser.complaints() == [] and "NaN" not in said and "undefined" not in said, path
            drawn = browser.run("return figures.filter(figure => figure.node).map(figure => figure.name)")
            assert {"losses", "certificates"} <= set(drawn) and ("training-samples" in drawn) == (path.stem == "training_axis"), (path, drawn)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        path = folder / "made.h5"
        make_store(path, heads=4, groups=GROUPS, missing=MISSING)
        said = must(run("report", path, "-o", folder / "page.html")).stdout
        assert "needs no network" in said, said
        assert (folder / "page.html").stat().st_size < 1.5e6
        expect_refusals(folder, path)
        expect_nothing_private(folder, path)
        expect_comparison(folder)
        expect_positions(folder)
        expect_findings(folder)
        expect_bounds(folder)
        expect_other_shapes(folder)
        if not (CHROMIUM and DRIVER):
            print("SKIPPED: what the page shows (no chromium and chromedriver here)")
            return
        expect_pages_show_the_store(folder, path)
        if "--pictures" in sys.argv:
            target = pathlib.Path(sys.argv[sys.argv.index("--pictures") + 1])
            with Browser() as browser:
                for width in (1200, 390):
                    browser.resize(width)
                    browser.open(folder / "page.html")
                    browser.picture(target / f"made-{width}.png")


main()
