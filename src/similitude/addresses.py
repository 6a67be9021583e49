"""Objects by address: ``package.module:name`` and ``./file.py:name``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from similitude.errors import FileError, InputError, MissingDependency, UnknownName, suggestion

__all__ = ["first_line", "load"]


def load(address: str, fits: Callable[[Any], bool] = callable) -> Any:
    """Return the object at an address.

    A file is imported under its path as written, so that what it defines is named as it was asked for; it is imported
    again only after it has changed.

    Parameters
    ----------
    address
        ``package.module:name`` or ``./file.py:name``.
    fits
        Whether an object is of the kind asked for, for suggestions of other names.

    Raises
    ------
    InputError
        The address names no object of a module.
    UnknownName
        No such module, or nothing of that name in it.
    FileError
        No such file, or importing it fails.
    MissingDependency
        It imports a package that is not installed.
    """
    where, _, name = address.rpartition(":")
    if not where or not name:
        raise InputError(f"{address!r} names no object of a module. Write package.module:name or ./file.py:name.")
    module = _file(where) if where.endswith(".py") else _module(where, name)
    if not hasattr(module, name):
        known = [known for known, value in vars(module).items() if not known.startswith("_") and fits(value)]
        raise UnknownName(f"{where} has no {name!r}. {suggestion(name, known)}".rstrip())
    return getattr(module, name)


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return str(error).strip().split("\n")[0]


def _module(where: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name and (where == error.name or where.startswith(f"{error.name}.")):
            raise UnknownName(
                f"There is no module {where!r} here. A file is named by its path: ./{where}.py:{name}"
            ) from None
        raise _failed(where, error) from error
    except Exception as error:  # a stranger's module may raise anything
        raise _failed(where, error) from error


def _file(text: str) -> ModuleType:
    path = Path(text).expanduser().resolve()
    if not path.is_file():
        raise FileError(f"There is no file {text}.")
    stamp = (str(path), path.stat().st_mtime_ns)
    loaded = sys.modules.get(text)
    if loaded is not None and getattr(loaded, "__stamp__", None) == stamp:
        return loaded
    spec = importlib.util.spec_from_file_location(text, path)
    if spec is None or spec.loader is None:
        raise FileError(f"{text} cannot be imported as Python.")
    module = importlib.util.module_from_spec(spec)
    module.__stamp__ = stamp  # type: ignore[attr-defined]
    sys.modules[text] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a stranger's file may raise anything
        del sys.modules[text]
        raise _failed(text, error) from error
    return module


def _failed(where: str, error: Exception) -> FileError | MissingDependency:
    if isinstance(error, ModuleNotFoundError):
        return MissingDependency(f"Importing {where} failed: {first_line(error)}. Install what it imports.")
    return FileError(f"Importing {where} failed: {type(error).__name__}: {first_line(error)}")
