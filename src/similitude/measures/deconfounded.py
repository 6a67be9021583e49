"""Similarity beyond what the inputs themselves explain."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from similitude.errors import InputError, MeasureError
from similitude.factors.base import Cost, Cross, Factor, reading
from similitude.factors.pair import Pair, Side
from similitude.linalg.principal import centre, thin_svd
from similitude.linalg.scale import root
from similitude.measures.base import Invariance, Measure, Properties
from similitude.measures.cka import CKA
from similitude.measures.parse import get_measure, remember
from similitude.measures.rsa import RSA
from similitude.representations.representation import Representation

__all__ = ["Confounder", "Deconfounded", "deconfounded"]

_OF_RSA = ("spearman", "pearson", "kendall", "cosine", "whitened_cosine", "whitened_pearson")
"""Comparisons of RDMs that are the cosine between two vectors."""

_EXPLAINED = 1e-9
"""Share of a side's squared length below which what the confounder leaves has too few digits."""


def deconfounded(measure: str | Measure, confounder: Any) -> Measure:
    """Return a measure of the similarity that remains once that of the inputs has been regressed out of both sides.

    Networks look alike because similar inputs get similar representations in any of them, also in random ones. The
    kernel, or RDM, of the inputs is regressed out of those of both sides, and the residuals are compared.

    Parameters
    ----------
    measure
        CKA, or RSA by a correlation or cosine: an id such as ``"cka(debiased=true)"``, or a measure.
    confounder
        A representation of the inputs, such as their pixels or embeddings, of shape (n, ...), or an RDM for RSA; row i
        is the same input as row i of the sides.

    Returns
    -------
    Measure
        Usable wherever a measure is. Its id has a hash of the confounder: ``deconfounded(of=cka,given=5e0c61d0a3b2)``.

    Raises
    ------
    InputError
        A measure that is not a cosine between kernels or RDMs, or data that cannot be compared.

    References
    ----------
    Cui et al. 2022, arXiv:2202.00095.

    Examples
    --------
    Random networks, shown inputs of ten classes:

    >>> rng = np.random.default_rng(0)
    >>> inputs = np.repeat(rng.normal(size=(10, 64)), 20, axis=0) + 0.3 * rng.normal(size=(200, 64))
    >>> X, Y = (np.tanh(inputs @ rng.normal(size=(64, 100)) / 8) for _ in range(2))
    >>> bool(get_measure("cka")(X, Y) > 0.8), bool(abs(deconfounded("cka", inputs)(X, Y)) < 0.2)
    (True, True)
    """
    if not isinstance(confounder, Representation) and np.ndim(confounder) > 2:
        confounder = confounder.reshape(len(confounder), -1)
    if not isinstance(confounder, Representation):
        confounder = Representation(confounder, model="the confounder")
    return remember(Deconfounded(get_measure(measure), Confounder(confounder)))


class Confounder:
    """A representation of the inputs; two of the same content are equal.

    Parameters
    ----------
    representation
        Features, or an RDM.
    """

    def __init__(self, representation: Representation) -> None:
        self.representation = representation

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Confounder) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    def __str__(self) -> str:
        """First digits of the content hash, which stand for it in ids."""
        return self._content[:12]

    def __repr__(self) -> str:
        return f"Confounder({self})"

    def __reduce__(self) -> tuple[type[Confounder], tuple[Representation]]:
        """Pickled without what has been computed of it."""
        return Confounder, (self.representation,)

    @property
    def _content(self) -> str:
        return self.representation.content_hash

    @functools.cached_property
    def side(self) -> Side:
        """As one side of pairs; its factors are computed once."""
        return Side.of(self.representation)

    @functools.cached_property
    def rotated(self) -> Side:
        """The same but for an offset and a rotation of the features, with no more of them than there are inputs."""
        given = self.representation
        if not given.has_features or given.d <= given.n:
            return self.side
        values = self.side.values
        u, s, _ = thin_svd(centre(values, values.mean(axis=0), np), np)
        return Side.of(Representation(u * s, model=given.model, layer=given.layer, ids=given.ids))


