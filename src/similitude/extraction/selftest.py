"""Self-tests of an extraction: rows must be a function of the input, not of chance or of the other inputs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from similitude.errors import InputError, NetworkError, SimilitudeWarning
from similitude.extraction.capture import Capture, few

if TYPE_CHECKING:
    from torch.nn import Module

    from similitude.extraction.batch import Batch
    from similitude.extraction.rows import Part

__all__ = ["UnstableRows", "self_test"]

_ANYWAY = "To go on anyway: check=False, on the command line --no-self-test."


class UnstableRows(InputError):
    """Rows that are not a function of their input."""


def self_test(
    model: Module, capture: Capture, batch: Batch, parts: dict[str, Part], looks: Sequence[dict[str, Part]]
) -> None:
    """Compare the rows of a few inputs in the first batch with those that they get in other company, and alone.

    Parameters
    ----------
    model, capture
        The network, and what listens to it.
    batch, parts
        The first batch, and what the layers gave for it.
    looks
        What they gave for the first two and three inputs of `few`; empty if the network runs on whole batches only.

    Raises
    ------
    UnstableRows
        Rows differ by more than rounding: the network is random, or rows depend on the batch or on padding.
    """
    if not looks:
        return
    rounding = _rounding(model, parts)
    chosen = few(batch)
    two, three = looks
    for rows, whole in ((chosen[:2], parts), ([0, 1], three)):
        found = _worst(two, rows, whole, parts, rounding)
        if found is None:
            continue
        layer, share = found
        if _worst(capture.again(batch), range(batch.size), parts, parts, rounding) is not None:
            raise UnstableRows(
                f"Layer {layer!r} is random in evaluation mode: run twice, the same inputs give values that differ by "
                f"{share:.0%} of their spread. Dropout that is called as a function without training=self.training "
                f"does this, and so does sampling. Repair the network. {_ANYWAY}"
            )
        raise UnstableRows(
            f"Rows of layer {layer!r} depend on the other inputs in the batch: they differ by {share:.0%} of their "
            "spread. Normalisation by the batch's own statistics does this: repair the network, or use batch_size=1. "
            "So does a network that takes sequences first, (t, n, d): forward=lambda x: model(x.transpose(0, 1)). "
            f"{_ANYWAY}"
        )
    try:
        alone = capture.again(batch.cut(chosen[:1], crop=True))
    except (InputError, NetworkError) as error:
        warnings.warn(
            f"Whether rows depend on the batch is not tested with one input alone: {error}",
            SimilitudeWarning,
            stacklevel=3,
        )
        return
    found = _worst(alone, chosen[:1], parts, parts, rounding)
    if found is not None:
        raise UnstableRows(
            f"Rows of layer {found[0]!r} depend on the batch: an input alone and the same input padded to its batch "
            f"differ by {found[1]:.0%} of the rows' spread. If padding stands before the tokens, positions are counted "
            "from the padding: set tokenizer.padding_side = 'right', or pass position_ids. If the network gets no "
            f"mask, pass one. Or use batch_size=1 with inputs that are not padded yet. {_ANYWAY}"
        )


def _worst(
    few: dict[str, Part], rows: Sequence[int], batch: dict[str, Part], all_rows: dict[str, Part], rounding: float
) -> tuple[str, float] | None:
    """Layer whose rows differ most between two runs, beyond rounding, and by which share of their spread."""
    worst = None
    for layer in few.keys() & batch.keys() & all_rows.keys():
        ends = np.cumsum([0, *batch[layer].per_input])
        values = np.concatenate([batch[layer].values[ends[row] : ends[row + 1]] for row in rows])
        others = few[layer].values[: sum(few[layer].per_input[: len(rows)])]
        if values.shape != others.shape:  # a function of the user's, or a layer that flattens inputs of other lengths
            continue
        spread = _spread(all_rows[layer])
        eps = max(rounding, few[layer].precision)
        allowed = 4 * np.sqrt(eps) * spread + 32 * eps * np.abs(values).max(initial=0)
        difference = np.abs(values.astype(np.float64) - others).max(initial=0)
        if difference > allowed and (worst is None or difference / spread > worst[1]):
            worst = layer, float(difference / spread)
    return worst


def _spread(part: Part) -> float:
    """Root mean square of a batch's values about their mean; of a single input, about zero."""
    values = part.values.astype(np.float64)
    size = np.sqrt(np.mean(values**2))
    about_mean = np.std(values - values.mean(axis=0)) if len(part.per_input) > 1 else size
    return float(max(about_mean, 1e-3 * size, np.finfo(np.float64).tiny))


def _rounding(model: Module, parts: dict[str, Part]) -> float:
    """Machine epsilon in which the network computes, which may be coarser than that of its outputs."""
    import torch

    kinds = {p.dtype for p in model.parameters() if p.is_floating_point() and p.element_size() > 1}
    steps = [torch.finfo(kind).eps for kind in kinds] + [part.precision for part in parts.values()]
    if any(".quantized." in type(module).__module__ for module in model.modules()):
        steps.append(2.0**-7)  # activations are cut into 256 steps between the batch's own bounds
    on_gpu = any(p.is_cuda for p in model.parameters())
    if on_gpu and (torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32):
        steps.append(2.0**-10)
    return max(steps)
