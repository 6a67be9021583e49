"""What anyone's networks predict, as functionalities: accuracy, calibration, disagreement, Jensen-Shannon divergence.

A folder holds ``<model>.npz`` for each network: an array (test items, classes) of probabilities for each test set; and
``labels.npz``: for each test set the true classes, indices from 0.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from similitude.benchmark.functionalities.predictions import calibration_error
from similitude.errors import FileError, InputError, UnknownName, suggestion
from similitude.representations import Score
from similitude.representations.allowance import Allowance
from similitude.representations.population import scores_frame
from similitude.representations.readers import read_file

__all__ = ["Predictions", "read_predictions"]

_LABELS = "labels"


class Predictions:
    """Probabilities that networks give to the classes of the items of test sets.

    Parameters
    ----------
    probabilities
        Model to test set to array (test items, classes).
    labels
        Test set to the true classes, shape (test items,).
    """

    def __init__(self, probabilities: dict[str, dict[str, np.ndarray]], labels: dict[str, np.ndarray]) -> None:
        self.labels = labels
        self._items = {
            model: {
                **{f"predictions/{test}": values for test, values in by_test.items()},
                **{f"accuracy/{test}": values.argmax(axis=1) == labels[test] for test, values in by_test.items()},
            }
            for model, by_test in probabilities.items()
        }

    def items(self, model: str, functionality: str) -> np.ndarray:
        """Of a model, one row per test item: ``predictions/<test set>`` or ``accuracy/<test set>``."""
        if functionality not in self._items[model]:
            raise InputError(f"Nothing per test item was given for {functionality!r}.")
        return self._items[model][functionality]

    def scores(self) -> pd.DataFrame:
        """Accuracy and calibration error of every model on every test set."""
        scores = {}
        for model, items in self._items.items():
            scores[model] = []
            for test, labels in self.labels.items():
                accuracy = float(items[f"accuracy/{test}"].mean())
                error = calibration_error(items[f"predictions/{test}"], labels)
                scores[model] += [
                    Score(f"accuracy/{test}", accuracy, items=len(labels)),
                    Score(f"calibration_error/{test}", error, items=len(labels)),
                ]
        return scores_frame(scores)


def read_predictions(folder: str | Path, models: tuple[str, ...], left_out: Collection[str] = ()) -> Predictions:
    """Read the predictions of a folder.

    Parameters
    ----------
    folder
        One file per model, and ``labels.npz``.
    models
        The networks, each of which needs a file.
    left_out
        Networks that may have a file too, which is not read.

    Raises
    ------
    FileError
        A file is missing or cannot be read.
    UnknownName
        A file of a network that is not there.
    InputError
        Test sets without labels, or the other way round; arrays that are no distributions, or of other sizes.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder of predictions.")
    unknown = sorted(file.stem for file in folder.glob("*.npz") if file.stem not in (*models, *left_out, _LABELS))
    if unknown:
        hint = suggestion(unknown[0], models)
        raise UnknownName(f"{folder / unknown[0]}.npz: there is no model {unknown[0]!r} among the networks. {hint}")
    labels = _read(folder / f"{_LABELS}.npz")
    for test, classes in labels.items():
        if classes.ndim != 1 or not np.issubdtype(classes.dtype, np.integer) or not len(classes) or classes.min() < 0:
            raise InputError(
                f"{folder / _LABELS}.npz: {test!r} has type {classes.dtype} and shape {classes.shape}; "
                "true classes are a row of whole numbers from 0."
            )
    probabilities = {model: _checked(folder / f"{model}.npz", labels) for model in models}
    for test in labels:
        widths = {model: by_test[test].shape[1] for model, by_test in probabilities.items()}
        odd = next((model for model in models if widths[model] != widths[models[0]]), None)
        if odd is not None:
            raise InputError(
                f"{folder}: {test!r} has {widths[models[0]]} classes for {models[0]!r} and {widths[odd]} for {odd!r}."
            )
    return Predictions(probabilities, labels)


def _checked(file: Path, labels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    arrays = _read(file)
    odd = sorted(set(arrays) ^ set(labels))
    if odd:
        raise InputError(f"{file} and {_LABELS}.npz do not have the same test sets: {', '.join(odd)}.")
    for test, values in arrays.items():
        count, classes = len(labels[test]), int(labels[test].max()) + 1
        if values.ndim != 2 or len(values) != count or values.shape[1] < classes:
            raise InputError(
                f"{file}: {test!r} has shape {values.shape}; its labels ask for {count} test items x {classes} classes "
                "or more."
            )
        if values.dtype.kind not in "biuf":
            raise InputError(f"{file}: {test!r} has type {values.dtype}; probabilities are real numbers.")
        total = values.sum(axis=1, dtype=np.float64)
        if not (values >= 0).all() or not np.allclose(total, 1, atol=1e-3):
            raise InputError(
                f"{file}: {test!r} is not probabilities, whose rows sum to 1. Logits need a softmax first."
            )
        arrays[test] = values / total[:, None]
    return arrays


def _read(file: Path) -> dict[str, np.ndarray]:
    if not file.exists():
        raise FileError(f"{file} does not exist; predictions are a file per model and {_LABELS}.npz.")
    arrays = read_file(file, Allowance())
    if not arrays:
        raise FileError(f"{file} holds no arrays.")
    return arrays
