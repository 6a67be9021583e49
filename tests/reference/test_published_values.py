"""Figures of papers, computed again."""

from __future__ import annotations

import numpy as np
import pytest

from similitude import get_measure


def test_every_bandwidth_adds_to_the_bias_of_the_mean():
    """Where all distances are alike, narrow kernels are the identity, whose CKA is 1."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 200, 500))
    narrow = get_measure("multiscale_cka(smallest=0.01,largest=0.05,steps=3)")
    assert narrow(X, Y) == pytest.approx(1.0, abs=1e-9)
    assert get_measure("multiscale_cka")(X, Y) > get_measure("cka(kernel=rbf)")(X, Y) > 0.5
