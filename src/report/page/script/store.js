// The store as plots ask for it: scores by steps, group and part; names of layers and of groups.
const columns = data.about.columns;
const columnCount = columns.from.length;
const unpacked = new Map();
function arrayOf(section, name) {
  const key = section + "." + name;
  if (!unpacked.has(key)) {
    const packed = data[section] && data[section][name];
    unpacked.set(key, packed ? unpack(packed) : null);
  }
  return unpacked.get(key);
}

// What is explained, in words; F where the store does not say.
const functionalWords = {loss: "loss", loss_sum: "loss", logit: "logit", logit_diff: "logit difference", logprob: "log probability", logprob_diff: "log p difference", activation: "activation"};
const F = () => functionalWords[(data.about.made.functional || "").split(":")[0]] || "F";
const many = () => (data.about.cohort_coordinate === "id" ? "samples" : "groups");
function whoText(who = state.who) {
  const cohort = data.about.cohorts[who];
  const how = data.about.sums ? "sum" : "mean";
  if (who === 0) return data.about.samples > 1 ? how + " of all " + counted(cohort.samples, "sample") : "the one sample";
  return cohort.label + (cohort.samples > 1 ? " (" + how + " of " + counted(cohort.samples, "sample") + ")" : "");
}
// In a sentence a number alone would be taken for one.
const titleName = label => (/^[\d.]+$/.test(label) ? (data.about.cohort_coordinate === "id" ? "sample " : "group ") + label : label);
const segmentText = i => "steps " + d3.format(",")(columns.from[i]) + " to " + d3.format(",")(columns.to[i])
  + (columns.merged[i] > 1 ? " (" + columns.merged[i] + " segments)" : "");

// Columns that are looked at: all, or those of a zoom.
const firstColumn = () => state.first ?? 0;
const lastColumn = () => state.last ?? columnCount - 1;
const shownColumns = () => d3.range(firstColumn(), lastColumn() + 1);

const parts = (data.contributions || {}).parts || [];
const kinds = [...new Set(parts.map(part => part.kind))];
const layers = [...new Set(parts.map(part => part.layer))].sort((a, b) => a - b);
const blockLayers = layers.filter(layer => parts.some(part => part.layer === layer && !isOutside(part)));
function isOutside(part) {
  const kindsHere = parts.filter(other => other.layer === part.layer).map(other => other.kind);
  return part.layer < 0 || (part.layer === layers[layers.length - 1] && layers.length > 1 && !kindsHere.some(kind => ["attention", "mlp", "convolution", ""].includes(kind))
    && parts.some(other => ["attention", "mlp"].includes(other.kind)));
}
const layerIsBefore = layer => layer < 0;
const layerIsAfter = layer => layer >= 0 && !blockLayers.includes(layer);
function layerName(layer) {
  if (blockLayers.includes(layer)) return "layer " + layer;
  const kindsHere = parts.filter(part => part.layer === layer).map(part => (part.kind === "norm" ? "final norm" : part.kind));
  return kindsHere.filter(kind => kind).join(" and ") || (layer < 0 ? "before the blocks" : "layer " + layer);
}
// As a row or column of a plot whose axis says "layer".
function shortLayerName(layer) {
  if (blockLayers.includes(layer)) return String(layer);
  return layerIsBefore(layer) ? (parts.filter(part => part.layer === layer).length === 1 ? layerName(layer) : "first") : "final";
}
const kindName = kind => (kind === "mlp" ? "MLP" : kind || "parts of several kinds");
// What stands once in the model needs no layer; of norms that is the last one.
const outsideName = part => (part.kind === "norm" ? "final norm" : kindName(part.kind));
const partName = part => (isOutside(part) ? outsideName(part) : `${kindName(part.kind)} of ${layerName(part.layer)}`);

// Score of a part in a column; undefined where the page does not carry it by group.
function score(column, part, who = state.who) {
  if (who === 0) return arrayOf("contributions", "all").at(column, 0, part);
  const apart = arrayOf("contributions", "cohorts");
  return apart ? apart.at(column, who - 1, part) : undefined;
}
// Sum over the parts that `of` takes.
function scoreOf(column, of, who = state.who) {
  let sum = 0;
  parts.forEach((part, i) => { if (of(part)) sum += score(column, i, who); });
  return sum;
}
// By kind or layer: from a smaller array where the whole one would have been too large.
function scoreBy(column, name, value, who = state.who) {
  const margin = who > 0 && !arrayOf("contributions", "cohorts") && data.contributions[name + "s"];
  if (!margin) return scoreOf(column, part => part[name] === value, who);
  const key = "margin." + name;
  if (!unpacked.has(key)) unpacked.set(key, unpack(margin.values));
  return unpacked.get(key).at(column, who - 1, margin.names.indexOf(String(value)));
}
// Over all columns, whatever is zoomed; steps that are missing make it missing.
function totalOf(of, who = state.who) {
  if (who > 0) {
    const totals = arrayOf("contributions", "totals");
    let sum = 0;
    parts.forEach((part, i) => { if (of(part)) sum += totals.at(0, who - 1, i); });
    return sum;
  }
  return d3.range(columnCount).reduce((sum, column) => sum + scoreOf(column, of, who), 0);
}
const columnTotal = (column, who = state.who) => kinds.reduce((sum, kind) => sum + scoreBy(column, "kind", kind, who), 0);

// Change of F over all columns: as measured where F is there, else the sum of the scores.
function change(who = state.who) {
  const changes = arrayOf("losses", "change");
  if (!changes) return totalOf(() => true, who);
  return d3.range(columnCount).reduce((sum, column) => sum + changes.at(column, who), 0);
}
const fell = value => (value < 0 ? "fell" : "rose");
const extreme = (list, value) => list.reduce((best, each) => (Math.abs(value(each)) > Math.abs(value(best)) ? each : best), list[0]);
