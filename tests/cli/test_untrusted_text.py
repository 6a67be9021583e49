"""Text of files reaches terminals and spreadsheets as text; Ctrl-C is Ctrl-C whatever fails because of it."""

from __future__ import annotations

import io
import os
import signal

import pandas as pd
import pytest
from rich.table import Table
from typer.testing import CliRunner

from similitude.cli import console, main
from similitude.errors import SimilitudeError
from similitude.representations.tables import read_written, write_csv


def test_messages_and_cells_are_printed_as_they_are():
    printed = console._Console(file=io.StringIO(), force_terminal=True, width=80)
    table = Table("[bold]head[/bold]", title="[red]t\x1b[31m")
    table.add_row("[/x] \x1b]0;title\x07 \x9b31m \ud800")
    printed.print("[link]a\x1b[2J[/nothing]")
    printed.print(table)
    text = printed.file.getvalue()
    for shown in ("[link]a\\x1b[2J[/nothing]", "[bold]head[/bold]", "[red]t\\x1b[31m", "\\x1b]0;title\\x07"):
        assert shown in text
    assert "\x1b[2J" not in text
    assert "\x9b" not in text


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "a", "'quoted'"])
def test_no_cell_is_a_formula(cell, tmp_path):
    write_csv(pd.DataFrame({"=name": [cell], "value": [-1.5]}), tmp_path / "a.csv")
    for line in (tmp_path / "a.csv").read_text().splitlines():
        assert not line.startswith(("=", "+", "-", "@"))
    back = read_written(tmp_path / "a.csv")
    assert back["=name"].tolist() == [cell]
    assert back["value"].tolist() == [-1.5]


@pytest.mark.parametrize("failure", [None, SimilitudeError("a worker died"), RuntimeError("broken")])
def test_what_fails_after_ctrl_c_fails_because_of_it(failure, monkeypatch):
    def interrupted(*args, **settings):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            signal.sigtimedwait([], 1)
        except KeyboardInterrupt:
            if failure is None:
                raise
        raise failure

    monkeypatch.setattr("similitude.cli.suites.command", interrupted)
    monkeypatch.setattr(main.TyperGroup, "invoke", interrupted)
    result = CliRunner().invoke(main.app, ["suites"])
    assert result.exit_code == 130
    assert "Interrupted" in result.output
    assert "Traceback" not in result.output
