"""Comparing two, and all pairs of a list."""

from __future__ import annotations

import copy
import functools
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from array_api_compat import is_torch_array

from similitude.doctor.chance import warn_of_chance
from similitude.doctor.nulls import null_moments
from similitude.engine.budget import Budget
from similitude.engine.chance import QUANTITIES, chance_of_pair, find_chances, moments_or_errors
from similitude.engine.compute import Progress, score_pairs
from similitude.engine.executors import side_by_side
from similitude.engine.ledger import Ledger
from similitude.engine.values import PairValues
from similitude.errors import InputError, SimilitudeWarning
from similitude.factors.inputs import check_same_inputs
from similitude.factors.memory import MEMORY, machine_memory
from similitude.factors.pair import Pair, Side
from similitude.measures import Measure, get_measure, get_measures
from similitude.measures.evaluation import evaluate, tell_failures
from similitude.measures.null import LEVEL, check_inputs
from similitude.representations.about import about
from similitude.representations.frames import on_one_index
from similitude.representations.representation import Representation
from similitude.result import RecordedResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PairTable", "PairValues", "compare", "pairwise"]


def compare(
    x: Any,
    y: Any,
    measures: str | Measure | Iterable[str | Measure] | None = None,
    *,
    memory: float | None = None,
    chance: bool = False,
    permutations: int | None = None,
    seed: int = 0,
) -> PairValues:
    """Compute several measures for two representations, sharing all work.

    Parameters
    ----------
    x, y
        Arrays or tensors of shape (n, d_x) and (n, d_y), Representations or RDMs. Rows of two DataFrames are matched
        by their index.
    measures
        Ids; by default the measures of Ding et al. 2021, or rsa where a side is an RDM.
    memory
        Bytes above which a measure is warned of before it is computed; by default those of the machine.
    chance
        Whether to tell what each value is by chance, in ``.chance`` and in the frame: see `similitude.pairwise`.
    permutations, seed
        Number of shuffles for measures without a closed form, by default 200, and their seed.

    Returns
    -------
    PairValues
        Dict of measure id to value, in the order asked for, which finds a value by any spelling of its id and prints
        with each measure's range and direction. A measure that failed is NaN, with the reason in ``.failures``.

    Raises
    ------
    SimilitudeError
        No measure could be computed: the reason of the first.

    Warns
    -----
    SimilitudeWarning
        Some of the measures are not defined for these data, such as CCA with fewer inputs than features. Or biased CKA
        is asked for with so few inputs that chance alone gives a notable value. Or a measure takes more than `memory`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 5))
    >>> values = compare(X, X @ np.linalg.qr(rng.normal(size=(5, 5)))[0], ["cka", "mean_cca"])
    >>> round(values["cka"], 12)
    1.0
    """
    chosen = get_measures(measures, (x, y))
    x, y = on_one_index(x, y)
    pair = Pair(Side.of(x, "first"), Side.of(y, "second"))
    if chance:
        check_inputs(pair.n)
    each = None  # gradients of tensors are a thread's own
    moments = null_moments(chosen) if chance else []
    first, second = pair.x.representation, pair.y.representation
    in_numpy, allowed = False, machine_memory() if memory is None else memory
    if first is not None and second is not None:
        in_numpy = True
        if not chance:
            warn_of_chance([first], [second], chosen)
        Budget(allowed).warn([(m, [(first, second)]) for m in chosen], stacklevel=2)
        each = functools.partial(side_by_side, size=pair.n * (pair.x.d + pair.y.d))
    found = evaluate(pair, [*chosen, *moments] if in_numpy else chosen, each)
    found, of_chance = found[: len(chosen)], found[len(chosen) :]
    reasons = tell_failures(chosen, found, stacklevel=2)
    values = [float("nan") if isinstance(value, Exception) else value for value in found]
    found_chance: pd.DataFrame | None = None
    sources: dict[str, dict[str, Any]] = {}
    if pair.x.representation is not None and pair.y.representation is not None:
        x_known, y_known = (about([side])[side.key] for side in (pair.x.representation, pair.y.representation))
        sources = {"first": x_known, "second": y_known}
    if chance:
        plain = [float(value.detach() if is_torch_array(value) else value) for value in values]
        found_chance = chance_of_pair(
            (x, y), chosen, plain, of_chance or None, permutations=permutations, seed=seed, memory=allowed
        )
    return PairValues(chosen, values, reasons, pair.n, (pair.x.d, pair.y.d), found_chance, sources)


