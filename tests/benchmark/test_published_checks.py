"""Published results are what comes out here: the checks of benchmarks/published_checks.py that take seconds."""

import importlib.util
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "published_checks.py"


@pytest.fixture
def checks(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("published_checks", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["murphy", "davari", "type_one", "inflation", "harvey"])
def test_what_was_published_comes_out_again(checks, name):
    found = checks.compute(name, checks.FAST[name])
    assert len(found) >= 2
    assert found["agrees"].all(), found[~found["agrees"]].to_string()


def test_what_the_docs_say_agrees_and_is_what_comes_out(checks):
    kept = pd.read_csv(checks.FILE)
    assert list(kept["check"].unique()) == list(checks.CHECKS)
    assert ((kept["found"] - kept["expected"]).abs() <= kept["tolerance"]).all()
    fresh = checks.compute("davari", checks.FAST["davari"]).set_index("what")["found"]
    of_docs = kept[kept["check"] == "davari"].set_index("what")["found"]
    pd.testing.assert_series_equal(fresh, of_docs, rtol=1e-4)


def test_pairs_kept_in_the_docs_are_within_the_bounds(checks):
    trained = pd.read_csv(checks.bounds.DATA / "bounds.csv")
    assert (trained[["outside", "decoders_outside"]] == 0).all(axis=None)
    optimised = pd.read_csv(checks.bounds.DATA / "region.csv")
    allowed = optimised["cka"].between(optimised["low"] - 1e-4, optimised["high"] + 1e-4)  # kept to five digits
    assert allowed.all()
    assert len(optimised) > 500


def test_a_value_that_differs_is_an_error(checks, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(checks, "FILE", tmp_path / "published.csv")
    monkeypatch.setattr("sys.argv", ["published_checks.py", "--fast", "--write", "murphy"])
    monkeypatch.setitem(checks.FAST, "murphy", partial(checks.murphy, (10,)))
    checks.main()
    assert "All 3 values agree" in capsys.readouterr().out
    assert len(pd.read_csv(checks.FILE)) == 3
    monkeypatch.setitem(checks.MURPHY, 10, 0.08)
    with pytest.raises(SystemExit, match="1 of 3 values differ from what was published"):
        checks.main()
