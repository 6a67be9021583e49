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

LEAST_MODELS = 3
"""Number of networks that grading needs."""


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
        self.models = tuple(probabilities)
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


def read_predictions(
    folder: str | Path, models: tuple[str, ...], known: Collection[str] = (), left_out: dict[str, str] | None = None
) -> Predictions:
    """Read the predictions of a folder.

    A file that is missing, unreadable or does not fit the labels costs the predictions of its network only.

    Parameters
    ----------
    folder
        One file per model, and ``labels.npz``.
    models
        The networks whose predictions are read.
    known
        Other networks that may have a file, which is not read.
    left_out
        Where networks without usable predictions are noted, as ``predictions/<model>``, with the reason.

    Raises
    ------
    FileError
        No such folder, or the labels are missing or cannot be read.
    UnknownName
        A file of a network that is not there.
    InputError
        Labels that are no classes, or fewer than three networks with usable predictions.
    """
    folder = Path(folder)
    left_out = {} if left_out is None else left_out
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder of predictions.")
    labels = _read(folder / f"{_LABELS}.npz")
    for test, classes in labels.items():
        if classes.ndim != 1 or not np.issubdtype(classes.dtype, np.integer) or not len(classes) or classes.min() < 0:
            raise InputError(
                f"{folder / _LABELS}.npz: {test!r} has type {classes.dtype} and shape {classes.shape}; "
                "true classes are a row of whole numbers from 0."
            )
    files = {file.stem for file in folder.glob("*.npz") if not file.name.startswith(".")}
    if unknown := sorted(files - {*models, *known, _LABELS}):
        hint = suggestion(unknown[0], models)
        raise UnknownName(f"{folder / unknown[0]}.npz: there is no model {unknown[0]!r} among the networks. {hint}")
    probabilities: dict[str, dict[str, np.ndarray]] = {}
    unfit: dict[str, str] = {}
    for model in models:
        try:
            probabilities[model] = _checked(folder / f"{model}.npz", labels)
        except (FileError, InputError) as error:
            unfit[model] = str(error)
    for test in labels:
        widths = {model: by_test[test].shape[1] for model, by_test in probabilities.items()}
        usual = max(widths.values(), key=list(widths.values()).count, default=0)
        for model, width in widths.items():
            if width != usual:
                del probabilities[model]
                unfit[model] = f"{folder / model}.npz: {test!r} has {width} classes; most networks have {usual}."
    if len(probabilities) < LEAST_MODELS:
        raise InputError(
            f"{folder} has usable predictions of {len(probabilities)} networks; grading needs three or more. "
            f"{next(iter(unfit.values()), '')}".rstrip()
        )
    left_out |= {f"predictions/{model}": reason for model, reason in unfit.items()}
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
