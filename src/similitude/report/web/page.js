"use strict";
// Reads the run embedded in the page, and draws it. No library, no network; text only ever enters as text.

const run = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const state = { subtask: run.subtasks[0]?.key, measure: run.measures[0], statistic: "spearman", suite: run.intuitive[0]?.suite };

// Okabe and Ito's colours, each with a shape of its own: nothing is told by colour alone. Black would vanish in the dark.
const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8c8c8c"];
const SHAPES = [
  "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0", "M-3.5,-3.5h7v7h-7z", "M0,-4.5L4.2,3.5H-4.2z", "M0,-5L5,0L0,5L-5,0z",
  "M0,4.5L-4.2,-3.5H4.2z", "M-1.5,-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z", "M-4,-4L4,4M-4,4L4,-4",
];

// ---- small tools

function element(name, attributes = {}, ...children) {
  const svg = ["svg", "path", "line", "text", "g", "rect", "polyline", "title"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const missing = (value) => value === null || value === undefined;

function number(value, digits = 3) {
  if (missing(value)) return "—";
  return value.toFixed(digits).replace("-", "−").replace(/^(−?)0\./, "$1.");
}

function probability(value) {
  if (missing(value)) return "—";
  return value < 0.001 ? "< .001" : number(value);
}

const percent = (value) => (missing(value) ? "—" : `${Math.round(100 * value)} %`);
const significant = (value) => (missing(value) || Number.isNaN(value) ? "—" : String(Number(value.toPrecision(4))));

function tell(text, x, y) {
  const tip = byId("tip");
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 12, innerWidth - width - 4))}px`;
  tip.style.top = `${y + 14 + height > innerHeight ? y - height - 8 : y + 14}px`;
}

function fill(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text]) => element("option", { value }, text)));
  if (!missing(chosen)) select.value = chosen;
}

// Arrays come as 16-bit whole numbers between low and high, 65535 for what is missing.
function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0));
  const whole = new Uint16Array(bytes.buffer);
  return Float64Array.from(whole, (v) => (v === 65535 ? NaN : packed.low + ((packed.high - packed.low) * v) / 65534));
}

// ---- tables that sort

function sortable(place, columns, rows, { sort, chosen, pick } = {}) {
  let order = sort ?? { key: columns[0].key, descending: false };
  const head = element("tr");
  const body = element("tbody");
  for (const column of columns) {
    const button = element("button", { type: "button", title: column.about ?? "" }, column.title);
    button.addEventListener("click", () => {
      const descending = order.key === column.key ? !order.descending : Boolean(column.descending);
      order = { key: column.key, descending };
      draw();
    });
    head.append(element("th", { scope: "col", "data-key": column.key }, button));
  }
  function draw() {
    const sorted = [...rows].sort((a, b) => compare(a[order.key], b[order.key], order.descending));
    for (const cell of head.children) {
      const direction = order.descending ? "descending" : "ascending";
      cell.setAttribute("aria-sort", cell.dataset.key === order.key ? direction : "none");
    }
    body.replaceChildren(...sorted.map(rowOf));
  }
  function rowOf(row) {
    const cells = columns.map((column, i) => {
      const shown = column.show ? column.show(row[column.key], row) : (row[column.key] ?? "—");
      const cell = i ? element("td", {}, shown) : element("th", { scope: "row" }, shown);
      if (column.best?.(row)) cell.classList.add("best");
      return cell;
    });
    const made = element("tr", { "data-row": row[columns[0].key] }, ...cells);
    if (chosen) made.setAttribute("aria-current", String(row.measure === chosen));
    if (pick) made.addEventListener("click", () => pick(row.measure));
    return made;
  }
  draw();
  place.replaceChildren(element("table", {}, element("thead", {}, head), body));
}

function compare(a, b, descending) {
  if (missing(a) || missing(b)) return missing(a) - missing(b); // what is missing comes last either way
  const sign = descending ? -1 : 1;
  return sign * (typeof a === "number" ? a - b : String(a).localeCompare(String(b)));
}

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

// ---- plots with axes

function ticks(low, high) {
  const step = 10 ** Math.floor(Math.log10(high - low || 1));
  const chosen = [5, 2, 1, 0.5, 0.2].map((f) => f * step).find((s) => (high - low) / s >= 3) ?? step;
  const found = [];
  for (let v = Math.ceil(low / chosen - 1e-9) * chosen; v <= high + 1e-9 * chosen; v += chosen) found.push(v);
  return found;
}

// An empty plot, and functions from values to its coordinates.
function plot(place, { x, y, xLabel, yLabel, title }) {
  const [width, height, left, bottom] = [520, 360, 62, 44];
  const span = ([low, high]) => (high > low ? [low, high] : [low - 0.5, high + 0.5]);
  const [x0, x1] = span(x);
  const [y0, y1] = span(y);
  const toX = (v) => left + ((v - x0) / (x1 - x0)) * (width - left - 14);
  const toY = (v) => height - bottom - ((v - y0) / (y1 - y0)) * (height - bottom - 14);
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title, tabindex: "0" });
  svg.append(element("path", { class: "axis", d: `M${left},14V${height - bottom}H${width - 14}` }));
  for (const v of ticks(x0, x1)) {
    svg.append(element("text", { x: toX(v), y: height - bottom + 15, "text-anchor": "middle" }, significant(v)));
  }
  for (const v of ticks(y0, y1)) {
    svg.append(element("text", { x: left - 5, y: toY(v) + 4, "text-anchor": "end" }, significant(v)));
  }
  svg.append(element("text", { x: (left + width) / 2, y: height - 6, "text-anchor": "middle" }, xLabel));
  const side = { transform: `translate(13,${(height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" };
  svg.append(element("text", side, yLabel));
  place.replaceChildren(svg);
  return { svg, toX, toY };
}

function legend(place, names) {
  place.replaceChildren(...names.map((name, i) => {
    const mark = element("svg", { viewBox: "-6 -6 12 12", "aria-hidden": "true" });
    const colour = COLOURS[i % COLOURS.length];
    mark.append(element("path", { d: SHAPES[i % SHAPES.length], fill: colour, stroke: colour }));
    return element("span", {}, mark, ` ${name}`);
  }));
}

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

// Left and right step through dots and read each out.
function walk(svg, dots) {
  let at = -1;
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !dots.length) return;
    event.preventDefault();
    dots[at]?.setAttribute("stroke-width", 0.8);
    at = (at + step + dots.length) % dots.length;
    dots[at].setAttribute("stroke-width", 4);
    const box = dots[at].getBoundingClientRect();
    tell(dots[at].text, box.x, box.y);
  });
  svg.addEventListener("blur", () => { dots[at]?.setAttribute("stroke-width", 0.8); tell(""); });
}

