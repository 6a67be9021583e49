"""The results table in its forms."""

import csv
import io
import re
from dataclasses import replace

import pandas as pd
import pytest
from made import DEFAULT, ROWS, made_results
from rich.console import Console

from similitude.benchmark import Results
from similitude.report.tables import as_csv, as_latex, as_markdown, lay_out
from similitude.report.terminal import as_rich

ABOUT = {
    "subtask": "vision/seed_layer",
    "functionality": "probe",
    "label": "probe accuracy",
    "difference": "difference in probe accuracy",
    "modality": "vision",
    "varies": "seed",
    "description": "",
    "reliability": 0.8,
}
"""What a run keeps of the first row."""
MANY = tuple(f"rsa(rdm=euclidean,compare=spearman,seed={i})" for i in range(60))


@pytest.fixture
def results():
    return made_results(failed=[(1, "cka")])


def shown(results, width, *, color=None):
    console = Console(width=width, file=io.StringIO(), force_terminal=color is not None, color_system=color)
    console.print(as_rich(lay_out(results), width))
    return console.file.getvalue()


def test_layout_shows_both_estimates_failures_and_states(results):
    layout = lay_out(replace(results, functionalities=pd.DataFrame([ABOUT])))
    assert layout.header == ["modality", "subtask", "varies", "functionality", "models", "pairs", *DEFAULT]
    first = results.frame.iloc[0]
    expected = f"{first['every']:.3f} ({first['estimate']:.3f})".replace("0.", ".")
    assert layout.rows[0][:7] == ["vision", "vision/seed_layer", "seed", "probe accuracy †", "40", "39", expected]
    assert layout.states[0][6] == "leading"
    assert layout.rows[1][7].startswith("— (")
    assert layout.rows[1][7].endswith("[3 failed]")
    assert layout.rows[-1][3].endswith("(none tracks it)")
    assert "leading" not in layout.states[-1].values()
    assert layout.foot[0][1] == "mean rank (4 rows)"  # those that tell measures apart
    assert any("Verdicts rest on the first" in note and "left out" in note for note in layout.notes)


def test_markdown(results):
    text = as_markdown(lay_out(results))
    lines = text.splitlines()
    assert {line.count("|") for line in lines[: 2 + len(ROWS)]} == {len(DEFAULT) + 7}
    assert f"**{lay_out(results).rows[0][6]}**" in lines[2]
    assert "**" not in lines[1 + len(ROWS)]  # the row that no measure tracks
    assert ")? |" in lines[1 + len(ROWS)]
    assert "no evidence" in text


def test_latex_escapes_what_tex_would_read(results):
    text = as_latex(lay_out(results))
    assert r"mean\_cca" in text
    assert r"\textbf{" in text
    assert r"\textcolor{gray}{" in text
    assert "−" not in text
    assert text.count(r"\\") == 1 + len(ROWS) + 2


def test_csv_has_cells_without_emphasis(results):
    layout = lay_out(results)
    assert list(csv.reader(as_csv(layout).splitlines())) == [layout.header, *layout.rows, *layout.foot]
    assert "*" not in as_csv(layout)
    assert "?" not in as_csv(layout)


@pytest.mark.parametrize("measures", [DEFAULT, DEFAULT[:1], MANY])
@pytest.mark.parametrize("width", [80, 100, 160, 250])
def test_a_terminal_of_any_width_shows_every_number(measures, width):
    made = made_results(measures)
    text = shown(made, width)
    assert max(map(len, text.splitlines())) <= width
    assert all(subtask in text for subtask, _ in ROWS)
    for every in made.frame.loc[made.frame["statistic"] == "spearman", "every"]:
        assert f"{abs(every):.3f}"[1:] in text


def test_forms_of_the_terminal(results):
    assert len(shown(results, 80).splitlines()) < 40
    assert "(−" not in shown(results, 80)
    both = lay_out(results).rows[0][6]
    assert both.split()[1] in shown(results, 160)  # the best reference, where there is room
    many = shown(made_results(MANY), 80)
    assert "  1  vision/seed_layer, probe: 40 models" in many
    assert len(many.splitlines()) < 220


def test_bold_and_grey_only_on_a_terminal(results):
    styled = shown(results, 80, color="standard")
    assert re.search(r"\x1b\[1m\.504\* ?\x1b\[0m", styled)
    assert "\x1b[90m" in styled
    plain = shown(results, 80)
    assert "\x1b" not in plain
    assert ".504*" in plain  # what bold says stays in a pipe
    assert "?" in plain


def test_published_results_have_one_estimate_and_no_emphasis():
    frame = made_results().frame.drop(columns=["tells", "leading", "apart", "every", "every_low", "every_high"])
    published = Results(frame, {"protocol": "published"})
    text = as_markdown(lay_out(published))
    assert "**" not in text
    assert "kept, as published" in text
    assert "no intervals" in text
    assert "*" not in shown(published, 80)


def test_brackets_of_names_are_no_markup():
    assert "[bold]odd" in shown(made_results(("[bold]odd",)), 100)
