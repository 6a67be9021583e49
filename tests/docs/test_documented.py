"""Numbers in README and docs are those of docs/data, and a run that gives others is noticed."""

import importlib.util
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
