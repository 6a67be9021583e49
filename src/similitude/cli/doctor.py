"""`similitude doctor`: what may be wrong with files before they are compared."""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from similitude.cli.console import JsonOutput, stdout
from similitude.doctor.findings import Finding, Specimen, examine
from similitude.representations.allowance import Allowance
from similitude.representations.files import RDM_PREFIX, NamedArray, load_arrays

__all__ = ["command"]

_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def command(
    files: Annotated[
        list[Path], typer.Argument(help="Files or folders of representations, or rdm:FILE; see `similitude compare`.")
    ],
    json: JsonOutput = False,
) -> None:
    """Look for what would make a comparison wrong or meaningless.

    Each array is examined by itself, and the first array of each file together with that of the first file. Exit code
    0 if no problems are found, 1 after a warning, 2 if something cannot be compared.
    """
    allowance = Allowance()
    arrays: list[NamedArray] = []
    matrices: list[np.ndarray | None] = []
    for file in files:
        is_rdm = str(file).startswith(RDM_PREFIX)
        found_there = load_arrays(Path(str(file).removeprefix(RDM_PREFIX)), allowance=allowance)
        arrays += found_there
        matrices += [array.rdm().matrix if is_rdm else None for array in found_there]
    twice = len({array.key for array in arrays}) < len(arrays)
    names = [f"{array.file}:{array.layer}" if twice else array.key for array in arrays]
    specimens = [
        Specimen(name, array.values if matrix is None else matrix, array.ids, is_rdm=matrix is not None)
        for name, array, matrix in zip(names, arrays, matrices, strict=True)
    ]
    files_seen: dict[tuple[Path, str], int] = {}
    for i, array in enumerate(arrays):
        files_seen.setdefault((array.file, array.model), i)
    first, *others = files_seen.values()
    found = examine(specimens, [(first, other) for other in others])
    if json:
        typer.echo(json_module.dumps({"findings": [asdict(finding) for finding in found]}, indent=1))
    else:
        _print(specimens, found)
    if any(finding.severity == "error" for finding in found):
        raise typer.Exit(2)
    if any(finding.severity == "warning" for finding in found):
        raise typer.Exit(1)


def _print(specimens: list[Specimen], found: list[Finding]) -> None:
    console = stdout()
    for specimen in specimens:
        shape = " x ".join(f"{length:,}" for length in specimen.values.shape)
        kind = "RDM, " if specimen.is_rdm else ""
        console.print(f"{specimen.name}: {kind}{shape}, {specimen.values.dtype}", markup=False)
    console.print()
    for finding in found:
        console.print(finding.severity, style=_STYLES[finding.severity], end=" ")
        console.print(f"[{finding.check}] {finding.where}: {finding.text}", markup=False)
    if not found:
        console.print("No problems found.")
