"""What the intuitive tests say of a measure, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from similitude.benchmark.intuitive.scores import Sensitivity, Specificity
from similitude.measures import Measure

__all__ = ["Marks", "Verdict", "opening_claim", "verdict"]

_BASELINES = ("random", "norm_difference")
"""Not in the running for most specific or most sensitive: chance notices everything."""

_INVARIANT_TO = {
    "L": "every invertible linear map",
    "O": "rotation",
    "P": "permutation of features",
    "S": "scaling",
    "T": "translation",
}


@dataclass(frozen=True)
class Verdict:
    """A page's worth of words on one measure.

    Parameters
    ----------
    invariant_to
        What it cannot see by construction.
    misses, overreacts
        What it should have seen and did not; what it should not have made so much of. Empty if nothing was found.
    summary
        Specificity and sensitivity with their numbers.
    """

    invariant_to: str
    misses: str
    overreacts: str
    summary: str


@dataclass(frozen=True)
class Marks:
    """The three marks of a measure that the paper's opening claim is about.

    Parameters
    ----------
    depth_over_seed
        Specificity, larger is better.
    detected
        Share of components whose loss is noticed in the last layer, smaller is better; infinite if never.
    grade
        Mean rank on the benchmark, smaller is better; NaN where it was not graded.
    """

    depth_over_seed: float
    detected: float
    grade: float


def verdict(measure: Measure, specific: Specificity, sensitive: Sensitivity, layers: Sequence[str]) -> Verdict:
    """Judge a measure by its intuitive tests.

    Parameters
    ----------
    measure
        For what it declares.
    specific, sensitive
        The tests' outcomes on networks of these layers.
    layers
        Layer names; the last is the one that the paper reports on.
    """
    flat = np.ptp(specific.double_map) <= 1e-12
    chance = 1 / len(layers)
    identification = specific.identification.estimate
    over = specific.depth_over_seed
    misses, overreacts = [], []
    if flat:
        misses.append("everything: its dissimilarity is the same for all layers of all networks")
    elif specific.identification.low <= chance:
        misses.append(
            f"which layer matches which in another network: {identification:.0%} identified, {chance:.0%} by chance"
        )
    elif identification < 0.5:
        misses.append(f"the matching layer in another network more often than not ({identification:.0%} identified)")
    last = sensitive.detected[-1].estimate
    if np.isinf(last):
        misses.append(f"any deletion of components from {layers[-1]}: it never exceeds the distance between two seeds")
    elif last >= 0.8 and not _unharmed(sensitive.probe[-1]):
        misses.append(f"the loss of up to {last:.0%} of components of {layers[-1]}{_fallen(sensitive.probe[-1])}")
    if not flat and over.high < 0.5:
        overreacts.append(f"the seed: it changes the measure more than depth in {1 - over.estimate:.0%} of comparisons")
    elif not flat and over.low <= 0.5:
        overreacts.append("the seed: no smaller a change than that of depth")
    if not flat and last <= 0.05:
        overreacts.append(f"the smallest components of {layers[-1]}: it notices when {_share(last)} of them are gone")
    return Verdict(
        _invariances(measure), "; ".join(misses), "; ".join(overreacts), _summary(specific, sensitive, layers)
    )


def opening_claim(marks: Mapping[str, Marks]) -> str:
    """Say whether the paper's opening claim holds: CKA wins on specificity, CCA on sensitivity, neither settles it.

    Parameters
    ----------
    marks
        Measure id to marks; ``cka`` and ``pwcca`` are compared.
    """
    if not {"cka", "pwcca"} <= set(marks):
        return "The paper's opening claim is about cka and pwcca, which were not both tested."
    cka, pwcca = marks["cka"], marks["pwcca"]
    first = cka.depth_over_seed > pwcca.depth_over_seed
    second = pwcca.detected < cka.detected
    specific = (
        f"On specificity CKA {'wins over' if first else 'does not win over'} PWCCA: depth outweighs the seed in "
        f"{cka.depth_over_seed:.0%} of comparisons against {pwcca.depth_over_seed:.0%}."
    )
    sensitive = (
        f"On sensitivity PWCCA {'wins over' if second else 'does not win over'} CKA: a deletion of components of the "
        f"last layer is {_noticed(pwcca.detected)} by PWCCA, {_noticed(cka.detected)} by CKA."
    )
    holds = "holds" if first and second else "holds in part" if first or second else "does not hold"
    contestants = {name: m for name, m in marks.items() if name not in _BASELINES}
    settles = "Grades were not computed, so what settles it is open."
    if any(np.isfinite(m.grade) for m in contestants.values()):
        specific_best = _best({name: -m.depth_over_seed for name, m in contestants.items()})
        sensitive_best = _best({name: m.detected for name, m in contestants.items()})
        graded_best = _best({name: m.grade for name, m in contestants.items()})
        agree = [
            test
            for test, winners in (("specificity", specific_best), ("sensitivity", sensitive_best))
            if winners == graded_best
        ]
        settles = (
            f"Most specific: {', '.join(specific_best)}; most sensitive: {', '.join(sensitive_best)}; best on the "
            f"benchmark: {', '.join(graded_best)}. "
            + (
                f"Here the benchmark agrees with {' and '.join(agree)}."
                if agree
                else "Neither intuitive test settles it."
            )
        )
    return f"The paper's opening claim {holds} on these networks. {specific} {sensitive} {settles}"


def _best(marks: Mapping[str, float]) -> list[str]:
    """All that share the smallest mark."""
    smallest = np.nanmin(list(marks.values()))
    return [name for name, mark in marks.items() if mark <= smallest + 1e-9]


def _invariances(measure: Measure) -> str:
    letters = [i.value for i in measure.properties().invariances.both]
    if "L" in letters:
        letters = [letter for letter in letters if letter not in "OPS"]
    elif "O" in letters:
        letters = [letter for letter in letters if letter != "P"]
    return ", ".join(_INVARIANT_TO[letter] for letter in sorted(letters)) or "nothing"


def _summary(specific: Specificity, sensitive: Sensitivity, layers: Sequence[str]) -> str:
    i, d = specific.identification, specific.depth_over_seed
    last = sensitive.detected[-1]
    return (
        f"Finds the same layer in another network {i.estimate:.0%} of the time [{i.low:.0%}, {i.high:.0%}] "
        f"(chance {1 / len(layers):.0%}); depth outweighs the seed in {d.estimate:.0%} [{d.low:.0%}, {d.high:.0%}]. "
        f"Deleting components of {layers[-1]}: {_noticed(last.estimate)} "
        f"[{_share(last.low)}, {_share(last.high)}]{_fallen(sensitive.probe[-1])}."
    )


def _fallen(probe: np.ndarray) -> str:
    if not np.isfinite(probe).all():
        return ""
    if _unharmed(probe):
        return f", with the probe still at {probe[1]:.1%} ({probe[0]:.1%} in full)"
    return f", by when the probe has fallen from {probe[0]:.1%} to {probe[1]:.1%}"


def _unharmed(probe: np.ndarray) -> bool:
    """Whether a probe reads out as much as before; then what was deleted was not missed."""
    return bool(np.isfinite(probe).all() and probe[1] > probe[0] - 0.01)


def _noticed(value: float) -> str:
    return "never noticed" if np.isinf(value) else f"noticed at {_share(value)}"


def _share(value: float) -> str:
    return "never" if np.isinf(value) else f"{value:.0%}" if value >= 0.01 else "under 1%"
