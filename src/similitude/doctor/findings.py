"""What may be wrong with the data of a comparison, in plain language, before a number is believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from similitude.doctor.chance import NOTABLE, chance_of_spectrum, sphericity
from similitude.doctor.outliers import check_outliers
from similitude.doctor.rdms import check_dissimilarities
from similitude.doctor.rows import match_p_value, same_rows_reordered
from similitude.linalg.scale import exponent_of, largest_of, scaled

__all__ = ["Finding", "Severity", "Specimen", "examine", "examine_array", "examine_pair"]

Severity = Literal["error", "warning", "note"]

_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One thing to know about the data.

    Parameters
    ----------
    severity
        ``error``: cannot be compared; ``warning``: a number would probably mislead; ``note``: to be kept in mind.
    check
        Which check found it.
    where
        The array, or the two.
    text
        What it is, what it does to measures, what to do.
    numbers
        The same for a program.
    """

    severity: Severity
    check: str
    where: str
    text: str
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Specimen:
    """An array with its name and, if known, the ids of its rows; `is_rdm` if it holds dissimilarities of its rows."""

    name: str
    values: np.ndarray
    ids: tuple[str, ...] | None = None
    is_rdm: bool = False


def examine(specimens: Sequence[Specimen], pairs: Sequence[tuple[int, int]] | None = None) -> list[Finding]:
    """Findings for each array by itself and for pairs of them, the severest first.

    Parameters
    ----------
    specimens
        The arrays.
    pairs
        Indices of those that are meant to be compared; by default each with the first.
    """
    found = [finding for specimen in specimens for finding in examine_array(specimen)]
    unfit = {finding.where for finding in found if finding.severity == "error"}
    for i, j in [(0, j) for j in range(1, len(specimens))] if pairs is None else pairs:
        if not {specimens[i].name, specimens[j].name} & unfit:
            found += examine_pair(specimens[i], specimens[j])
    return sorted(found, key=lambda finding: ("error", "warning", "note").index(finding.severity))


def examine_array(specimen: Specimen) -> list[Finding]:
    """Findings for one array."""
    found: list[Finding] = []

    def tell(severity: Severity, check: str, text: str, **numbers: Any) -> None:
        found.append(Finding(severity, check, specimen.name, text, numbers))

    values = specimen.values
    if specimen.is_rdm:
        check_dissimilarities(values, tell)
        return found
    if values.dtype.kind not in "biuf":
        tell(
            "error",
            "type",
            f"Values of type {values.dtype} are not numbers. Save a numeric array.",
            dtype=str(values.dtype),
        )
        return found
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] < 1:
        tell(
            "error",
            "shape",
            f"Shape {values.shape} is not inputs x features with two inputs or more. Reduce feature maps to a row an "
            "input.",
            shape=list(values.shape),
        )
        return found
    if not _check_finite(values, tell):
        return found
    _check_type(values, tell)
    x = values.astype(np.float64)
    mean = x.mean(axis=0)
    centred = x - mean
    if not centred.any():
        tell("error", "constant", "Every feature is constant over the inputs; there is nothing to compare.")
        return found
    _check_orientation(specimen, tell)
    _check_rows(x, tell)
    _check_features(x, centred, tell)
    _check_scale(values.dtype, mean, centred, tell)
    _check_width(centred, tell)
    return found


def examine_pair(first: Specimen, second: Specimen) -> list[Finding]:
    """Findings for two arrays that are to be compared."""
    found: list[Finding] = []
    where = f"{first.name} and {second.name}"

    def tell(severity: Severity, check: str, text: str, **numbers: Any) -> None:
        found.append(Finding(severity, check, where, text, numbers))

    x, y = (np.asarray(s.values, dtype=np.float64) for s in (first, second))
    if len(x) != len(y):
        _tell_lengths(first, second, tell)
        return found
    if first.ids is not None and second.ids is not None and first.ids != second.ids:
        shared = len(set(first.ids) & set(second.ids))
        if shared == len(x):
            text = "They have the same input ids in another order. Put the rows of one in the order of the other."
        else:
            text = f"Of {len(x)} input ids they share {shared}. Compare responses to the same inputs."
        tell("error", "inputs", text, shared=shared, n=len(x))
        return found
    if first.is_rdm or second.is_rdm:
        return found
    unit_x, unit_y = (exponent_of(largest_of(values)) for values in (x, y))
    x, y = scaled(x, -unit_x), scaled(y, -unit_y)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    if not x.any() or not y.any():
        return found
    chance = chance_of_spectrum(len(x), sphericity(x), sphericity(y))
    if chance >= NOTABLE:
        tell(
            "warning",
            "chance",
            f"With n = {len(x)} inputs for {x.shape[1]} and {y.shape[1]} features, CKA would be {chance:.2f} if rows "
            "were paired at random. Use more inputs, or cka(debiased=true).",
            chance=chance,
        )
    if unit_x == unit_y and same_rows_reordered(x, y):
        tell("error", "inputs", "They hold the same rows in another order: the inputs of one were shuffled.")
        return found
    p = match_p_value(x, y)
    if p > 0.05:
        tell(
            "warning",
            "inputs",
            f"Their rows match no better than rows paired at random (p = {p:.2f}): the inputs may be others, or in "
            "another order. Check that both were given the same inputs without shuffling.",
            p=p,
        )
    check_outliers(x, y, tell)
    return found


