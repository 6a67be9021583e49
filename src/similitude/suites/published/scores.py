"""The score files of the archive: what its networks can do."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from similitude.errors import FileError, UnknownName, suggestion
from similitude.representations.pickles import load_plain
from similitude.representations.tables import check_table
from similitude.suites.published.archive import Archive
from similitude.suites.published.layout import Model, PublishedSubtask
from similitude.suites.published.lookup import KeyIndex

__all__ = ["FEATHER_COLUMNS", "Scores", "read_scores"]

FEATHER_COLUMNS = {
    "MNLI dev acc.": "mnli_dev_acc",
    "Lexical (entailed)": "lex_ent",
    "Subseq (entailed)": "sub_ent",
    "Constituent (entailed)": "const_ent",
    "Lexical (nonent)": "lex_nonent",
    "Subseq (nonent)": "sub_nonent",
    "Constituent (nonent)": "const_nonent",
    "Overall accuracy": "overall_accuracy",
}
"""Columns of the scores of `feather`, and what the archive calls them elsewhere."""

_MOST_MODELS = 2000
_FEATHER_MODELS = 100
_LAYER_KEYS = ["seed", "step", "layer", "dims_deleted"]
_MODEL_KEYS = ["seed", "step"]


@dataclass(frozen=True)
class Scores:
    """Scores of a subtask's models.

    Parameters
    ----------
    subtask
        Whose.
    table
        One column per functionality; indexed by (seed, step, layer, dims_deleted), or by (seed, step) where a score is
        the whole model's.
    faults
        What is missing or inconsistent.
    items
        Where kept: functionality to model to its results per test item (0 or 1).
    """

    subtask: PublishedSubtask
    table: pd.DataFrame
    faults: tuple[str, ...] = ()
    items: Mapping[str, Mapping[Model, np.ndarray]] | None = None

    @property
    def per_layer(self) -> bool:
        """Whether each layer has its own score."""
        return "layer" in self.table.index.names

    @property
    def models(self) -> list[Model]:
        """Models that have scores, sorted."""
        pairs = zip(self._level("seed"), self._level("step"), strict=True)
        return sorted({Model(int(seed), int(step)) for seed, step in pairs})

    @property
    def layers(self) -> list[int]:
        """Layers that have scores, from 0; none where scores are whole models'."""
        return sorted(map(int, set(self._level("layer")))) if self.per_layer else []

    @property
    def levels(self) -> list[int]:
        """Numbers of deleted components for which there are scores."""
        return sorted(map(int, set(self._level("dims_deleted")))) if self.per_layer else [0]

    def only(self, models: Iterable[Model]) -> Scores:
        """The scores of some of the models."""
        seeds_and_steps = pd.MultiIndex.from_arrays([self._level("seed"), self._level("step")])
        kept = seeds_and_steps.isin(list(models))
        return replace(self, table=self.table[kept], faults=())

    def _level(self, name: str) -> pd.Index:
        return self.table.index.get_level_values(name)

    def of(self, functionality: str, sides: np.ndarray) -> np.ndarray:
        """Scores of representations; NaN where there is none.

        Parameters
        ----------
        functionality
            A column of the table.
        sides
            Array (n, 4) of seed, step, layer, dims_deleted.

        Raises
        ------
        UnknownName
            The file has no such functionality.
        """
        if functionality not in self.table.columns:
            raise UnknownName(
                f"{self.subtask.scores_file} has no functionality {functionality!r}. "
                f"{suggestion(functionality, map(str, self.table.columns))}"
            )
        rows = self._index.rows(sides if self.per_layer else sides[:, :2])
        # The type is kept: scores in single precision are published as differences in single precision.
        return np.where(rows >= 0, self.table[functionality].to_numpy()[rows], np.nan)

    def differences(self, functionality: str, pairs: np.ndarray) -> np.ndarray:
        """Absolute differences of the scores of pairs, an array (n, 7) of the numbers `KEYS`."""
        first = np.hstack([pairs[:, :3], np.zeros((len(pairs), 1), dtype=pairs.dtype)])
        return np.abs(self.of(functionality, first) - self.of(functionality, pairs[:, 3:]))

    @functools.cached_property
    def _index(self) -> KeyIndex:
        return KeyIndex(self.table.index.to_frame().to_numpy())


