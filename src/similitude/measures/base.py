"""What a measure is: declared properties, what it needs, and one method that turns a pair into a number."""

from __future__ import annotations

import dataclasses
import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from similitude.errors import InputError, MeasureError, OutOfMemory
from similitude.factors.base import Cross, Factor
from similitude.factors.memory import gigabytes, machine_memory, needed
from similitude.factors.pair import Pair, Side
from similitude.measures.parameters import check_parameters
from similitude.representations.frames import on_one_index

if TYPE_CHECKING:
    from similitude.linalg.influence import Influence
    from similitude.measures.maps import Maps
    from similitude.measures.null import ClosedForm

__all__ = ["Invariance", "Invariances", "Kind", "Measure", "Properties", "invariant", "spell"]

_ROUNDING = 1e-12
"""Distance beyond a bound that is rounding."""

Kind = Literal["similarity", "dissimilarity"]


class Invariance(Enum):
    """Transformations of one argument's features; the value is the letter used in tables."""

    PERMUTATION = "P"
    ORTHOGONAL = "O"
    SCALING = "S"
    TRANSLATION = "T"
    LINEAR = "L"


@dataclass(frozen=True)
class Invariances:
    """Under which transformations of the first and of the second argument a value does not change."""

    first: frozenset[Invariance]
    second: frozenset[Invariance]

    @property
    def both(self) -> frozenset[Invariance]:
        """Those that hold for either argument."""
        return self.first & self.second


def invariant(first: str, second: str | None = None) -> Invariances:
    """Invariances by their letters, with what they imply: L gives O and S, O gives P.

    Examples
    --------
    >>> sorted(i.value for i in invariant("LT").both)
    ['L', 'O', 'P', 'S', 'T']
    """
    return Invariances(_closure(first), _closure(first if second is None else second))


def _closure(letters: Iterable[str]) -> frozenset[Invariance]:
    found = set(letters)
    if "L" in found:
        found |= {"O", "S"}
    if "O" in found:
        found.add("P")
    return frozenset(Invariance(letter) for letter in found)


@dataclass(frozen=True)
class Properties:
    """What a measure declares of itself; the generated checks hold it to every word.

    Parameters
    ----------
    kind
        Whether larger means more alike (similarity) or less alike (dissimilarity).
    bounds
        Smallest and largest value; infinite where there is none.
    symmetric
        Whether m(X, Y) = m(Y, X).
    is_metric
        Whether its dissimilarity obeys the triangle inequality and is zero for a representation and itself.
    invariances
        What leaves the value unchanged, for arguments of any width.
    reference
        Source, with arXiv id or DOI.
    formula
        One line of plain mathematics.
    minimum_n
        Fewest inputs on which it is defined.
    needs
        What the data must satisfy besides, in words.
    caution
        When not to use it, in words.
    cost
        How work grows for one pair, once each representation's factors are there.
    exempt_from_self
        True for measures whose value for a representation and itself, or itself with noise, means nothing: chance
        baselines, and estimates from independent samples of features.
    self_is_best
        Whether a representation compared with itself gets exactly the best value within the bounds.
    takes_rdms
        Whether an RDM may take the place of the features of either side.
    differentiable
        Whether the value of PyTorch tensors that require gradients has them.
    """

    kind: Kind
    bounds: tuple[float, float]
    symmetric: bool
    invariances: Invariances
    reference: str
    formula: str
    is_metric: bool = False
    minimum_n: int = 2
    needs: str = ""
    caution: str = ""
    cost: str = ""
    exempt_from_self: bool = False
    self_is_best: bool = True
    takes_rdms: bool = False
    differentiable: bool = False


