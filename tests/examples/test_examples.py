"""Examples that need no large package run, and say what they claim to show."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
LARGE = {"sentence_encoder", "imagenet_convnets", "ensemble_members"}
"""Need packages with weights of ten megabytes and more; `make examples` runs them."""


@pytest.fixture
def output(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    monkeypatch.chdir(tmp_path)

    def of(name):
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        return capsys.readouterr().out

    return of


def test_two_seeds(output, tmp_path):
    text = output("two_seeds")
    assert int(re.search(r"cka: (\d) of 4 blocks", text)[1]) >= 2
    assert (tmp_path / "two-seeds.png").stat().st_size > 5000


def test_bert_from_config(output):
    values = [float(v) for v in re.findall(r"encoder\.layer\.\d(?::input)?\s+([\d.]+)", output("bert_from_config"))]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)


def test_measure_as_loss(output):
    (plain, alike), (told, unlike) = (
        map(float, pair) for pair in re.findall(r"accuracy ([\d.]+), CKA .* ([\d.]+)", output("measure_as_loss"))
    )
    assert min(plain, told) > 0.8
    assert unlike < 0.7 < alike


def test_every_example_is_run_here_or_named_large():
    here = Path(__file__).read_text()
    small = {path.stem for path in EXAMPLES.glob("*.py")} - LARGE
    assert all(f'output("{name}")' in here for name in small)
