"""What one layer, network or array cannot give costs only itself, and the reason is kept."""

from __future__ import annotations

import numpy as np
import pytest

from similitude import compare_models, pairwise
from similitude.errors import InputError, NetworkError, SimilitudeWarning
from similitude.extraction import rows
from similitude.extraction.extract import extract

torch = pytest.importorskip("torch")
nn = torch.nn


class Giving(nn.Module):
    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, x):
        return self.make(x)


class Side(nn.Module):
    """A network with one layer beside the others."""

    def __init__(self, make):
        super().__init__()
        self.first, self.aside, self.last = nn.Linear(4, 3), Giving(make), nn.Linear(4, 2)

    def forward(self, x):
        self.aside(x)
        return self.first(x), self.last(x)


class Sometimes(Side):
    """One layer runs for even batches only, of which there are eight inputs."""

    def forward(self, x):
        if len(x) != 8:
            self.aside(x)
        return self.first(x), self.last(x)


X = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))


def same(x):
    return x


def changing(x):
    """Another width for the last batch, which is smaller."""
    return x.repeat(1, 2) if len(x) == 4 else x


@pytest.mark.filterwarnings("ignore:Axes are read")
@pytest.mark.parametrize("in_folder", [False, True])
@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (Side(changing), "features for one batch"),
        (Side(lambda x: x if len(x) != 4 else x.sum()), "scalar"),
        (Side(lambda x: x if len(x) != 4 else None), "for some of the batches"),
        (Sometimes(lambda x: x), "number of times"),
    ],
)
def test_a_layer_that_fits_some_batches_only(net, reason, in_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "_SYNC_SECONDS", 0)
    options = {"layers": "all", "batch_size": 8, "folder": tmp_path / "kept" if in_folder else None, "check": False}
    for _ in range(1 + in_folder):  # a folder is gone on with
        with pytest.warns(SimilitudeWarning, match="1 layer"):
            found = extract(net, X, **options)
        assert list(found) == ["first", "last"]
        assert reason in found.left_out["aside"]
        np.testing.assert_allclose(found["first"].values, net.first(X).detach().numpy(), atol=1e-6)
    if in_folder:
        assert {file.name for file in (tmp_path / "kept").iterdir()} == {"extraction.json", "first.rows", "last.rows"}


def test_a_reduction_of_the_users_that_fails_on_one_layer():
    def only_wide(output):
        if output.shape[1] == 2:
            raise ValueError("two features are too few")
        return output

    with pytest.warns(SimilitudeWarning, match="two features are too few"):
        found = extract(Side(same), X, layers="all", reduce=only_wide)
    assert list(found) == ["aside", "first"]
    with pytest.raises(NetworkError, match=r"'only_wide' failed on shape .*: ValueError: two features are too few"):
        extract(Side(same), X, layers="last", reduce=only_wide)


def test_layers_left_out_are_named_beside_the_matrix():
    nets = Side(lambda x: x.mean()), Side(same)
    with pytest.warns(SimilitudeWarning, match="1 layer"):
        table = compare_models(*nets, X, layers="all", names=("A", "B"))
    assert table.matrix("cka").shape == (2, 3)
    assert list(table.left_out) == ["A/aside"]
    assert "scalar" in table.left_out["A/aside"]


def test_arrays_that_cannot_be_compared_cost_only_themselves():
    rng = np.random.default_rng(0)
    good = {"a": rng.normal(size=(20, 3)), "b": rng.normal(size=(20, 4))}
    bad = {"flat": np.ones((20, 3)), "holes": np.full((20, 3), np.nan)}
    expected = pairwise(good, "cka")
    with pytest.warns(SimilitudeWarning, match=r"2 representation\(s\) left out, the first: flat: every feature"):
        found = pairwise({"flat": bad["flat"], **good, "holes": bad["holes"]}, "cka")
    assert found.frame.equals(expected.frame)
    assert list(found.left_out) == ["flat", "holes"]
    assert "NaN" in found.left_out["holes"]
    with pytest.warns(SimilitudeWarning, match="left out"):
        assert pairwise(good, "cka", others={**good, **bad}).frame.equals(expected.frame)
    with pytest.raises(InputError, match="flat: every feature is constant"):
        pairwise(bad, "cka")
    with pytest.raises(InputError, match="flat: every feature is constant"):
        pairwise(good, "cka", others=bad)
