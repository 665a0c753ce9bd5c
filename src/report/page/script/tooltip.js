// The box beside the pointer, or beside the mark that the arrow keys have reached; read out by screen readers.
const tooltip = document.getElementById("tooltip");

function showTooltip(lines, x, y) {
  tooltip.replaceChildren(...lines.map((line, i) => {
    const row = document.createElement("div");
    if (i === lines.length - 1 && lines.length > 1) {
      row.appendChild(document.createElement("strong")).textContent = line;
    } else {
      row.textContent = line;
    }
    return row;
  }));
  tooltip.hidden = false;
  const box = tooltip.getBoundingClientRect();
  const left = x + 14 + box.width > innerWidth ? x - 14 - box.width : x + 14;
  const top = y + 14 + box.height > innerHeight ? y - 14 - box.height : y + 14;
  tooltip.style.left = Math.max(4, left) + "px";
  tooltip.style.top = Math.max(4, top) + "px";
}
function hideTooltip() { tooltip.hidden = true; }
