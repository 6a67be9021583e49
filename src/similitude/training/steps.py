"""Training steps in the names of checkpoints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from similitude.errors import InputError
from similitude.representations.names import natural, readable
from similitude.representations.readers import SUFFIXES

__all__ = ["ORDERS", "Order", "check_order", "positions", "short_names", "steps_of"]

Order = Literal["step", "name", "given"]
ORDERS: tuple[Order, ...] = ("step", "name", "given")
"""By the step in the name; by name, numbers in it as numbers; as given."""

_WORDS = (r"(?:global[_-]?)?steps?", r"iter(?:ation)?s?|it", r"epochs?|ep")
"""Words before a number that counts training, the finest first."""


def check_order(order: str) -> None:
    """Raise InputError for an unknown order."""
    if order not in ORDERS:
        raise InputError(f"Checkpoints are ordered by {', '.join(ORDERS)}, not {order!r}.")


def positions(names: Sequence[str], order: Order) -> list[tuple[int, int]]:
    """Return the training step and the index of each checkpoint, in order; without steps, they are counted from 0.

    Parameters
    ----------
    names
        Names of the checkpoints.
    order
        One of `ORDERS`.

    Raises
    ------
    InputError
        An unknown order, a name without a step, or two with the same.
    """
    check_order(order)
    if order == "step":
        return sorted((step, i) for i, step in enumerate(steps_of(names)))
    indices = list(range(len(names)))
    return list(enumerate(indices if order == "given" else sorted(indices, key=lambda i: natural(names[i]))))


def short_names(paths: Sequence[str | Path]) -> list[str]:
    """Return names of files and folders, with as many of the folders above as it takes to tell them apart.

    Raises
    ------
    InputError
        A path is given twice.

    Examples
    --------
    >>> short_names(["runs/a/step-1.pt", "runs/a/step-2.pt"])
    ['step-1', 'step-2']
    >>> short_names(["runs/step-1/model.pt", "runs/step-2/model.pt"])
    ['step-1/model', 'step-2/model']
    """
    parts = []
    for path in map(Path, paths):
        parts.append([*path.parent.parts, path.stem if path.suffix.lower() in SUFFIXES else path.name])
    for depth in range(1, max(map(len, parts), default=0) + 1):
        names = [readable("/".join(part[-depth:])) for part in parts]
        if len(set(names)) == len(names):
            return names
    if not parts:
        return []
    raise InputError("A checkpoint is given twice. Name each once.")


def steps_of(names: Sequence[str]) -> list[int]:
    """Return the training step that each name of a checkpoint holds.

    A step is the number after a word such as ``step``, ``iter`` or ``epoch``; where a name has no such word, the only
    number in which the names differ.

    Raises
    ------
    InputError
        A name holds no number, or nothing tells which of several it is; or two names hold the same step.

    Examples
    --------
    >>> steps_of(["epoch=1-step=200", "epoch=0-step=100"])
    [200, 100]
    >>> steps_of(["resnet18-500", "resnet18-1000"])
    [500, 1000]
    """
    for word in _WORDS:
        found = [re.search(rf"(?<![a-z])(?:{word})[ =_-]*(\d+)", name, re.IGNORECASE) for name in names]
        if all(found):
            return _distinct(names, [int(match[1]) for match in found if match])
    numbers = [[int(number) for number in re.findall(r"\d+", name)] for name in names]
    without = next((name for name, of_name in zip(names, numbers, strict=True) if not of_name), None)
    if without is not None:
        raise InputError(f"The name {without!r} holds no training step. {_CURE}")
    columns = list(zip(*numbers, strict=True)) if len({*map(len, numbers)}) == 1 else []
    telling = [column for column in columns if len(set(column)) > 1]
    if len(telling) != 1 and len(columns) != 1:
        raise InputError(f"Nothing tells which number in names such as {names[0]!r} is the training step. {_CURE}")
    return _distinct(names, list((telling or columns)[0]))


_CURE = "Use names such as step-1000.pt, or another order: name, or given."


def _distinct(names: Sequence[str], steps: list[int]) -> list[int]:
    seen: dict[int, str] = {}
    for name, step in zip(names, steps, strict=True):
        if step in seen:
            raise InputError(f"{seen[step]!r} and {name!r} are both of step {step}. {_CURE}")
        seen[step] = name
    return steps
