"""The page, driven in a real browser where there is one."""

import json
import re

import chromium
import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from similitude.benchmark.grading import GradingData
from similitude.benchmark.results import Results, read_results, save_grading
from similitude.benchmark.subtask import Variant
from similitude.cli.report import command
from similitude.errors import FileError
from similitude.report.evidence import read_grades
from similitude.report.findings import findings
from similitude.report.page import write_page
from similitude.report.verdicts import row_verdict

MEASURES = ("cka", "procrustes", "</script><b>odd")


FUNCTIONALITIES = ("accuracy/noise", "accuracy/blur")
EVERY = {"accuracy/noise": (0.05, 0.1, None), "accuracy/blur": (0.4, 0.7, None)}
"""By measure; intervals reach .2 to either side, so that only the second row tells."""


def write_run(folder, models=30, measures=MEASURES, functionalities=FUNCTIONALITIES, **provenance):
    """A run as `similitude run` leaves it, with an intuitive test beside it."""
    rng = np.random.default_rng(0)
    rows, pairs, grading = [], [], {}
    for subtask, functionality in (("made/up", functionality) for functionality in functionalities):
        layers = ("early", "late")
        score = rng.random((2, models, 1))
        d = {m: 0.4 + 0.2 * rng.random((2, models, models, 1)) for m in measures}
        for values in d.values():
            values[:, range(models), range(models)] = 0
        d["cka"][1, 3, 4] = np.nan
        of_layer = tuple((Variant(layer),) for layer in layers)
        names = tuple(f"net{i:02d}" for i in range(models))
        same = np.ones((2, 1), dtype=bool)
        grading[subtask, functionality] = GradingData(names, layers, of_layer, score[..., 0], score, same, d)
        for k, measure in enumerate(measures):
            for statistic in ("spearman", "kendall"):
                estimate = (0.3, 0.2, None)[min(k, 2)]
                every = EVERY.get(functionality, EVERY["accuracy/noise"])[min(k, 2)]
                if every and statistic == "kendall":
                    every = 0.8 - every
                rows.append(
                    {
                        "suite": "made", "subtask": subtask, "functionality": functionality, "measure": measure,
                        "statistic": statistic, "estimate": estimate, "p": 0.0004,
                        "ci_low": estimate and estimate - 0.2, "ci_high": estimate and estimate + 0.1,
                        "n_models": models, "n_pairs": 58,
                        "n_failed": 2 * (k == 0), "seconds": 0.5, "version": "0", "data_hash": "abc", "p_holm": 0.01,
                        "rank": min(k, 2) + 1.0, "rank_low": 1.0, "rank_high": 3.0, "equivalent": "",
                        "every": every, "every_low": every and every - 0.2, "every_high": every and every + 0.2,
                        "every_rank": float((2, 1, 3)[min(k, 2)]), "tells": bool(every and every > 0.2),
                        "leading": k == (1 if statistic == "spearman" else 0), "apart": functionality.endswith("blur"),
                        "n_groups": 5,
                    }
                )  # fmt: skip
        for g, layer in enumerate(layers):
            for m in range(1, models):
                pairs.append(
                    {"suite": "made", "subtask": subtask, "functionality": functionality, "reference_layer": layer,
                     "reference": "net00", "model": names[m], "layer": layer, "deleted": 0, "itself": False,
                     "difference": rng.random(), **{k: v[g, 0, m, 0] for k, v in d.items()}}
                )  # fmt: skip
    about = [{"subtask": "made/up", "functionality": f, "n_inputs": 500} for f in functionalities]
    provenance = {"protocol": "corrected", "command": "similitude run made", **provenance}
    Results(pd.DataFrame(rows), provenance, functionalities=pd.DataFrame(about)).write(folder)
    pd.DataFrame(pairs).to_csv(folder / "pairs.csv", index=False)
    save_grading(folder / "grading.npz", grading)
    tested = {
        "double_map": rng.random((4, 4)).tolist(), "shares": [0, 0.5, 1], "curve": [[0, 0.2, 0.9], [0, 0.1, 0.2]],
        "threshold": [0.3, 0.4], "spread": [0.1, 0.1],
        "detected": [{"estimate": 0.6, "low": 0.5, "high": 0.7}, {"estimate": None, "low": None, "high": None}],
        "verdict": {"invariant_to": "rotation", "misses": "much", "overreacts": "", "summary": "It is made up."},
    }  # fmt: skip
    row = {"measure": "cka", "identification": 0.9, "depth_over_seed": 0.8, "detected": None, "mean_rank": 2.0}
    intuitive = {
        "suite": "made", "layers": ["early", "late"], "claim": "The claim holds.", "table": [row],
        "measures": {"cka": tested},
    }  # fmt: skip
    (folder / "intuitive-made.json").write_text(json.dumps(intuitive))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_run(folder)
    return folder