@dataclass(frozen=True, repr=False)
class PairTable(RecordedResult):
    """Values of measures for ordered pairs of labelled representations.

    Parameters
    ----------
    frame
        Columns first, second (labels) and one per measure; one row per pair.
    rows, columns
        Labels of the first and of the second side, in order.
    failures
        Columns first, second, measure, reason.
    measures
        The measures, in the order of their columns.
    n
        Number of inputs.
    left_out
        Representations that cannot be compared with anything, and are not in the table, with the reason.
    chance
        What each value is by chance, if that was asked for: columns first, second, measure, value, chance, sd, z, p,
        calibrated and null; see `pairwise`.
    largest
        The most alike pair of each measure, and whether it is more alike than the most alike of unrelated data would
        be: columns measure, first, second, value, pairs (how many it is of), p and null.
    sources
        What is known of each representation: hash, n, d, dtype, reduction, axes.
    """

    frame: pd.DataFrame
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    failures: pd.DataFrame
    measures: tuple[Measure, ...]
    n: int
    left_out: Mapping[str, str] = field(default_factory=dict)
    chance: pd.DataFrame | None = None
    largest: pd.DataFrame | None = None
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per pair: ``first`` and ``second`` (labels), and one column per measure.

        Where chance was asked for, columns such as ``cka chance``, ``cka z``, ``cka p`` and ``cka calibrated`` follow.
        """
        frame = self.frame.copy()
        for measure in self.measures if self.chance is not None else ():
            for what in QUANTITIES:
                frame[f"{measure} {what}"] = self.matrix(measure, what).to_numpy().ravel()
        return frame

    def plot(
        self,
        measures: str | Measure | Iterable[str | Measure] | None = None,
        *,
        annotate: bool = False,
        title: str | None = None,
        calibrated: bool = False,
    ) -> Figure:
        """Draw a heat map per measure, beside each other; dark is similar.

        Where chance was asked for, cells of p > 0.05 are hatched.

        Parameters
        ----------
        measures
            Ids; by default all measures of the table.
        annotate
            Whether cells show their values.
        title
            By default the measure and the number of inputs.
        calibrated
            Whether calibrated values are drawn: 0 where chance gives as much, 1 for the best value that there is.

        Returns
        -------
        matplotlib.figure.Figure
            ``.savefig("name.png")`` writes it; a notebook shows it.
        """
        chosen = self.measures if measures is None else get_measures(measures)
        return self._draw(measures=chosen, annotate=annotate, title=title, calibrated=calibrated)

    def matrix(self, measure: str | Measure | None = None, what: str = "value") -> pd.DataFrame:
        """Return the values of one measure, first sides as rows and second sides as columns, labelled.

        Parameters
        ----------
        measure
            Id; may be left out where there is one measure.
        what
            ``"value"``, or, where chance was asked for, ``"chance"``, ``"z"``, ``"p"`` or ``"calibrated"``.

        Returns
        -------
        pandas.DataFrame
            Its ``attrs`` say which measure it is of, and of how many inputs: `similitude.heat_map` reads them.
        """
        if measure is None:
            measure, *others = self.measures
            if others:
                raise InputError(f"Name one of the measures: {', '.join(map(str, self.measures))}.")
        name = str(get_measure(measure))
        if name not in self.frame.columns:
            raise InputError(f"The table has no measure {name!r}; it has {', '.join(self.frame.columns[2:])}.")
        values = self._values(name, what).reshape(len(self.rows), len(self.columns))
        matrix = pd.DataFrame(
            values, index=pd.Index(self.rows, name="first"), columns=pd.Index(self.columns, name="second")
        )
        matrix.attrs = {"measure": name if what == "value" else f"{name}, {what}", "n": self.n}
        return matrix

    def within_chance(self, measure: str | Measure | None = None) -> pd.DataFrame | None:
        """Return which values of one measure have p > 0.05, as `matrix` has them; None if chance was not asked for."""
        return None if self.chance is None else self.matrix(measure, "p") > 1.0 - LEVEL

    def _values(self, name: str, what: str) -> np.ndarray:
        if what == "value":
            return self.frame[name].to_numpy()
        if what not in QUANTITIES:
            raise InputError(f"There is no {what!r} of a value. Known: value, {', '.join(QUANTITIES)}.")
        if self.chance is None:
            raise InputError(f"The table does not know the {what} of its values. Compare with chance=True.")
        return self.chance.loc[self.chance["measure"] == name, what].to_numpy()


def pairwise(
    representations: Sequence[Any] | Mapping[str, Any],
    measures: str | Measure | Iterable[str | Measure] | None = None,
    *,
    others: Sequence[Any] | Mapping[str, Any] | None = None,
    ledger: Ledger | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
    memory: int = MEMORY,
    executor: str = "threads",
    chance: bool = False,
    permutations: int | None = None,
    seed: int = 0,
) -> PairTable:
    """All ordered pairs of a list, or of one list against another.

    A pair whose two sides do not fit `memory` is streamed from its arrays, which may be memory-mapped, by measures that
    allow it: linear CKA, the CCA family, the Procrustes family, shape metrics, linear regression.

    Parameters
    ----------
    representations
        Arrays or tensors of shape (n, d_i), Representations or RDMs; all of the same n inputs. Rows of DataFrames are
        matched by their index. Of a dict, such as `extract` returns, the values; its keys label those that have no
        name, or the same name as another.
    measures
        Ids; by default the measures of Ding et al. 2021, or rsa where there are RDMs.
    others
        Second sides; by default the same list.
    ledger, progress, workers, memory, executor
        See `similitude.engine.compute.score_pairs`.
    chance
        Whether to tell what each value is by chance, that is, for the same data with the inputs of the second side in
        random order: mean, standard deviation, z, one-sided p, and a calibrated value. In closed form for CKA,
        distance correlation and RSA, but for Kendall's tau; by shuffling for other measures, which takes as long as
        that many tables. See `similitude.significance`.
    permutations
        Number of shuffles for measures without a closed form, by default 200. Where given, the maps of all measures
        are shuffled, each time in one order for all pairs, so that ``.largest`` has an exact p-value, not a bound.
    seed
        Of the shuffles.

    Warns
    -----
    SimilitudeWarning
        A measure failed on some pairs; they are NaN, with reasons in ``.failures``. Or biased CKA is asked for with so
        few inputs that chance alone gives a notable value. Or `memory` does not hold two sides that have to be. Or
        some representations cannot be compared, being constant, say; they are in ``.left_out``.

    Raises
    ------
    ShapeMismatch
        Different numbers of inputs, other input ids, or data frames with different indices.
    InputError
        No representation can be compared.
    """
    left_out: dict[str, str] = {}
    first, second = _sides(representations, others, left_out)
    chosen = get_measures(measures, [*first, *second])
    for entry in [*first, *second]:
        check_same_inputs(Side.of(first[0]), Side.of(entry))
    if chance:
        check_inputs(first[0].n)
    else:
        warn_of_chance(first, second, chosen)
    pairs = list(product(first, second))
    moments = null_moments(chosen) if chance else []
    scored = score_pairs(
        pairs,
        [*chosen, *moments],
        ledger=ledger,
        progress=progress,
        workers=workers,
        memory=memory,
        executor=executor,
    )
    labels = [(x.key, y.key) for x, y in pairs]
    frame = pd.DataFrame(labels, columns=["first", "second"])
    for j, measure in enumerate(chosen):
        frame[str(measure)] = scored.values[:, j]
    failed = [found for found in scored.failures if found[1] in frame]
    chances = None
    if chance:
        values, of_chance = scored.values[:, : len(chosen)], moments_or_errors(scored, moments)
        options: dict[str, Any] = {"permutations": permutations, "seed": seed, "memory": memory}
        chances = find_chances(pairs, chosen, values, of_chance, **options)
        failed += chances.failures
    failures = pd.DataFrame(
        [(*labels[i], name, reason) for i, name, reason in failed], columns=["first", "second", "measure", "reason"]
    )
    for count, what, texts in (
        (len(failures), "value(s) failed", failures["reason"]),
        (len(left_out), "representation(s) left out", left_out.values()),
    ):
        if count:
            warnings.warn(f"{count} {what}, the first: {next(iter(texts))}", SimilitudeWarning, stacklevel=2)
    rows, columns = tuple(x.key for x in first), tuple(y.key for y in second)
    sources = about([*first, *second])
    table = PairTable(frame, rows, columns, failures, tuple(chosen), first[0].n, left_out, sources=sources)
    return table if chances is None else replace(table, chance=chances.frame, largest=chances.largest)


_Entries = Sequence[Any] | Mapping[str, Any]


def _sides(
    representations: _Entries, others: _Entries | None, left_out: dict[str, str]
) -> tuple[list[Representation], list[Representation]]:
    """First and second sides, labelled, with frames on one index."""
    given = [representations] if others is None else [representations, others]
    keyed = [list(side.items() if isinstance(side, Mapping) else enumerate(side)) for side in given]
    if not all(keyed):
        raise InputError("There are no representations to compare.")
    entries = iter(on_one_index(*(entry for side in keyed for _, entry in side)))
    found = [
        _labelled([(str(key), next(entries)) for key, _ in of_side], isinstance(side, Mapping), left_out)
        for side, of_side in zip(given, keyed, strict=True)
    ]
    return found[0], found[-1]


def _labelled(entries: Sequence[tuple[str, Any]], keys: bool, left_out: dict[str, str]) -> list[Representation]:
    """Representations with labels of their own: the key or position where there is none, the key where it repeats.

    Of several, those that cannot be compared are noted in `left_out`; if none can, it is an error.
    """
    found: list[tuple[str, Representation]] = []
    first = None
    for name, entry in entries:
        try:
            found.append((name, entry if isinstance(entry, Representation) else Representation(entry, model=name)))
        except InputError as error:
            first = first or error
            left_out[name] = str(error)
    if first is not None and not found:
        raise first
    often = Counter(entry.key for _, entry in found)
    repeated = {label for label in often if often[label] > 1 and keys}
    return [
        entry if (entry.model or entry.layer) and entry.key not in repeated else _named(entry, name)
        for name, entry in found
    ]


def _named(entry: Representation, name: str) -> Representation:
    found = copy.copy(entry)
    found.model, found.layer = name, ""
    return found
