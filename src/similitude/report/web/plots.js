// Plots with axes, and heat maps that zoom.

// Okabe and Ito's colours, each with a shape of its own: nothing is told by colour alone. Black would vanish in the dark.
const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8c8c8c"];
const SHAPES = [
  "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0", "M-3.5,-3.5h7v7h-7z", "M0,-4.5L4.2,3.5H-4.2z", "M0,-5L5,0L0,5L-5,0z",
  "M0,4.5L-4.2,-3.5H4.2z", "M-1.5,-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z", "M-4,-4L4,4M-4,4L4,-4",
];

// ---- plots with axes

function ticks(low, high) {
  const step = 10 ** Math.floor(Math.log10(high - low || 1));
  const chosen = [5, 2, 1, 0.5, 0.2].map((f) => f * step).find((s) => (high - low) / s >= 3) ?? step;
  const found = [];
  for (let v = Math.ceil(low / chosen - 1e-9) * chosen; v <= high + 1e-9 * chosen; v += chosen) found.push(v);
  return found;
}

// An empty plot, a group within its axes that what reaches beyond is cut from, and functions from values to coordinates.
function plot(place, { x, y, xLabel, yLabel, title }) {
  const below = broken(xLabel, 66);
  const beside = broken(yLabel, 50);
  const [width, left, bottom] = [520, 48 + 14 * beside.length, 30 + 14 * below.length];
  const height = 316 + bottom;
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
  below.forEach((line, i) => svg.append(element("text", {
    class: "label", x: (left + width) / 2, y: height - 6 - 14 * (below.length - 1 - i), "text-anchor": "middle" }, line)));
  beside.forEach((line, i) => svg.append(element("text", {
    class: "label", transform: `translate(${13 + 14 * i},${(height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, line)));
  const clip = element("clipPath", { id: `${place.id}-inside` });
  clip.append(element("rect", { x: left, y: 14, width: width - left - 14, height: height - bottom - 14 }));
  const inside = element("g", { "clip-path": `url(#${place.id}-inside)` });
  svg.append(clip, inside);
  place.replaceChildren(svg);
  return { svg, inside, toX, toY };
}

// Line of least squares over points, where there are enough of them.
function trend(points) {
  const n = points.length;
  const [mx, my] = [0, 1].map((k) => points.reduce((sum, p) => sum + p[k], 0) / n);
  const across = points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  if (n < 3 || !across) return null;
  const slope = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / across;
  return extent(points.map(([x]) => x)).map((x) => [x, my + slope * (x - mx)]);
}

// No two of 49 look the same.
const colourOf = (i) => COLOURS[i % COLOURS.length];
const shapeOf = (i) => SHAPES[(i + Math.floor(i / COLOURS.length)) % SHAPES.length];

function legend(place, names) {
  place.replaceChildren(...names.map((name, i) => {
    const mark = element("svg", { viewBox: "-6 -6 12 12", "aria-hidden": "true" });
    mark.append(element("path", { d: shapeOf(i), fill: colourOf(i), stroke: colourOf(i) }));
    return element("span", {}, mark, ` ${name}`);
  }));
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

const styled = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A canvas that zooms: values row by row, names of rows and columns, a line between blocks if there are any. Where the
// diagonal compares everything with itself it takes no part in the colours.
function heatMap(place, { values, rows, columns, label, block, itself }) {
  const trivial = (i) => itself && i % (columns.length + 1) === 0;
  const finite = values.filter((v, i) => Number.isFinite(v) && !trivial(i));
  const [low, high] = finite.length ? extent(finite) : [0, 1];
  const image = element("canvas", { width: columns.length, height: rows.length });
  const paint = image.getContext("2d");
  function colours() {
    const [neutral, failed] = ["--neutral", "--failed"].map(styled);
    values.forEach((value, i) => {
      if (trivial(i)) paint.fillStyle = neutral;
      else if (!Number.isFinite(value)) paint.fillStyle = failed;
      else paint.fillStyle = `rgb(${colour((value - low) / (high - low || 1)).join(",")})`;
      paint.fillRect(i % columns.length, Math.floor(i / columns.length), 1, 1);
    });
  }
  const size = 640;
  const canvas = element("canvas", { width: size, height: size, tabindex: "0", role: "img", "aria-label": label });
  const view = { x: 0, y: 0, span: 1 };
  let at = null;
  const context = canvas.getContext("2d");
  const letters = Math.round(13 * Math.max(1, size / (place.clientWidth || size))); // as large on a phone as elsewhere
  context.font = `${letters}px system-ui, sans-serif`;
  const widest = Math.max(...[...rows, ...columns].map((name) => context.measureText(name).width));
  const margin = Math.min(Math.ceil(widest) + 8, Math.round(13 * letters)); // left and below, for names
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
    const every = Math.ceil(((letters + 1) * view.span * rows.length) / side);
    context.fillStyle = styled("--text");
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (let i = 0; i < rows.length; i += every) {
      const [down, across] = [place(i + 0.5, rows.length, view.y), place(i + 0.5, columns.length, view.x)];
      if (down > 0 && down < side) context.fillText(rows[i], margin - 4, Math.max(down, letters / 2), margin - 6);
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
    const i = row * columns.length + column;
    const said = trivial(i) ? "the same one, left out of the colours" : Number.isFinite(values[i]) ? significant(values[i]) : "not compared, or failed";
    tell(`${rows[row]} and ${columns[column]}\n${said}`, event.clientX, event.clientY);
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
  place.redraw = () => { colours(); draw(); };
  place.redraw();
  const ramp = element("span", { class: "ramp" });
  const stops = RAMP.map((c) => `rgb(${c.join(",")})`).join(",");
  ramp.style.background = `linear-gradient(90deg, ${stops})`;
  const buttons = [["+", 0.8, "Zoom in"], ["−", 1.25, "Zoom out"]].map(([text, factor, about]) => {
    const button = element("button", { type: "button", "aria-label": about }, text);
    button.addEventListener("click", () => zoom(factor));
    return button;
  });
  place.replaceChildren(canvas, element("div", { class: "scale" }, significant(low), ramp, significant(high), ...buttons));
}
