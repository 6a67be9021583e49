"""Modularity against its definition written out, and on units whose groups are known."""

import numpy as np
import pytest

from similitude.benchmark.functionalities.modularity import modularity
from similitude.errors import InputError

pytest.importorskip("networkx")


def written_out(values, groups):
    """Newman 2006: the share of weight within groups, less what strengths alone give."""
    weights = np.abs(np.corrcoef(values.T))
    np.fill_diagonal(weights, 0)
    total, strength = weights.sum(), weights.sum(axis=1)
    found = 0.0
    for i in range(len(groups)):
        for j in range(len(groups)):
            if groups[i] == groups[j]:
                found += weights[i, j] / total - strength[i] * strength[j] / total**2
    return found


def units(rng, shared, groups, n=300):
    """Each unit is what its group has in common, or its opposite, and noise of its own."""
    common = rng.normal(size=(n, groups.max() + 1))
    signs = rng.choice((-1, 1), size=len(groups))
    return shared * common[:, groups] * signs + rng.normal(size=(n, len(groups)))


def test_groups_that_are_there_are_found(rng):
    groups = np.repeat(np.arange(4), 6)
    values = units(rng, 3.0, groups)
    order = rng.permutation(24)
    assert modularity(values) == pytest.approx(written_out(values, groups), abs=1e-5)
    assert modularity(values[:, order]) == pytest.approx(written_out(values, groups), abs=1e-5)
    assert modularity(values) > 0.5


def test_more_modular_units_get_more(rng):
    groups = np.repeat(np.arange(4), 6)
    found = [modularity(units(rng, shared, groups)) for shared in (0.3, 1.0, 3.0)]
    assert found == sorted(found)


def test_scale_shift_and_dead_units_change_nothing(rng):
    values = units(rng, 1.0, np.repeat(np.arange(3), 5))
    changed = values * rng.uniform(0.5, 2, 15) + rng.normal(size=15)
    assert modularity(changed) == pytest.approx(modularity(values), abs=1e-5)
    assert modularity(np.hstack([values, np.full((300, 2), 7.0)])) == pytest.approx(modularity(values))
    assert modularity(values.astype(np.float32)) == pytest.approx(modularity(values), abs=1e-5)


def test_units_that_never_vary_have_no_modules():
    assert modularity(np.ones((10, 4))) == 0
    with pytest.raises(InputError, match=r"\(10, 1\)"):
        modularity(np.ones((10, 1)))
