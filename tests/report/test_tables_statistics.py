import csv
import io
import shutil
import subprocess

import numpy as np
import pytest
import typer
from made import made_results
from rich.console import Console
from typer.testing import CliRunner

from similitude.benchmark.results import Results
from similitude.cli.report import command
from similitude.errors import InputError
from similitude.report.findings import findings
from similitude.report.numbers import interval, number, probability
from similitude.report.tables import as_csv, as_latex, as_markdown
from similitude.report.tables_statistics import lay_out_statistics
from similitude.report.terminal import show_statistics


@pytest.fixture
def results():
    return made_results(("cka(kernel=rbf)", "a_b", "none"), [("s/one", "f_1"), ("s/one", "f_2")], failed=[(0, "none")])


def test_cells(results):
    layout = lay_out_statistics(results)
    row = dict(zip(layout.header, layout.rows[0], strict=True))
    first = results.frame.iloc[0]
    assert row["measure"] == "cka(kernel=rbf)"
    assert row["ρ"] == number(first["every"])
    assert row["95 % interval"] == interval(first["every_low"], first["every_high"])
    assert row["ρ, best reference"] == number(first["estimate"])
    assert row["within depth"] == ".200 (p .030)"
    assert row["p, Holm"] == ".050"
    assert [states[3] for states in layout.states[:3]] == ["leading", "tells", "missing"]
    assert layout.rows[2][3:5] == ["—", "—"]
    assert "2,000 resamples" in layout.notes[0]


def test_forms_keep_every_cell(results):
    layout = lay_out_statistics(results)
    assert list(csv.reader(as_csv(layout).splitlines()))[1:] == layout.rows
    assert as_markdown(layout).splitlines()[2].count("|") == len(layout.header) + 1
    text = as_latex(layout)
    assert text.count(r"\midrule") == 1
    assert r"a\_b" in text


def test_small_p_values_are_escaped_for_tex(results):
    small = Results(results.frame.assign(p=0.0001), results.provenance)
    assert "$<$.001" in as_latex(lay_out_statistics(small))  # a bare < is an inverted exclamation mark there


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_a_narrow_terminal_drops_columns_and_no_names(results, width):
    layout = lay_out_statistics(results)
    console = Console(width=width, file=io.StringIO())
    console.print(show_statistics(layout, width))
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    for row in layout.rows:
        assert any(row[2] in line and row[3] in line for line in text.splitlines())
    assert ("Not shown at this width" in text) == (width < 200)
    assert "s/one, f_1" in text


def test_latex_compiles(results, tmp_path):
    compiler = shutil.which("pdflatex")
    if compiler is None:
        pytest.skip("no pdflatex here: the LaTeX table was not compiled")
    body = as_latex(lay_out_statistics(results))
    (tmp_path / "table.tex").write_text(
        "\\documentclass{article}\\usepackage[utf8]{inputenc}\\usepackage{booktabs,xcolor}\\begin{document}\n"
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
    layout = lay_out_statistics(results)
    assert layout.rows[0][6] in CliRunner().invoke(app, [str(tmp_path), "--statistics"], env={"COLUMNS": "260"}).stdout


def test_command_line_ends_with_three_sentences(results, tmp_path):
    results.write(tmp_path)
    app = typer.Typer()
    app.command()(command)
    shown = CliRunner().invoke(app, [str(tmp_path)], env={"COLUMNS": "400"})
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[-3:] == findings(results, str(tmp_path))


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, ".500"), (-0.0004, ".000"), (-1.0, "−1.000"), (np.nan, "—"), (None, "—"), (1.2, "1.200")]
)
def test_numbers(value, text):
    assert number(value) == text


def test_probabilities_are_no_smaller_than_known():
    assert [probability(p) for p in (0.0001, 0.001, 1.0)] == ["<.001", ".001", "1.000"]
