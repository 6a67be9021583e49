"""On which inputs do two representations differ, by how much of the value, and in which way?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import squareform

from similitude.errors import InputError, MeasureError
from similitude.factors.inputs import check_same_inputs
from similitude.factors.linear import Centred
from similitude.factors.neighbours import NeighbourLists, Neighbours
from similitude.factors.pair import Pair, Side, as_numpy
from similitude.measures import Measure, get_measure
from similitude.representations.about import about
from similitude.representations.frames import on_one_index
from similitude.representations.rdm import RDM
from similitude.representations.representation import Representation
from similitude.result import RecordedResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["KINDS", "Contributions", "contributions"]

KINDS = ("outlier", "lost neighbours", "shift")
"""Kinds of difference: an input that lies far from the mean on one side only; one that has few of its neighbours on the
other side; one that has moved together with them."""

_FAR = 3.5
"""Robust standard deviations by which the logarithm of a distance from the mean exceeds the median, to be far."""

_LOST = 0.5
"""Share of what other inputs keep of their neighbours, below which an input has lost its own."""

_DRAWS = 2000


@dataclass(frozen=True, repr=False)
class Contributions(RecordedResult):
    """What single inputs contribute to a value, as `similitude.contributions` finds it.

    Parameters
    ----------
    inputs
        One row per input, in their order: ``id``, ``contribution`` (they add up to the value), ``difference`` (what the
        input takes from agreement; the more, the less alike), ``chance`` (mean difference with shuffled inputs), ``p``
        (share of shuffles that make it as small: an input with a large p is no more alike than chance), ``length_x``
        and ``length_y`` (distance from the mean, relative to the median), ``kept`` (share of its nearest neighbours
        that both sides have), ``kind`` (one of `KINDS`), and ``group`` if there are groups.
    measure
        The measure.
    value
        Its value, the sum of the contributions.
    groups
        One row per group, largest difference per input first: ``group``, ``n``, ``contribution`` and ``difference``
        (sums), ``share`` of the whole difference, ``ratio`` (of that to the share of inputs), ``p`` (one-sided, of
        groups of as many inputs drawn at random).
    sources
        What is known of the two sides, ``first`` and ``second``: hash, n, d, dtype, reduction, axes.
    """

    inputs: pd.DataFrame
    measure: Measure
    value: float
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def top(self, count: int = 20) -> pd.DataFrame:
        """Return the rows of the inputs that differ most."""
        return self.inputs.sort_values("difference", ascending=False, kind="stable").head(count)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per input; see the attribute ``inputs``."""
        return self.inputs.copy()

    def plot(self, top: int = 20) -> Figure:
        """Draw the inputs that differ most with their chance level, all differences in order, and groups if any.

        Parameters
        ----------
        top
            Number of inputs that are named.
        """
        return self._draw(top=top)

    def sheet(self, images: Any, top: int = 20) -> Figure:
        """Draw the images of the inputs that differ most, each with its id and difference.

        Parameters
        ----------
        images
            One per input, in their order: an array of shape (n, height, width), (n, channels, height, width) or
            (n, height, width, channels) with 1 or 3 channels, or a sequence of such images of any sizes. Floats are
            stretched from the smallest value of an image to its largest; bytes are shown as they are.
        top
            Number of images.

        Raises
        ------
        InputError
            Not one image per input, or of another shape.
        """
        if len(images) != len(self.inputs):
            raise InputError(f"{len(images)} images for {len(self.inputs)} inputs. Give one per input.")
        rows = self.top(top)
        return self._draw(top=top, images=[as_pixels(images[position]) for position in rows.index])