// ---- heat maps

const RAMP = [[0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122], [229, 80, 100], [251, 135, 97],
  [254, 194, 135], [252, 253, 191]]; // magma: dark is small, monotone in lightness

function colour(share) {
  const at = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1);
  const i = Math.min(Math.floor(at), RAMP.length - 2);
  return RAMP[i].map((c, k) => Math.round(c + (at - i) * (RAMP[i + 1][k] - c)));
}

// A canvas that zooms: values row by row, names of rows and columns, a line between blocks if there are any.
function heatMap(place, { values, rows, columns, label, block }) {
  const finite = values.filter((v) => Number.isFinite(v));
  const high = finite.reduce((a, b) => Math.max(a, b), 0) || 1;
  const image = element("canvas", { width: columns.length, height: rows.length });
  const pixels = image.getContext("2d").createImageData(columns.length, rows.length);
  values.forEach((value, i) => {
    const painted = Number.isFinite(value) ? [...colour(value / high), 255] : [128, 128, 128, 90];
    pixels.data.set(painted, 4 * i);
  });
  image.getContext("2d").putImageData(pixels, 0, 0);
  const size = 640;
  const canvas = element("canvas", { width: size, height: size, tabindex: "0", role: "img", "aria-label": label });
  const view = { x: 0, y: 0, span: 1 };
  let at = null;
  const context = canvas.getContext("2d");
  context.font = "13px system-ui, sans-serif";
  const widest = Math.max(...[...rows, ...columns].map((name) => context.measureText(name).width));
  const margin = Math.min(Math.ceil(widest) + 8, 170); // left and below, for names
  const side = size - margin;

  function draw() {
    view.span = Math.min(1, Math.max(view.span, 2 / columns.length));
    view.x = Math.min(Math.max(view.x, 0), 1 - view.span);
    view.y = Math.min(Math.max(view.y, 0), 1 - view.span);
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, size, size);
    const source = [view.x * columns.length, view.y * rows.length, view.span * columns.length, view.span * rows.length];
    context.drawImage(image, ...source, margin, 0, side, side);
    const place = (i, count, start) => ((i / count - start) / view.span) * side;
    if (block) {
      const [down, across] = [place(block, columns.length, view.x), place(block, rows.length, view.y)];
      context.fillStyle = "#fff";
      if (down > 0 && down < side) context.fillRect(margin + down - 1, 0, 3, side);
      if (across > 0 && across < side) context.fillRect(margin, across - 1, side, 3);
    }
    names(place);
    canvas.dataset.span = view.span.toFixed(4);
  }
  // Names of rows and columns, where zoomed in enough to tell them apart.
  function names(place) {
    const every = Math.ceil((14 * view.span * rows.length) / side);
    context.fillStyle = getComputedStyle(document.body).color;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (let i = 0; i < rows.length; i += every) {
      const [down, across] = [place(i + 0.5, rows.length, view.y), place(i + 0.5, columns.length, view.x)];
      if (down > 0 && down < side) context.fillText(rows[i], margin - 4, down, margin - 6);
      if (across <= 0 || across >= side) continue;
      context.save();
      context.translate(margin + across, side + 4);
      context.rotate(-Math.PI / 2);
      context.fillText(columns[i], 0, 0, margin - 6);
      context.restore();
    }
  }
  // Where the pointer is, as shares of the map's side; outside 0 to 1 over the names.
  function pointed(event) {
    const box = canvas.getBoundingClientRect();
    const scale = size / box.width;
    return [((event.clientX - box.x) * scale - margin) / side, ((event.clientY - box.y) * scale) / side];
  }
  function zoom(factor, cx = 0.5, cy = 0.5) {
    const span = Math.min(1, Math.max(view.span * factor, 2 / columns.length));
    view.x += cx * (view.span - span);
    view.y += cy * (view.span - span);
    view.span = span;
    draw();
  }
  function inspect(event) {
    const [x, y] = pointed(event);
    if (x < 0 || y > 1) return tell("");
    const column = Math.floor((view.x + view.span * x) * columns.length);
    const row = Math.floor((view.y + view.span * y) * rows.length);
    if (!(row in rows && column in columns)) return tell("");
    tell(`${rows[row]} and ${columns[column]}\n${significant(values[row * columns.length + column])}`, event.clientX, event.clientY);
  }
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY < 0 ? 0.8 : 1.25, ...pointed(event));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => { at = event; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointerup", () => { at = null; });
  canvas.addEventListener("pointermove", (event) => {
    if (at) {
      const [from, to] = [pointed(at), pointed(event)];
      view.x -= (to[0] - from[0]) * view.span;
      view.y -= (to[1] - from[1]) * view.span;
      at = event;
      draw();
    }
    inspect(event);
  });
  canvas.addEventListener("pointerleave", () => tell(""));
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (move) {
      view.x += move[0] * view.span * 0.1;
      view.y += move[1] * view.span * 0.1;
    } else if (event.key === "0") Object.assign(view, { x: 0, y: 0, span: 1 });
    else if (event.key !== "+" && event.key !== "=" && event.key !== "-") return;
    event.preventDefault();
    if (event.key === "-") zoom(1.25);
    else if (event.key === "+" || event.key === "=") zoom(0.8);
    else draw();
  });
  draw();
  place.redraw = draw;
  const ramp = element("span", { class: "ramp" });
  const stops = RAMP.map((c) => `rgb(${c.join(",")})`).join(",");
  ramp.style.background = `linear-gradient(90deg, ${stops})`;
  const buttons = [["+", 0.8, "Zoom in"], ["−", 1.25, "Zoom out"]].map(([text, factor, about]) => {
    const button = element("button", { type: "button", "aria-label": about }, text);
    button.addEventListener("click", () => zoom(factor));
    return button;
  });
  place.replaceChildren(canvas, element("div", { class: "scale" }, "0", ramp, significant(high), ...buttons));
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
