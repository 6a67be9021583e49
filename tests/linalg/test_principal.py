"""Principal components are right for every shape, scale and condition."""

from __future__ import annotations

import numpy as np
import pytest

from similitude.linalg.principal import thin_svd


def orthogonal(rng, n, d):
    return np.linalg.qr(rng.normal(size=(n, d)))[0]


@pytest.mark.parametrize("smallest", [1.0, 1e-3, 1e-6, 1e-9, 1e-13, 0.0])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("shape", [(200, 30), (31, 30), (30, 30), (20, 30), (50, 1)])
def test_thin_svd_is_as_accurate_as_lapacks_of_the_whole(shape, smallest, scale):
    rng = np.random.default_rng(0)
    n, d = shape
    r = min(n, d)
    values = scale * np.geomspace(1, max(smallest, 1e-300), r)
    matrix = (orthogonal(rng, n, r) * values) @ orthogonal(rng, d, r).T
    u, s, vh = thin_svd(matrix, np)
    np.testing.assert_allclose(s, np.linalg.svd(matrix, compute_uv=False), rtol=0, atol=1e-14 * scale)
    np.testing.assert_allclose((u * s) @ vh, matrix, rtol=0, atol=1e-14 * scale)
    for basis in (u, vh.T):
        np.testing.assert_allclose(basis.T @ basis, np.eye(r), atol=1e-13)
