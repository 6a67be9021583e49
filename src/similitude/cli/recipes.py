"""Write the recipe of a finished command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from similitude.cli.console import note
from similitude.extraction.references import is_model_reference
from similitude.measures import Measure
from similitude.report.methods import methods_paragraph
from similitude.representations import Representation
from similitude.runs.provenance import software
from similitude.runs.recipe import Recipe, hash_path

__all__ = ["RecipeFile", "write_recipe"]

RecipeFile = Annotated[
    Path | None,
    typer.Option(
        "--recipe",
        help="Write a recipe to this file: what was compared, hashes, versions, values and a methods paragraph. "
        "`similitude replay` runs it again.",
        dir_okay=False,
    ),
]

_OUTPUTS = {"json", "csv", "figure", "map_file", "recipe", "folder"}
"""Options that say where results go."""


def write_recipe(
    path: Path,
    command: str,
    asked: Mapping[str, Any],
    measures: Sequence[Measure],
    representations: Sequence[Representation],
    result: dict[str, Any],
) -> None:
    """Write the recipe of a command.

    Parameters
    ----------
    path
        File to write.
    command, asked
        Name of the command, and its arguments and options.
    measures, representations
        What was compared, and by what.
    result
        What the command prints as JSON.
    """
    parameters = {name: _plain(value) for name, value in asked.items() if name not in _OUTPUTS}
    about = {
        x.key: {
            "hash": x.content_hash,
            "n": x.n,
            "d": x.d if x.has_features else None,
            "dtype": str(x.values.dtype) if x.has_features else None,
            "reduction": x.reduction,
            "axes": x.axes,
        }
        for x in representations
    }
    versions = software()
    inputs = parameters.get("inputs")
    Recipe(
        command=command,
        parameters=parameters,
        files={name: hash_path(Path(name)) for name in _files(parameters)},
        representations=about,
        measures=[{"id": str(m), "version": m.version, "reference": m.properties().reference} for m in measures],
        software=versions,
        result=result,
        methods=methods_paragraph(measures, about, versions, None if inputs is None else Path(inputs).name),
    ).write(path)
    note(f"The recipe is in {path}.")


def _files(parameters: dict[str, Any]) -> list[str]:
    """Files and folders that parameters name, also within references of models."""
    texts: list[str] = []
    for value in parameters.values():
        texts += [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
    paths = []
    for text in texts:
        name = text.removeprefix("rdm:")
        if is_model_reference(text):
            kind, _, rest = text.partition(":")
            name = rest.rpartition(":")[0] if kind == "torch" else rest
        if name and Path(name).exists():
            paths.append(name)
    return list(dict.fromkeys(paths))


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
