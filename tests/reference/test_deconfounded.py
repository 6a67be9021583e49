"""What is left of a similarity once that of the inputs is regressed out."""

from __future__ import annotations

import dataclasses
import pickle
import re
from typing import get_args

import definitions
import numpy as np
import pytest

from similitude import RDM, Representation, compare, get_measure, pairwise, significance
from similitude.engine import Ledger, score_pairs
from similitude.errors import InputError, MeasureError, ShapeMismatch, UnknownName
from similitude.factors.base import Factor, closure
from similitude.factors.pair import Side
from similitude.measures.deconfounded import Confounded, deconfounded
from similitude.measures.rsa import Comparison

CKAS = ["cka", "cka(debiased=true)", "cka(kernel=rbf)", "cka(kernel=rbf,bandwidth=0.4,debiased=true)"]
COSINES = [how for how in get_args(Comparison) if how not in ("rho_a", "tau_a")]
RSAS = [f"rsa(rdm={rdm},compare={how})" for rdm in ("correlation", "euclidean") for how in COSINES]


def draw(n=24, widths=(4, 6, 5), seed=0):
    """X and Y, both made of Z and of a signal that they share besides, and Z."""
    rng = np.random.default_rng(seed)
    Z, signal = rng.normal(size=(n, widths[2])), rng.normal(size=(n, 2))
    X, Y = (
        Z @ rng.normal(size=(widths[2], d)) + signal @ rng.normal(size=(2, d)) + 0.3 * rng.normal(size=(n, d)) + 1
        for d in widths[:2]
    )
    return X, Y, Z


def parameters(measure):
    return {field.name: getattr(measure, field.name) for field in dataclasses.fields(measure)}


@pytest.mark.parametrize("widths", [(4, 6, 5), (40, 30, 50), (5, 30, 3)], ids=str)
@pytest.mark.parametrize("id", [*CKAS, *RSAS])
def test_residuals_are_compared(id, widths):
    X, Y, Z = draw(widths=widths)
    measure = get_measure(id)
    definition = getattr(definitions, f"deconfounded_{measure.name}")
    expected = definition(X, Y, Z, **parameters(measure))
    for scale in (1.0, 1e3):
        found = deconfounded(measure, scale * Z)
        assert found(X, Y) == pytest.approx(expected, abs=1e-10)
        assert found(Y, X) == found(X, Y)
        assert found(X, X) == pytest.approx(1.0, abs=1e-9)


def test_networks_that_only_share_their_inputs_share_nothing_more():
    rng = np.random.default_rng(1)
    Z = np.repeat(rng.normal(size=(6, 8)), 50, axis=0) + 0.1 * rng.normal(size=(300, 8))  # clusters
    X, Y = (np.tanh(Z @ rng.normal(size=(8, 200)) / 8) + 0.5 * rng.normal(size=(300, 200)) for _ in range(2))
    plain = get_measure("cka(debiased=true)")
    assert plain(X, Y) > 0.75
    assert abs(deconfounded(plain, Z)(X, Y)) < 0.1


def test_images_and_rdms_are_confounders_too():
    X, Y, _ = draw()
    images = np.random.default_rng(2).normal(size=(24, 3, 4, 4))
    assert deconfounded("cka", images) == deconfounded("cka", images.reshape(24, -1))
    rdm = RDM(np.corrcoef(images.reshape(24, -1)) * -1 + 1)
    given = deconfounded("rsa", rdm)
    assert given(X, Y) == pytest.approx(deconfounded("rsa", images)(X, Y), abs=1e-10)
    with pytest.raises(MeasureError, match="RDM"):
        deconfounded("cka", rdm)(X, Y)


