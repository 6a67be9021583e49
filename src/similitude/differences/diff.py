"""The verb `diff`: two networks, checkpoints or files of saved arrays, layer by layer."""

from __future__ import annotations

import functools
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from similitude.differences.divergence import Divergence, judge, tabulate
from similitude.differences.layers import Layers, SavedArray, compare_arrays
from similitude.differences.matching import MATCHES, Match
from similitude.differences.noise import SOURCES, check_sources
from similitude.differences.weights import compare_settings, compare_weights, weights_of
from similitude.engine.budget import Budget
from similitude.errors import InputError
from similitude.factors.memory import MEMORY
from similitude.representations.about import about
from similitude.representations.allowance import Allowance
from similitude.representations.arrays import as_array
from similitude.representations.files import load_arrays
from similitude.representations.representation import Representation

if TYPE_CHECKING:
    from similitude.extraction.axes import AxesLike
    from similitude.extraction.taps import LayersLike

__all__ = ["are_weights", "diff", "diff_weights", "load_saved"]

_ONLY = "(array)"
"""Name of an array that comes without one."""


def diff(
    first: Any,
    second: Any,
    inputs: Any = None,
    *,
    layers: LayersLike | None = None,
    other_layers: LayersLike | None = None,
    match: Match = "auto",
    noise_from: str | Path | Iterable[str] = SOURCES,
    fail_above: float | None = None,
    names: tuple[str, str] = ("first", "second"),
    tokenizer: Any = None,
    mask: Any = "all",
    ids: Any = None,
    batch_size: int = 32,
    axes: AxesLike = None,
    memory: int = MEMORY,
    progress: Callable[[int, int | None], None] | None = None,
) -> Divergence:
    """Find the layer at which two builds of one network first differ by more than noise.

    Both networks run on the same inputs, in evaluation mode without gradients (but a module that is in training mode in
    one of them only stays so: that is a difference). Whole outputs of matched layers are compared entry by entry, their
    rows (averaged over positions or tokens) by CKA and Procrustes. On a few inputs the first is also compared with
    itself, in another precision, batch size and number of threads: four times that is the tolerance. Inside the first
    layer beyond it, all modules are looked at.

    Parameters
    ----------
    first, second
        Two torch modules; or saved outputs of layers: files, dicts of layer to array (n, ...), arrays,
        Representations. The first is the reference.
    inputs
        For modules: see `similitude.extract`. Both networks are shown the same.
    layers
        Layers of the first; by default what enters the first block, what leaves each block, all modules outside of
        blocks, and what the network returns.
    other_layers
        Layers of the second, where they are not called as in the first.
    match
        ``"name"``, ``"order"`` or ``"alignment"`` (the monotone pairing with the largest sum of CKA); by default the
        first of them that fits.
    noise_from
        Some of ``"dtype"`` (the next finer precision), ``"batch"``, ``"threads"``, and precisions by name, such as
        ``"bfloat16"`` where what that changes is tolerated. For saved outputs, another run of the first.
    fail_above
        Relative error that is tolerated, in place of what is measured.
    names
        Of the networks, for tables.
    tokenizer
        Of Hugging Face, for texts; a tuple of two if each network has its own.
    mask, ids, batch_size, axes
        See `similitude.extract`. Inputs that bring no mask are taken for unpadded.
    memory
        Bytes, about; representations that take more are written to temporary files, and batches whose outputs take more
        are cut.
    progress
        Called with the number of batches done and in all (None where that is not known).

    Returns
    -------
    Divergence
        Its ``.first`` names the layer, ``.same`` is the verdict, ``.layers`` and ``.weights`` are tables, ``.plot()``
        draws the curve over depth.

    Raises
    ------
    InputError
        Nothing to compare: a network without inputs, a network and an array, no layer in common.
    ShapeMismatch
        An InputError: different numbers of inputs, or inputs with other ids.
    NetworkError
        A network raised an exception.

    Warns
    -----
    SimilitudeWarning
        Noise that cannot be measured; layers that cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> saved = {f"block{i}": np.random.default_rng(i).normal(size=(50, 8)) for i in range(3)}
    >>> changed = saved | {"block1": 1.01 * saved["block1"]}
    >>> result = diff(saved, changed)
    >>> result.first, round(float(result.layers["relative"][1]), 6)
    ('block1', 0.01)
    """
    if match not in MATCHES:
        raise InputError(f"Layers are not matched by {match!r}. Choose one of {', '.join(MATCHES)}.")
    if fail_above is not None and not fail_above >= 0:
        raise InputError(f"fail_above={fail_above}: a relative error is 0 or more.")
    modules = [_is_module(side) for side in (first, second)]
    if modules[0] != modules[1]:
        raise InputError("One side is a network and the other is not. Give two networks, or saved outputs of both.")
    if not modules[0]:
        if inputs is not None:
            raise InputError("Inputs are for networks, and both sides are saved outputs. Leave them out.")
        return _diff_saved(first, second, match, noise_from, fail_above, names, memory)
    if inputs is None:
        raise InputError("Networks need inputs to run on. Give inputs, or compare weights alone by diff_weights.")
    return _diff_networks(
        *(first, second, inputs, layers, layers if other_layers is None else other_layers),
        *(match, noise_from, fail_above, names, tokenizer, axes, memory, progress),
        {"mask": mask, "ids": ids, "batch_size": batch_size},
    )


