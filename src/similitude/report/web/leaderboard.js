// The sections of the leaderboard, drawn from the data embedded in it; after tools.js. No library, no network.

const board = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const paragraphs = (texts) => texts.map((text) => element("p", {}, text));
const MOST_VERDICTS = 200;

function figure(place, name, text) {
  const source = board.figures[name];
  byId(place).replaceChildren(source ? element("img", { src: source, alt: text, loading: "lazy" }) : "There is no figure.");
}

function plainTable(place, header, rows) {
  const head = element("tr", {}, ...header.map((name) => element("th", { scope: "col" }, name)));
  const body = rows.map((cells) => element("tr", {},
    ...cells.map((text, i) => element(i ? "td" : "th", i ? {} : { scope: "row" }, text))));
  byId(place).replaceChildren(element("table", { class: "plain" }, element("thead", {}, head), element("tbody", {}, ...body)));
}

const title = (family) => board.families.find((f) => f.key === family)?.title ?? family;
const place = (low, high) => (missing(low) ? "—" : low === high ? String(low) : `${low}–${high}`);

function drawPlaces() {
  const family = board.families.find((f) => f.key === byId("pick-family").value);
  if (!family) return;
  const columns = [
    { key: "measure", title: "measure", state: (r) => r.state, show: (v, r) => marked(v, r.state) },
    { key: "estimate", title: "mean", descending: true, state: (r) => r.state,
      show: (v, r) => (r.failed ? `failed on ${r.failed} row${r.failed === 1 ? "" : "s"}` : number(v)) },
    { key: "low", title: "95 % interval", descending: true, show: (v, r) => interval(v, r.high) },
    { key: "rank", title: "place", about: "those that all comparisons leave open", show: (v, r) => place(r.rank_low, r.rank_high) },
    { key: "distinct", title: "told apart from", descending: true },
    { key: "distinct_in_both", title: "in both halves", descending: true },
    { key: "seconds", title: "ms per pair", show: (v) => (missing(v) ? "—" : significant(Number((1000 * v).toPrecision(2)))) },
  ];
  const rows = board.standings.filter((r) => r.family === family.key);
  byId("places-about").textContent = family.about;
  sortable(byId("places-table"), columns, rows, { sort: { key: "rank", descending: false }, kind: "steady" });
  figure("places-figure", family.figure, `Places of all measures with intervals: ${family.title}`);
  drawVerdicts(family.key);
}

function drawVerdicts(family) {
  const rows = board.verdicts.filter((v) => v.family === family);
  byId("verdicts-about").textContent = rows.length > MOST_VERDICTS
    ? `${title(family)}: ${rows.length} verdicts hold; the first ${MOST_VERDICTS} are shown, verdicts.csv has all.`
    : `${title(family)}: ${rows.length} verdicts hold.`;
  plainTable("verdicts-table", ["verdict", "value in the first half"], rows.slice(0, MOST_VERDICTS).map((v) => [
    v.kind === "tells" ? `${v.measure} is above chance` : `${v.measure} beats ${v.other}`,
    `${number(v.value)} ${interval(v.low, v.high)}`,
  ]));
}

byId("warnings").replaceChildren(...paragraphs(board.warnings));
byId("findings").replaceChildren(...paragraphs(board.findings));
plainTable("decisions-table", ["question", "use", "evidence"], board.decisions.map((d) => [d.question, d.advice, d.evidence]));
fill(byId("pick-family"), board.families.map((f) => [f.key, f.title]));
byId("pick-family").addEventListener("change", drawPlaces);
byId("pickers").addEventListener("submit", (event) => event.preventDefault());
figure("heat-map", "heat-map", "Heat map of measures against rows of subtasks, both clustered");
figure("time-figure", "time", "Mean quality of each measure against the time that one pair takes");
byId("combination-about").textContent = board.combination;
plainTable("combination-table", ["networks held out", "best single measure of the others", "combination of the others", "difference"],
  board.held_out.map((h) => [h.population, h.single, h.combined, number(h.difference)]));
plainTable("provenance", ["name", "value"], board.provenance);
drawPlaces();
