import csv
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from similitude.benchmark.results import Results
from similitude.cli.report import command
from similitude.errors import InputError
from similitude.report.numbers import number, probability
from similitude.report.tables import as_latex, as_markdown
from similitude.report.tables_statistics import as_csv, lay_out_statistics


@pytest.fixture
def results():
    rows = []
    for place, (measure, estimate, failed) in enumerate(
        (("cka(kernel=rbf)", 0.7, 0), ("a_b", -0.1, 2), ("none", np.nan, 0))
    ):
        for statistic in ("spearman", "kendall"):
            rho = statistic == "spearman"
            rows.append(
                {
                    "suite": "s", "subtask": "s/one", "functionality": "f_1", "measure": measure,
                    "statistic": statistic,
                    "estimate": estimate * (1 if rho else 0.5), "ci_low": estimate - 0.2, "ci_high": estimate + 0.1,
                    "p": 0.0001, "p_holm": 0.04, "rank": place + 1.0, "rank_low": 1.0, "rank_high": 3.0,
                    "equivalent": "a_b, other" if measure == "a_b" else "", "every": 0.3, "every_low": 0.2,
                    "every_high": 0.4, "within": 0.25 if rho else np.nan, "within_p": 0.2 if rho else np.nan,
                    "bad_frac": 0.0, "n_models": 12, "n_pairs": 11, "n_failed": failed, "seconds": 1.0,
                    "data_hash": "x",
                }
            )  # fmt: skip
    return Results(pd.DataFrame(rows), {"protocol": "corrected", "resamples": 2000})


def test_cells(results):
    layout = lay_out_statistics(results)
    assert layout.rows[0] == [
        *("s/one", "f_1", "cka(kernel=rbf)", ".700", "[.500, .800]", "<.001", ".040", "1 [1–3]"),
        *(".350", "[.500, .800]", ".300 [.200, .400]", ".250 (p .200)", ".000", "11", "0"),
    ]
    assert layout.rows[1][7] == "2 [1–3]="
    assert layout.rows[2][3:5] == ["—", "—"]
    assert layout.best == [{3}, set(), set()]
    assert "2,000 resamples" in layout.notes[0]


def test_forms_keep_every_cell(results):
    layout = lay_out_statistics(results)
    assert list(csv.reader(as_csv(layout).splitlines()))[1:] == layout.rows
    assert as_markdown(layout).splitlines()[2].count("|") == len(layout.header) + 1
    text = as_latex(layout)
    assert text.count(r"\midrule") == 1
    assert r"a\_b" in text
    assert "$<$.001" in text  # a bare < is an inverted exclamation mark in TeX's own fonts


def test_latex_compiles(results, tmp_path):
    compiler = shutil.which("pdflatex")
    if compiler is None:
        pytest.skip("no pdflatex here: the LaTeX table was not compiled")
    body = as_latex(lay_out_statistics(results))
    (tmp_path / "table.tex").write_text(
        "\\documentclass{article}\\usepackage[utf8]{inputenc}\\usepackage{booktabs}\\begin{document}\n"
        + body
        + "\\end{document}\n"
    )
    done = subprocess.run(
        [compiler, "-interaction=nonstopmode", "-halt-on-error", "table.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_run_without_statistics_is_refused(results):
    bare = Results(results.frame.drop(columns="rank"), {"protocol": "published"})
    with pytest.raises(InputError, match="protocol corrected"):
        lay_out_statistics(bare)


def test_command_line(results, tmp_path):
    results.write(tmp_path)
    app = typer.Typer()
    app.command()(command)
    latex = CliRunner().invoke(app, [str(tmp_path), "--statistics", "--format", "latex"])
    assert latex.exit_code == 0, latex.output
    assert latex.stdout == as_latex(lay_out_statistics(results))
    assert "[.500, .800]" in CliRunner().invoke(app, [str(tmp_path), "--statistics"], env={"COLUMNS": "260"}).stdout


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, ".500"), (-0.0004, ".000"), (-1.0, "−1.000"), (np.nan, "—"), (None, "—"), (1.2, "1.200")]
)
def test_numbers(value, text):
    assert number(value) == text


def test_probabilities_are_no_smaller_than_known():
    assert [probability(p) for p in (0.0001, 0.001, 1.0)] == ["<.001", ".001", "1.000"]
