"""From two networks and inputs to their labelled matrix, and how much a choice of reduction changes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from similitude.engine.chance import warn_of_chance
from similitude.engine.compute import Progress
from similitude.engine.pairwise import PairTable, pairwise
from similitude.errors import InputError
from similitude.measures import Measure, get_measures
from similitude.representations.extract import extract

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["compare_models", "compare_reductions"]


def compare_models(
    a: Module,
    b: Module | None,
    inputs: Any,
    measures: str | Measure | Iterable[str | Measure] = "cka",
    *,
    layers: str | Iterable[str] = "blocks",
    names: tuple[str, str] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> PairTable:
    """Every layer of one network against every layer of another, on the same inputs.

    Parameters
    ----------
    a, b
        The networks; None for `b` compares `a` with itself.
    inputs
        See `similitude.representations.extract.extract`. If the two need inputs of their own (two tokenizers), extract
        from each and use `similitude.pairwise`.
    measures
        Ids.
    layers
        Names, globs and presets, for both.
    names
        Of the networks, for labels; by default their classes, with A and B if those are the same.
    progress
        Called with finished and total pairs.
    **options
        Of `extract`: ``reduce``, ``tokenizer``, ``batch_size``, ...

    Returns
    -------
    PairTable
        ``.matrix("cka")`` has the layers of `a` as rows and those of `b` as columns.

    Warns
    -----
    SimilitudeWarning
        Biased CKA is asked for with so few inputs that chance alone gives a notable value.

    Examples
    --------
    >>> import torch
    >>> nets = [torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)) for _ in "ab"]
    >>> table = compare_models(*nets, torch.randn(100, 4), layers=["0", "2"])
    >>> table.matrix("cka").shape
    (2, 2)
    """
    chosen = get_measures(measures)
    first_name, second_name = names or _names(a, b)
    first = list(extract(a, inputs, layers, name=first_name, **options).values())
    second = first if b is None else list(extract(b, inputs, layers, name=second_name, **options).values())
    warn_of_chance(first, second, chosen)
    return pairwise(first, chosen, others=second, progress=progress)


def compare_reductions(
    a: Module,
    b: Module,
    inputs: Any,
    reductions: Sequence[str],
    measures: str | Measure | Iterable[str | Measure] = "cka",
    *,
    layers: str | Iterable[str] = "blocks",
    **options: Any,
) -> pd.DataFrame:
    """How much the reduction changes the answer: each layer of `a` with the same layer of `b`, once a reduction.

    Parameters
    ----------
    a, b, inputs, layers, options
        See `compare_models`; only layers of the same name in both are compared.
    reductions
        Names, e.g. ``["flatten", "mean_pool", "grid(2)"]``; see `similitude.representations.reduce`.
    measures
        Ids.

    Returns
    -------
    pandas.DataFrame
        One row a layer and measure, one column a reduction, and ``spread``, the largest value less the smallest.

    Raises
    ------
    InputError
        The networks have no layer in common.
    """
    chosen = get_measures(measures)
    values: dict[tuple[str, str], dict[str, float]] = {}
    for reduction in reductions:
        first = extract(a, inputs, layers, reduction, name="A", **options)
        second = extract(b, inputs, layers, reduction, name="B", **options)
        shared = [layer for layer in first if layer in second]
        if not shared:
            raise InputError(f"The networks have no layer in common: {', '.join(first)} and {', '.join(second)}.")
        for layer in shared:
            warn_of_chance([first[layer]], [second[layer]], chosen)
            row = pairwise([first[layer]], chosen, others=[second[layer]]).frame.iloc[0]
            for measure in chosen:
                values.setdefault((layer, str(measure)), {})[reduction] = float(row[str(measure)])
    table = pd.DataFrame.from_dict(values, orient="index")
    table.index = pd.MultiIndex.from_tuples(list(values), names=["layer", "measure"])
    table["spread"] = table.max(axis=1) - table.min(axis=1)
    return table


def _names(a: Module, b: Module | None) -> tuple[str, str]:
    first, second = type(a).__name__, type(b).__name__
    return (f"{first} A", f"{second} B") if first == second else (first, second)
