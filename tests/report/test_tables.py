"""The results table in its forms."""

import io

import numpy as np
import pandas as pd
import pytest

from similitude.benchmark import Functionality, Pairing, Results, Subtask
from similitude.report.tables import as_latex, as_markdown, as_rich, lay_out

SUBTASK = Subtask("s/one", "nets", "seed", (Functionality("f_1", "accuracy, noise"),), Pairing("models"), "vision")


@pytest.fixture
def results():
    rows = []
    for measure, rho, failed in (("cka", 0.8123, 0), ("pwcca", -0.25, 0), ("odd(k=2)", np.nan, 3)):
        for statistic in ("spearman", "kendall"):
            rows.append(("s/one", "f_1", measure, statistic, rho, 12, 11, failed))
    columns = ["subtask", "functionality", "measure", "statistic", "estimate", "n_models", "n_pairs", "n_failed"]
    return Results(pd.DataFrame(rows, columns=columns), {"protocol": "corrected"})


def test_layout_shows_estimates_failures_and_the_best(results):
    layout = lay_out(results, [SUBTASK], weak=[("s/one", "f_1")])
    assert layout.header[:6] == ["modality", "subtask", "varies", "functionality", "models", "pairs"]
    assert layout.header[6:] == ["cka", "pwcca", "odd(k=2)"]
    assert layout.rows == [
        ["vision", "s/one", "seed", "accuracy, noise †", "12", "11", ".812 (.812)", "−.250 (−.250)", "— [3 failed]"]
    ]
    assert layout.best == [{6}]
    assert layout.foot[0] == ["", "mean rank", "", "", "", "", "1.0", "2.0", "3.0"]
    assert layout.foot[1][-3:] == [".812", "−.250", "—"]
    assert any("left out" in note for note in layout.notes)


def test_markdown(results):
    lines = as_markdown(lay_out(results, [SUBTASK])).splitlines()
    assert lines[2].count("|") == lines[0].count("|") == 10
    assert "**.812 (.812)**" in lines[2]


def test_latex_escapes_what_tex_would_read(results):
    text = as_latex(lay_out(results))
    assert r"f\_1" in text
    assert r"\textbf{.812 (.812)}" in text
    assert "−" not in text
    assert text.count(r"\\") == 4


@pytest.mark.parametrize("width", [80, 200])
def test_terminal_keeps_brackets(results, width):
    from rich.console import Console

    console = Console(width=250, record=True, file=io.StringIO())
    console.print(as_rich(lay_out(results, [SUBTASK]), width))
    assert "[3 failed]" in console.export_text()
