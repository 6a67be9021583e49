"""Measures outside this package: ``package.module:name`` and ``./file.py:name``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from similitude.errors import FileError, InputError, MeasureError, UnknownName, suggestion
from similitude.measures.base import Measure

__all__ = ["locate"]


def locate(address: str) -> Measure | type[Measure]:
    """Measure, or class of measures, at ``package.module:name`` or ``./file.py:name``.

    Raises
    ------
    FileError
        No such file, or it cannot be imported.
    UnknownName
        No such module, or nothing of that name in it.
    InputError
        What is there is not a measure.
    """
    where, _, name = address.rpartition(":")
    module = _module_of_file(where) if where.endswith(".py") else _module(where)
    if not hasattr(module, name):
        raise UnknownName(f"{where} has no {name!r}. {suggestion(name, _measures_in(module))}".rstrip())
    found = getattr(module, name)
    if isinstance(found, Measure) or (isinstance(found, type) and issubclass(found, Measure)):
        return found
    raise InputError(
        f"{address} is not a measure but a {type(found).__name__}. Say what it measures with the decorator: "
        "@similitude.measure(kind='similarity' or 'dissimilarity', ...) above a function of two arrays."
    )


def _measures_in(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if isinstance(value, Measure)]


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise UnknownName(
                f"There is no module {name!r} here. A file is named by its path: ./{name}.py:..."
            ) from error
        raise MeasureError(f"Importing {name} failed: {error}") from error
    except Exception as error:  # a stranger's module may raise anything
        raise MeasureError(f"Importing {name} failed: {type(error).__name__}: {error}") from error


def _module_of_file(text: str) -> ModuleType:
    """Import the file under its path as written, so that what it defines is named as it was asked for."""
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
        raise FileError(f"Importing {text} failed: {type(error).__name__}: {error}") from error
    return module
