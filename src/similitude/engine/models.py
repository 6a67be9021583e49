"""From two networks and inputs to their labelled matrix, and how much a choice of reduction changes it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from similitude.engine.budget import Budget
from similitude.engine.compute import Progress
from similitude.engine.pairwise import PairTable, pairwise
from similitude.errors import InputError
from similitude.extraction.extract import DoesNotFit, Extracted, extract
from similitude.extraction.taps import LayersLike
from similitude.factors.memory import MEMORY
from similitude.measures import Measure, get_measures
from similitude.representations import Representation

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["compare_models", "compare_reductions", "extract_or_spill"]


def compare_models(
    a: Module,
    b: Module | None,
    inputs: Any,
    measures: str | Measure | Iterable[str | Measure] = "cka",
    *,
    layers: LayersLike = "blocks",
    other_layers: LayersLike | None = None,
    names: tuple[str, str] | None = None,
    progress: bool | Progress | None = None,
    memory: int = MEMORY,
    folder: str | Path | None = None,
    chance: bool = False,
    permutations: int | None = None,
    seed: int = 0,
    **options: Any,
) -> PairTable:
    """Every layer of one network against every layer of another, on the same inputs.

    Representations that would not fit in memory are written to temporary files and compared from there, streamed where
    two layers alone do not fit (see `similitude.pairwise`). Values do not depend on it.

    Parameters
    ----------
    a, b
        The networks; None for `b` compares `a` with itself.
    inputs
        See `similitude.extraction.extract.extract`. If the two need inputs of their own (two tokenizers), extract
        from each and use `similitude.pairwise`.
    measures
        Ids.
    layers
        Names, globs, presets and indices of blocks; see `extract`.
    other_layers
        Layers of `b`, where they are not called as in `a`.
    names
        Of the networks, for labels; by default their classes, with A and B if those are the same.
    progress
        Called with finished and total pairs; True for bars of extraction.
    memory
        Bytes, about: half for the representations of both networks, half for what is computed from them.
    folder
        Write representations there in any case, into the folders ``a`` and ``b``. Called again, it goes on where it
        stopped.
    chance, permutations, seed
        See `similitude.pairwise`.
    **options
        Of `extract`: ``reduce``, ``tokenizer``, ``batch_size``, ...

    Returns
    -------
    PairTable
        ``.matrix("cka")`` has the layers of `a` as rows and those of `b` as columns; ``.left_out`` names the layers
        that give no representation, with the reason.

    Raises
    ------
    InputError
        See `similitude.extract`; or `inputs` is an iterator, which only one network can read.

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
    networks = [a] if b is None else [a, b]
    if b is not None and isinstance(inputs, Iterator):
        raise InputError("Two networks cannot both read an iterator. Give a list of its batches, or a loader.")
    budget = Budget(memory)
    with tempfile.TemporaryDirectory(prefix="similitude-") as spool:
        sides: list[list[Representation]] = []
        left_out: dict[str, str] = {}
        for network, name in zip(networks, names or _names(a, b), strict=False):
            letter = "ab"[len(sides)]
            found = extract_or_spill(
                *(network, inputs, layers if letter == "a" or other_layers is None else other_layers),
                name=name,
                memory=int(budget.for_representations.bytes // len(networks)),
                spool=Path(spool) / letter,
                folder=None if folder is None else Path(folder) / letter,
                progress=progress is True,
                **options,
            )
            sides.append(list(found.values()))
            left_out |= {f"{name}/{layer}": reason for layer, reason in found.left_out.items()}
        tell = progress if callable(progress) else None
        memory_left = int(budget.for_factors.bytes)
        by_chance: dict[str, Any] = {"chance": chance, "permutations": permutations, "seed": seed}
        table = pairwise(sides[0], chosen, others=sides[-1], progress=tell, memory=memory_left, **by_chance)
        return replace(table, left_out=left_out)


def extract_or_spill(
    model: Module,
    inputs: Any,
    layers: LayersLike,
    *,
    memory: int,
    spool: Path,
    folder: Path | None = None,
    **options: Any,
) -> Extracted:
    """Representations in memory if they fit, else in files.

    Parameters
    ----------
    model, inputs, layers, options
        See `similitude.extract`.
    memory
        Bytes that the representations may take.
    spool
        Folder that is made and written if they take more; whoever names it removes it.
    folder
        Write them there in any case.
    """
    try:
        return extract(model, inputs, layers, memory=memory, folder=folder, **options)
    except DoesNotFit:
        if isinstance(inputs, Iterator):
            raise
        return extract(model, inputs, layers, folder=spool, **options)


def compare_reductions(
    a: Module,
    b: Module,
    inputs: Any,
    reductions: Sequence[str],
    measures: str | Measure | Iterable[str | Measure] = "cka",
    *,
    layers: LayersLike = "blocks",
    **options: Any,
) -> pd.DataFrame:
    """How much the reduction changes the answer: each layer of `a` with the same layer of `b`, once per reduction.

    Parameters
    ----------
    a, b, inputs, layers, options
        See `compare_models`; only layers of the same name in both are compared.
    reductions
        Names, e.g. ``["flatten", "mean_pool", "grid(2)"]``; see `similitude.extraction.reduce`.
    measures
        Ids.

    Returns
    -------
    pandas.DataFrame
        One row per layer and measure, one column per reduction, and ``spread``, the largest value less the smallest.

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
