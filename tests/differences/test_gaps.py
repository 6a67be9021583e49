"""Differences of two arrays."""

import math

import numpy as np
import pytest

from similitude.differences.gaps import Gap


def gap(*pieces):
    found = Gap()
    for piece in pieces:
        found.add(*piece)
    return found


def test_blocks_add_up(rng):
    x, y = rng.normal(size=(50, 7)), rng.normal(size=(50, 7))
    found = gap((x[:20], y[:20]), (x[20:], y[20:]))
    assert found.relative == pytest.approx(np.linalg.norm(x - y) / np.linalg.norm(x))
    assert found.largest == np.abs(x - y).max()
    assert found.sqnr == pytest.approx(-20 * math.log10(found.relative))
    np.testing.assert_allclose(found.of_inputs, ((x - y) ** 2).sum(axis=1))
    assert not found.equal


def test_equal_to_the_last_bit(rng):
    x = rng.normal(size=(9, 4)).astype(np.float32)
    x[0, 0] = np.nan
    assert gap((x, x.copy())).equal
    assert gap((x, x.copy())).sqnr == math.inf
    nudged = x.copy()
    nudged[3, 3] = np.nextafter(nudged[3, 3], np.float32(9))
    assert not gap((x, nudged)).equal


def test_what_is_not_finite():
    x = np.ones((3, 2))
    y = x.copy()
    y[1, 1] = np.nan
    assert gap((x, y)).relative == math.inf
    assert gap((x * 0, x)).relative == math.inf
    assert gap((x * 0, x * 0)).relative == 0
    assert gap((1e200 * x, -1e200 * x)).relative == math.inf


def test_padding_and_shapes(rng):
    x, real = rng.normal(size=(4, 3, 2)), np.array([1, 1, 0], bool)[None, :, None].repeat(4, 0)
    y = x + 100 * ~real
    assert gap((x, y, real)).equal
    assert gap((x, y[:, :, :1])).shapes == ((3, 2), (3, 1))
    assert math.isnan(gap((x, y[:, :, :1])).relative)
