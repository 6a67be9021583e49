"""List the layers of a network with the shapes of their outputs, and how these are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from similitude.extraction.axes import AxesLike, StatedAxes
from similitude.extraction.capture import Capture
from similitude.extraction.forward import check_network, evaluating
from similitude.extraction.inputs import make_batches
from similitude.extraction.reduce import get_reduction
from similitude.extraction.taps import blocks_of, select_layers

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

__all__ = ["list_layers"]


def _flat(output: Tensor) -> Tensor:
    """Any output with one row per input, of which only the shape matters here."""
    return output.flatten(1)


_COLUMNS = ["layer", "type", "kind", "shape", "axes", "evidence", "calls", "parameters", "block"]


def list_layers(
    model: Module,
    example: Any,
    *,
    tokenizer: Any = None,
    mask: Any = None,
    axes: AxesLike = None,
    forward: Callable[..., Any] | None = None,
) -> pd.DataFrame:
    """List the layers of a network with what they give for an example, in the order in which they run.

    Parameters
    ----------
    model
        The network.
    example
        A few inputs, in any form that `extract` takes; the first batch of them is run.
    tokenizer, mask, axes, forward
        See `extract`.

    Returns
    -------
    pandas.DataFrame
        Columns layer, type, kind (vector, map, tokens), shape (of the output), axes (one letter per axis of the shape:
        n inputs, c or d channels, t tokens, others positions; ``?`` where nothing tells), evidence (what that is read
        from, or why the layer gives no representation), calls (in one pass), parameters, and block (whether the preset
        ``blocks`` has it). Modules that give no tensor are left out.
    """
    check_network(model)
    batches = make_batches(example, tokenizer=tokenizer, mask=mask, batch_size=4, model=None if forward else model)
    taps = select_layers(model, "all")
    capture = Capture(model, forward, taps, get_reduction(_flat), StatedAxes(axes))
    with evaluating(model), capture.hooks():
        shapes = capture.shapes(next(iter(batches)))
    by_name = {tap.name: tap.module for tap in taps}
    blocks = set(blocks_of(model))
    calls = Counter(layer for layer, _ in shapes)
    rows, listed = [], set()
    for layer, shape in shapes:
        reading = capture.readings.get(f"{layer}[0]")
        if layer in listed or reading is None:
            continue
        listed.add(layer)
        known = not reading.unfit
        rows.append(
            {
                "layer": layer,
                "type": type(by_name[layer]).__name__,
                "kind": reading.axes.kind if known else "",
                "shape": shape,
                "axes": reading.letters,
                "evidence": reading.evidence if known else reading.unfit,
                "calls": calls[layer],
                "parameters": sum(p.numel() for p in by_name[layer].parameters()),
                "block": layer in blocks,
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS)