def test_the_id_stands_for_the_confounder(tmp_path):
    X, Y, Z = draw()
    first, other = deconfounded("cka", Z), deconfounded("cka", Z + np.arange(24)[:, None])
    assert re.fullmatch(r"deconfounded\(of=cka,given=[0-9a-f]{12}\)", str(first))
    assert str(first) != str(other)
    assert deconfounded("cka", Z.copy()) == first
    assert get_measure(str(first)) == first
    ledger = Ledger(tmp_path / "ledger.sqlite")
    pairs = [(Representation(X), Representation(Y))]
    values = [score_pairs(pairs, [m], ledger=ledger).values[0, 0] for m in (first, other, first, get_measure("cka"))]
    assert values[0] == values[2] == first(X, Y)
    assert len(set(values)) == 3
    table = pairwise([X, Y], [first, "cka"])
    assert table.matrix(str(first)).to_numpy()[0, 1] == values[0]
    assert pickle.loads(pickle.dumps(first))(X, Y) == values[0]
    assert pickle.loads(pickle.dumps(first)) == first


def test_values_are_the_same_bits_whatever_else_is_asked_for():
    X, Y, Z = draw(widths=(6, 8, 40))
    asked = [deconfounded(id, Z) for id in (*CKAS, "rsa", "rsa(rdm=euclidean,compare=kendall)")]
    together = compare(X, Y, [*asked, "procrustes", "cka", "rsa"])
    frame = significance(X, Y, asked, permutations=3)
    for measure, value in zip(asked, frame["value"], strict=True):
        assert measure(X, Y) == together[str(measure)] == value
    assert (frame["sd"] > 0).all()


@pytest.mark.parametrize("widths", [(6, 8, 5), (40, 30, 50)])
@pytest.mark.parametrize("id", [*CKAS, "rsa"])
def test_what_is_read_of_a_side_is_declared(monkeypatch, id, widths):
    X, _, Z = draw(widths=widths)
    side, factor = Side.of(X), Confounded(get_measure(id), deconfounded(id, Z).given)
    allowed, read = closure([factor]), list[Factor]()
    original = Side.__getitem__

    def getitem(self, asked):
        read.extend([asked] if self is side else [])
        return original(self, asked)

    monkeypatch.setattr(Side, "__getitem__", getitem)
    assert side[factor] == pytest.approx(get_measure(id)(X, Z), abs=1e-12)
    assert set(read) - {factor} <= allowed
    assert factor.cost(24, 6).flops > 0


def test_gradients_are_those_of_the_definition():
    torch = pytest.importorskip("torch")
    X, Y, Z = draw()
    measure, tensor = deconfounded("cka", Z), torch.tensor(X, requires_grad=True)
    measure(tensor, Y).backward()
    direction = np.random.default_rng(0).normal(size=X.shape)
    slope = (measure(X + 1e-6 * direction, Y) - measure(X - 1e-6 * direction, Y)) / 2e-6
    assert float((tensor.grad.numpy() * direction).sum()) == pytest.approx(slope, rel=1e-5)
    assert len({m(a, b) for m in (measure, deconfounded("cka", Z)) for a, b in ((X, Y), (Y, X))}) == 1


def test_an_id_means_nothing_without_its_data():
    with pytest.raises(UnknownName, match="it holds data"):
        get_measure("deconfounded(of=cka,given=0123456789ab)")


def test_bad_input_is_refused_with_the_reason():
    X, Y, Z = draw()
    with pytest.raises(ShapeMismatch, match="the confounder has 23"):
        deconfounded("cka", Z[:23])(X, Y)
    with pytest.raises(MeasureError, match="explained by the confounder entirely"):
        deconfounded("cka", X)(X, Y)
    with pytest.raises(InputError, match="constant"):
        deconfounded("cka", np.ones((24, 3)))
    for id in ("procrustes", "rsa(compare=rho_a)", "multiscale_cka"):
        with pytest.raises(InputError, match="cannot be deconfounded"):
            deconfounded(id, Z)
    ids = [f"i{i}" for i in range(24)]
    given = deconfounded("cka", Representation(Z, model="pixels", ids=ids))
    X, Y = (Representation(values, ids=ids[::-1]) for values in (X, Y))
    with pytest.raises(ShapeMismatch, match="ids in another order"):
        given(X, Y)
