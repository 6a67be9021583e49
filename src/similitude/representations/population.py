"""Many networks on the same inputs: representations by model and layer, attributes, and scores of what they can do."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from similitude.errors import InputError, UnknownName, suggestion
from similitude.representations.representation import Representation

__all__ = ["ModelRecord", "Population", "Score"]


@dataclass(frozen=True)
class Score:
    """How well a model, a layer, or a truncated layer does something.

    Parameters
    ----------
    functionality
        What was tried, e.g. ``"accuracy/noise"`` or ``"probe"``.
    value
        The result; for an accuracy, the share of items answered rightly, 0 to 1.
    layer
        The layer whose representation was read out; None where the score is the whole model's.
    deleted
        Number of trailing principal components deleted before.
    items
        Number of test items; None if it is not a mean over items.
    """

    functionality: str
    value: float
    layer: str | None = None
    deleted: int = 0
    items: int | None = None


@dataclass(frozen=True)
class ModelRecord:
    """All that is kept of one network.

    Parameters
    ----------
    model
        Its name, unique in the population.
    representations
        Layer name to array of shape (n inputs, d features).
    attributes
        What made it: seed, steps, accuracy in training ...
    scores
        What it can do.
    items
        Functionality to an array of shape (test items,): right (1) or wrong (0), or one number per item.
    """

    model: str
    representations: Mapping[str, np.ndarray]
    attributes: Mapping[str, str | int | float] = field(default_factory=dict)
    scores: Sequence[Score] = ()
    items: Mapping[str, np.ndarray] = field(default_factory=dict)


class Population:
    """Networks compared on the same inputs.

    Parameters
    ----------
    name
        Shown in tables and figures.
    layers
        Layer names, from input to output; every model has them all.
    attributes
        One row per model, indexed by model name.
    scores
        Columns model, layer, deleted, functionality, value, items: one row a `Score`.
    load
        Function of (model, layer) that returns a Representation; called each time one is asked for.
    load_items
        Function of (model, functionality) that returns the per-item results.
    description
        What varies, and how it was made, in a sentence or two.
    """

    def __init__(
        self,
        name: str,
        layers: Sequence[str],
        attributes: pd.DataFrame,
        scores: pd.DataFrame,
        load: Callable[[str, str], Representation],
        load_items: Callable[[str, str], np.ndarray] | None = None,
        description: str = "",
    ) -> None:
        self.name = name
        self.layers = tuple(layers)
        self.attributes = attributes
        self.scores = scores
        self.description = description
        self._load = load
        self._load_items = load_items

    @classmethod
    def from_records(
        cls,
        name: str,
        layers: Sequence[str],
        records: Iterable[ModelRecord],
        *,
        ids: Sequence[str] | None = None,
        description: str = "",
    ) -> Population:
        """Population of records held in memory."""
        by_model = {record.model: record for record in records}
        for record in by_model.values():
            check_features(record)
        held = {
            (model, layer): Representation(record.representations[layer], model=model, layer=layer, ids=ids)
            for model, record in by_model.items()
            for layer in layers
        }
        return cls(
            name,
            layers,
            attributes_frame({model: record.attributes for model, record in by_model.items()}),
            scores_frame({model: record.scores for model, record in by_model.items()}),
            lambda model, layer: held[model, layer],
            lambda model, functionality: np.asarray(by_model[model].items[functionality]),
            description,
        )

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in order."""
        return tuple(self.attributes.index)

    def representation(self, model: str, layer: str) -> Representation:
        """Representation of a layer of a model.

        Raises
        ------
        UnknownName
            No such model or layer; the nearest names are given.
        """
        for kind, name, known in (("model", model, self.models), ("layer", layer, self.layers)):
            if name not in known:
                raise UnknownName(f"Population {self.name!r} has no {kind} {name!r}. {suggestion(name, known)}")
        return self._load(model, layer)

    def items(self, functionality: str) -> np.ndarray:
        """Per-item results of a functionality, of shape (models, test items)."""
        if self._load_items is None:
            raise InputError(f"Population {self.name!r} keeps no results per test item.")
        return np.stack([self._load_items(model, functionality) for model in self.models])

    def subset(self, models: Sequence[str], layers: Sequence[str] | None = None) -> Population:
        """Return the same population with some of its models, in the order given, and perhaps some of its layers."""
        unknown = [model for model in models if model not in self.models]
        if unknown:
            raise UnknownName(
                f"Population {self.name!r} has no model {unknown[0]!r}. {suggestion(unknown[0], self.models)}"
            )
        scores = self.scores[self.scores["model"].isin(models)]
        attributes = self.attributes.loc[list(models)]
        kept = self.layers if layers is None else tuple(layers)
        if layers is not None:
            scores = scores[scores["layer"].isna() | scores["layer"].isin(kept)]
        return Population(self.name, kept, attributes, scores, self._load, self._load_items, self.description)

    def sampled(self, inputs: int | None, seed: int = 0) -> Population:
        """Return the same population on a random sample of its inputs, in their order.

        Parameters
        ----------
        inputs
            How many; None, or no fewer than there are, for all of them. Scores stay those of the networks.
        seed
            Of the sample: populations of as many inputs have the same one.
        """
        if inputs is None:
            return self

        @functools.cache
        def rows(n: int) -> np.ndarray:
            return np.sort(np.random.default_rng(seed).choice(n, inputs, replace=False))

        def load(model: str, layer: str) -> Representation:
            found = self._load(model, layer)
            return found if found.n <= inputs else found.reordered(rows(found.n))

        return Population(
            self.name, self.layers, self.attributes, self.scores, load, self._load_items, self.description
        )

    def with_attribute(self, name: str, values: Mapping[str, str | int | float]) -> Population:
        """Return the same population with an attribute, given by model."""
        attributes = self.attributes.assign(**{name: [values[model] for model in self.models]})
        return Population(
            self.name, self.layers, attributes, self.scores, self._load, self._load_items, self.description
        )

    def __repr__(self) -> str:
        return f"Population({self.name!r}, {len(self.models)} models x {len(self.layers)} layers)"


def check_features(record: ModelRecord) -> None:
    """Refuse a record whose layers are not features."""
    for layer, values in record.representations.items():
        if isinstance(values, Representation) and not values.has_features:
            raise InputError(
                f"Model {record.model!r}, layer {layer!r} is an RDM; a population keeps features, n inputs x d. "
                "Compare RDMs with similitude.pairwise."
            )


def attributes_frame(attributes: Mapping[str, Mapping[str, str | int | float]]) -> pd.DataFrame:
    """One row per model, indexed by its name."""
    return pd.DataFrame(list(attributes.values()), index=pd.Index(list(attributes), name="model"))


def scores_frame(scores: Mapping[str, Sequence[Score]]) -> pd.DataFrame:
    """One row per score."""
    rows = [
        (model, score.layer, score.deleted, score.functionality, float(score.value), score.items)
        for model, of_model in scores.items()
        for score in of_model
    ]
    return pd.DataFrame(rows, columns=["model", "layer", "deleted", "functionality", "value", "items"]).astype(
        {"layer": object, "deleted": int, "value": float, "items": "Int64"}
    )
