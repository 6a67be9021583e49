"""Figures say what they show."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from similitude.report import figures
from similitude.report.style import save


def texts(figure):
    found = [figure.get_suptitle(), figure.get_supxlabel(), figure.get_supylabel()]
    for axes in figure.axes:
        found += [axes.get_xlabel(), axes.get_ylabel(), axes.get_title()]
    return " ".join(" ".join(found).split())  # not by other spaces or lines


def test_double_heat_map_is_labelled(rng, tmp_path):
    maps = {"cka": rng.random((6, 6)), "pwcca": rng.random((6, 6))}
    figure = figures.double_heat_map(maps, ["one", "two", "three"], pairs=15, n=1200, title="vision")
    for word in (
        "cka",
        "pwcca",
        "dissimilarity (dark: similar)",
        "1,200 inputs",
        "15 pairs",
        "first network",
        "second network",
    ):
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
        {
            "reference": "e",
            "model": list("abcd"),
            "layer": ["x", "x", "y", "y"],
            "difference": rng.random(4),
            "cka": rng.random(4),
        }
    )
    table = pd.DataFrame({"rho": [-0.1], "every": [0.5]}, index=["cka"])
    figure = figures.scatter(
        pairs, ["cka"], table, title="vision/ood, noise", difference="difference in accuracy", n=1200
    )
    for word in (
        "cka",
        "ρ = .500",
        "best reference −.100",
        "from the best model (right",
        "difference in accuracy",
        "dissimilarity (larger",
        "5 models",
        "4 pairs",
    ):
        assert word in texts(figure)
    assert "n = 1,200" in texts(figure)


@pytest.mark.parametrize("apart", [True, False])
def test_trends_are_of_layers_where_these_are_compared_one_by_one(apart, rng):
    layers = [f"layer{i}" for i in range(9) for _ in range(4)]
    pairs = pd.DataFrame({"reference": "r", "model": [f"m{i % 4}" for i in range(36)], "layer": layers})
    pairs = pairs.assign(reference_layer=layers if apart else "layer8", difference=rng.random(36), cka=rng.random(36))
    table = pd.DataFrame({"rho": [0.1]}, index=["cka"])
    figure = figures.scatter(pairs, ["cka"], table, title="a", difference="b", n=10)
    assert len(figure.axes[0].lines) == (9 if apart else 1)
    assert (figure.axes[0].lines[0].get_label() == "all pairs") != apart


def test_dollar_signs_are_no_formulas(rng, tmp_path):
    matrix = pd.DataFrame(rng.random((2, 2)), ["$a_", "b$"], ["\\%$", "$"])
    save(figures.heat_map(matrix, "cka", "similarity", n=10), tmp_path / "map")


LONG = "expected calibration error on held-out sentences with lexical overlap, non-entailed (third subset)"
LONG_IDS = ("cka", "cka(kernel=rbf,bandwidth=0.5,debiased=true)", "a_measure_of_somebody_with_a_long_name(k=10)", "imd")


@pytest.mark.parametrize("measures", [LONG_IDS, LONG_IDS[1:2]])
@pytest.mark.parametrize("layers", [["a"], [f"encoder.layer.{i}.attention.output" for i in range(14)]])
def test_long_names_are_whole_and_apart_in_a_scatter(measures, layers, rng):
    models, count = [f"m{i}" for i in range(3)], 3 * len(layers)
    pairs = pd.DataFrame({"reference": "r", "model": np.repeat(models, len(layers)), "layer": layers * 3})
    pairs = pairs.assign(difference=rng.random(count), **dict.fromkeys(measures, rng.random(count)))
    pairs[measures[-1]] = np.nan
    table = pd.DataFrame({"rho": -0.5, "tau": np.nan}, index=list(measures))
    figure = figures.scatter(pairs, list(measures), table, title=LONG, difference=f"difference in {LONG}", n=100)
    assert_legible(figure)
    assert any("no values" in text.get_text() for axes in figure.axes for text in axes.texts)


def test_long_names_are_whole_and_apart_in_heat_maps(rng):
    layers = ["embeddings", *(f"encoder.layer.{i}.attention.output" for i in range(3))]
    maps = {measure: rng.random((8, 8)) for measure in LONG_IDS[:2]}
    assert_legible(figures.double_heat_map(maps, layers, pairs=1, n=10, title="a-suite-with-a-long-name"))
    names = [f"a_network_of_last_year:{layer}" for layer in layers]
    for rows in (1, 4):
        matrix = pd.DataFrame(rng.random((rows, 4)), names[:rows], names)
        assert_legible(figures.heat_map(matrix, LONG_IDS[2], "dissimilarity", n=10))


def test_failed_pairs_are_grey_and_said_to_be(rng):
    failed = np.full((4, 4), np.nan)
    for figure in (
        figures.double_heat_map({"cka": failed}, ["one", "two"], pairs=1, n=10),
        figures.heat_map(pd.DataFrame(failed), "cka", "similarity", n=10),
    ):
        assert "grey: failed" in texts(figure)
        shown = figure.axes[0].images[0]
        assert len(set(shown.cmap(shown.norm(np.ma.masked_invalid([np.nan])))[0][:3])) == 1


def assert_legible(figure):
    """No text reaches out of the figure, and no two texts overlap."""
    figure.draw_without_rendering()
    boxes = [
        (text.get_text(), text.get_window_extent())
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text() and (text.axes is not None or text in figure.texts)
    ]
    whole = figure.bbox.padded(1)
    for i, (text, box) in enumerate(boxes):
        assert whole.x0 <= box.x0 <= box.x1 <= whole.x1, text
        assert whole.y0 <= box.y0 <= box.y1 <= whole.y1, text
        for other, its_box in boxes[:i]:
            assert not box.padded(-1).overlaps(its_box.padded(-1)), (text, other)
