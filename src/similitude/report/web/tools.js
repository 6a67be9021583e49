// Making elements, writing numbers, tables that sort. Text only ever enters as text.

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