def diff_weights(first: Any, second: Any, *, names: tuple[str, str] = ("first", "second")) -> Divergence:
    """Compare the weights of two networks or checkpoints, without running anything.

    Parameters
    ----------
    first, second
        Torch modules, or dicts of parameter to array.
    names
        Of the networks.

    Returns
    -------
    Divergence
        Its ``.weights`` has one row per parameter; ``.first`` is the first that differs at all.

    Raises
    ------
    InputError
        No parameter has the same name in both.
    """
    sides = [weights_of(side) if _is_module(side) else dict(side) for side in (first, second)]
    table = compare_weights(*sides)
    if table.empty:
        raise InputError(f"{names[0]} and {names[1]} have no parameter name in common.")
    apart = table["parameter"][~table["equal"]]
    return Divergence(
        layers=tabulate(Layers([], "name", ([], []), 0), None, MEMORY),
        n=0,
        names=names,
        first=str(apart.iloc[0]) if len(apart) else None,
        weights=table,
        only=(
            [name for name in sides[0] if name not in set(table["parameter"])],
            [name for name in sides[1] if name not in set(table["other"])],
        ),
    )


def are_weights(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether arrays of a file are parameters of a network rather than outputs of layers for the same inputs."""
    named = sum(name.rpartition(".")[2] in ("weight", "bias") for name in arrays)
    return 2 * named > len(arrays) and len({array.shape[:1] for array in arrays.values()}) > 1


def load_saved(path: str | Path, memory: int = MEMORY) -> dict[str, SavedArray]:
    """Read saved outputs of layers from a file or folder, in any form that `similitude.load_representations` reads."""
    arrays = load_arrays(path, allowance=Allowance(memory))
    several = len({array.model for array in arrays}) > 1
    return {(array.key if several else array.layer or _ONLY): SavedArray(array.values, array.ids) for array in arrays}


def _is_module(side: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(side, torch.nn.Module)


def _saved(side: Any, memory: int) -> dict[str, SavedArray]:
    if isinstance(side, str | Path):
        return load_saved(side, memory)
    if not isinstance(side, Mapping):
        side = {_ONLY: side}
    found = {}
    for name, value in side.items():
        if isinstance(value, SavedArray):
            found[str(name)] = value
        elif isinstance(value, Representation):
            found[str(name)] = SavedArray(value.values, value.ids)
        else:
            found[str(name)] = SavedArray(as_array(value, str(name) or "array")[0])
    if not found:
        raise InputError("There are no arrays to compare.")
    return found


def _diff_saved(
    first: Any,
    second: Any,
    match: Match,
    noise_from: Any,
    fail_above: float | None,
    names: tuple[str, str],
    memory: int,
) -> Divergence:
    is_run = isinstance(noise_from, Path) or (isinstance(noise_from, str) and noise_from not in SOURCES)
    is_run = is_run or isinstance(noise_from, Mapping)
    again = _saved(noise_from, memory) if is_run else None
    sides = [_saved(side, memory) for side in (first, second)]
    found = compare_arrays(*sides, names=names, match=match, again=again, memory=memory)
    return _result(found, fail_above, names, ("another run",) if is_run else (), memory)


def _diff_networks(
    first: Any,
    second: Any,
    inputs: Any,
    layers: Any,
    other_layers: Any,
    match: Match,
    noise_from: Any,
    fail_above: float | None,
    names: tuple[str, str],
    tokenizer: Any,
    axes: Any,
    memory: int,
    progress: Any,
    options: Mapping[str, Any],
) -> Divergence:
    from similitude.differences.networks import Networks, check_inputs
    from similitude.extraction.inputs import make_batches

    sources = check_sources([noise_from] if isinstance(noise_from, str) else noise_from)
    tokenizers = tokenizer if isinstance(tokenizer, tuple) else (tokenizer, tokenizer)
    shown = [
        make_batches(inputs, tokenizer=own, model=network, **options)
        for network, own in zip((first, second), tokenizers, strict=True)
    ]
    check_inputs(*shown)
    settings = compare_settings(first, second)
    networks = Networks(
        first, second, (shown[0], shown[1]), (layers, other_layers), names, match, sources, axes, memory, progress
    )
    with tempfile.TemporaryDirectory(prefix="similitude-") as spool:
        found = networks.compare(Path(spool))
        result = _result(found, fail_above, names, sources, int(Budget(memory).for_factors.bytes))
    found_in = None
    if found.matched_by != "alignment":
        found_in = networks.locate(found.layers, functools.partial(judge, fail_above=fail_above))
    layer = result.first
    if layer is None and found_in is not None and layers is None and fail_above is None:
        layer = _stage_of(found_in.module, [layer.name for layer in found.layers])
    weights = compare_weights(weights_of(first), weights_of(second))
    inside, agrees = (None, None) if found_in is None or layer is None else found_in
    return replace(result, first=layer, inside=inside, agrees=agrees, weights=weights, settings=settings)


def _stage_of(module: str, layers: list[str]) -> str:
    """Layer that holds a module, or the module itself."""
    path = re.split(r"[\[:]", module)[0]
    holding = [layer for layer in layers if f"{path}.".startswith(f"{layer}.")]
    return max(holding, key=len, default=module)


def _result(
    found: Layers, fail_above: float | None, names: tuple[str, str], sources: tuple[str, ...], memory: int
) -> Divergence:
    if not found.layers:
        raise InputError(f"{names[0]} and {names[1]} have no layer in common.")
    notes = [
        f"{name} is random: layer {layer} gives other values each time it is run."
        for name, layer in zip(names, found.random, strict=True)
        if layer is not None
    ]
    shapes = [(layer, layer.gap.shapes) for layer in found.layers if layer.gap.shapes]
    if shapes:
        layer, (x, y) = shapes[0][0], shapes[0][1] or ((), ())
        notes.append(
            f"{len(shapes)} layer(s) have outputs of other shapes, whose entries cannot be compared; the first is "
            f"{layer.name}, {x} and {y} per input."
        )
    table = tabulate(found, fail_above, memory)
    beyond = table["layer"][table["beyond"]]
    return Divergence(
        layers=table,
        n=found.n,
        names=names,
        first=str(beyond.iloc[0]) if len(beyond) else None,
        matched_by=found.matched_by,
        noise_from=() if fail_above is not None else sources,
        only=found.only,
        left_out=found.left_out,
        notes=tuple(notes),
        sources=about(x for layer in found.layers for x in (layer.first, layer.second) if x is not None),
    )
