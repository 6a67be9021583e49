"""Files that we wrote into a folder, so that those of an earlier run do not stand beside those of a later one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from similitude.representations.text import write_text

__all__ = ["replace_written"]

_LIST = ".similitude-files.json"
"""Keeps who wrote what: writer to names of files in the folder."""


def replace_written(folder: Path, files: Iterable[Path], writer: str, *, alone: bool = False) -> None:
    """Note which files a writer has left in a folder, and remove what it left there before and did not write again.

    Only files that were noted are ever removed.

    Parameters
    ----------
    folder
        The folder; without it there is nothing to do.
    files
        What was written now, directly in the folder.
    writer
        Who wrote it: ``"run"``, ``"report"``.
    alone
        Whether what other writers left goes too, because it was made from results that are replaced.
    """
    if not folder.is_dir():
        return
    noted = _read(folder / _LIST)
    written = sorted({file.name for file in files})
    for name, left in noted.items():
        if name == writer or alone:
            for stale in set(left) - set(written):
                (folder / stale).unlink(missing_ok=True)
    kept = {} if alone else {name: left for name, left in noted.items() if name != writer}
    content = json.dumps(kept | {writer: written}, indent=1, sort_keys=True, ensure_ascii=False)
    write_text(folder / _LIST, f"{content}\n")


def _read(file: Path) -> dict[str, list[str]]:
    """The list, without anything in it that is no plain name of a file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {
        str(writer): [name for name in names if isinstance(name, str) and name and Path(name).name == name]
        for writer, names in content.items()
        if isinstance(names, list)
    }
