"""Checkpoints on disk: ordinary Hugging Face folders, each written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from similitude.errors import require
from similitude.representations.folder import read_json, write_json
from similitude.representations.unfinished import remove_abandoned, unfinished
from similitude.suites.language.tokens import tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["is_saved", "load", "notes", "save"]

_NOTES = "training.json"


def save(model: PreTrainedModel, folder: Path, **notes: Any) -> None:
    """Write a model with its tokenizer, so that ``from_pretrained`` opens both, and notes on its training."""
    remove_abandoned(folder.parent)
    work = unfinished(folder)
    try:
        with _without_bars():
            model.save_pretrained(work)
        tokenizer().save_pretrained(work)
        write_json(work / _NOTES, notes)
        if not is_saved(folder):
            os.rename(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def load(kind: str, folder: str | Path, **options: Any) -> Any:
    """Open a checkpoint by ``from_pretrained`` of a class of transformers, in silence.

    Parameters
    ----------
    kind
        Name of the class.
    folder, **options
        As `from_pretrained` takes them.
    """
    with _without_bars():
        return getattr(require("transformers", extra="models"), kind).from_pretrained(folder, **options)


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    """A bar for each of a hundred small files would hide our own."""
    logging = require("transformers.utils.logging", extra="models")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def is_saved(folder: Path) -> bool:
    """Whether a checkpoint is there."""
    return (folder / _NOTES).is_file()


def notes(folder: Path) -> dict[str, Any]:
    """What was noted when the checkpoint was saved."""
    return read_json(folder / _NOTES)
