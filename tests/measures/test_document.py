import runpy
from pathlib import Path

import numpy as np
import pytest

from similitude.measures import BUILT_IN, get_measure, measure
from similitude.measures.describe import describe

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def page():
    return runpy.run_path(str(DOCS / "measures.py"))["page"]()


def test_the_committed_page_is_current(page):
    committed = (DOCS / "measures.md").read_text(encoding="utf-8")
    assert committed == page, "run: python docs/measures.py > docs/measures.md"


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_measure_can_be_explained(page, name):
    description = describe(get_measure(name))
    headings = [heading for heading, _ in description.facts]
    assert {"formula", "direction", "range", "invariant to", "source", "beware"} <= set(headings)
    assert description.summary
    assert all(meaning for _, _, meaning in description.parameters)
    assert f"### `{name}`" in page


def test_a_strangers_measure_can_be_explained():
    @measure(kind="similarity", bounds=(0, 1))
    def zero(X, Y, weight=2.0):
        """Nothing."""
        return float(0 * np.sum(X) * weight)

    description = describe(zero)
    assert description.summary == "Nothing."
    assert description.parameters == (("weight", "2", ""),)
