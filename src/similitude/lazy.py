"""Packages whose names are imported when first used (PEP 562), so that starting up costs little."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["attach"]


def attach(
    package: str, homes: Mapping[str, Iterable[str]], modules: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package that imports a name from its module when it is first used.

    Parameters
    ----------
    package
        Name of the package.
    homes
        Module to the names in it.
    modules
        Name to a module that can be used by that name without being imported.
    """
    found = {name: home for home, names in homes.items() for name in names}
    whole = modules or {}

    def get(name: str) -> Any:
        if name in found:
            value = getattr(importlib.import_module(found[name]), name)
        elif name in whole:
            value = importlib.import_module(whole[name])
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *found, *whole})

    return get, names
