"""Recipes: what a command was asked, of which data, with what result, so that it can be run again and compared."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xxhash import xxh3_128

from similitude.errors import FileError
from similitude.measures import Measure
from similitude.representations.allowance import check_regular
from similitude.representations.folder import read_json, write_json

__all__ = ["Recipe", "describe_measures", "disagreements", "hash_path"]

_FORMAT = "similitude-recipe-1"

_READ = 1 << 20


@dataclass(frozen=True)
class Recipe:
    """A finished comparison, as it is kept in a file.

    Parameters
    ----------
    command
        Name of the command, or of the function in Python, such as ``similitude.pairwise``.
    parameters
        Its arguments and options, but for those that say where results go.
    files
        Hash of every file and folder that they name.
    representations
        ``model/layer`` to hash of values and ids, number of inputs and of features, type, reduction and axes.
    measures
        ``id``, ``version`` and ``reference`` of each measure.
    software
        Versions that values may depend on.
    result
        What the command prints as JSON.
    methods
        Paragraph for a methods section.
    weights
        Name of each network that was run to the hash of its weights.
    """

    command: str
    parameters: dict[str, Any]
    files: dict[str, str]
    representations: dict[str, dict[str, Any]]
    measures: list[dict[str, Any]]
    software: dict[str, str]
    result: dict[str, Any]
    methods: str
    weights: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the recipe as JSON."""
        write_json(path, {"format": _FORMAT, **asdict(self)})

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a recipe.

        Raises
        ------
        FileError
            The file is missing, damaged, or no recipe.
        """
        check_regular(path)
        content = read_json(path)
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise FileError(f"{path} is no recipe of similitude. `similitude compare ... --recipe FILE` writes one.")
        fields = {name: content.get(name) for name in cls.__annotations__}
        fields["weights"] = content.get("weights", {})  # which recipes have since networks were hashed
        kinds = {"command": str, "methods": str, "measures": list}
        wrong = [name for name, value in fields.items() if not isinstance(value, kinds.get(name, dict))]
        if wrong:
            raise FileError(f"{path} is a damaged recipe: {', '.join(wrong)} missing or of another kind.")
        return cls(**fields)  # type: ignore[arg-type]

    def changed_files(self) -> list[str]:
        """Return the files that are missing, or are no longer what they were."""
        return [
            name for name, digest in self.files.items() if not Path(name).exists() or hash_path(Path(name)) != digest
        ]


def describe_measures(measures: Iterable[Measure]) -> list[dict[str, Any]]:
    """Return ``id``, ``version`` and ``reference`` of measures."""
    return [{"id": str(m), "version": m.version, "reference": m.properties().reference} for m in measures]


def hash_path(path: Path) -> str:
    """Return the XXH3 digest of a file, or of the names and contents of all files in a folder."""
    digest = xxh3_128()
    files = sorted(Path(root) / name for root, _, names in os.walk(path) for name in names) if path.is_dir() else [path]
    for file in files:
        check_regular(file)
        if path.is_dir():
            digest.update(os.fsencode(file.relative_to(path)))
        with file.open("rb") as handle:
            while block := handle.read(_READ):
                digest.update(block)
    return digest.hexdigest()


def disagreements(expected: Any, found: Any, tolerance: float, at: str = "") -> Iterator[str]:
    """Yield a line for each place at which two results in JSON differ; numbers up to a relative tolerance.

    Parameters
    ----------
    expected, found
        The two results.
    tolerance
        Difference that is tolerated, relative to the larger of the two numbers and 1.
    at
        Where they stand.

    Examples
    --------
    >>> list(disagreements({"a": [1.0, 2.0]}, {"a": [1.0, 2.5]}, 1e-9))
    ['a[1]: 2.0 before, 2.5 now']
    """
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in dict.fromkeys([*expected, *found]):
            place = f"{at}.{key}" if at else str(key)
            yield from disagreements(expected.get(key), found.get(key), tolerance, place)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for i, (x, y) in enumerate(zip(expected, found, strict=True)):
            yield from disagreements(x, y, tolerance, f"{at}[{i}]")
    elif not _agree(expected, found, tolerance):
        yield f"{at}: {_short(expected)} before, {_short(found)} now"


def _agree(expected: Any, found: Any, tolerance: float) -> bool:
    numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in (expected, found)]
    if all(numbers):
        return math.isclose(expected, found, rel_tol=tolerance, abs_tol=tolerance)
    return expected == found


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
