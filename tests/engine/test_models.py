"""Two networks to a labelled matrix; the chance level against permutations."""

from __future__ import annotations

import numpy as np
import pytest

from similitude.engine.chance import chance_of_cka
from similitude.engine.models import compare_models, compare_reductions
from similitude.errors import InputError, SimilitudeWarning
from similitude.measures import get_measure

torch = pytest.importorskip("torch")
nn = torch.nn


def convnet(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(64, 3))


IMAGES = torch.randn(120, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_the_matrix_is_labelled_and_right():
    table = compare_models(convnet(0), convnet(1), IMAGES, ["cka", "procrustes"], layers=["0", "2", "4"])
    matrix = table.matrix("cka")
    assert list(matrix.index) == ["Sequential A/0", "Sequential A/2", "Sequential A/4"]
    assert list(matrix.columns) == ["Sequential B/0", "Sequential B/2", "Sequential B/4"]
    with torch.no_grad():
        x = convnet(0)[0](IMAGES).mean(dim=(2, 3)).numpy()
        y = convnet(1)(IMAGES).numpy()
    assert matrix.iloc[0, 2] == pytest.approx(get_measure("cka")(x, y), abs=1e-6)
    assert matrix.iloc[0, 2] != pytest.approx(matrix.iloc[2, 0], abs=1e-3)


def test_a_network_against_itself():
    matrix = compare_models(convnet(0), None, IMAGES, layers=["0", "2"], names=("net", "net")).matrix("cka")
    np.testing.assert_allclose(np.diag(matrix), 1, atol=1e-9)
    assert list(matrix.index) == list(matrix.columns) == ["net/0", "net/2"]


def test_reductions_are_told_apart():
    table = compare_reductions(convnet(0), convnet(1), IMAGES, ["flatten", "mean_pool", "positions"], layers=["0", "2"])
    assert list(table.columns) == ["flatten", "mean_pool", "positions", "spread"]
    assert list(table.index) == [("0", "cka"), ("2", "cka")]
    row = table.loc[("0", "cka")]
    assert row["spread"] == pytest.approx(row[:3].max() - row[:3].min())
    assert row["spread"] > 0.01


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.other = nn.ModuleList([convnet(1)])

    def forward(self, x):
        return self.other[0](x)


def test_networks_without_a_common_layer():
    with pytest.raises(InputError, match="in common"):
        compare_reductions(nn.Sequential(convnet(0)), Twice(), IMAGES, ["flatten"], layers="*.*")


def test_chance_is_the_mean_over_permutations():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 30)) * np.geomspace(1, 0.1, 30)
    y = np.tanh(x @ rng.normal(size=(30, 8))) + 3
    cka = get_measure("cka")
    values = [cka(x, y[rng.permutation(12)]) for _ in range(3000)]
    assert chance_of_cka(x, y) == pytest.approx(np.mean(values), abs=4 * np.std(values) / np.sqrt(3000))


def test_few_inputs_for_many_features_are_warned_of():
    nets = [nn.Sequential(nn.Linear(40, 200), nn.Linear(200, 200)) for _ in "ab"]
    with pytest.warns(SimilitudeWarning, match=r"by chance: n = 20 inputs are few for 200"):
        compare_models(*nets, torch.randn(20, 40), layers="*")
    compare_models(*nets, torch.randn(20, 40), "cka(debiased=true)", layers="*")
