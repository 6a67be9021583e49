"""A measure in words, from what it declares and from its docstring."""

from __future__ import annotations

import csv
import dataclasses
import functools
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from similitude.measures.base import Invariance, Measure, Properties, spell
from similitude.measures.parameters import domains

__all__ = ["Description", "breakdown", "describe", "interval", "letters"]

NAMES = {
    Invariance.PERMUTATION: "permutation of features",
    Invariance.ORTHOGONAL: "orthogonal transformation",
    Invariance.SCALING: "isotropic scaling",
    Invariance.TRANSLATION: "translation",
    Invariance.LINEAR: "any invertible linear transformation",
}


_NAMED = {math.pi / 2: "pi/2", 2**0.5: "sqrt(2)", math.exp(-4): "exp(-4)"}


@dataclass(frozen=True)
class Description:
    """What there is to know of a measure before using it.

    Attributes
    ----------
    id
        Name with parameters.
    summary
        What it measures, in a sentence or two.
    facts
        Headings and texts, in the order in which to read them.
    parameters
        Name, default and meaning of each parameter.
    domains
        Name of each parameter with limits or options, and the values that it can take.
    """

    id: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str, str], ...]
    domains: Mapping[str, str]

    def explained(self) -> list[tuple[str, str, str]]:
        """Return name, default, and meaning with the values that can be given, of each parameter."""
        rules = {name: f" Must be {domain}." for name, domain in self.domains.items()}
        return [(name, default, (meaning + rules.get(name, "")).strip()) for name, default, meaning in self.parameters]


def describe(measure: Measure) -> Description:
    """Description of a measure with its parameters as they are."""
    declared = measure.properties()
    summary, meanings = _docstring(measure)
    facts = [
        ("formula", declared.formula),
        ("direction", f"{declared.kind}: larger is {'more' if declared.kind == 'similarity' else 'less'} alike"),
        ("range", interval(declared)),
        ("symmetric", "yes" if declared.symmetric else "no: the order of the arguments matters"),
        ("metric", "yes: the triangle inequality holds" if declared.is_metric else "no"),
        ("invariant to", _invariances(declared)),
        ("takes RDMs", "yes: given dissimilarities can take the place of features" if declared.takes_rdms else ""),
        ("gradients", "yes: tensors that require them get them" if declared.differentiable else ""),
        ("alignment", "similitude.align gives it, for inputs held out too" if measure.aligns else ""),
        ("needs", "; ".join(filter(None, [_inputs(declared), declared.needs]))),
        ("cost", f"{declared.cost} for a pair, once each representation is prepared" if declared.cost else ""),
        ("intervals", "over inputs, for a few times the price of the value" if measure.has_influence else ""),
        ("outliers", _outliers(breakdown(str(measure)))),
        ("beware", declared.caution),
        ("source", declared.reference),
    ]
    parameters = [(field.name, spell(field.default)) for field in dataclasses.fields(measure)]
    return Description(
        str(measure),
        summary,
        tuple((heading, text) for heading, text in facts if text),
        tuple((name, default, meanings.get(name, "")) for name, default in parameters),
        {name: str(domain) for name, domain in domains(type(measure)).items()},
    )


@functools.cache
def _breakdowns() -> dict[str, float]:
    """Measure id to the share of rows, as `benchmarks/breakdown.py` of the sources finds it."""
    text = resources.files("similitude.measures").joinpath("breakdown.csv").read_text(encoding="utf-8")
    return {row["measure"]: float(row["half"] or "nan") for row in csv.DictReader(text.splitlines())}


def breakdown(measure: str) -> float | None:
    """Return the share of rows that, moved far away, take half of its meaning from a measure.

    Of 200 rows, after Davari et al. 2022, arXiv:2210.16156. NaN where half of the rows are not enough; None where it is
    not known, for other settings and measures.

    Examples
    --------
    >>> breakdown("cka"), breakdown("rsa"), breakdown("mean_cca"), breakdown("jaccard(k=3)")
    (0.005, 0.2, nan, None)
    """
    return _breakdowns().get(measure)


def _outliers(share: float | None) -> str:
    if share is None:
        return ""
    if math.isnan(share):
        return "keeps half of its meaning with half of the rows moved far away along one direction"
    moved = "one row of 200" if share < 0.01 else f"{share:.0%} of the rows"
    return f"loses half of its meaning with {moved} moved far away"


def interval(declared: Properties) -> str:
    """Bounds as an interval, open where infinite."""
    low, high = (_bound(bound) for bound in declared.bounds)
    left = "(" if math.isinf(declared.bounds[0]) else "["
    return f"{left}{low}, {high}{')' if math.isinf(declared.bounds[1]) else ']'}"


def _bound(value: float) -> str:
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return _NAMED.get(value, f"{value:.4g}")


def letters(declared: Properties) -> str:
    """Invariances as letters, those of the first argument, then a slash and those of the second if they differ."""
    first, second = (_letters(s) for s in (declared.invariances.first, declared.invariances.second))
    return first if first == second else f"{first} / {second}"


def _letters(invariances: frozenset[Invariance]) -> str:
    return "".join(i.value for i in Invariance if i in invariances) or "-"


def _invariances(declared: Properties) -> str:
    def words(invariances: frozenset[Invariance]) -> str:
        implied = {Invariance.PERMUTATION} if Invariance.ORTHOGONAL in invariances else set()
        if Invariance.LINEAR in invariances:
            implied |= {Invariance.ORTHOGONAL, Invariance.SCALING}
        return ", ".join(NAMES[i] for i in Invariance if i in invariances and i not in implied) or "nothing"

    def both(first: frozenset[Invariance], second: frozenset[Invariance]) -> str:
        return words(first) if first == second else f"first argument: {words(first)}; second: {words(second)}"

    return both(declared.invariances.first, declared.invariances.second)


def _inputs(declared: Properties) -> str:
    return f"at least {declared.minimum_n} inputs" if declared.minimum_n > 2 else ""


def _docstring(measure: Measure) -> tuple[str, dict[str, str]]:
    """Text before the first section, and the meaning of each parameter."""
    text = inspect.cleandoc(type(measure).__doc__ or "")
    body, _, section = text.partition("Parameters\n----------\n")
    summary = " ".join(body.partition("Examples\n--------")[0].split())
    meanings: dict[str, str] = {}
    name = ""
    for line in section.partition("\n\n")[0].splitlines():
        if line.startswith(" "):
            meanings[name] = f"{meanings[name]} {line.strip()}".strip()
        else:
            name = line.strip()
            meanings[name] = ""
    return summary, meanings
