"""What a paper says of a comparison: a paragraph for its methods section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from similitude.measures import Measure
from similitude.measures.describe import interval

__all__ = ["methods_paragraph"]


def methods_paragraph(
    measures: Sequence[Measure],
    representations: Mapping[str, Mapping[str, Any]],
    software: Mapping[str, str],
    inputs: str | None = None,
    also: Sequence[str] = (),
) -> str:
    """Return a paragraph that says what was compared, and how.

    Parameters
    ----------
    measures
        The measures.
    representations
        ``model/layer`` to what is known of it; see `similitude.runs.recipe.Recipe`.
    software
        Versions by name.
    inputs
        Name of the file of inputs.
    also
        Further sentences on how.
    """
    networks = list(dict.fromkeys(key.partition("/")[0] for key in representations))
    n = next((about["n"] for about in representations.values()), 0)
    what = "representations"
    if len(representations) > len(networks):
        what = f"{len(representations)} layers"
    inputs = f"the same {n:,} inputs" + (f" ({inputs})" if inputs else "")
    sentences = [f"We compared {what} of {_listed(networks)} on {inputs}."] if networks else []
    reductions = sorted({about["reduction"] for about in representations.values() if about.get("reduction")} - {"none"})
    if reductions:
        sentences.append(f"Layer outputs were reduced to one vector per input ({_listed(reductions)}).")
    for measure in measures:
        declared = measure.properties()
        sentences.append(
            f"{declared.kind.capitalize()} was measured by {measure}, in {interval(declared)}: {declared.formula} "
            f"({declared.reference})."
        )
    sentences += also
    types = sorted({about["dtype"] for about in representations.values() if about.get("dtype")})
    versions = ", ".join(f"{name} {number}" for name, number in software.items())
    stored = f"Arrays were stored in {_listed(types)}; values" if types else "Values"
    sentences.append(f"{stored} were computed in double precision with {versions}.")
    return " ".join(sentences)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "none"