def contributions(
    x: Any,
    y: Any,
    measure: str | Measure = "cka",
    *,
    groups: Sequence[Any] | Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    permutations: int = 50,
    seed: int = 0,
) -> Contributions:
    """Take a value apart into what single inputs contribute to it.

    Of a similarity s the difference of an input is what it would contribute if both sides agreed on it, the mean of its
    contributions to s(X, X) and s(Y, Y), less what it contributes to s(X, Y); for CKA and RSA that is half the squared
    distance between its rows of the two normalised matrices, so never negative. Differences add up to 1 - s where
    s(X, X) = 1. Of a dissimilarity they are the contributions themselves.

    Parameters
    ----------
    x, y
        Arrays or tensors of shape (n, d_x) and (n, d_y), Representations or RDMs. Rows of two DataFrames are matched by
        their index.
    measure
        One that is a sum over inputs: CKA, RSA (but for Kendall's tau), the neighbour measures, the Procrustes
        distances, mean CCA, linear regression.
    groups
        Group of each input: a sequence of n, or a dict of id to group.
    ids
        n names of the inputs; by default those of the representations, else positions.
    permutations
        Number of shuffles for the chance level; 0 leaves it out.
    seed
        Seed of the shuffles.

    Returns
    -------
    Contributions
        Its ``.inputs`` has one row per input, ``.top(20)`` those that differ most, ``.groups`` one row per group.

    Raises
    ------
    MeasureError
        The measure is no sum over inputs, or not defined on these data.
    InputError
        Groups or ids that are not one per input.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(50, 8))
    >>> y = x @ np.linalg.qr(rng.normal(size=(8, 8)))[0]
    >>> y[7] = rng.normal(size=8)
    >>> found = contributions(x, y, "procrustes")
    >>> int(found.top(1)["id"].iloc[0]), found.top(1)["kind"].iloc[0]
    (7, 'lost neighbours')
    """
    chosen = get_measure(measure)
    if permutations < 0:
        raise InputError(f"permutations must be 0 or more, not {permutations}.")
    x, y = on_one_index(x, y)
    sides = _side(x, "first"), _side(y, "second")
    check_same_inputs(*sides)
    pair = Pair(*sides)
    value, terms = float(chosen.value(pair)), chosen.contributions(pair)
    own = [np.zeros(pair.n)] * 2
    if chosen.properties().kind == "similarity":
        own = [chosen.contributions(Pair(side, Side.of(side.representation, "second"))) for side in sides]
    table = pd.DataFrame({"id": _ids(ids, sides), "contribution": terms, "difference": _difference(chosen, terms, own)})
    table["chance"], table["p"] = _null(chosen, sides, own, table["difference"].to_numpy(), permutations, seed)
    table["length_x"], table["length_y"] = (_lengths(side) for side in sides)
    table["kept"] = _kept(pair)
    table["kind"] = _kinds(table)
    compared = [side.representation for side in sides if side.representation is not None]
    sources = {name: about([x])[x.key] for name, x in zip(("first", "second"), compared, strict=True)}
    if groups is None:
        return Contributions(table, chosen, value, sources=sources)
    table["group"] = _groups(groups, table["id"])
    return Contributions(table, chosen, value, _breakdown(table, seed), sources)


def as_pixels(image: Any) -> np.ndarray:
    """Return an image as bytes or floats in [0, 1], of shape (height, width) or (height, width, 3)."""
    pixels = as_numpy(image.detach().cpu() if hasattr(image, "detach") else image)
    if pixels.ndim == 3 and pixels.shape[0] in (1, 3) and pixels.shape[-1] not in (1, 3):
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim != 2 and pixels.shape[-1:] != (3,):
        raise InputError(
            f"An image of shape {np.shape(image)}: (height, width), (channels, height, width) or (height, width, "
            "channels) with 1 or 3 channels is expected."
        )
    if pixels.dtype == np.uint8:
        return pixels
    low, high = float(pixels.min()), float(pixels.max())
    return (pixels - low) / ((high - low) or 1.0)


def _side(data: Any, name: str) -> Side:
    found = data if isinstance(data, Representation) else Representation(data, model=name)
    return Side.of(found, name)


def _ids(ids: Sequence[str] | None, sides: tuple[Side, Side]) -> list[Any]:
    n = sides[0].n
    known = [side.representation.ids for side in sides if side.representation and side.representation.ids is not None]
    names = list(ids) if ids is not None else list(known[0]) if known else list(range(n))
    if len(names) != n:
        raise InputError(f"{len(names)} ids for {n} inputs. Give one per input.")
    return names


def _difference(measure: Measure, terms: np.ndarray, own: Sequence[np.ndarray]) -> np.ndarray:
    if measure.properties().kind == "dissimilarity":
        return terms
    return (own[0] + own[1]) / 2.0 - terms if measure.properties().symmetric else own[0] - terms