_Tell = Callable[..., None]


def _check_finite(values: np.ndarray, tell: _Tell) -> bool:
    finite = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, dtype=bool)
    if finite.all():
        return True
    rows = np.flatnonzero(~finite.all(axis=1))
    columns = np.flatnonzero(~finite.all(axis=0))
    row, column = (int(i) for i in np.argwhere(~finite)[0])
    tell(
        "error",
        "finite",
        f"{int((~finite).sum())} values are NaN or infinite, in {len(rows)} rows ({_some(rows)}) and {len(columns)} "
        f"features; the first is at row {row}, feature {column}. Remove those inputs from every network, so that "
        "rows still match.",
        count=int((~finite).sum()),
        rows=rows.tolist(),
        columns=columns.tolist(),
    )
    return False


def _check_type(values: np.ndarray, tell: _Tell) -> None:
    if values.dtype.kind == "f" and values.dtype.itemsize < 4:
        tell(
            "note",
            "type",
            f"Stored as {values.dtype}, with about three digits. Measures compute in double precision, but what was "
            "rounded away stays away; save activations as float32.",
            dtype=str(values.dtype),
        )
    elif values.dtype.kind != "f":
        distinct = len(np.unique(values[:1000]))
        tell(
            "warning" if distinct < 20 else "note",
            "type",
            f"Integers with {distinct} distinct values in the first rows: are these labels, token ids or an image, "
            "not a representation?",
            dtype=str(values.dtype),
            distinct=distinct,
        )


def _check_orientation(specimen: Specimen, tell: _Tell) -> None:
    n, d = specimen.values.shape
    if specimen.ids is not None and len(specimen.ids) != n:
        hint = " It seems to be features x inputs: pass its transpose." if len(specimen.ids) == d else ""
        tell("error", "orientation", f"{len(specimen.ids)} input ids for {n} rows.{hint}", n=n, d=d)


