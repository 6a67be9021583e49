"""Numbers in README and docs are those of docs/data, and a run that gives others is noticed."""

import importlib.util
import shutil
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "documented.py"


@pytest.fixture
def documented(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("documented", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_page_has_other_numbers(documented):
    assert documented.stale() == [], "run: python benchmarks/documented.py write"
    blocks = sum(len(documented._BLOCK.findall(page.read_text())) for page in documented.PAGES)
    assert blocks >= 6


def test_a_changed_number_on_a_page_is_noticed(documented, tmp_path):
    page = next(page for page in documented.PAGES if documented._BLOCK.search(page.read_text()))
    changed = tmp_path / page.name
    block = documented._BLOCK.search(page.read_text())
    changed.write_text(page.read_text().replace(block[0], block[0].replace(".", ".9")))
    documented.PAGES = [changed]
    assert documented.stale() == [changed]


def test_a_run_with_other_values_is_noticed(documented, tmp_path):
    frame = pd.read_csv(documented.DATA / "results.csv").assign(statistic="spearman")
    frame.to_csv(tmp_path / "results.csv", index=False)
    assert documented.differences([tmp_path]).empty
    frame.loc[3, "every"] += 0.01
    frame.loc[5, "estimate"] = None
    frame.to_csv(tmp_path / "results.csv", index=False)
    assert documented.differences([tmp_path]).index.tolist() == [3, 5]


def test_a_leaderboard_with_other_values_is_noticed(documented, tmp_path, monkeypatch):
    board = documented.documented_leaderboard
    frame = pd.read_csv(board.DATA / "leaderboard.csv")
    frame.to_csv(tmp_path / "leaderboard.csv", index=False)
    assert board.differences(tmp_path, documented.TOLERANCE).empty
    row = frame["estimate"].first_valid_index()
    frame.loc[row, "estimate"] += 0.01
    frame.to_csv(tmp_path / "leaderboard.csv", index=False)
    assert len(board.differences(tmp_path, documented.TOLERANCE)) == 1
    monkeypatch.setattr("sys.argv", ["documented.py", "check", "--leaderboard", str(tmp_path)])
    with pytest.raises(SystemExit, match="1 documented values differ"):
        documented.main()


def test_decisions_are_those_of_the_leaderboard(documented, monkeypatch, tmp_path):
    board = documented.documented_leaderboard
    table = pd.read_csv(board.DATA / "leaderboard.csv")
    lines = board.decision_table("").splitlines()
    assert 3 <= len(lines) <= 2 + 10
    shutil.copytree(board.DATA, tmp_path, dirs_exist_ok=True)
    table.assign(confirmed=False).to_csv(tmp_path / "leaderboard.csv", index=False)
    monkeypatch.setattr(board, "DATA", tmp_path)
    changed = board.decision_table("").splitlines()
    assert all("no measure tells; measure the behaviour" in line for line in changed[2:])
    (page,) = [page for page in documented.PAGES if page.name == "which-measure.md"]
    assert documented.written(page.read_text()) != page.read_text()


def test_links_of_decisions_lead_somewhere(documented):
    board = documented.documented_leaderboard
    titles = [
        line[3:] for line in (SCRIPT.parents[1] / "docs/leaderboard.md").read_text().splitlines() if line[:3] == "## "
    ]
    anchors = {title.lower().replace(" ", "-") for title in titles}
    for line in board.decision_table("").splitlines()[2:]:
        assert line.partition("leaderboard.md#")[2].partition(")")[0] in anchors


def test_measures_are_held_against_the_usual_one(documented):
    board = documented.documented_leaderboard
    columns = ["family", "first", "second", "difference", "low", "high", "distinct"]
    rows = [
        ("layers", "cka", "pwcca", 0.3, 0.2, 0.4, True),
        ("layers", "procrustes", "cka", 0.1, 0.05, 0.15, True),
        ("layers", "rsa", "cka", 0.2, -0.1, 0.5, False),
        ("layers", "rsa", "pwcca", 0.5, 0.4, 0.6, True),
    ]
    found = board.against_usual(pd.DataFrame(rows, columns=columns)).set_index("measure")
    assert found["difference"].to_dict() == {"procrustes": 0.1, "pwcca": -0.3}
    assert found.loc["pwcca", ["low", "high"]].tolist() == [-0.4, -0.2]
