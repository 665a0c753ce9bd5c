"""What a report's page shows, read from what is drawn, against the store: bars by their heights, cells by their colours, both by their words."""
import re

import h5py
import numpy


class Store:
    """What a page ought to show, by h5py and NumPy alone."""

    def __init__(self, path):
        with h5py.File(path) as file:
            text = lambda name: [row.tobytes().rstrip(b"\0").decode() for row in file[name][()]]
            self.psi = file["psi"][()]
            if self.psi.ndim == 4:
                self.psi = self.psi.sum(2)
            self.from_, self.to = file["value_from"][()], file["value_to"][()]
            self.steps = list(zip(file["step_from"][()].tolist(), file["step_to"][()].tolist()))
            self.layer, self.kind, self.name = file["layer"][()], numpy.array(text("kind")), text("component")
            self.group = numpy.array(text("group"))
            self.residual = file["residual"][()]

    def score(self, samples, components, segment=None):
        """Mean over samples, sum over components (and segments)."""
        found = self.psi[:, samples][:, :, components].mean(1).sum(-1)
        if segment == "complete":
            return found[~numpy.isnan(self.psi).any((1, 2))].sum()
        return found.sum() if segment is None else found[segment]

    def samples_of(self, words):
        group = next((each for each in dict.fromkeys(self.group) if words.startswith(each + " (")), None)
        return slice(None) if group is None else self.group == group


def number_of(text):
    """The number that a page writes as −2.3 × 10⁻⁴."""
    text = text.replace("−", "-").replace(",", "").strip()
    found = re.match(r"^([+-]?[\d.]+)(?:\s×\s10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", text)
    assert found, text
    power = int(found[2].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))) if found[2] else 0
    return float(found[1]) * 10.0**power


def same(shown, stored, where, share=0.006, least=0.0):
    assert abs(shown - stored) <= share * abs(stored) + least, f"{where}: the page shows {shown}, the store holds {stored}"


def tooltip_at(browser, x, y):
    browser.point_at(x, y)
    lines = browser.run("return tooltip.hidden ? [] : [...tooltip.children].map(node => node.textContent)")
    assert lines, f"nothing is said at {x}, {y}"
    return lines


def segment_of(store, line):
    steps = tuple(int(text.replace(",", "")) for text in re.match(r"steps ([\d,]+) to ([\d,]+)", line).groups())
    return store.steps.index(steps)


def marks_of(browser, figure, selector):
    """Middle of marks in the window's coordinates, the figure scrolled into it."""
    return browser.run("""
      const node = document.getElementById(arguments[0]);
      node.scrollIntoView({block: "start"});
      return [...node.querySelectorAll(arguments[1])].map(mark => mark.getBoundingClientRect())
        .map(box => ({x: box.left + box.width / 2, y: box.top + box.height / 2, width: box.width, height: box.height}));""", figure, selector)


def value_axis(browser, figure):
    """Pixels per unit of a plot, from two of its axis' numbers and where they stand."""
    ticks = browser.run("return [...document.getElementById(arguments[0]).querySelectorAll('.value-tick')].map(node => [node.textContent, Number(node.getAttribute('y'))])", figure)
    (low, bottom), (high, top) = ticks[0], ticks[-1]
    return abs(bottom - top) / abs(number_of(low) - number_of(high))


def check_bars(browser, store, chance, count):
    """Heights of the stacks, through their axis, and what the tooltip says."""
    bars = [bar for bar in marks_of(browser, "kinds", ".bar") if bar["height"] > 3 and bar["y"] < 900]
    scale = value_axis(browser, "kinds")
    for bar in chance.sample(bars, count):
        who, when, what = tooltip_at(browser, bar["x"], bar["y"])
        kind = re.match(r"(.*?) [+−]", what)[1]
        stored = store.score(store.samples_of(who), store.kind == kind.lower(), segment_of(store, when))
        same(number_of(what[len(kind):]), stored, f"tooltip of {kind}, {when}")
        same(bar["height"] / scale, abs(stored), f"bar of {kind}, {when}", least=1.2 / scale)


