// The sections of the page, drawn from the run embedded in it; after tools.js and plots.js. No library, no network.

const run = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const state = {
  subtask: run.opens.subtask ?? run.subtasks[0]?.key, measure: run.opens.measure ?? run.measures[0], statistic: "spearman",
  suite: run.intuitive[0]?.suite,
};
const chosenSubtask = () => run.subtasks.find((s) => s.key === state.subtask);
// Groups and layers have statistics of their own; the choice between ρ and τ is of the others.
const isCorrelation = (statistic) => statistic === "spearman" || statistic === "kendall";
const isShown = (row) => row.statistic === state.statistic || !isCorrelation(row.statistic);
const symbol = () => (state.statistic === "spearman" ? "ρ" : "τ");
const paragraphs = (texts) => texts.map((text) => element("p", {}, text));
const items = (texts) => texts.map((text) => element("li", {}, text));

// ---- grades

function intervalBar(row, range) {
  const place = (v) => 90 * ((v - range[0]) / (range[1] - range[0])) + 5;
  const bar = element("svg", { width: 80, height: 12, viewBox: "0 0 100 12", "aria-hidden": "true" });
  bar.append(element("line", { x1: place(0), x2: place(0), y1: 0, y2: 12, stroke: "currentColor", opacity: 0.4 }));
  const tint = row.state === "undecided" ? "var(--muted)" : "var(--accent)";
  if (!missing(row.every_low)) {
    const ends = { x1: place(row.every_low), x2: place(row.every_high), y1: 6, y2: 6 };
    bar.append(element("line", { ...ends, stroke: tint, "stroke-width": 2 }));
  }
  if (!missing(row.every)) {
    bar.append(element("path", { d: SHAPES[0], transform: `translate(${place(row.every)},6)`, fill: tint }));
  }
  return bar;
}

function drawGrades() {
  const subtask = chosenSubtask();
  const rows = run.grades.filter((r) => r.key === state.subtask && isShown(r));
  const correlated = !subtask || isCorrelation(subtask.statistic);
  const separated = subtask?.statistic === "separation";
  const range = [extent([0, ...rows.map((r) => r.every_low ?? 0)])[0], extent([0.1, ...rows.map((r) => r.every_high ?? 0)])[1]];
  const has = (key) => rows.some((r) => !missing(r[key]));
  const both = has("every");
  const place = (v, r) => (missing(v) ? "—" : `${v} [${r.rank_low}–${r.rank_high}]`);
  const columns = [
    { key: "measure", title: "measure", state: (r) => r.state,
      show: (v, r) => marked(v, r.state) + (r.n_failed ? " !" : "") + (r.equivalent ? " ≡" : "") },
    both && { key: "every", title: correlated ? `${symbol()}, every reference` : subtask.symbol, descending: true, state: (r) => r.state,
      show: (v) => number(v), about: `${correlated ? "averaged over every model as the reference; " : ""}verdicts rest on it` },
    both && { key: "every_low", title: "95 % interval", descending: true, state: (r) => r.state,
      show: (v, r) => element("span", {}, `${interval(v, r.every_high)} `, intervalBar(r, range)) },
    has("every_rank") && { key: "every_rank", title: "place", about: "1 is best" },
    has("every_p") && { key: "every_p", title: "p", show: probability, about: "one-sided" },
    (correlated || separated) &&
      { key: "estimate", title: correlated ? `${symbol()}, best reference` : "AUPRC", descending: true, show: (v) => number(v) },
    has("chance") && { key: "chance", title: "AUPRC by chance", show: (v) => number(v), about: "mean over relabellings of the models" },
    has("violation") && { key: "violation", title: "violated", show: (v) => number(v) },
    (correlated || separated) && has("ci_low") && { key: "ci_low", title: correlated ? "interval, best" : "interval, AUPRC", descending: true, show: (v, r) => interval(v, r.ci_high) },
    correlated && has("rank") && { key: "rank", title: "place, best", show: place },
    correlated && has("p") && { key: "p", title: "p, best", show: probability, about: "one-sided" },
    has("p_holm") && { key: "p_holm", title: correlated ? "p, best, Holm" : "p, Holm", show: probability, about: "adjusted over the whole table" },
    has("within") && { key: "within", title: "within depth", descending: true,
      show: (v, r) => (missing(v) ? "—" : `${number(v)} (p ${probability(r.within_p)})`) },
    has("bad_frac") && { key: "bad_frac", title: "bad share", show: (v) => number(v), about: "close, yet far apart in function" },
    { key: "n_pairs", title: "pairs" },
    rows.some((r) => r.n_failed) && { key: "n_failed", title: "failed" },
    { key: "seconds", title: "seconds", show: (v) => number(v, 2) },
  ].filter(Boolean);
  byId("grades-about").textContent = subtask ? `${subtask.title}: ${subtask.size}. ${subtask.about}` : "This run graded nothing.";
  const verdict = run.verdicts[state.statistic][state.subtask];
  byId("row-verdict").replaceChildren(...(verdict
    ? [element("strong", {}, verdict.words[0]), element("p", {}, verdict.words.slice(1).join(" "))] : []));
  sortable(byId("grades-table"), columns, rows, {
    sort: { key: both ? "every" : "estimate", descending: true },
    chosen: (row) => row.measure === state.measure, pick: (row) => choose({ measure: row.measure }),
  });
  const notes = [run.emphasis, ...(both ? ["Every reference: averaged over every model as the reference; verdicts rest on it."] : []),
    ...run.notes];
  for (const row of rows) {
    if (row.n_failed) notes.push(`! ${row.measure} failed on ${row.n_failed} pairs: ranked last, graded on the others.`);
  }
  const same = new Set(rows.map((r) => r.equivalent).filter(Boolean));
  for (const names of same) notes.push(`≡ ${names} order all pairs identically and share one place.`);
  byId("grades-notes").replaceChildren(...items(notes));
}

