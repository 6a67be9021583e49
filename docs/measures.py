"""The documentation's page of measures, written from what the measures declare.

``python docs/measures.py > docs/measures.md``
"""

from __future__ import annotations

import importlib
from itertools import groupby

from similitude.measures import get_measure
from similitude.measures.base import Measure
from similitude.measures.catalogue import BUILT_IN
from similitude.measures.describe import describe, interval, letters

_INTRODUCTION = """# Measures

This page is written by `python docs/measures.py`. `similitude measures` prints the list, and
`similitude measures cka` explains one.

X is n inputs × d features. Ids are the same in Python, on the command line and in tables, with parameters in
parentheses: `cka(debiased=true)`, `jaccard(k=5)`. Every declaration below is checked by `similitude check`. How many
**outliers** take its meaning from a measure is simulated: see [Outliers](robustness.md).

Invariances: **P** permutation of features, **O** orthogonal transformation, **S** isotropic scaling, **T** translation,
**L** any invertible linear transformation; first argument / second where they differ.

`nbs`, `procrustes`, `orthogonal_procrustes`, `angular_procrustes` and `shape_metric` order pairs identically: in a
ranking they share one place.

`similitude.deconfounded` makes measures of CKA and RSA that leave out what the inputs themselves explain: see
[Compare networks](how-to/compare.md#beyond-what-the-inputs-explain).
"""


def page() -> str:
    """The whole page, in Markdown."""
    measures = [get_measure(name) for name in BUILT_IN]
    parts = [_INTRODUCTION, *_table(measures)]
    for module, family in groupby(measures, key=lambda measure: type(measure).__module__):
        heading = (importlib.import_module(module).__doc__ or "").strip().splitlines()[0].rstrip(".")
        parts += ["", f"## {heading}"]
        for measure in family:
            parts += _section(measure)
    return "\n".join(parts) + "\n"


def _table(measures: list[Measure]) -> list[str]:
    rows = ["| measure | kind | range | invariances | symmetric | metric |", "|---|---|---|---|---|---|"]
    for measure in measures:
        declared = measure.properties()
        yes_or_no = ("yes" if value else "no" for value in (declared.symmetric, declared.is_metric))
        cells = (f"[`{measure}`](#{measure})", declared.kind, interval(declared), letters(declared), *yes_or_no)
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _section(measure: Measure) -> list[str]:
    description = describe(measure)
    lines = ["", f"### `{description.id}` {{ #{measure.name} }}", "", description.summary, ""]
    for heading, text in description.facts:
        lines.append(f"- **{heading}**: {f'`{text}`' if heading == 'formula' else text}")
    for name, default, meaning in description.explained():
        lines.append(f"- parameter `{name}` (default `{default}`): {meaning}")
    return lines


if __name__ == "__main__":
    print(page(), end="")
