"""CKA of all features, estimated from some of them."""

from __future__ import annotations

import numpy as np
import pytest

from similitude import get_measure
from similitude.errors import MeasureError

SAMPLED, DEBIASED = get_measure("sampled_cka"), get_measure("cka(debiased=true)")


def draw(rng, n, d, shared=0.5, latent=15):
    """Random features of two populations whose CKA is `shared` of their dimensions."""
    common = round(shared * latent)
    signals = rng.normal(size=(n, 2 * latent - common))
    return [
        signal @ rng.normal(size=(latent, d))
        for signal in (signals[:, :latent], signals[:, signals.shape[1] - latent :])
    ]


@pytest.mark.parametrize("shared", [0.2, 0.6, 1.0])
def test_few_features_do_not_bias_it(shared):
    rng = np.random.default_rng(0)
    pairs = [draw(rng, 200, 40, shared) for _ in range(60)]
    truth = round(15 * shared) / 15
    assert np.mean([SAMPLED(*pair) for pair in pairs]) == pytest.approx(truth, abs=0.05)
    assert np.mean([DEBIASED(*pair) for pair in pairs]) < 0.85 * truth


def test_many_features_need_no_correction():
    x, y = draw(np.random.default_rng(0), 100, 4000)
    assert SAMPLED(x, y) == pytest.approx(DEBIASED(x, y), rel=0.02)


@pytest.mark.parametrize(("a", "b"), [(498, 498), (-498, -498), (-495, 498), (0, -333)])
@pytest.mark.parametrize("d", [8, 150])
def test_it_holds_at_every_scale(a, b, d):
    x, y = draw(np.random.default_rng(0), 60, d)
    assert SAMPLED(np.ldexp(x, a), np.ldexp(y, b)) == SAMPLED(x, y) == SAMPLED(y, x)


def test_features_that_say_nothing_of_others_are_refused():
    rng = np.random.default_rng(0)
    x, y = draw(rng, 60, 8)
    with pytest.raises(MeasureError, match="one feature only"):
        SAMPLED(x[:, :1], y)
    components = np.linalg.svd(x - x.mean(0), full_matrices=False)[0]
    with pytest.raises(MeasureError, match="no two features are correlated"):
        SAMPLED(y, components)
