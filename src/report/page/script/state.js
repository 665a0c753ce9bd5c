// What the reader has chosen. It stands in the address (#group=de&steps=log), so that a link leads to the same view.
const state = {who: 0, axis: "even", colour: "root", first: null, last: null, kind: "", at: ""};

// Names in the address, and how a value is written there; null leaves it out.
const addressParts = {
  group: {read: text => ({who: whoNamed(text)}), write: () => (state.who > 0 ? data.about.cohorts[state.who].label : null)},
  axis: {read: text => (["even", "log", "linear"].includes(text) ? {axis: text} : {}), write: () => (state.axis === "even" ? null : state.axis)},
  colour: {read: text => (["linear", "root"].includes(text) ? {colour: text} : {}), write: () => (state.colour === "root" ? null : state.colour)},
  steps: {
    read: text => {
      const [first, last] = text.split(":").map(Number);
      const count = data.about.columns.from.length;
      return first >= 0 && last >= first && last < count ? {first, last} : {};
    },
    write: () => (state.first === null ? null : state.first + ":" + state.last),
  },
  kind: {read: text => ({kind: text}), write: () => state.kind || null},
  at: {read: text => ({at: text}), write: () => state.at || null},
};

const redraws = [];
function onChange(redraw) { redraws.push(redraw); }
function redrawAll() { for (const redraw of redraws) redraw(); }

function whoNamed(label) {
  const found = data.about.cohorts.findIndex((cohort, i) => i > 0 && cohort.label === label);
  return Math.max(0, found);
}

function readAddress() {
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    if (addressParts[name]) Object.assign(state, addressParts[name].read(value));
  }
}

function addressOf(at) {
  const parts = new URLSearchParams();
  const before = state.at;
  if (at !== undefined) state.at = at;
  for (const [name, part] of Object.entries(addressParts)) {
    const value = part.write();
    if (value !== null) parts.set(name, value);
  }
  state.at = before;
  return "#" + parts;
}

function choose(changes) {
  Object.assign(state, changes);
  history.replaceState(null, "", addressOf());
  redrawAll();
}
