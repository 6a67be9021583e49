"""Curves over training, of the checkpoints that `similitude compare --order` names."""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import typer

from similitude.cli.console import note, progress_bars, stdout
from similitude.cli.sources import Network
from similitude.measures import Measure
from similitude.report.comparison import left_out_table
from similitude.report.matrix import as_matrix
from similitude.report.numbers import quantity, unit_of
from similitude.representations.tables import plain_records
from similitude.training.checkpoints import over_training
from similitude.training.steps import short_names
from similitude.training.trajectory import Trajectory

__all__ = ["content_of", "over_checkpoints", "show_curves"]


def over_checkpoints(
    networks: Sequence[Network], measures: Sequence[Measure], order: Any, reference: Any, **options: Any
) -> Trajectory:
    """Compare networks as checkpoints of one run; see `similitude.training.checkpoints.over_training`."""
    sources = [re.sub(r"^(hf|timm|torch|rdm):", "", network.source) for network in networks]
    if len(set(sources)) == len(sources):  # one network per file: folders may tell what names of files do not
        for network, name in zip(networks, short_names(sources), strict=True):
            network.rename(name)
    named = {network.name: network.layers for network in networks}
    with progress_bars() as bars:
        return over_training(named, measures, order=order, reference=reference, progress=bars("compare"), **options)


def show_curves(
    found: Trajectory, left_out: Mapping[str, str], *, csv: Path | None, figure: Path | None, json: bool
) -> None:
    """Print values as a table or as JSON, and write the files that are asked for."""
    if csv is not None:
        found.to_csv(csv)
        note(f"All values are in {csv}.")
    if json:
        typer.echo(json_module.dumps(content_of(found, left_out), indent=1))
    else:
        console = stdout()
        for measure, reference in found.compared:
            table = found.table(measure, reference)
            declared = measure.properties()
            title = f"{measure} ({declared.kind}) with {reference} over {found.counted}s, n = {found.n:,}"
            shown = partial(quantity, unit=unit_of(declared.bounds, table))
            console.print(as_matrix(table, title, console.width, shown))
        if every := {**left_out, **found.left_out}:
            console.print(left_out_table(every))
    if figure is not None:
        from similitude.report.style import save

        note(f"Curves: {', '.join(map(str, save(found.plot(), figure)))}")


def content_of(found: Trajectory, left_out: Mapping[str, str]) -> dict[str, Any]:
    """Return everything as JSON has it."""
    return {
        "n": found.n,
        "kinds": {str(measure): measure.properties().kind for measure in found.measures},
        "steps": found.counted,
        "values": plain_records(found.frame),
        "failures": [
            dict(zip(("layer", "checkpoint", "measure"), place, strict=True)) | {"reason": reason}
            for place, reason in found.failures.items()
        ],
        "left_out": {**left_out, **found.left_out},
    }