def _check_rows(x: np.ndarray, tell: _Tell) -> None:
    zero = np.flatnonzero(~x.any(axis=1))
    if len(zero):
        tell(
            "warning",
            "padding",
            f"{len(zero)} rows are all zero ({_some(zero)}): padding, or inputs that were never run? Rows that are "
            "alike in both networks raise every similarity. Leave them out.",
            rows=zero.tolist(),
        )
    _, first, counts = np.unique(x, axis=0, return_index=True, return_counts=True)
    repeated = (counts > 1) & x[first].any(axis=1)
    extra = int((counts[repeated] - 1).sum())
    if extra:
        largest = int(counts[repeated].max())
        padding = largest > max(2, len(x) // 20)
        tell(
            "warning" if padding or extra > len(x) // 20 else "note",
            "duplicates",
            f"{extra} rows repeat others; one row is there {largest} times (first at "
            f"{int(first[repeated][counts[repeated].argmax()])})"
            + (": padding tokens, or an input given many times? " if padding else ". ")
            + "Duplicates count an input several times, and are each other's nearest neighbours.",
            extra=extra,
            largest=largest,
        )


def _check_features(x: np.ndarray, centred: np.ndarray, tell: _Tell) -> None:
    d = x.shape[1]
    dead = ~x.any(axis=0)
    constant = ~centred.any(axis=0) & ~dead
    for check, flags, word in (("dead", dead, "zero for every input"), ("constant", constant, "constant")):
        share = flags.mean()
        if flags.any():
            tell(
                "warning" if share > 0.5 else "note",
                check,
                f"{int(flags.sum())} of {d} features are {word} ({_some(np.flatnonzero(flags))}). Most measures are "
                "blind to them; those that count features are not.",
                features=np.flatnonzero(flags).tolist(),
            )
    variance = (centred**2).sum(axis=0)
    share = variance / variance.sum()
    top = int(share.argmax())
    if d > 1 and share[top] > max(0.5, 10 / d):
        tell(
            "warning",
            "dominant",
            f"Feature {top} alone holds {share[top]:.0%} of the variance. CKA, Procrustes and RSA see little else. "
            "If that is not meant, standardise features, or compare with a measure of the CCA family.",
            feature=top,
            share=float(share[top]),
        )
    of_rows = (centred**2).sum(axis=1)
    part = of_rows / of_rows.sum()
    row = int(part.argmax())
    if part[row] > max(0.1, 10 / len(x)) and len(x) > 10:
        tell(
            "warning",
            "outliers",
            f"Row {row} alone holds {part[row]:.0%} of the variance: an outlier that decides CKA and Procrustes. "
            "Look at that input.",
            row=row,
            share=float(part[row]),
        )


def _check_scale(dtype: np.dtype, mean: np.ndarray, centred: np.ndarray, tell: _Tell) -> None:
    spread = float(np.sqrt((centred**2).mean()))
    offset = float(np.sqrt((mean**2).mean()))
    digits = np.finfo(dtype).eps if dtype.kind == "f" else 0.0
    if offset * digits > 0.01 * spread:
        tell(
            "warning",
            "offset",
            f"The mean is {offset / spread:.0f} times the spread, so that {dtype} keeps hardly a digit of what "
            "differs between inputs. Subtract the mean before saving.",
            offset=offset,
            spread=spread,
        )
    elif offset > 10 * spread:
        tell(
            "note",
            "offset",
            f"The mean is {offset / spread:.0f} times the spread. Measures here centre first and are not troubled; "
            "code that does not centre would report a similarity near 1.",
            offset=offset,
            spread=spread,
        )
    if not 1e-4 < spread < 1e4:
        tell(
            "note",
            "scale",
            f"Values spread by about {spread:.1e}. Measures here do not mind; code with absolute tolerances does.",
            spread=spread,
        )


def _check_width(centred: np.ndarray, tell: _Tell) -> None:
    n, d = centred.shape
    if n - 1 < d:
        eigenvalues = np.linalg.eigvalsh(centred @ centred.T)
        rank = int((eigenvalues > n * np.finfo(np.float64).eps * eigenvalues[-1]).sum())
        if rank < n - 1:
            tell("note", "width", f"n = {n} inputs for d = {d} features, of rank {rank}.", n=n, d=d, rank=rank)
            return
        tell(
            "warning",
            "width",
            f"n = {n} inputs for d = {d} features: any two such representations are related perfectly by a linear "
            "map, so CCA and linear regression say nothing, and CKA is "
            f"{chance_of_spectrum(n, *2 * [sphericity(centred)]):.2f} by chance against one of the same spectrum. "
            "Use more inputs than features.",
            n=n,
            d=d,
            rank=rank,
        )
    elif n < 10 * d:
        tell(
            "note",
            "width",
            f"n = {n} inputs for d = {d} features: CCA between unrelated representations of this width would be about "
            f"{np.sqrt(min(1.0, d / (n - 1))):.2f}. Ten inputs a feature make it trustworthy.",
            n=n,
            d=d,
        )


def _tell_lengths(first: Specimen, second: Specimen, tell: _Tell) -> None:
    (n, d), (m, e) = first.values.shape, second.values.shape
    hint = ""
    if first.is_rdm or second.is_rdm:
        pass
    elif d == e:
        hint = " Their widths agree: are both features x inputs? Then pass their transposes."
    elif d == m or n == e:
        hint = f" But {first.values.shape} and {second.values.shape} share a length: is one of them features x inputs?"
    tell(
        "error", "inputs", f"{n} and {m} inputs; row i of both must be the response to the same input.{hint}", n=[n, m]
    )


def _some(indices: np.ndarray) -> str:
    shown = ", ".join(str(int(i)) for i in indices[:_SHOWN])
    return shown + (", ..." if len(indices) > _SHOWN else "")
