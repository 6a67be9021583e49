"""Names and what they stand for: one door for what ships and for plug-ins, loaded when first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Generic, TypeVar

from similitude.errors import InputError, UnknownName, suggestion

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps a name to an object, or to the ``"module:attribute"`` at which it is found on first use.

    Parameters
    ----------
    kind
        What the names stand for, as error messages say it: ``"measure"``.
    group
        Entry-point group through which installed packages add names, e.g. ``"similitude.measures"``.
    """

    def __init__(self, kind: str, group: str) -> None:
        self.kind = kind
        self._group = group
        self._entries: dict[str, T | str] = {}
        self._plugins_loaded = False

    def register(self, name: str, entry: T | str) -> None:
        """Add a name; a second, different owner of a name is an error."""
        taken = self._entries.get(name)
        if taken is not None and taken != entry:
            raise InputError(f"The {self.kind} name {name!r} is already taken by {taken}. Choose another name.")
        self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        self._load_plugins()
        if name not in self._entries:
            raise UnknownName(f"Unknown {self.kind} {name!r}. {suggestion(name, self._entries)}".rstrip())
        entry = self._entries[name]
        if isinstance(entry, str):
            module, _, attribute = entry.partition(":")
            entry = getattr(importlib.import_module(module), attribute)
            self._entries[name] = entry
        return entry  # type: ignore[return-value]  # a string has just been resolved

    def __contains__(self, name: object) -> bool:
        self._load_plugins()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._load_plugins()
        return iter(self._entries)

    def __len__(self) -> int:
        self._load_plugins()
        return len(self._entries)

    def _load_plugins(self) -> None:
        if self._plugins_loaded:
            return
        from importlib.metadata import entry_points  # slow to import, and not needed to start

        self._plugins_loaded = True
        for point in entry_points(group=self._group):
            self.register(point.name, point.value)
