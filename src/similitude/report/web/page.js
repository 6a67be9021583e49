// The sections of the page, drawn from the run embedded in it; after tools.js and plots.js. No library, no network.

const run = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const state = { subtask: run.subtasks[0]?.key, measure: run.measures[0], statistic: "spearman", suite: run.intuitive[0]?.suite };

// ---- grades

function intervalBar(row, range) {
  const place = (v) => 90 * ((v - range[0]) / (range[1] - range[0])) + 5;
  const bar = element("svg", { width: 100, height: 12, viewBox: "0 0 100 12", "aria-hidden": "true" });
  bar.append(element("line", { x1: place(0), x2: place(0), y1: 0, y2: 12, stroke: "currentColor", opacity: 0.3 }));
  if (!missing(row.ci_low)) {
    const ends = { x1: place(row.ci_low), x2: place(row.ci_high), y1: 6, y2: 6 };
    bar.append(element("line", { ...ends, stroke: "var(--accent)", "stroke-width": 2 }));
  }
  if (!missing(row.estimate)) {
    bar.append(element("path", { d: SHAPES[0], transform: `translate(${place(row.estimate)},6)`, fill: "var(--accent)" }));
  }
  return bar;
}

function drawGrades() {
  const subtask = run.subtasks.find((s) => s.key === state.subtask);
  const rows = run.grades.filter((r) => r.key === state.subtask && r.statistic === state.statistic);
  const symbol = state.statistic === "spearman" ? "ρ" : "τ";
  const range = [Math.min(0, ...rows.map((r) => r.ci_low ?? r.estimate ?? 0)), 1];
  const top = Math.max(...rows.map((r) => r.estimate ?? -Infinity));
  const has = (key) => rows.some((r) => !missing(r[key]));
  const columns = [
    { key: "measure", title: "measure", show: (v, r) => v + (r.n_failed ? " *" : "") + (r.equivalent ? " ≡" : "") },
    { key: "estimate", title: symbol, descending: true, show: (v) => number(v), best: (r) => r.estimate === top },
    has("ci_low") && { key: "ci_low", title: "95 % interval", descending: true,
      show: (v, r) => element("span", {}, `[${number(r.ci_low)}, ${number(r.ci_high)}] `, intervalBar(r, range)) },
    has("p") && { key: "p", title: "p", show: (v) => probability(v), about: "one-sided" },
    has("p_holm") && { key: "p_holm", title: "p, Holm", show: (v) => probability(v), about: "adjusted over the whole table" },
    has("rank") && { key: "rank", title: "place",
      show: (v, r) => (missing(v) ? "—" : `${v} [${r.rank_low}–${r.rank_high}]`) },
    has("every") && { key: "every", title: `${symbol}, every reference`, descending: true,
      show: (v, r) => (missing(v) ? "—" : `${number(v)} [${number(r.every_low)}, ${number(r.every_high)}]`) },
    has("within") && { key: "within", title: "within depth", descending: true,
      show: (v, r) => (missing(v) ? "—" : `${number(v)} (p ${probability(r.within_p)})`) },
    has("bad_frac") && { key: "bad_frac", title: "bad share", show: (v) => number(v), about: "close, yet far apart in function" },
    { key: "n_pairs", title: "pairs" },
    { key: "n_failed", title: "failed" },
    { key: "seconds", title: "seconds", show: (v) => number(v, 2) },
  ].filter(Boolean);
  byId("grades-about").textContent = subtask
    ? `${subtask.title}: ${rows[0]?.n_models ?? 0} networks. ${subtask.about}`
    : "This run graded nothing.";
  sortable(byId("grades-table"), columns, rows, {
    sort: { key: "estimate", descending: true }, chosen: state.measure, pick: choose("measure"),
  });
  const notes = [...run.notes];
  for (const row of rows) {
    if (row.n_failed) notes.push(`* ${row.measure} failed on ${row.n_failed} pairs: ranked last, graded on the others.`);
  }
  const same = new Set(rows.map((r) => r.equivalent).filter(Boolean));
  for (const names of same) notes.push(`≡ ${names} order all pairs identically and share one place.`);
  byId("grades-notes").replaceChildren(...notes.map((n) => element("li", {}, n)));
}

