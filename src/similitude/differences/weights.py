"""Which parameters and settings of two networks differ, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from similitude.differences.gaps import Gap
from similitude.differences.matching import match_names
from similitude.errors import foreign

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["compare_settings", "compare_weights", "weights_of"]

_COLUMNS = ["parameter", "other", "shape", "other_shape", "equal", "largest", "relative"]


def weights_of(model: Module) -> dict[str, Any]:
    """Return the tensors in the state of a network, by name."""
    import torch

    with foreign(f"Reading the weights of {type(model).__name__}"):
        return {name: value for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}


def compare_weights(first: Mapping[str, Any], second: Mapping[str, Any]) -> pd.DataFrame:
    """Compare arrays of the same name, one at a time.

    Parameters
    ----------
    first, second
        Name to array or tensor.

    Returns
    -------
    pandas.DataFrame
        One row per parameter of the first that has a namesake: ``parameter``, ``other`` (its name on the second side),
        ``shape``, ``other_shape``, ``equal`` (every entry), ``largest`` absolute difference, and ``relative``, the norm
        of the difference relative to that of the first (NaN where shapes differ).
    """
    rows = []
    for name, other in match_names(list(first), list(second)):
        gap, x, y = Gap(), _as_array(first[name]), _as_array(second[other])
        gap.add(np.atleast_1d(x), np.atleast_1d(y))
        largest = float("nan") if gap.shapes else gap.largest
        rows.append((name, other, x.shape, y.shape, gap.equal, largest, gap.relative))
    return pd.DataFrame(rows, columns=_COLUMNS)


def compare_settings(first: Module, second: Module) -> pd.DataFrame:
    """List modules of the same name that are of another type, print other settings, or are in another mode.

    Returns
    -------
    pandas.DataFrame
        One row per difference: ``module``, ``first`` and ``second``, such as ``LayerNorm((64,), eps=1e-05, ...)`` and
        ``LayerNorm((64,), eps=1e-06, ...)``.
    """
    rows = []
    with foreign("Listing the modules of the networks"):
        sides = dict(first.named_modules()), dict(second.named_modules())
        for name, other in match_names(list(sides[0])[1:], list(sides[1])[1:]):
            x, y = sides[0][name], sides[1][other]
            told = [f"{type(module).__name__}({module.extra_repr()})" for module in (x, y)]
            if told[0] == told[1] and x.training != y.training:
                told = [f"in {'training' if module.training else 'evaluation'} mode" for module in (x, y)]
            if told[0] != told[1]:
                rows.append((name, *told))
    return pd.DataFrame(rows, columns=["module", "first", "second"])


def _as_array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    plain = value.detach()
    plain = plain.dequantize() if plain.is_quantized else plain
    return (plain.float() if plain.is_floating_point() and plain.element_size() < 4 else plain).cpu().numpy()