function drawOverview() {
  const verdicts = run.verdicts[state.statistic];
  const cells = new Map(run.grades.filter(isShown).map((g) => [`${g.key}|${g.measure}`, g]));
  const cellOf = (row, measure) => cells.get(`${row.subtask.key}|${measure}`);
  const value = (cell) => cell?.every ?? cell?.estimate;
  const rows = run.subtasks.map((subtask) =>
    ({ subtask, title: subtask.title, ...Object.fromEntries(run.measures.map((m, k) => [k, value(cells.get(`${subtask.key}|${m}`))])) }));
  const columns = [
    { key: "title", title: "functionality", show: (v, { subtask: s }) => [
      element("small", {}, s.id), s.functionality + (s.weak ? " †" : ""), element("small", {}, s.size),
      ...(verdicts[s.key].short ? [element("small", { class: "short" }, verdicts[s.key].short)] : [])] },
    ...run.measures.map((measure, k) => ({
      key: String(k), measure, title: measure, descending: true, state: (row) => cellOf(row, measure)?.state,
      show: (v, row) => {
        const cell = cellOf(row, measure);
        const best = missing(cell?.every) ? [] : [element("small", {}, `(${number(cell.statistic === "monotonicity" ? cell.violation : cell.estimate)})`)];
        const failed = cell?.n_failed ? "!" : "";
        const shown = element("span", { title: cell ? interval(cell.every_low, cell.every_high) : "" });
        shown.append(marked(number(v), cell?.state) + failed, ...best);
        return shown;
      },
    })),
  ];
  const { label, worst, measures: standings } = run.standings[state.statistic];
  const standing = (show) => run.measures.map((m) => (standings[m] ? show(standings[m]) : "—"));
  const small = (low, high, digits) =>
    missing(low) ? [] : [element("small", {}, digits ? `${number(low, 1)}–${number(high, 1)}` : interval(low, high).replace("\u00a0", " "))];
  const foot = Object.keys(standings).length ? [
    [label, ...standing((s) => [number(s.mean_rank, 1), ...small(s.low, s.high, 1)])],
    [worst, ...standing((s) => [number(s.worst), ...small(s.worst_low, s.worst_high)])],
    ...run.by_test.map((test) => [test.label, ...run.measures.map((m) => test.measures[m]).flatMap((s) =>
      [s ? [number(s.mean_rank, 1), ...small(s.low, s.high, 1)] : "—"])]),
  ] : [];
  sortable(byId("overview-table"), columns, rows, {
    foot, kind: run.measures.length > 12 ? "turned many" : "turned", chosen: (row) => row.subtask.key === state.subtask,
    chosenCell: (row, column) => row.subtask.key === state.subtask && column.measure === state.measure,
    pick: (row, column) => choose({ subtask: row.subtask.key, measure: column?.measure ?? state.measure }),
  });
  byId("overview-notes").replaceChildren(...items([run.caption, run.emphasis, ...run.overview_notes]));
}