@dataclass(frozen=True)
class Confounded(Factor):
    """Similarity of a representation and the confounder.

    Parameters
    ----------
    of
        The measure.
    given
        The confounder.
    """

    of: Measure
    given: Confounder

    size = ""

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the measure
        """What the measure reads of a side, in whichever way it computes it."""
        found = set[Factor]()
        for way in range(2):
            found |= reading(self.of.uses(), lambda cross, way=way: _way(cross, way)).factors
        return tuple(sorted(found, key=repr))

    def cost(self, n: int, d: int) -> Cost:
        """That of one pair."""
        crosses = reading(self.of.uses(), lambda cross: cross.chosen(n, d, n)).crosses
        return Cost(sum(cross.cost(n, d, min(n, self._side.d)).flops for cross in crosses), 0.0)

    def __call__(self, side: Side) -> Any:
        """Value of the measure; it is symmetric."""
        value = self.of.score(Pair(side, self._side))
        if not (1.0 - value) * (1.0 + value) > _EXPLAINED:
            raise MeasureError(
                f"{side.key or 'A side'} is explained by the confounder entirely: nothing remains to compare. "
                "Give a representation of the inputs themselves, not of this network."
            )
        return value

    @property
    def _side(self) -> Side:
        free = {Invariance.ORTHOGONAL, Invariance.TRANSLATION} <= self.of.properties().invariances.both
        return self.given.rotated if free else self.given.side


def _way(cross: Cross, way: int) -> Cross:
    ways = cross.ways(single=False)
    return ways[way % len(ways)] if ways else cross


@dataclass(frozen=True)
class Deconfounded(Measure):
    """Partial correlation of kernels or RDMs, given those of a confounder; see `deconfounded`.

    Parameters
    ----------
    of
        The measure that is deconfounded.
    given
        A representation of the inputs.
    """

    of: Measure
    given: Confounder

    name: ClassVar[str] = "deconfounded"

    def __post_init__(self) -> None:
        """Refuse measures that are no cosine."""
        known = isinstance(self.of, CKA) or (isinstance(self.of, RSA) and self.of.compare in _OF_RSA)
        if not known:
            raise InputError(
                f"{self.of.id} cannot be deconfounded: it is not a cosine between kernels or RDMs. Use cka, or rsa "
                f"with compare={', '.join(_OF_RSA)}."
            )

    def properties(self) -> Properties:
        """Those of the measure, with the formula for what remains."""
        declared = self.of.properties()
        return replace(
            declared,
            bounds=(-1.0, 1.0),
            formula="(s_xy - s_xz s_yz) / sqrt((1 - s_xz^2) (1 - s_yz^2)), s_xy the value of the measure for X and Y, "
            "Z the confounder",
            reference=f"Cui et al. 2022, arXiv:2202.00095; {declared.reference}",
            caution=f"Removes what is linear in the confounder's kernel or RDM, no more. {declared.caution}",
        )

    @property
    def version(self) -> str:  # type: ignore[override]  # changes with that of the measure
        """Version of the measure, and of what is made of it."""
        return f"{self.of.version}.1"

    def uses(self) -> tuple[Factor | Cross, ...]:
        """What the measure uses, and each side's similarity with the confounder."""
        return (*self.of.uses(), self._confounded)

    @property
    def _confounded(self) -> Confounded:
        return Confounded(self.of, self.given)

    def score(self, pair: Pair) -> Any:
        """Cosine between the residuals of the regressions on the confounder."""
        x, y = pair.x[self._confounded], pair.y[self._confounded]
        left = (1.0 - x) * (1.0 + x) * (1.0 - y) * (1.0 + y)
        return min(max((self.of.score(pair) - x * y) / root(left), -1.0), 1.0)