@pytest.fixture(scope="module")
def browser(run, tmp_path_factory):
    executable = chromium.find()
    if executable is None:
        pytest.skip("no Chromium here: the page was not driven (install the package chromium)")
    driven = chromium.Browser(executable, tmp_path_factory.mktemp("profile"))
    yield driven
    driven.close()


@pytest.fixture
def opened(browser, run):
    browser.screen(1200, 900)
    browser.problems.clear()
    browser.requests.clear()
    browser.open(write_page(run, run / "report.html"))
    yield browser
    assert browser.problems == []


def first_column(browser, table):
    script = f"[...document.querySelectorAll('#{table} tbody tr')].map(r => r.dataset.row)"
    return browser.evaluate(script)


def pick(browser, what, value):
    select = f"document.querySelector('#pick-{what}')"
    browser.evaluate(f"{select}.value = {json.dumps(value)}, {select}.dispatchEvent(new Event('change'))")


def tip(browser):
    return browser.evaluate("(t => t.hidden ? '' : t.textContent)(document.querySelector('#tip'))")


def test_page_is_one_file(run):
    text = write_page(run, run / "deep" / "report.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", text)
    assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg", "", text)
    assert "</script><b>" not in text


def test_nothing_is_fetched(opened):
    assert [r for r in opened.requests if not r.startswith(("file:", "data:"))] == []
    assert len(opened.requests) == 1


def test_sorting(opened):
    assert first_column(opened, "grades-table") == ["procrustes", "cka", MEASURES[2]]
    click = "document.querySelector('#grades-table th[data-key={}] button').click()"
    opened.evaluate(click.format("estimate"))
    assert first_column(opened, "grades-table") == ["cka", "procrustes", MEASURES[2]]
    opened.evaluate(click.format("estimate"))
    assert first_column(opened, "grades-table") == ["procrustes", "cka", MEASURES[2]]  # what is missing stays last
    assert opened.evaluate("document.querySelector('#grades-table th[data-key=estimate]').ariaSort") == "ascending"
    opened.evaluate(click.format("measure"))
    assert first_column(opened, "grades-table")[1:] == ["cka", "procrustes"]


def test_sorting_by_keyboard(opened):
    opened.evaluate("document.querySelector('#grades-table th[data-key=every_rank] button').focus()")
    opened.press("Enter", 13, "\r")
    assert opened.evaluate("document.querySelector('#grades-table th[data-key=every_rank]').ariaSort") == "ascending"
    assert first_column(opened, "grades-table") == ["procrustes", "cka", MEASURES[2]]


def test_numbers_intervals_and_footnotes(opened):
    text = opened.evaluate("document.querySelector('#grades-table tr[data-row=cka]').innerText")
    assert ".400" in text
    assert "[.200,\N{NO-BREAK SPACE}.600]" in text  # every reference
    assert "[.100,\N{NO-BREAK SPACE}.400]" in text  # the best one
    assert "< .001" in text
    notes = opened.evaluate("document.querySelector('#grades-notes').innerText")
    assert "cka failed on 2 pairs: ranked last" in notes