// ---- networks

function drawScatter() {
  const pairs = run.pairs[state.subtask];
  const values = pairs?.values[state.measure];
  for (const id of ["scatter", "scatter-legend", "scatter-caption"]) byId(id).replaceChildren();
  if (!values) return byId("scatter").replaceChildren("No pairs are kept of this subtask.");
  const points = values.map((y, i) => ({ i, x: pairs.difference[i], y })).filter(({ x, y }) => !missing(x) && !missing(y));
  if (!points.length) return byId("scatter").replaceChildren(`${state.measure} has no value on any pair.`);
  const { difference, size, inputs } = chosenSubtask();
  const { svg, inside, toX, toY } = plot(byId("scatter"), {
    x: extent([0, ...points.map((p) => p.x)]), y: extent([0, ...points.map((p) => p.y)]),
    xLabel: isCorrelation(chosenSubtask().statistic) ? `${difference} (right: functions less alike)` : difference, yLabel: `${state.measure} dissimilarity (up: less alike)`,
    title: `${state.measure} dissimilarity against ${difference}, ${points.length} pairs`,
  });
  const layers = [...new Set(pairs.layer)];
  const apart = pairs.layer.every((layer, i) => layer === pairs.reference_layer[i]);
  const dots = points.map(({ i, x, y }) => {
    const layer = layers.indexOf(pairs.layer[i]);
    const dot = element("path", {
      d: shapeOf(layer), fill: colourOf(layer), stroke: colourOf(layer), "fill-opacity": 0.7, "stroke-width": 0.8,
      transform: `translate(${toX(x)},${toY(y)})`,
    });
    const gone = pairs.deleted[i] ? `, ${pairs.deleted[i]} components deleted` : "";
    dot.text = `${pairs.reference[i]} (${pairs.reference_layer[i]}) and ${pairs.model[i]} (${pairs.layer[i]}${gone})\n` +
      `${state.measure} ${significant(y)}, difference ${significant(x)}`;
    dot.addEventListener("pointerenter", (event) => tell(dot.text, event.clientX, event.clientY));
    dot.addEventListener("pointerleave", () => tell(""));
    return dot;
  });
  // Where layers are compared one by one each has a trend over models, else all pairs have one.
  for (const [k, layer] of (apart ? layers : ["all"]).entries()) {
    const line = trend(points.filter(({ i }) => !apart || pairs.layer[i] === layer).map(({ x, y }) => [x, y]));
    const tint = apart ? colourOf(k) : "var(--text)";
    if (line) inside.append(element("polyline", { class: "trend", points: line.map(([x, y]) => `${toX(x)},${toY(y)}`).join(" "),
      fill: "none", stroke: tint, "stroke-width": 1.5 }));
  }
  svg.append(...dots);
  legend(byId("scatter-legend"), layers);
  byId("scatter-caption").textContent = `${size}, ${points.length} pairs` + (inputs ? `, n = ${inputs} inputs. ` : ". ") +
    `Lines: least squares over ${apart ? "models, for each layer" : "all pairs"}.`;
  dots.sort((a, b) => a.getBBox().x - b.getBBox().x);
  walk(svg, dots);
}