function drawOverview() {
  const rows = run.summary.map((entry) => {
    const row = { ...entry };
    for (const grade of run.grades) {
      if (grade.measure === entry.measure && grade.statistic === state.statistic) row[grade.key] = grade.estimate;
    }
    return row;
  });
  const columns = [
    { key: "measure", title: "measure" },
    { key: "mean_rank", title: "mean rank", show: (v) => number(v, 1) },
    { key: "worst", title: "worst ρ", descending: true, show: (v) => number(v) },
    ...run.subtasks.map((s) => {
      const top = Math.max(...rows.map((r) => r[s.key] ?? -Infinity));
      return { key: s.key, title: s.title + (s.weak ? " †" : ""), descending: true, show: (v) => number(v),
        best: (r) => r[s.key] === top };
    }),
  ];
  sortable(byId("overview-table"), columns, rows, {
    sort: { key: "mean_rank", descending: false }, chosen: state.measure, pick: choose("measure"),
  });
  byId("overview-notes").replaceChildren(...run.overview_notes.map((n) => element("li", {}, n)));
}

// ---- networks

function drawScatter() {
  const pairs = run.pairs[state.subtask];
  const values = pairs?.values[state.measure];
  if (!values) return byId("scatter").replaceChildren("No pairs are kept of this subtask.");
  const finite = values.filter((v) => !missing(v));
  const label = run.subtasks.find((s) => s.key === state.subtask).functionality;
  const { svg, toX, toY } = plot(byId("scatter"), {
    x: [0, Math.max(...pairs.difference)], y: [Math.min(0, ...finite), Math.max(...finite)],
    xLabel: `difference in ${label}`, yLabel: `${state.measure} dissimilarity`,
    title: `${state.measure} dissimilarity against difference in ${label}, ${finite.length} pairs`,
  });
  const layers = [...new Set(pairs.layer)];
  const dots = [];
  values.forEach((value, i) => {
    if (missing(value)) return;
    const shape = layers.indexOf(pairs.layer[i]);
    const colour = COLOURS[shape % COLOURS.length];
    const dot = element("path", {
      d: SHAPES[shape % SHAPES.length], fill: colour, stroke: colour, "fill-opacity": 0.7, "stroke-width": 0.8,
      transform: `translate(${toX(pairs.difference[i])},${toY(value)})`,
    });
    const gone = pairs.deleted[i] ? `, ${pairs.deleted[i]} components deleted` : "";
    dot.text = `${pairs.reference[i]} (${pairs.reference_layer[i]}) and ${pairs.model[i]} (${pairs.layer[i]}${gone})\n` +
      `${state.measure} ${significant(value)}, difference ${significant(pairs.difference[i])}`;
    dot.addEventListener("pointerenter", (event) => tell(dot.text, event.clientX, event.clientY));
    dot.addEventListener("pointerleave", () => tell(""));
    dots.push(dot);
  });
  svg.append(...dots);
  legend(byId("scatter-legend"), layers);
  dots.sort((a, b) => a.getBBox().x - b.getBBox().x);
  walk(svg, dots);
}

function drawNetworks() {
  const maps = run.maps[state.subtask];
  const packed = maps?.values[state.measure];
  byId("networks-layer-label").hidden = !packed || maps.layers.length < 2;
  if (!packed) {
    byId("networks").replaceChildren("This subtask does not compare the same layer of all networks.");
    return;
  }
  const layer = Math.max(0, maps.layers.indexOf(byId("pick-layer").value));
  const count = maps.models.length;
  heatMap(byId("networks"), {
    values: unpack(packed[layer]), rows: maps.models, columns: maps.models,
    label: `${state.measure} dissimilarity of ${count} networks at ${maps.layers[layer]}, dark is similar`,
  });
}

// ---- intuitive tests

