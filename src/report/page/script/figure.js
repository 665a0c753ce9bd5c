// A figure: heading, words, a plot, its sign convention, its downloads. Sections call section(NAME, …) with functions that are
// asked again whenever the reader chooses something else:
//   needs()      whether the store has what it shows
//   title()      what the figure says       lede()  a sentence more       sign()  how signs are to be read
//   draw(plot)   draws, and gives marks to what can be pointed at
//   table()      {columns, rows}: the numbers that are drawn
//   choices()    [{text, on, choose}], buttons above the plot; may be missing, as may extra(node): HTML below
const figures = [];
function section(name, description) { figures.push({name, ...description}); }

function element(parent, name, className, text) {
  const node = parent.appendChild(document.createElement(name));
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function makeFigure(figure) {
  const node = element(document.getElementById("main"), "section", "figure");
  node.id = figure.name;
  figure.node = node;
  figure.heading = element(node, "h2");
  figure.heading.id = figure.name + "-title";
  node.setAttribute("aria-labelledby", figure.heading.id);
  figure.words = element(node, "p", "lede");
  figure.buttons = element(node, "div", "choices");
  figure.place = element(node, "div", "plot");
  figure.svg = d3.select(figure.place).append("svg").attr("tabindex", 0).attr("role", "img").attr("aria-labelledby", figure.heading.id);
  const below = element(node, "div", "below");
  figure.signs = element(below, "p", "sign");
  const tools = element(below, "div", "tools");
  const tool = (text, label, action) => {
    const button = element(tools, "button", "", text);
    button.type = "button";
    button.title = label;
    button.onclick = action;
  };
  tool("CSV", "Download the numbers of this figure", () => save(figure.name + ".csv", "text/csv", csvText(figure.table())));
  tool("SVG", "Download this figure as SVG", () => save(figure.name + ".svg", "image/svg+xml", svgText(figure)));
  tool("PNG", "Download this figure as PNG", () => savePng(figure));
  tool("Link", "Copy the address of this view", event => {
    choose({at: figure.name});
    const button = event.target;
    const said = text => { button.textContent = text; setTimeout(() => (button.textContent = "Link"), 1500); };
    const written = navigator.clipboard ? navigator.clipboard.writeText(location.href) : Promise.reject();
    written.then(() => said("Copied"), () => said("In the address bar"));
  });
  if (figure.extra) figure.extra(node);
  followPointer(figure);
  onChange(() => {
    try {
      drawFigure(figure);
    } catch (error) {  // the others are still worth reading
      console.error(figure.name, error);
      figure.signs.textContent = "This figure could not be drawn: a fault of the program, please report it.";
    }
  });
}

function drawFigure(figure) {
  figure.heading.textContent = figure.title();
  figure.words.textContent = figure.lede ? figure.lede() : "";
  figure.words.hidden = !figure.words.textContent;
  figure.signs.textContent = figure.sign ? figure.sign() : "";
  const choices = figure.choices ? figure.choices() : [];
  figure.buttons.hidden = choices.length === 0;
  figure.buttons.replaceChildren(...choices.map(choice => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = choice.text;
    button.setAttribute("aria-pressed", String(choice.on));
    button.onclick = choice.choose;
    return button;
  }));
  figure.place.querySelectorAll("canvas").forEach(canvas => canvas.remove());
  figure.canvases = [];
  figure.svg.selectAll("*").remove();
  const width = Math.max(280, figure.place.clientWidth);
  const plot = {
    figure, svg: figure.svg, width, height: 300, marks: [], narrow: width < 560,
    // A canvas of its own below the drawing, in CSS pixels.
    canvas(x, y, boxWidth, boxHeight) {
      const node = document.createElement("canvas"), ratio = Math.max(1, devicePixelRatio || 1);
      node.width = Math.ceil(boxWidth * ratio);
      node.height = Math.ceil(boxHeight * ratio);
      Object.assign(node.style, {left: x + "px", top: y + "px", width: boxWidth + "px", height: boxHeight + "px"});
      figure.place.insertBefore(node, figure.svg.node());
      figure.canvases.push({node, box: {x, y, width: boxWidth, height: boxHeight}});
      const context = node.getContext("2d", {willReadFrequently: true});
      context.scale(node.width / boxWidth, node.height / boxHeight);
      return context;
    },
    text(x, y, content, options = {}) {
      return this.svg.append("text").attr("x", x).attr("y", y).attr("font-size", options.size || 12).attr("fill", options.fill || ink("soft"))
        .attr("text-anchor", options.anchor || "start").attr("font-family", "Inter, Helvetica Neue, Segoe UI, Roboto, Arial, sans-serif")
        .attr("font-weight", options.weight || 400).text(content);
    },
  };
  figure.plot = plot;
  figure.cursor = null;
  figure.draw(plot);
  figure.svg.attr("width", width).attr("height", plot.height).attr("viewBox", `0 0 ${width} ${plot.height}`);
}

// Marks are {x, y, width, height, row, column, lines}: what the pointer is over, or nearest to, is told; arrow keys go from one to
// the next.
function followPointer(figure) {
  const node = figure.svg.node();
  const markAt = (x, y) => {
    let best = null, least = 26;
    for (const mark of figure.plot.marks) {
      const dx = Math.max(mark.x - x, 0, x - mark.x - mark.width), dy = Math.max(mark.y - y, 0, y - mark.y - mark.height);
      const distance = Math.hypot(dx, dy);
      if (distance < least || (distance === 0 && least === 0)) [best, least] = [mark, distance];
    }
    return best;
  };
  const show = (mark, x, y) => {
    figure.cursor = mark;
    figure.svg.selectAll(".cursor").remove();
    if (!mark) return hideTooltip();
    figure.svg.append("rect").attr("class", "cursor").attr("x", mark.x - 1).attr("y", mark.y - 1).attr("width", mark.width + 2)
      .attr("height", mark.height + 2).attr("fill", "none").attr("stroke", ink("ink")).attr("stroke-width", 1.5).attr("rx", 1.5);
    showTooltip(mark.lines(), x, y);
  };
  node.addEventListener("pointermove", event => {
    const box = node.getBoundingClientRect();
    show(markAt(event.clientX - box.left, event.clientY - box.top), event.clientX, event.clientY);
  });
  node.addEventListener("pointerleave", () => show(null));
  node.addEventListener("blur", () => show(null));
  const atMark = mark => {
    const box = node.getBoundingClientRect();
    show(mark, box.left + mark.x + mark.width / 2, box.top + mark.y + mark.height / 2);
  };
  node.addEventListener("keydown", event => {
    const moves = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
    if (event.key === "Escape") return state.first !== null ? choose({first: null, last: null}) : show(null);
    const move = moves[event.key], marks = figure.plot.marks;
    if (!move || marks.length === 0) return;
    event.preventDefault();
    const from = figure.cursor;
    if (!from) return atMark(marks[0]);
    const ahead = marks.filter(mark => (move[1] !== 0 ? mark.row === from.row && (mark.column - from.column) * move[1] > 0
      : mark.column === from.column && (mark.row - from.row) * move[0] > 0));
    const distance = mark => Math.abs(mark.row - from.row) + Math.abs(mark.column - from.column);
    if (ahead.length > 0) atMark(ahead.reduce((best, mark) => (distance(mark) < distance(best) ? mark : best)));
  });
}
