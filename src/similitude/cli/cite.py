"""`similitude cite`: the sources of measures in BibTeX."""

from __future__ import annotations

from typing import Annotated

import typer

from similitude.measures import get_measures
from similitude.report.methods import bibtex

__all__ = ["command"]


def command(
    measures: Annotated[list[str], typer.Argument(help="Measure ids; `similitude measures` lists them.")],
) -> None:
    """Print the sources of measures in BibTeX.

    Example: `similitude cite cka procrustes > measures.bib`.
    """
    found = bibtex(get_measures(measures))
    typer.echo(found or "% These measures are baselines without a source.")