def _null(
    measure: Measure,
    sides: tuple[Side, Side],
    own: Sequence[np.ndarray],
    observed: np.ndarray,
    permutations: int,
    seed: int,
) -> tuple[Any, Any]:
    """Mean difference of each input when the inputs of the second side are shuffled, and how often it is as small."""
    if not permutations:
        return np.nan, np.nan
    rng, total, as_small = np.random.default_rng(seed), np.zeros(len(observed)), np.ones(len(observed))
    second = sides[1].representation
    assert second is not None
    for _ in range(permutations):
        order = rng.permutation(len(observed))
        shuffled = second.reordered(order) if isinstance(second, RDM) else Representation(second.values[order])
        terms = measure.contributions(Pair(sides[0], Side.of(shuffled, "second")))
        differences = _difference(measure, terms, (own[0], own[1][order]))
        total += differences
        as_small += differences <= observed
    return total / permutations, as_small / (permutations + 1)


def _lengths(side: Side) -> Any:
    """Distance of each input from the mean, relative to the median; not known of an RDM."""
    if side.dissimilarities is not None:
        return np.nan
    lengths = np.linalg.norm(as_numpy(side[Centred()]), axis=1)
    return lengths / (np.median(lengths) or 1.0)


def _kept(pair: Pair) -> Any:
    """Share of the nearest neighbours of each input, by distance, that both sides have."""
    k = min(10, pair.n - 2)
    try:
        near = [_neighbours(side, k).matrix() for side in (pair.x, pair.y)]
    except (MeasureError, InputError):  # all are equally near, or too few
        return np.nan
    return np.asarray(near[0].multiply(near[1]).sum(axis=1)).ravel() / k


def _neighbours(side: Side, k: int) -> NeighbourLists:
    if side.dissimilarities is None:
        return side[Neighbours(k, "euclidean")]
    matrix = squareform(side.dissimilarities, checks=False)
    np.fill_diagonal(matrix, np.inf)
    return NeighbourLists(np.argsort(matrix, axis=1, kind="stable")[:, :k], matrix[:, :k])


def _kinds(table: pd.DataFrame) -> np.ndarray:
    far = _far(table["length_x"].to_numpy()) != _far(table["length_y"].to_numpy())
    kept = table["kept"].to_numpy()
    return np.where(far, KINDS[0], np.where(kept < _LOST * np.median(kept), KINDS[1], KINDS[2]))


def _far(lengths: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        above = np.log(lengths)  # the median is 1
        return above > _FAR * max(1.4826 * float(np.median(np.abs(above))), 0.1)


def _groups(groups: Sequence[Any] | Mapping[str, Any], ids: pd.Series) -> list[str]:
    if isinstance(groups, Mapping):
        missing = [name for name in ids if str(name) not in groups and name not in groups]
        if missing:
            raise InputError(f"{len(missing)} input(s) have no group, the first is {missing[0]!r}.")
        return [str(groups[name] if name in groups else groups[str(name)]) for name in ids]
    if len(groups) != len(ids):
        raise InputError(f"{len(groups)} groups for {len(ids)} inputs. Give one per input.")
    return [str(group) for group in groups]


def _breakdown(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row per group, compared with groups of as many inputs at random."""
    codes, names = pd.factorize(table["group"])
    difference, counts = table["difference"].to_numpy(), np.bincount(codes)
    sums = np.bincount(codes, difference)
    rng, as_large = np.random.default_rng(seed), np.ones(len(names))
    for _ in range(_DRAWS):
        as_large += np.bincount(codes, rng.permutation(difference)) >= sums * (1 - 1e-12)
    share = sums / sums.sum() if sums.sum() else np.full(len(sums), np.nan)
    found = pd.DataFrame(
        {
            "group": names,
            "n": counts,
            "contribution": np.bincount(codes, table["contribution"]),
            "difference": sums,
            "share": share,
            "ratio": share / (counts / len(codes)),
            "p": as_large / (_DRAWS + 1),
        }
    )
    return found.sort_values("ratio", ascending=False, kind="stable", ignore_index=True)
