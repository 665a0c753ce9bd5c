// Everything is defined: makes the controls and the figures, and draws.
function drawControls() {
  const row = element(document.getElementById("controls"), "div");
  const labelled = (text, options, read, change) => {
    const label = element(row, "label", "", text + " "), select = element(label, "select");
    for (const [value, name] of options) element(select, "option", "", name).value = value;
    select.onchange = () => change(select.value);
    onChange(() => { select.value = read(); });
    return select;
  };
  const cohorts = data.about.cohorts;
  if (cohorts.length > 1) {
    labelled(data.about.cohort_coordinate === "id" ? "Sample" : "Group", cohorts.map((cohort, who) => [who, who === 0 ? `all ${data.about.samples} samples` : cohort.label]),
      () => String(state.who), value => choose({who: Number(value)})).name = "group";
  }
  if (stepModes.length > 1) labelled("Steps", [["even", "evenly spaced"], ["log", "logarithmic"], ["linear", "linear"]], () => state.axis, axis => choose({axis}));
  labelled("Colours", [["root", "by square root"], ["linear", "in proportion"]], () => state.colour, colour => choose({colour}));
  const whole = element(row, "button", "plain", "Show all steps");
  whole.onclick = () => choose({first: null, last: null});
  onChange(() => { whole.hidden = state.first === null; });
  const theme = element(row, "button", "plain push", "");
  const name = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.onclick = () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    redrawAll();
  };
  onChange(name);
}

readAddress();
onChange(drawOpening);
drawControls();
for (const figure of figures) {
  if (figure.needs()) makeFigure(figure);
}
redrawAll();
drawClosing();
if (state.at && document.getElementById(state.at)) document.getElementById(state.at).scrollIntoView();

// A change of width or of the system's colours draws again; so does printing, in light colours.
let drawnWidth = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === drawnWidth) return;
  drawnWidth = innerWidth;
  requestAnimationFrame(redrawAll);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
addEventListener("hashchange", () => {
  Object.assign(state, {who: 0, axis: "even", colour: "root", first: null, last: null, kind: "", at: ""});
  readAddress();
  redrawAll();
});
let themeBefore;
addEventListener("beforeprint", () => {
  themeBefore = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  redrawAll();
});
addEventListener("afterprint", () => {
  if (themeBefore === undefined) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = themeBefore;
  redrawAll();
});
