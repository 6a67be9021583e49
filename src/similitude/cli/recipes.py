"""Write the recipe of a finished command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from similitude.cli.console import note
from similitude.extraction.references import is_model_reference
from similitude.measures import Measure
from similitude.report.methods import methods_paragraph
from similitude.runs.provenance import software
from similitude.runs.recipe import Recipe, describe_measures, hash_path

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

_FRAMEWORKS = ("torch", "transformers", "timm")

_OUTPUTS = {"json", "csv", "figure", "map_file", "recipe", "folder"}
"""Options that say where results go."""


def write_recipe(
    path: Path,
    command: str,
    asked: Mapping[str, Any],
    measures: Sequence[Measure],
    sources: Mapping[str, Mapping[str, Any]],
    result: dict[str, Any],
    weights: Mapping[str, str] = MappingProxyType({}),
    also: Sequence[str] = (),
) -> None:
    """Write the recipe of a command.

    Parameters
    ----------
    path
        File to write.
    command, asked
        Name of the command, and its arguments and options.
    measures
        By what was compared.
    sources
        What was compared; see `similitude.representations.about.about`.
    result
        What the command prints as JSON.
    weights
        Hash of the weights of each network that was run.
    also
        Further sentences for the methods paragraph.
    """
    parameters = {name: _plain(value) for name, value in asked.items() if name not in _OUTPUTS}
    versions = software(_FRAMEWORKS if weights else ())
    inputs = parameters.get("inputs")
    Recipe(
        command=command,
        parameters=parameters,
        files={name: hash_path(Path(name)) for name in _files(parameters)},
        representations={key: dict(known) for key, known in sources.items()},
        measures=describe_measures(measures),
        software=versions,
        result=result,
        methods=methods_paragraph(measures, sources, versions, None if inputs is None else Path(inputs).name, also),
        weights=dict(weights),
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