def read_scores(archive: Archive, subtask: PublishedSubtask) -> Scores:
    """Scores of a subtask.

    Raises
    ------
    FileError
        The file is missing, refused, unreadable, or not of the layout at all. Parts that are missing are faults of the
        result instead.
    """
    name = subtask.scores_file
    content = archive.read(name)
    if subtask.name == "feather":
        return _feather(subtask, content)
    loaded = load_plain(content, name)
    try:
        return _READERS[subtask.name](subtask, loaded)
    except _Odd as odd:
        raise FileError(f"{name} is not laid out as `similitude reproduce --layout` says: {odd}.") from None
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise FileError(f"{name} is not laid out as `similitude reproduce --layout` says.") from None


class _Odd(ValueError):
    """Something that scores do not have; the text says what."""


def _before(depth: Any) -> Any:
    """Layers count from 1 in the file."""
    return depth - 1 if isinstance(depth, int) else depth


def _number(value: Any) -> int:
    """A seed, layer or number of components."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise _Odd(f"a number was expected, not a {type(value).__name__}")
    if not 0 <= value < 10**9 or value % 1:
        raise _Odd("a seed, layer or number of components is not a whole number")
    return int(value)


def _feather(subtask: PublishedSubtask, content: bytes) -> Scores:
    check_table(content, subtask.scores_file)
    try:
        frame = pd.read_csv(BytesIO(content))
    except (ValueError, OverflowError):
        raise FileError(f"{subtask.scores_file} is not a table of comma-separated values.") from None
    frame = frame.rename(columns=FEATHER_COLUMNS)
    columns = [column for column in frame.columns if column in FEATHER_COLUMNS.values()]
    if not columns:
        raise FileError(f"{subtask.scores_file} has none of the columns {', '.join(FEATHER_COLUMNS)}.")
    frame = frame.iloc[:_FEATHER_MODELS][columns].apply(pd.to_numeric, errors="coerce")
    frame = frame[frame.notna().any(axis=1)]
    frame.index = _index((subtask.model(int(row)) for row in frame.index), _MODEL_KEYS)
    missing = int(frame.isna().sum().sum())
    faults = (f"{subtask.scores_file}: {missing} score(s) are missing or not numbers",) if missing else ()
    return Scores(subtask, frame, faults)


def _index(keys: Iterable[tuple[int, ...]], names: list[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_tuples(list(keys), names=names)


def _layer_exp(subtask: PublishedSubtask, loaded: Any) -> Scores:
    return _layered(subtask, loaded, lambda of_layer: {0: of_layer[0][0]})


def _pca_deletion(subtask: PublishedSubtask, loaded: Any) -> Scores:
    return _layered(subtask, loaded, dict)


def _layered(subtask: PublishedSubtask, loaded: Any, levels: Callable[[Any], Mapping[Any, Any]]) -> Scores:
    """Scores kept as d[task][seed][layer + 1], out of which `levels` makes deleted components -> accuracies."""
    found: dict[str, dict[tuple[int, ...], Any]] = {}
    faults = []
    for task, of_task in loaded.items():
        column = found.setdefault(str(task), {})
        for seed, of_seed in of_task.items():
            for depth, of_layer in of_seed.items():
                if depth == 0:  # the embedding, which has no representation in the archive
                    continue
                try:
                    for deleted, accuracies in levels(of_layer).items():
                        key = (*subtask.model(_number(seed)), _number(depth) - 1, _number(deleted))
                        column[key] = _mean(accuracies)
                except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
                    reason = f" ({error})" if isinstance(error, _Odd) else ""
                    where = f"{task}, seed {seed}, layer {_before(depth)}"
                    faults.append(f"{subtask.scores_file}: {where} is unusable{reason}")
    keys = sorted({key for column in found.values() for key in column})
    if not keys:
        raise _Odd("; ".join(faults[:1]) or "it holds no scores")
    if len(models := {key[:2] for key in keys}) > _MOST_MODELS:
        raise _Odd(f"it names {len(models):,} models, more than {_MOST_MODELS:,}")
    table = pd.DataFrame(
        {task: np.array([column.get(key, np.nan) for key in keys]) for task, column in found.items()},
        index=_index(keys, _LAYER_KEYS),
    )
    return Scores(subtask, table, tuple(faults))


def _mean(accuracies: Any) -> Any:
    """Mean in the precision in which the accuracies are kept, as published."""
    if np.size(accuracies) == 0:
        raise _Odd("an empty list of accuracies")
    mean = np.mean(accuracies)
    if not np.isfinite(mean) or np.iscomplexobj(mean):
        raise _Odd("an accuracy that is not a finite number")
    return mean


def _pretrain_finetune(subtask: PublishedSubtask, loaded: Any) -> Scores:
    correct, examples = loaded
    groups = _example_groups(examples)
    found: dict[Model, dict[str, Any]] = {}
    items: dict[str, dict[Model, np.ndarray]] = {name: {} for name in groups}
    faults = []
    for seed, of_seed in correct.items():
        for step, vector in of_seed.items():
            answers = np.asarray(vector)
            if answers.shape != (len(examples),) or answers.dtype.kind not in "biuf":
                faults.append(
                    f"{subtask.scores_file}: seeds ({seed}, {step}) have {answers.dtype} results of shape "
                    f"{answers.shape} for {len(examples)} examples"
                )
                continue
            if answers.dtype.kind == "f" and not np.isfinite(answers).all():
                faults.append(f"{subtask.scores_file}: seeds ({seed}, {step}) have results that are not finite")
                continue
            model = subtask.model(_number(seed), _number(step))
            for name, rows in groups.items():
                items[name][model] = answers[rows]
            found[model] = {name: np.mean(answers[rows]) for name, rows in groups.items()}
    if not found:
        raise _Odd("; ".join(faults[:1]) or "it holds no results")
    if len(found) > _MOST_MODELS:
        raise _Odd(f"it names {len(found):,} models, more than {_MOST_MODELS:,}")
    models = sorted(found)
    absent = sorted({Model(s, f) for s in {m.seed for m in models} for f in {m.step for m in models}} - set(models))
    if absent:
        faults.append(f"{subtask.scores_file} lacks seeds {', '.join(f'({m.seed}, {m.step})' for m in absent)}")
    columns = {name: np.array([found[model][name] for model in models]) for name in groups}
    return Scores(subtask, pd.DataFrame(columns, index=_index(models, _MODEL_KEYS)), tuple(faults), items)


def _example_groups(examples: Any) -> dict[str, list[int]]:
    """Test set to the positions of its examples: a set a prefix of guid, and the HANS set of the paper."""
    groups: dict[str, list[int]] = {}
    for position, example in enumerate(examples):
        groups.setdefault(str(example["guid"]).split("-")[0], []).append(position)
    lexical = [
        position
        for position, example in enumerate(examples)
        if "HANS" in example["guid"]
        and example["heuristic"] == "lexical_overlap"
        and example["label"] == "non-entailment"
    ]
    return groups | ({"lex_nonent": lexical} if lexical else {})


_READERS: dict[str, Callable[[PublishedSubtask, Any], Scores]] = {
    "layer_exp": _layer_exp,
    "pca_deletion": _pca_deletion,
    "pretrain_finetune": _pretrain_finetune,
}