function drawNetworks() {
  const maps = run.maps[state.subtask];
  const packed = maps?.values[state.measure];
  byId("networks-layer-label").hidden = !packed || maps.layers.length < 2;
  byId("networks-caption").textContent = "";
  if (!packed) {
    byId("networks").replaceChildren("This subtask does not compare the same layer of all networks.");
    return;
  }
  const layer = Math.max(0, maps.layers.indexOf(byId("pick-layer").value));
  const count = maps.models.length;
  const { inputs } = chosenSubtask();
  const { itself } = packed[layer];
  heatMap(byId("networks"), {
    values: unpack(packed[layer]), rows: maps.models, columns: maps.models, itself,
    label: `${state.measure} dissimilarity of ${count} networks at ${maps.layers[layer]}, dark is similar`,
  });
  byId("networks-caption").textContent = `${state.measure} dissimilarity of ${count} networks at ${maps.layers[layer]}` +
    `${inputs ? `, n = ${inputs} inputs` : ""}; dark: similar` + (itself ? "; the diagonal takes no part in the colours" : "") +
    (maps.within ? "; grey: from different groups, which are not compared." : ".");
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
    sort: { key: "mean_rank", descending: false }, chosen: (row) => row.measure === state.measure, pick: (row) => choose({ measure: row.measure }),
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
    values: tested.double_map.flat().map((v) => v ?? NaN), rows: names, columns: names, block: suite.layers.length, itself: true,
    label: `${state.measure} dissimilarity of the layers of two networks, A and B, that differ in their seed`,
  });
  drawCurves(suite, tested);
}

function drawCurves(suite, tested) {
  const heights = [...tested.curve.flat(), ...tested.threshold].filter((v) => !missing(v));
  const { svg, toX, toY } = plot(byId("curves"), {
    x: [0, 1], y: extent([0, ...heights]),
    xLabel: "share of components deleted; dashed: distance between seeds",
    yLabel: `${state.measure} dissimilarity from the whole layer (up: less alike)`,
    title: `${state.measure} dissimilarity of a truncated layer from the whole`,
  });
  const marks = [];
  suite.layers.forEach((layer, i) => {
    const shade = colourOf(i);
    const points = tested.curve[i].map((v, k) => (missing(v) ? "" : `${toX(tested.shares[k])},${toY(v)}`)).join(" ");
    svg.append(element("polyline", { points, fill: "none", stroke: shade, "stroke-width": 1.5 }));
    const level = toY(tested.threshold[i] ?? 0);
    svg.append(element("line", { x1: toX(0), x2: toX(1), y1: level, y2: level, stroke: shade, "stroke-dasharray": "4 4" }));
    const found = tested.detected[i].estimate;
    if (missing(found)) return;
    const mark = element("path", {
      d: shapeOf(i), fill: shade, stroke: "currentColor", transform: `translate(${toX(found)},${level})`,
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

// ---- conditions, provenance, choices

function drawGates() {
  byId("gates").hidden = !run.gates;
  if (!run.gates) return;
  const head = element("tr");
  for (const name of run.gates.header) head.append(element("th", { scope: "col" }, name));
  const body = element("tbody");
  for (const cells of run.gates.rows) {
    const row = element("tr");
    for (const cell of cells) row.append(element("td", {}, cell));
    body.append(row);
  }
  byId("gates-table").replaceChildren(element("table", { class: "plain" }, element("thead", {}, head), body));
}

function drawProvenance() {
  const body = element("tbody");
  for (const [name, value] of run.provenance) {
    body.append(element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)));
  }
  byId("provenance").replaceChildren(element("table", { class: "plain" }, body));
}

function choose(choices) {
  Object.assign(state, choices);
  for (const [what, value] of Object.entries(choices)) byId(`pick-${what}`).value = value;
  draw();
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
  byId(`pick-${what}`).addEventListener("change", (event) => choose({ [what]: event.target.value }));
}
byId("pick-layer").addEventListener("change", drawNetworks);
// Canvases hold their colours, so they are painted again for another ground, and for paper.
const repaint = () => { for (const id of ["networks", "double-map"]) byId(id).redraw?.(); };
for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", repaint);
byId("pickers").addEventListener("submit", (event) => event.preventDefault());
byId("warnings").replaceChildren(...paragraphs(run.warnings));
byId("findings").replaceChildren(...paragraphs(run.findings));
drawGates();
drawProvenance();
draw();