def test_picking_a_statistic_and_a_measure(opened):
    pick(opened, "statistic", "kendall")
    assert first_column(opened, "grades-table")[0] == "cka"
    pick(opened, "measure", "procrustes")
    pick(opened, "subtask", "made/up|accuracy/noise")
    label = opened.evaluate("document.querySelector('#scatter svg').ariaLabel")
    assert label.startswith("procrustes dissimilarity against difference in accuracy/noise")
    assert opened.evaluate("document.querySelector('#grades-table tr[aria-current=true]').dataset.row") == "procrustes"
    assert "not tested" in opened.evaluate("document.querySelector('#verdict').innerText")
    opened.evaluate("document.querySelector('#grades-table tr[data-row=cka]').click()")
    assert opened.evaluate("document.querySelector('#pick-measure').value") == "cka"
    assert "It is made up." in opened.evaluate("document.querySelector('#verdict').innerText")
    pick(opened, "subtask", "made/up|accuracy/blur")
    assert "accuracy/blur" in opened.evaluate("document.querySelector('#scatter svg').ariaLabel")


def test_hover_names_the_networks(opened):
    pick(opened, "measure", "cka")
    opened.move("document.querySelector('#scatter svg > path:last-of-type')")
    assert re.match(r"net00 \((early|late)\) and net\d\d \((early|late)\)\ncka ", tip(opened))
    opened.move("document.querySelector('#networks canvas')")
    assert re.match(r"net\d\d and net\d\d\n", tip(opened))
    opened.move("document.querySelector('#double-map canvas')")
    assert re.match(r"[AB] (early|late) and [AB] (early|late)\n", tip(opened))


def test_dots_by_keyboard(opened):
    opened.evaluate("document.querySelector('#scatter svg').focus()")
    opened.press("ArrowRight", 39)
    first = tip(opened)
    opened.press("ArrowRight", 39)
    assert first.startswith("net00")
    assert tip(opened) not in ("", first)


def test_zoom_by_keyboard_wheel_and_button(opened):
    span = "Number(document.querySelector('#networks canvas').dataset.span)"
    opened.evaluate("document.querySelector('#networks canvas').focus()")
    opened.press("+", 187, "+")
    assert opened.evaluate(span) == pytest.approx(0.8)
    opened.evaluate("document.querySelector('#networks button').click()")
    assert opened.evaluate(span) == pytest.approx(0.64)
    opened.evaluate(
        "document.querySelector('#networks canvas').dispatchEvent(new WheelEvent('wheel', {deltaY: 9, clientX: 9}))"
    )
    assert opened.evaluate(span) == pytest.approx(0.8)
    opened.press("0", 48, "0")
    assert opened.evaluate(span) == 1


def test_heat_map_shows_the_values(opened):
    """In the last column of the map the smaller value is the darker pixel."""
    pick(opened, "measure", "cka")
    first, last = opened.evaluate("(d => [d[0][3], d[3][3]])(run.intuitive[0].measures.cka.double_map)")
    column = opened.evaluate(
        "[...document.querySelector('#double-map canvas').getContext('2d').getImageData(600, 0, 1, 640).data]"
    )
    lightness = [sum(column[4 * y : 4 * y + 3]) for y in (40, 500)]
    assert lightness[0] != lightness[1]
    assert (lightness[0] < lightness[1]) == (first < last)


def test_opens_on_the_row_that_tells_and_says_what_was_found(opened, run):
    results = read_results(run)
    row = read_grades(results).rows[1]
    assert opened.evaluate("document.querySelector('#pick-subtask').value") == "made/up|accuracy/blur"
    assert opened.evaluate("document.querySelector('#pick-measure').value") == "procrustes"
    said = opened.evaluate("[...document.querySelectorAll('#findings p')].map((p) => p.textContent)")
    assert said == findings(results, None)
    assert len(said) == 3
    verdict = "document.querySelector('#row-verdict').textContent"
    assert opened.evaluate(verdict) == row_verdict(row)[0] + " ".join(row_verdict(row)[1:])
    assert "30 models in 5 groups" in opened.evaluate(verdict)
    pick(opened, "subtask", "made/up|accuracy/noise")
    assert opened.evaluate(verdict).startswith("No measure tracks this: every interval includes 0.")