@dataclass(frozen=True)
class Measure(ABC):
    """A (dis)similarity of two representations of the same inputs.

    Subclasses are frozen dataclasses whose fields are the parameters, with limits or a Literal of the options as
    annotation. They set `name` and `declares`, list the factors and crosses they read in `uses`, and implement `score`.

    Examples
    --------
    >>> import numpy as np
    >>> from similitude import get_measure
    >>> X = np.random.default_rng(0).normal(size=(50, 5))
    >>> round(get_measure("cka")(X, 3 * X + 1), 12)
    1.0
    """

    name: ClassVar[str]
    declares: ClassVar[Properties]
    version: ClassVar[int | str] = 1
    """Raised whenever the same input gives another value, so that stored values are not taken for new ones."""
    variants: ClassVar[tuple[str, ...]] = ()
    """Settings of the parameters that are to be checked besides the defaults, as ids have them: ``"k=5"``."""

    def __post_init__(self) -> None:
        """Refuse values outside the domains of the parameters."""
        check_parameters(self)

    @abstractmethod
    def score(self, pair: Pair) -> Any:
        """The value for one pair, from its factors (``pair.x[factor]``) and crosses (``pair[cross]``)."""

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The factors and crosses that `score` reads; the engine prepares them once for all measures."""
        return ()

    def properties(self) -> Properties:
        """What is declared, for these parameters."""
        return self.declares

    @property
    def aligns(self) -> bool:
        """Whether values rest on an alignment of features, which `similitude.align` gives."""
        return type(self).maps is not Measure.maps

    def maps(self, pair: Pair) -> Maps:
        """The alignment that the value rests on; measures that have one override it."""
        raise MeasureError(f"{self.id} rests on no alignment of features.")

    def closed_form(self) -> ClosedForm | None:
        """What moments of the value over all permutations of inputs follow from; None if permuting is the only way."""
        return None

    def without_each(self, pair: Pair) -> np.ndarray:
        """The value without each input in turn, n, where it has a closed form; measures that have one override it.

        NaN where nothing is left to compare.
        """
        raise MeasureError(f"{self.id} has no closed form without each input. Use cka, distance_correlation, or rsa.")

    @property
    def has_influence(self) -> bool:
        """Whether `influence` tells how values vary with inputs, so that intervals cost little more than the value."""
        return type(self).influence is not Measure.influence

    def influence(self, pair: Pair) -> Influence:
        """How the value depends on the weights of the inputs; measures for which that is cheap override it.

        Raises
        ------
        MeasureError
            Only leaving inputs out can tell.
        """
        raise MeasureError(f"{self.id} has no derivatives by the weights of inputs. Leave inputs out instead.")

    @property
    def contributes(self) -> bool:
        """Whether values are sums of what single inputs contribute, which `contributions` gives."""
        return type(self).contributions is not Measure.contributions

    def contributions(self, pair: Pair) -> np.ndarray:
        """Contribution of each input, shape (n,); they add up to the value. Measures that are sums override it.

        Raises
        ------
        MeasureError
            The measure is no sum over inputs.
        """
        raise MeasureError(
            f"{self.id} is no sum over inputs, so that single inputs have no contributions. Use cka, rsa, procrustes, "
            "mean_cca or mutual_knn, for example."
        )

    def dissimilarity(self, value: Any) -> Any:
        """Turn a value of this measure so that larger means less alike: 1 - s for a similarity s."""
        return 1.0 - value if self.properties().kind == "similarity" else value

    @functools.cached_property
    def id(self) -> str:
        """Canonical name with the parameters that differ from their defaults: ``jaccard(k=5)``."""
        changed = [
            f"{field.name}={spell(getattr(self, field.name))}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        ]
        return self.name + (f"({','.join(changed)})" if changed else "")

    def __str__(self) -> str:
        return self.id

    def __call__(self, x: Any, y: Any) -> Any:
        """Value for two representations of the same inputs.

        Parameters
        ----------
        x, y
                Arrays or tensors of shape (n, d_x) and (n, d_y), Representations or RDMs; row i of both is input i.

        Returns
        -------
        float
            Or a tensor that carries gradients, if an argument is a tensor that requires them.

        Raises
        ------
        InputError
            Data that cannot be compared; see `similitude.representations.validate`.
        ShapeMismatch
            Different numbers of inputs, or different input ids.
        MeasureError
            The measure is not defined on these data.
        """
        x, y = on_one_index(x, y)
        pair = Pair(Side.of(x, "first"), Side.of(y, "second"))
        return self.value(pair)

    def value(self, pair: Pair) -> Any:
        """`score`, after the checks that every measure shares; a float unless gradients are tracked."""
        self.check(pair)
        self._check_memory(pair)
        if self.properties().symmetric and not pair.forward:
            pair = pair.swapped  # so that the value is the same either way round, to the last bit
        try:
            value = self.score(pair)
        except MemoryError as error:
            raise OutOfMemory(self._out_of_memory(pair)) from error
        return value if getattr(value, "requires_grad", False) else self._within_bounds(float(value))

    def _within_bounds(self, value: float) -> float:
        """Take back what rounding put beyond the bounds; values further out are left for the checks to find."""
        nearest = min(max(value, self.properties().bounds[0]), self.properties().bounds[1])
        return nearest if abs(value - nearest) <= _ROUNDING else value

    def check(self, pair: Pair) -> None:
        """Refuse pairs of too few inputs, and dissimilarities where features are needed.

        Raises
        ------
        InputError
            Fewer than `minimum_n` inputs.
        MeasureError
            A side is an RDM.
        """
        declared = self.properties()
        if pair.n < declared.minimum_n:
            raise InputError(f"{self.id} needs at least {declared.minimum_n} inputs; there are {pair.n}.")
        if not declared.takes_rdms:
            for side in (pair.x, pair.y):
                if side.dissimilarities is not None:
                    raise MeasureError(
                        f"{self.id} compares features, and {side.key or 'a side'} is an RDM. Use rsa, or give features."
                    )

    def _check_memory(self, pair: Pair) -> None:
        """Refuse what this machine clearly cannot hold, rather than be killed by its operating system."""
        if not (pair.x.streamed or pair.y.streamed) and self._bytes(pair) > machine_memory():
            raise OutOfMemory(self._out_of_memory(pair))

    def _bytes(self, pair: Pair) -> int:
        return sum(needed(tuple(self.uses()), pair.n, side.d) for side in (pair.x, pair.y))

    def _out_of_memory(self, pair: Pair) -> str:
        return (
            f"{self.id} takes about {gigabytes(self._bytes(pair))} of memory on {pair.n:,} inputs, more than there is: "
            f"{gigabytes(machine_memory())}. Use a random sample of the inputs, or a measure that does not compare all "
            "pairs of inputs, such as cka."
        )


def spell(value: Any) -> str:
    """A parameter's value as ids have it: lower-case true, false and none, numbers with no digit too many."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)
