"""Monitors as callbacks of trainers, whose packages are imported when one is asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from similitude.errors import MissingDependency, require

if TYPE_CHECKING:
    from similitude.training.monitor import SimilarityMonitor

__all__ = ["hugging_face_callback", "lightning_callback"]


def hugging_face_callback(monitor: SimilarityMonitor) -> Any:
    """Return a ``transformers.TrainerCallback`` that calls a monitor with the trainer's global step."""
    transformers = require("transformers", "models")

    class SimilarityCallback(transformers.TrainerCallback):
        """Compares layers every so many steps."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            monitor.begin(state.global_step)

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            monitor.step(state.global_step)

        def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            monitor.close()

    return SimilarityCallback()


def lightning_callback(monitor: SimilarityMonitor) -> Any:
    """Return a callback of Lightning that calls a monitor with the trainer's global step.

    Raises
    ------
    MissingDependency
        Neither ``lightning`` nor ``pytorch_lightning`` is installed.
    """
    lightning = _lightning()

    class SimilarityCallback(lightning.Callback):
        """Compares layers every so many steps."""

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            monitor.begin(trainer.global_step)

        def on_train_batch_end(self, trainer: Any, pl_module: Any, *results: Any) -> None:
            monitor.step(trainer.global_step)

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            monitor.close()

    return SimilarityCallback()


def _lightning() -> Any:
    for name in ("lightning.pytorch", "pytorch_lightning"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in ("lightning", "pytorch_lightning"):
                raise
    raise MissingDependency("This needs the package 'lightning'. Install it with: pip install lightning")