@pytest.mark.parametrize("statistic", ["spearman", "kendall"])
def test_emphasis_is_that_of_the_evidence(opened, run, statistic):
    pick(opened, "statistic", statistic)
    states = "Object.fromEntries([...document.querySelectorAll('{} tbody tr')].map((r) => [r.dataset.row, {}]))"
    overview = opened.evaluate(
        states.format("#overview-table", "[...r.cells].slice(1).map((c) => c.className || 'plain')")
    )
    for row in read_grades(read_results(run), statistic=statistic).rows:
        expected = {measure: cell.state for measure, cell in row.cells.items()}
        assert overview[f"{row.subtask}, {row.label}"] == [expected[measure] for measure in MEASURES]
        pick(opened, "subtask", f"{row.subtask}|{row.functionality}")
        found = opened.evaluate(
            states.format("#grades-table", "[r.cells[1].className, getComputedStyle(r.cells[1]).fontWeight]")
        )
        assert found == {m: [state, "700" if state == "leading" else "400"] for m, state in expected.items()}
    muted = opened.evaluate("getComputedStyle(document.querySelector('#overview-table .undecided')).color")
    assert muted == "rgb(107, 115, 124)"
    assert {"leading", "undecided", "missing"} <= {state for line in overview.values() for state in line}


def test_overview_has_both_estimates_and_standings_with_intervals(opened):
    text = opened.evaluate("document.querySelector('#overview-table').innerText")
    assert "mean rank (1 row)" in text
    assert "[.500, .900]" in text.partition("worst")[2]
    assert re.search(r"\.700\s\*\s*\(\.200\)", text)
    notes = opened.evaluate("document.querySelector('#overview-notes').innerText")
    assert "Verdicts rest on the first" in notes
    assert "1 of 2 rows" in notes


@pytest.mark.parametrize(
    ("provenance", "said"),
    [
        ({"scales": {"made": "quick"}}, "Smoke test: values mean nothing"),
        ({"another_sample": ["nets"]}, "another sample"),
    ],
)
def test_warnings(browser, tmp_path, provenance, said):
    write_run(tmp_path, **provenance)
    browser.open(write_page(tmp_path, tmp_path / "page.html"))
    assert said in browser.evaluate("document.querySelector('#warnings').textContent")
    emphasised = browser.evaluate("document.querySelectorAll('.leading, .undecided').length")
    assert (emphasised == 0) == ("scales" in provenance)
    if "scales" in provenance:
        assert "values mean nothing" in browser.evaluate("document.querySelector('#row-verdict').textContent")


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wide")
    measures = [*MEASURES, *(f"rsa(rdm=correlation,compare=spearman,k={k})" for k in range(30))]
    write_run(folder, 12, measures, [f"accuracy/a rather long name of it {i}" for i in range(25)])
    return write_page(folder, folder / "page.html")


@pytest.mark.parametrize("width", [1280, 800, 400])
def test_nothing_is_wider_than_the_window(browser, wide, run, width):
    browser.screen(width, 900)
    for page in (wide, write_page(run, run / "report.html")):
        browser.open(page)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
    if width >= 800:
        assert browser.evaluate("(b => b.scrollWidth - b.clientWidth)(document.querySelector('#overview-table'))") == 0