def check_cells(browser, store, chance, figure, count, root=False):
    """Colours of heat maps, read back through their legend, and what the tooltip says. root: colours go with the square root of a value's size."""
    place = (lambda value: numpy.sign(value) * numpy.sqrt(abs(value))) if root else float
    value_at = (lambda at: numpy.sign(at) * at * at) if root else float
    cells = browser.run("""
      const node = document.getElementById(arguments[0]);
      node.scrollIntoView({block: "start"});
      const figure = figures.find(each => each.name === arguments[0]), place = figure.svg.node().getBoundingClientRect();
      const pixels = canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      const box = canvas => figure.canvases.find(each => each.node === canvas).box;
      const found = [];
      for (const canvas of node.querySelectorAll("canvas[data-role=cells]")) {
        const legend = node.querySelector(`canvas[data-role=legend][data-most="${canvas.dataset.most}"]`);
        const bar = pixels(legend), row = 4 * legend.width * Math.floor(legend.height / 2);
        const ticks = [...node.querySelectorAll(`.colour-tick[data-most="${canvas.dataset.most}"]`)].map(tick => [Number(tick.dataset.at) - box(legend).x, tick.textContent]);
        const colours = pixels(canvas), at = box(canvas), ratio = canvas.width / at.width;
        for (const mark of figure.plot.marks) {
          const x = mark.x + mark.width / 2 - at.x, y = mark.y + mark.height / 2 - at.y;
          if (x < 0 || y < 0 || x >= at.width || y >= at.height) continue;
          const pixel = 4 * (Math.floor(y * ratio) * canvas.width + Math.floor(x * ratio));
          const [r, g, b] = colours.slice(pixel, pixel + 3);
          let best = 0, least = Infinity;
          for (let i = 0; i < legend.width; ++i) {
            const d = Math.abs(bar[row + 4 * i] - r) + Math.abs(bar[row + 4 * i + 1] - g) + Math.abs(bar[row + 4 * i + 2] - b);
            if (d < least) [best, least] = [i, d];
          }
          found.push({x: place.left + mark.x + mark.width / 2, y: place.top + mark.y + mark.height / 2, at: (best + .5) / legend.width * box(legend).width, ticks});
        }
      }
      return found;""", figure)
    visible = [cell for cell in cells if cell["y"] < 950]
    assert len(visible) >= count, (figure, len(visible))
    for cell in chance.sample(visible, count):
        lines = tooltip_at(browser, cell["x"], cell["y"])
        if lines[-1] == "missing":
            assert numpy.isnan(stored_of(store, lines)), lines
            continue
        ticks = sorted((at, number_of(text)) for at, text in cell["ticks"])
        most = ticks[-1][1]
        read = value_at(numpy.interp(cell["at"], [at for at, _ in ticks], [place(value) for _, value in ticks]))
        stored = stored_of(store, lines)
        same(number_of(lines[-1]), stored, f"{figure}: tooltip {lines}")
        same(read, stored, f"{figure}: colour of {lines}", share=0.02, least=0.02 * most)


def stored_of(store, lines):
    """The score that a tooltip's lines name."""
    samples = store.samples_of(lines[0])
    chosen = numpy.ones(len(store.name), bool)
    steps = [line for line in lines if line.startswith("steps ")]
    segment = segment_of(store, steps[0]) if steps else None
    for line in lines[:-1]:
        layer = re.search(r"layer (\d+)", line)
        if layer:
            chosen &= store.layer == int(layer[1])
        head = re.search(r"head (\d+)", line)
        if head:
            segment = "complete" if segment is None else segment
            chosen &= numpy.array([name.endswith(f".head.{head[1]}") for name in store.name])
        for kind in ("attention", "MLP", "norm", "embedding", "unembedding"):
            if line == kind or line.endswith(", " + kind):
                chosen &= store.kind == kind.lower()
        if line == "final norm":
            chosen &= (store.kind == "norm") & (store.layer == store.layer.max())
        elif line.startswith("final norm and unembedding"):
            chosen &= store.layer == store.layer.max()
        elif line.startswith("embedding,"):
            chosen &= store.layer == -1
    return store.score(samples, chosen, segment)