function drawIntuitive() {
  byId("intuitive").hidden = !run.intuitive.length;
  const suite = run.intuitive.find((s) => s.suite === state.suite);
  if (!suite) return;
  byId("claim").textContent = suite.claim;
  const columns = [
    { key: "measure", title: "measure" },
    { key: "identification", title: "layer identified", descending: true, show: percent },
    { key: "depth_over_seed", title: "depth outweighs seed", descending: true, show: percent },
    { key: "detected", title: `deletion noticed, ${suite.layers.at(-1)}`,
      show: (v, r) => `${missing(v) ? "never" : percent(v)} [${percent(r.detected_low)}, ${missing(r.detected_high) ? "never" : percent(r.detected_high)}]` },
    { key: "probe_detected", title: "probe then (full)", descending: true, show: (v, r) => `${percent(v)} (${percent(r.probe_full)})` },
    { key: "mean_rank", title: "mean rank", show: (v) => number(v, 1) },
    { key: "worst", title: "worst ρ", descending: true, show: (v) => number(v) },
  ];
  sortable(byId("intuitive-table"), columns, suite.table, {
    sort: { key: "mean_rank", descending: false }, chosen: state.measure, pick: choose("measure"),
  });
  const tested = suite.measures[state.measure];
  for (const id of ["verdict", "double-map", "curves", "curves-legend"]) byId(id).replaceChildren();
  if (!tested) {
    byId("verdict").textContent = `${state.measure} was not tested on ${suite.suite}.`;
    return;
  }
  const words = tested.verdict;
  const nothing = "nothing that these tests ask for";
  const list = element("dl");
  for (const [term, text] of [["Invariant to", words.invariant_to], ["Misses", words.misses || nothing],
    ["Over-reacts to", words.overreacts || nothing]]) list.append(element("dt", {}, term), element("dd", {}, text));
  byId("verdict").replaceChildren(element("h3", {}, state.measure), element("p", {}, words.summary), list);
  const names = ["A", "B"].flatMap((network) => suite.layers.map((layer) => `${network} ${layer}`));
  heatMap(byId("double-map"), {
    values: tested.double_map.flat().map((v) => v ?? NaN), rows: names, columns: names, block: suite.layers.length,
    label: `${state.measure} dissimilarity of the layers of two networks, A and B, that differ in their seed`,
  });
  drawCurves(suite, tested);
}

function drawCurves(suite, tested) {
  const heights = [...tested.curve.flat(), ...tested.threshold].filter((v) => !missing(v));
  const { svg, toX, toY } = plot(byId("curves"), {
    x: [0, 1], y: [0, Math.max(...heights)],
    xLabel: "share of components deleted; dashed: distance between seeds", yLabel: `${state.measure} dissimilarity`,
    title: `${state.measure} dissimilarity of a truncated layer from the whole`,
  });
  const marks = [];
  suite.layers.forEach((layer, i) => {
    const shade = COLOURS[i % COLOURS.length];
    const points = tested.curve[i].map((v, k) => (missing(v) ? "" : `${toX(tested.shares[k])},${toY(v)}`)).join(" ");
    svg.append(element("polyline", { points, fill: "none", stroke: shade, "stroke-width": 1.5 }));
    const level = toY(tested.threshold[i] ?? 0);
    svg.append(element("line", { x1: toX(0), x2: toX(1), y1: level, y2: level, stroke: shade, "stroke-dasharray": "4 4" }));
    const found = tested.detected[i].estimate;
    if (missing(found)) return;
    const mark = element("path", {
      d: SHAPES[i % SHAPES.length], fill: shade, stroke: "currentColor", transform: `translate(${toX(found)},${level})`,
    });
    mark.text = `${layer}: noticed at ${percent(found)} deleted`;
    mark.addEventListener("pointerenter", (event) => tell(mark.text, event.clientX, event.clientY));
    mark.addEventListener("pointerleave", () => tell(""));
    marks.push(mark);
  });
  svg.append(...marks);
  walk(svg, marks);
  legend(byId("curves-legend"), suite.layers);
}

// ---- provenance, choices

function drawProvenance() {
  const body = element("tbody");
  for (const [name, value] of run.provenance) {
    body.append(element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)));
  }
  byId("provenance").replaceChildren(element("table", { class: "plain" }, body));
}

function choose(what) {
  return (value) => {
    state[what] = value;
    byId(`pick-${what}`).value = value;
    draw();
  };
}

function draw() {
  const layers = run.maps[state.subtask]?.layers ?? [];
  fill(byId("pick-layer"), layers.map((l) => [l, l]), layers.includes(byId("pick-layer").value) ? byId("pick-layer").value : layers.at(-1));
  for (const part of [drawGrades, drawOverview, drawScatter, drawNetworks, drawIntuitive]) part();
}

fill(byId("pick-subtask"), run.subtasks.map((s) => [s.key, s.title]), state.subtask);
fill(byId("pick-measure"), run.measures.map((m) => [m, m]), state.measure);
fill(byId("pick-suite"), run.intuitive.map((s) => [s.suite, s.suite]), state.suite);
byId("pick-suite-label").hidden = run.intuitive.length < 2;
for (const what of ["subtask", "measure", "statistic", "suite"]) {
  byId(`pick-${what}`).addEventListener("change", (event) => choose(what)(event.target.value));
}
byId("pick-layer").addEventListener("change", drawNetworks);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const id of ["networks", "double-map"]) byId(id).redraw?.();
});
byId("pickers").addEventListener("submit", (event) => event.preventDefault());
drawProvenance();
draw();
