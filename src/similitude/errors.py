"""Every error that a user can meet: what was wrong, and what to do about it."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType

__all__ = [
    "DegeneratePopulation",
    "FileError",
    "InputError",
    "MeasureError",
    "MissingDependency",
    "NetworkError",
    "OutOfMemory",
    "ShapeMismatch",
    "SimilitudeError",
    "SimilitudeWarning",
    "UnknownName",
    "foreign",
    "require",
    "suggestion",
    "told",
]


class SimilitudeError(Exception):
    """Base of all errors raised on purpose; the command line prints it and exits with `exit_code`."""

    exit_code = 2

    def __str__(self) -> str:  # LookupError and its kin would print the repr
        return str(self.args[0]) if self.args else ""


class InputError(SimilitudeError, ValueError):
    """Data or an argument that cannot be used as given."""


class ShapeMismatch(InputError):
    """Two representations that are not of the same inputs."""


class UnknownName(SimilitudeError, LookupError):
    """A measure, suite, subtask, model or layer that does not exist."""


class FileError(SimilitudeError):
    """A file that is missing, unreadable, truncated, damaged, or not what it should be."""


class MeasureError(SimilitudeError, ValueError):
    """A pair on which a measure is not defined; in a run it is recorded as a failure."""


class OutOfMemory(MeasureError):
    """A pair that takes more memory than this machine has; not kept in a ledger, since another machine may have it."""


class NetworkError(SimilitudeError, RuntimeError):
    """An exception that the user's own network, tokenizer, data set or reduction raised."""


class MissingDependency(SimilitudeError, ImportError):
    """An optional package that the request needs is not installed."""


class SimilitudeWarning(UserWarning):
    """Something a careful reader of a result should know."""


class DegeneratePopulation(SimilitudeError):
    """A population whose functionality hardly varies, so that grading with it would mean nothing."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return text that names the nearest known names, or all of them if there are few.

    Nearest is the same name but for case and punctuation; then names of nearly the same spelling; then those all of
    whose words the asked name holds, as ``cka`` for ``linear_cka``; then those of similar spelling.

    Examples
    --------
    >>> suggestion("Linear CKA", ["cka", "mean_cca", "linear_regression"])
    "Did you mean 'cka'?"
    """
    known = sorted(known)
    plain = {_plain(entry): entry for entry in known}
    asked, words = _plain(name), set(_words(name))

    def spelt(cutoff: float) -> list[str]:
        return [plain[match] for match in difflib.get_close_matches(asked, plain, n=3, cutoff=cutoff)]

    near = [plain[asked]] if asked in plain else spelt(0.8)
    near = near or [entry for entry in known if set(_words(entry)) <= words] or spelt(0.5)
    if near := near[:3]:
        return f"Did you mean {' or '.join(repr(n) for n in near)}?"
    return f"Known: {', '.join(known)}." if 0 < len(known) <= 40 else ""


def _plain(name: str) -> str:
    """Name without case and punctuation."""
    return re.sub(r"[\W_]+", "", name.casefold()) or name


def _words(name: str) -> list[str]:
    """Words of a name without case, punctuation and numbers: ``["linear", "cka"]`` of ``"LinearCKA-2"``."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold()
    return re.findall(r"[^\W\d_]+", apart) or [apart]


def told(error: BaseException) -> str:
    """Type and message of an exception, in one line; of one from a worker process, the original's."""
    lines = str(error).strip().splitlines()
    if len(lines) > 1 and "Original Traceback" in str(error):
        return lines[-1]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextmanager
def foreign(doing: str) -> Iterator[None]:
    """Report whatever the user's own code raises within a block as a NetworkError.

    Parameters
    ----------
    doing
        What is done there, as the beginning of a sentence that ends in "failed".

    Examples
    --------
    >>> with foreign("The tokenizer"):
    ...     {}["pad"]
    Traceback (most recent call last):
    similitude.errors.NetworkError: The tokenizer failed: KeyError: 'pad'
    """
    try:
        yield
    except SimilitudeError:
        raise
    except Exception as error:  # whatever foreign code raises
        raise NetworkError(f"{doing} failed: {told(error)}") from error


def require(module: str, extra: str) -> ModuleType:
    """Import an optional module, or say which extra brings it.

    Parameters
    ----------
    module
        Name to import, e.g. ``"torch"``.
    extra
        The extra of `similitude` that lists it, e.g. ``"models"``.

    Raises
    ------
    MissingDependency
        With the line that installs what is missing.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = error.name or module
        raise MissingDependency(
            f"This needs the package {missing.split('.')[0]!r}. Install it with: pip install 'similitude[{extra}]'"
        ) from error
