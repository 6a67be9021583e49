"""Figures of papers, computed again."""

from __future__ import annotations

import numpy as np
import pytest

from similitude import get_measure

MURPHY = {10: 0.069, 100: 0.210, 1024: 0.501}
"""Biased CKA of unrelated Gaussian data with 1,024 x 1,024 others, by width: figure 1 of arXiv:2405.01012."""


@pytest.mark.parametrize("d", MURPHY)
def test_width_alone_makes_unrelated_data_alike(d):
    rng = np.random.default_rng(0)
    others, data = rng.normal(size=(1024, 1024)), rng.normal(size=(1024, d))
    assert get_measure("cka")(data, others) == pytest.approx(MURPHY[d], abs=0.003)
    assert get_measure("cka(debiased=true)")(data, others) == pytest.approx(0.0, abs=0.01)


def test_every_bandwidth_adds_to_the_bias_of_the_mean():
    """Where all distances are alike, narrow kernels are the identity, whose CKA is 1."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 200, 500))
    narrow = get_measure("multiscale_cka(smallest=0.01,largest=0.05,steps=3)")
    assert narrow(X, Y) == pytest.approx(1.0, abs=1e-9)
    assert get_measure("multiscale_cka")(X, Y) > get_measure("cka(kernel=rbf)")(X, Y) > 0.5
