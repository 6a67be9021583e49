"""The page, driven in a real browser where there is one."""

import json
import re

import chromium
import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from similitude.benchmark.results import Results, save_grading
from similitude.benchmark.subtask import GradingData, Variant
from similitude.cli.report import command
from similitude.errors import FileError
from similitude.report.page import write_page

MEASURES = ("cka", "procrustes", "</script><b>odd")


def write_run(folder, models=30):
    """A run of two functionalities as `similitude run` leaves it, with an intuitive test beside it."""
    rng = np.random.default_rng(0)
    rows, pairs, grading = [], [], {}
    for subtask, functionality in (("made/up", "accuracy/noise"), ("made/up", "accuracy/blur")):
        layers = ("early", "late")
        score = rng.random((2, models, 1))
        d = {m: rng.random((2, models, models, 1)) for m in MEASURES}
        d["cka"][0, 3, 4] = np.nan
        of_layer = tuple((Variant(layer),) for layer in layers)
        names = tuple(f"net{i:02d}" for i in range(models))
        same = np.ones((2, 1), dtype=bool)
        grading[subtask, functionality] = GradingData(names, layers, of_layer, score[..., 0], score, same, d)
        for k, measure in enumerate(MEASURES):
            for statistic in ("spearman", "kendall"):
                estimate = [0.5, 0.7, None][k] if statistic == "spearman" else [0.6, 0.4, None][k]
                rows.append(
                    {
                        "suite": "made", "subtask": subtask, "functionality": functionality, "measure": measure,
                        "statistic": statistic, "estimate": estimate, "p": 0.0004,
                        "ci_low": estimate and estimate - 0.2, "ci_high": estimate and estimate + 0.1,
                        "n_models": models, "n_pairs": 58,
                        "n_failed": 2 * (k == 0), "seconds": 0.5, "version": "0", "data_hash": "abc", "p_holm": 0.01,
                        "rank": [2.0, 1.0, 3.0][k], "rank_low": 1.0, "rank_high": 3.0, "equivalent": "",
                    }
                )  # fmt: skip
        for g, layer in enumerate(layers):
            for m in range(1, models):
                pairs.append(
                    {"suite": "made", "subtask": subtask, "functionality": functionality, "reference_layer": layer,
                     "reference": "net00", "model": names[m], "layer": layer, "deleted": 0, "itself": False,
                     "difference": rng.random(), **{k: v[g, 0, m, 0] for k, v in d.items()}}
                )  # fmt: skip
    Results(pd.DataFrame(rows), {"protocol": "corrected", "command": "similitude run made"}).write(folder)
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
    assert first_column(opened, "grades-table") == ["cka", "procrustes", MEASURES[2]]  # what is missing stays last
    assert opened.evaluate("document.querySelector('#grades-table th[data-key=estimate]').ariaSort") == "ascending"
    opened.evaluate(click.format("measure"))
    assert first_column(opened, "grades-table")[1:] == ["cka", "procrustes"]


def test_sorting_by_keyboard(opened):
    opened.evaluate("document.querySelector('#grades-table th[data-key=rank] button').focus()")
    opened.press("Enter", 13, "\r")
    assert opened.evaluate("document.querySelector('#grades-table th[data-key=rank]').ariaSort") == "ascending"
    assert first_column(opened, "grades-table") == ["procrustes", "cka", MEASURES[2]]


def test_numbers_intervals_and_footnotes(opened):
    text = opened.evaluate("document.querySelector('#grades-table tr[data-row=cka]').innerText")
    assert ".500" in text
    assert "[.300, .600]" in text
    assert "< .001" in text
    notes = opened.evaluate("document.querySelector('#grades-notes').innerText")
    assert "cka failed on 2 pairs: ranked last" in notes


def test_picking_a_statistic_and_a_measure(opened):
    pick(opened, "statistic", "kendall")
    assert first_column(opened, "grades-table")[0] == "cka"
    pick(opened, "measure", "procrustes")
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
    first, last = opened.evaluate("(d => [d[0][3], d[3][3]])(run.intuitive[0].measures.cka.double_map)")
    column = opened.evaluate(
        "[...document.querySelector('#double-map canvas').getContext('2d').getImageData(600, 0, 1, 640).data]"
    )
    lightness = [sum(column[4 * y : 4 * y + 3]) for y in (40, 500)]
    assert lightness[0] != lightness[1]
    assert (lightness[0] < lightness[1]) == (first < last)


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
