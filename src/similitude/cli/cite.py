"""`similitude cite`: the sources of measures, of suites and of the package in BibTeX."""

from __future__ import annotations

from typing import Annotated

import typer

from similitude.errors import InputError
from similitude.measures import Measure, get_measures
from similitude.measures.catalogue import MEASURES
from similitude.report.citations import NAMED, bibtex, software_entry, sources_of

__all__ = ["command"]

_PACKAGE = "similitude"


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Measure ids (`similitude measures` lists them), suites (`similitude suites`), or similitude itself.",
            metavar="[NAME]...",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Cite all measures and suites, and similitude.")] = False,
) -> None:
    """Print the sources of measures and suites, and an entry for this package, in BibTeX.

    Example: `similitude cite cka procrustes similitude > measures.bib`.
    """
    if everything == bool(names):
        raise InputError("Name what to cite, such as `similitude cite cka procrustes`, or give --all.")
    asked = [*MEASURES, *NAMED, _PACKAGE] if everything else names or []
    measures = [name for name in asked if name not in NAMED and name != _PACKAGE]
    chosen = get_measures(measures) if measures else []
    sources = [(str(measure), sources_of(measure)) for measure in chosen]
    found = bibtex([*sources, *((name, NAMED[name]) for name in asked if name in NAMED)])
    entries = [found, software_entry() if _PACKAGE in asked else "", *map(_comment, chosen)]
    typer.echo("\n\n".join(filter(None, entries)))


def _comment(measure: Measure) -> str:
    """What a measure says of its source, where that is none of those known here."""
    return "" if sources_of(measure) else f"% {measure}: {measure.properties().reference}"
