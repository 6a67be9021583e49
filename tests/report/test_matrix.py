"""A matrix in a terminal: every label can be told from the others, every value is whole, at any width."""

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from similitude.report.matrix import as_matrix, differing

LAYERS = [f"encoder.layer.{i}.attention.output.dense" for i in range(12)]


@pytest.mark.parametrize(
    ("labels", "short", "shared"),
    [
        (LAYERS, [str(i) for i in range(12)], "encoder.layer.*.attention.output.dense"),
        (["layer1", "layer10"], ["layer1", "layer10"], ""),
        (["a", "a"], ["a", "a"], ""),
        (["only"], ["only"], ""),
        (["net", "net.1"], ["net", "net.1"], ""),
        (["x/fc", "y/fc"], ["x", "y"], "*/fc"),
        (["a.b.a.b", "a.b"], ["b.a.b", "b"], "a.*"),
    ],
)
def test_labels_lose_what_they_share(labels, short, shared):
    assert differing(labels) == (short, shared)


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_nothing_is_cut(width):
    values = np.round(np.linspace(0.1, 0.9, 144).reshape(12, 12), 3)
    first, second = ([f"bert-base-uncased-{seed}/{layer}" for layer in LAYERS] for seed in (0, 1))
    matrix = pd.DataFrame(values, first, second)
    console = Console(width=width, file=io.StringIO())
    console.print(as_matrix(matrix, "cka (similarity), n = 200", width, lambda value: f"{value:.3f}"))
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= max(width, len("columns: bert-base-uncased-1/encoder.layer.*"))
    assert "…" not in text
    cells = [cell for line in text.splitlines() for cell in line.split()]
    assert all(f"{value:.3f}" in cells for value in values.ravel())
    assert "bert-base-uncased-0/encoder.layer.*.attention.output.dense" in text.replace("\n", "")