def test_paper_is_light_without_controls_and_nothing_is_cut(browser, wide):
    browser.screen(718, 1000, dark=True)
    browser.open(wide)
    browser.evaluate("document.querySelector('#provenance-title').closest('details').open = false")
    scheme = {"name": "prefers-color-scheme", "value": "dark"}
    browser.call("Emulation.setEmulatedMedia", media="print", features=[scheme])
    try:
        assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert browser.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"
        shown = "[...document.querySelectorAll('{}')].filter((e) => e.offsetParent)"
        assert browser.evaluate(f"{shown.format('select, #pickers, .scale button')}.length") == 0
        sections = browser.evaluate(f"{shown.format('details')}.map((d) => d.querySelector('h2').id)")
        assert sections == ["grades", "overview", "scatter-title", "networks-title", "intuitive-title"]
        cut = "(w => [...document.querySelectorAll(w)].map((e) => e.getBoundingClientRect().right - innerWidth))"
        assert max(browser.evaluate(f"{cut}('table:not(.many), svg, canvas')")) <= 0
        browser.screen(964, 718, dark=True)  # a landscape sheet
        browser.call("Emulation.setEmulatedMedia", media="print", features=[scheme])
        assert max(browser.evaluate(f"{cut}('table.many')")) <= 0
        # Names on a map are dark, although the window is dark.
        pixel = "[...document.querySelector('#networks canvas').getContext('2d').getImageData(0, 0, 40, 400).data]"
        inked = np.reshape(browser.evaluate(pixel), (-1, 4))
        assert inked[inked[:, 3] > 200, :3].max() < 128
    finally:
        browser.call("Emulation.setEmulatedMedia", media="", features=[scheme])
    assert len(browser.call("Page.printToPDF", preferCSSPageSize=True)["data"]) > 50_000


def test_axes_say_direction_measure_and_size(opened):
    labels = opened.evaluate("[...document.querySelectorAll('#scatter .label')].map((e) => e.textContent)")
    assert labels == [
        "difference in accuracy/blur (right: functions less alike)",
        "procrustes dissimilarity (up: less alike)",
    ]
    caption = opened.evaluate("document.querySelector('#scatter-caption').textContent")
    assert caption.startswith("30 models in 5 groups, 58 pairs, n = 500 inputs.")
    assert opened.evaluate("document.querySelectorAll('#scatter .trend').length") == 2  # one per layer
    assert "n = 500 inputs" in opened.evaluate("document.querySelector('#networks-caption').textContent")


def test_diagonal_takes_no_part_in_the_colours_of_a_map(opened):
    low, high = opened.evaluate("(d => [d.low, d.high])(run.maps[state.subtask].values.procrustes[1])")
    assert 0.4 <= low < high <= 0.6
    assert opened.evaluate("document.querySelector('#networks .scale').textContent").startswith(f"{low:.4g}")
    image = "[...document.querySelector('#networks canvas').getContext('2d').getImageData(0, 0, 640, 640).data]"
    pixels = np.reshape(opened.evaluate(image), (640, 640, 4))
    margin = int(np.flatnonzero((pixels[300, :, 3] == 255) & (np.ptp(pixels[300, :, :3], axis=1) > 30))[0])
    cell = (640 - margin) / 30
    at = [(int((i + 0.5) * cell), int(margin + (i + 0.5) * cell)) for i in range(3, 27)]
    assert {tuple(pixels[y, x, :3]) for y, x in at} == {(228, 231, 234)}  # neutral
    shades = {tuple(pixels[y, x + int(cell), :3]) for y, x in at}
    assert len(shades) > 10
    opened.move("document.querySelector('#networks canvas')")


@pytest.mark.parametrize("dark", [False, True])
def test_phone_and_dark(opened, dark, tmp_path):
    opened.screen(390, 800, dark)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    ground = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
    opened.screenshot(tmp_path / "phone.png")
    assert (tmp_path / "phone.png").stat().st_size > 10_000


def test_command_line(run, tmp_path):
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [str(run), "--html", str(tmp_path / "page.html")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    shown = CliRunner().invoke(app, [str(run)], env={"COLUMNS": "200"})
    assert "procrustes" in shown.stdout


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(FileError, match="no finished run"):
        write_page(tmp_path, tmp_path / "page.html")
