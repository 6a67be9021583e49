// Making elements, writing numbers, tables that sort. Text only ever enters as text.

function element(name, attributes = {}, ...children) {
  const svg = ["svg", "path", "line", "text", "g", "rect", "polyline", "title", "clipPath"].includes(name);
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

const interval = (low, high) => (missing(low) ? "—" : `[${number(low)},\u00a0${number(high)}]`);
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

// Smallest and largest of any number of values.
const extent = (values) => values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);

// Text in lines of at most so many characters, broken between words.
function broken(text, most) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length >= most) lines.push("");
    lines[lines.length - 1] += (lines.at(-1) ? " " : "") + word;
  }
  return lines;
}

// What a cell is evidence of (decided in Python) is told by weight and colour, and by a mark for those who see neither.
const MARKS = { leading: "\u00a0*", undecided: "\u00a0?" };
const marked = (text, state) => text + (MARKS[state] ?? "");

// ---- tables that sort

// Columns have a key, a title, show(value, row), state(row) and about. chosen(row) and chosenCell(row, column) say what is
// highlighted, pick(row, column) answers a click, and foot has rows of texts, one per column.
function sortable(place, columns, rows, { sort, chosen, chosenCell, pick, foot = [], kind = "" }) {
  let order = sort;
  const head = element("tr");
  const body = element("tbody");
  for (const column of columns) {
    const button = element("button", { type: "button", title: column.about ?? "" }, column.title);
    button.addEventListener("click", () => {
      const descending = order?.key === column.key ? !order.descending : Boolean(column.descending);
      order = { key: column.key, descending };
      draw();
    });
    head.append(element("th", { scope: "col", "data-key": column.key }, button));
  }
  function draw() {
    const sorted = order ? [...rows].sort((a, b) => compare(a[order.key], b[order.key], order.descending)) : rows;
    for (const cell of head.children) {
      const direction = order?.descending ? "descending" : "ascending";
      cell.setAttribute("aria-sort", cell.dataset.key === order?.key ? direction : "none");
    }
    body.replaceChildren(...sorted.map(rowOf));
  }
  function rowOf(row) {
    const cells = columns.map((column, i) => {
      const shown = [column.show ? column.show(row[column.key], row) : (row[column.key] ?? "—")].flat();
      const cell = i ? element("td", {}, ...shown) : element("th", { scope: "row" }, ...shown);
      const state = column.state?.(row);
      if (state) cell.classList.add(state);
      if (chosenCell?.(row, column)) cell.setAttribute("aria-current", "true");
      return cell;
    });
    const made = element("tr", { "data-row": row[columns[0].key] }, ...cells);
    if (pick) made.addEventListener("click", (event) => pick(row, columns[event.target.closest("td, th")?.cellIndex]));
    if (chosen) made.setAttribute("aria-current", String(chosen(row)));
    return made;
  }
  draw();
  const below = foot.map((texts) =>
    element("tr", {}, ...texts.map((text, i) => element(i ? "td" : "th", i ? {} : { scope: "row" }, ...[text].flat()))));
  const made = element("table", { class: kind }, element("thead", {}, head), body, element("tfoot", {}, ...below));
  made.style.setProperty("--columns", columns.length);
  place.replaceChildren(made);
}

function compare(a, b, descending) {
  if (missing(a) || missing(b)) return missing(a) - missing(b); // what is missing comes last either way
  const sign = descending ? -1 : 1;
  return sign * (typeof a === "number" ? a - b : String(a).localeCompare(String(b)));
}
