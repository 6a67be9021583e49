"""What the page on one's own measure says, done."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from similitude.measures import get_measure
from similitude.testing import check_measure

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "your-measure.md"


@pytest.fixture
def written(tmp_path, monkeypatch):
    text = PAGE.read_text(encoding="utf-8")
    for file, code in re.findall(r'```python title="([\w.]+)"\n(.*?)```', text, re.DOTALL):
        (tmp_path / file).write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("my_measure", "spectrum", "./my_measure.py"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "id",
    [
        "./my_measure.py:spread_difference",
        "./my_measure.py:spread_difference(power=1)",
        "my_measure:spread_difference",
        "spectrum:SpectrumDifference",
    ],
)
def test_every_example_passes_its_check(written, id):
    card = check_measure(id)
    assert card.passed, str(card)


def test_parameters_reach_the_function(written):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 4)), rng.normal(size=(30, 6))
    values = {power: get_measure(f"./my_measure.py:spread_difference(power={power})")(X, Y) for power in (1, 2)}
    assert values[1] != values[2]
    assert values[2] == get_measure("./my_measure.py:spread_difference")(X, Y)
