"""Traces of powers from a few vectors: exact where these span the matrix, near where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from similitude.linalg.sketches import COLUMNS, spanning


def symmetric(eigenvalues, n=300, seed=0):
    vectors = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, len(eigenvalues))))[0]
    return ((vectors * eigenvalues) @ vectors.T).astype(np.float32)


def cubed_trace(matrix):
    vectors = spanning(lambda v: matrix @ v, len(matrix))
    assert vectors.shape == (len(matrix), COLUMNS)
    products = matrix @ vectors
    return np.vdot(products, matrix @ products)


@pytest.mark.parametrize("eigenvalues", [[1.0], [3.0, -2.0, 1.0], np.linspace(1, 4, COLUMNS // 2)])
def test_few_directions_are_spanned(eigenvalues):
    assert cubed_trace(symmetric(eigenvalues)) == pytest.approx(np.sum(np.power(eigenvalues, 3)), rel=1e-4)


@pytest.mark.parametrize(
    ("eigenvalues", "tolerance"),
    [(np.ones(300), 0.05), (1 / np.arange(1, 301), 0.01), (np.arange(1, 301) ** -0.5, 0.05)],
)
def test_many_directions_are_estimated(eigenvalues, tolerance):
    found = [cubed_trace(symmetric(eigenvalues, seed=seed)) for seed in range(10)]
    assert found == pytest.approx([np.sum(eigenvalues**3)] * 10, rel=3 * tolerance)
    assert np.mean(found) == pytest.approx(np.sum(eigenvalues**3), rel=tolerance)


def test_it_can_be_repeated_and_nothing_is_spanned_of_zeros():
    matrix = symmetric([2.0, 1.0])
    assert cubed_trace(matrix) == cubed_trace(matrix)
    assert cubed_trace(np.zeros((40, 40), np.float32)) == 0.0
