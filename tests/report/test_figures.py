"""Figures say what they show."""

import numpy as np
import pandas as pd

from similitude.report import figures
from similitude.report.style import save


def texts(figure):
    found = [figure.get_suptitle()]
    for axes in figure.axes:
        found += [axes.get_xlabel(), axes.get_ylabel(), axes.get_title()]
    return " ".join(found)


def test_double_heat_map_is_labelled(rng, tmp_path):
    maps = {"cka": rng.random((6, 6)), "pwcca": rng.random((6, 6))}
    figure = figures.double_heat_map(maps, ["one", "two", "three"], pairs=15, n=1200, title="vision")
    for word in ("cka dissimilarity", "dark = similar", "1,200 inputs", "15 pairs", "first network", "second network"):
        assert word in texts(figure)
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == [
        f"{n} {k}" for n in "AB" for k in ("one", "two", "three")
    ]
    files = save(figure, tmp_path / "map")
    again = save(
        figures.double_heat_map(maps, ["one", "two", "three"], pairs=15, n=1200, title="vision"), tmp_path / "again"
    )
    for file, other in zip(files, again, strict=True):
        assert file.read_bytes() == other.read_bytes()


def test_dark_is_similar_for_either_kind():
    matrix = pd.DataFrame(np.eye(3), index=list("abc"), columns=list("xyz"))
    similarity = figures.heat_map(matrix, "cka", "similarity", n=10).axes[0].images[0]
    dissimilarity = figures.heat_map(1 - matrix, "cka", "dissimilarity", n=10).axes[0].images[0]
    for image, value in ((similarity, 1.0), (dissimilarity, 0.0)):
        assert sum(image.cmap(image.norm(value))[:3]) < 0.2


def test_scatter_has_a_panel_a_measure(rng):
    pairs = pd.DataFrame(
        {"model": list("abcd"), "layer": ["x", "x", "y", "y"], "difference": rng.random(4), "cka": rng.random(4)}
    )
    table = pd.DataFrame({"rho": [0.5], "tau": [0.4]}, index=["cka"])
    figure = figures.scatter(pairs, ["cka"], table, title="vision/ood, noise", difference="difference in accuracy")
    for word in ("ρ = 0.50", "τ = 0.40", "difference in accuracy", "cka dissimilarity", "4 models", "4 pairs"):
        assert word in texts(figure)
