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
    """
    networks = list(dict.fromkeys(key.partition("/")[0] for key in representations))
    n = next((about["n"] for about in representations.values()), 0)
    shown = f" to the inputs of {inputs}" if inputs else ""
    sentences = [
        f"We compared {len(representations)} representations ({_listed(networks)}): the responses{shown}, n = {n:,}."
    ]
    reductions = sorted({about["reduction"] for about in representations.values() if about.get("reduction")})
    if reductions:
        sentences.append(f"Outputs of layers were reduced to one vector per input by {_listed(reductions)}.")
    for measure in measures:
        declared = measure.properties()
        sentences.append(
            f"{measure} is a {declared.kind} in {interval(declared)}: {declared.formula} ({declared.reference})."
        )
    types = sorted({about["dtype"] for about in representations.values() if about.get("dtype")})
    versions = ", ".join(f"{name} {number}" for name, number in software.items())
    sentences.append(f"Values were stored in {_listed(types)} and computed in double precision, with {versions}.")
    return " ".join(sentences)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "none"
