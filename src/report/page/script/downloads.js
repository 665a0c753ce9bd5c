// A figure's numbers as CSV, and its picture as SVG or PNG.
function save(name, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], {type}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function csvText(table) {
  const field = value => {
    if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
    const text = String(value);
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  return [table.columns, ...table.rows].map(row => row.map(field).join(",")).join("\n") + "\n";
}

// The picture alone: its title, its canvases as images, its paper.
function svgText(figure) {
  const margin = 24, head = 34;
  const width = figure.plot.width + 2 * margin, height = figure.plot.height + 2 * margin + head;
  const copy = figure.svg.node().cloneNode(true);
  copy.querySelectorAll(".cursor").forEach(node => node.remove());
  const whole = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  whole.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  whole.setAttribute("viewBox", `0 0 ${width} ${height}`);
  whole.setAttribute("width", width);
  whole.setAttribute("height", height);
  whole.setAttribute("font-family", "Helvetica Neue, Arial, sans-serif");
  const add = (parent, name, attributes, text) => {
    const node = parent.appendChild(document.createElementNS("http://www.w3.org/2000/svg", name));
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text) node.textContent = text;
    return node;
  };
  add(whole, "rect", {width, height, fill: ink("paper")});
  add(whole, "text", {x: margin, y: margin + 14, "font-size": 17, "font-weight": 600, fill: ink("ink")}, figure.heading.textContent);
  const inner = add(whole, "g", {transform: `translate(${margin}, ${margin + head})`});
  for (const canvas of figure.canvases) {
    const box = canvas.box;
    add(inner, "image", {x: box.x, y: box.y, width: box.width, height: box.height, href: canvas.node.toDataURL()});
  }
  while (copy.firstChild) inner.appendChild(copy.firstChild);
  return new XMLSerializer().serializeToString(whole);
}

function savePng(figure) {
  const image = new Image(), scale = 2;
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = image.width * scale;
    canvas.height = image.height * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    context.drawImage(image, 0, 0);
    canvas.toBlob(blob => save(figure.name + ".png", "image/png", blob));
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svgText(figure));
}
