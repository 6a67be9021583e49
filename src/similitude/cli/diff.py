"""`similitude diff`: at which layer do two builds of one network first differ?"""

from __future__ import annotations

import json as json_module
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from similitude.cli.console import (
    JsonOutput,
    make_folder,
    memory_option,
    note,
    parse_size,
    print_sentences,
    progress_bars,
    stdout,
)
from similitude.cli.recipes import RecipeFile, write_recipe
from similitude.cli.sources import Extraction, preparation_of
from similitude.differences.diff import are_weights, diff, diff_weights, load_saved
from similitude.differences.divergence import Divergence
from similitude.differences.matching import MATCHES
from similitude.differences.noise import DTYPES, SOURCES
from similitude.errors import InputError
from similitude.extraction.input_files import load_inputs
from similitude.extraction.references import LoadedModel, hash_weights, is_model_reference, load_model, load_weights
from similitude.factors.memory import MEMORY
from similitude.report.divergence import methods_of, told
from similitude.report.numbers import quantity
from similitude.representations.allowance import Allowance
from similitude.representations.names import readable
from similitude.representations.readers import SUFFIXES, read_file

__all__ = ["command"]

_SHOWN = 40
"""Rows of a table of layers; further ones are in --csv and --json."""

_WEIGHTS = 10


def command(
    first: Annotated[
        str,
        typer.Argument(
            help="The reference: a model (hf:PATH, timm:NAME, torch:package.module:factory), a file of weights, or a "
            "file or folder of saved outputs of layers."
        ),
    ],
    second: Annotated[str, typer.Argument(help="The build that is compared with it, of the same kind.")],
    inputs: Annotated[
        Path | None, typer.Option(help="Inputs to run through the models (required with models); as for compare.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model that two files of weights are loaded into, such as torch:./net.py:build.")
    ] = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(
            "--layers",
            "-l",
            help="Layers to compare: names, globs or presets.",
            show_default="blocks, and all modules outside of blocks",
        ),
    ] = None,
    other_layers: Annotated[
        list[str] | None,
        typer.Option("--other-layers", help="Layers of the second.", show_default="the same as --layers"),
    ] = None,
    match: Annotated[
        str, typer.Option(help=f"How layers are matched: {', '.join(MATCHES)}. Auto is the first of them that fits.")
    ] = "auto",
    noise_from: Annotated[
        list[str] | None,
        typer.Option(
            "--noise-from",
            help=f"What the first model is compared with itself under, for the tolerance: {', '.join(SOURCES)}, or a "
            f"precision ({', '.join(DTYPES)}); for saved outputs, a file of another run of the first. Repeat, or "
            "separate with commas.",
            show_default=",".join(SOURCES),
        ),
    ] = None,
    fail_above: Annotated[
        float | None,
        typer.Option(
            "--fail-above", min=0, help="Relative error that is tolerated.", show_default="four times the noise"
        ),
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column of texts in a table of inputs.")] = None,
    image_size: Annotated[
        int | None, typer.Option(min=1, help="Height and width of images.", show_default="the model's own")
    ] = None,
    axes: Annotated[
        list[str] | None, typer.Option(help="State the axes of outputs; as for compare.", show_default="detected")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Inputs per batch.")] = 32,
    memory: Annotated[str | None, memory_option(MEMORY)] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw errors and tolerance over depth to this file.")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write all values to this file, one row per layer.", dir_okay=False)
    ] = None,
    recipe: RecipeFile = None,
    json: JsonOutput = False,
) -> None:
    """Find the layer at which two builds of one model first differ by more than the model differs from itself.

    Exit code 0 if they are the same within tolerance, 1 if they diverge, 2 for input that cannot be compared.

    Examples: `similitude diff hf:./base hf:./quantised --inputs texts.txt`, `similitude diff before.npz after.npz`,
    `similitude diff base.safetensors tuned.safetensors`.
    """
    asked = dict(locals())  # all arguments and options, for the recipe
    size = parse_size(memory, MEMORY)
    if figure is not None:
        from similitude.report.style import check_format

        check_format(figure)
    for file in (figure, csv, recipe):
        if file is not None:
            make_folder(file.parent)
    sources = [part for text in noise_from or [] for part in text.split(",")]
    extraction = Extraction(inputs, "auto", batch_size, size, Path(), column=column, image_size=image_size)
    options: dict[str, Any] = {"match": match, "fail_above": fail_above, "memory": size}
    references = [first, second]
    models = _models(references, model)
    with progress_bars() as bars:
        if models:
            advance = bars("compare")
            options["progress"] = lambda done, total: advance(done, total or done)
            options |= {"layers": layers, "other_layers": other_layers, "axes": axes, "batch_size": batch_size}
            found = _diff_models(models, extraction, {**options, "noise_from": sources or SOURCES})
        else:
            _refuse({"--inputs": inputs, "--layers": layers, "--other-layers": other_layers, "--axes": axes})
            found = _diff_files(references, sources, options)
    if csv is not None:
        found.to_csv(csv)
        note(f"All values are in {csv}.")
    content = found.to_dict()
    if recipe is not None:
        weights = {name: hash_weights(loaded.model) for name, loaded in zip(found.names, models, strict=False)}
        write_recipe(recipe, "diff", asked, found.measures, found.sources, content, weights, methods_of(found))
    if json:
        typer.echo(json_module.dumps(content, indent=1))
    else:
        _print(stdout(), found)
    if figure is not None:
        from similitude.report.style import save

        if not found.n:
            raise InputError("A figure is of layers, and weights alone are compared. Leave --figure out.")
        note(f"Figure: {', '.join(map(str, save(found.plot(), figure)))}")
    if not found.same:
        raise typer.Exit(1)


def _models(references: Sequence[str], architecture: str | None) -> list[LoadedModel]:
    """The two models; none if files are compared."""
    named = [is_model_reference(reference) for reference in references]
    if architecture is not None:
        if any(named):
            raise InputError("--model is for two files of weights, which are loaded into it. Leave it out.")
        return [load_weights(load_model(architecture), Path(reference)) for reference in references]
    if named[0] != named[1]:
        raise InputError(
            f"{references[named.index(True)]} is a model and {references[named.index(False)]} is a file. Compare two "
            "models, or two files; --model names the model that two files of weights are loaded into."
        )
    return [load_model(reference) for reference in references] if named[0] else []


def _diff_models(models: Sequence[LoadedModel], extraction: Extraction, options: dict[str, Any]) -> Divergence:
    if extraction.inputs is None:
        raise InputError(
            "Models run on inputs: --inputs with an array file, a .txt file of one text per line, a table with a "
            "column of texts, or a folder of images. Without running them, compare their files of weights."
        )
    for loaded in models:
        _settle(loaded.model)
    shown = load_inputs(
        extraction.inputs, extraction.column, preparation_of(models[0], extraction), extraction.batch_size
    )
    return diff(
        models[0].model,
        models[1].model,
        shown.values,
        ids=shown.ids,
        tokenizer=tuple(loaded.tokenizer for loaded in models),
        names=_apart([loaded.name for loaded in models]),
        **options,
    )


def _settle(model: Any) -> None:
    """Put a model in evaluation mode whose modes nobody has chosen: all of it trains, as it was made."""
    if all(module.training for module in model.modules()):
        model.eval()


def _diff_files(references: Sequence[str], sources: Sequence[str], options: dict[str, Any]) -> Divergence:
    paths = [Path(reference) for reference in references]
    names = _apart([readable(path.stem) for path in paths])
    allowance = Allowance(options["memory"])
    if all(path.is_file() and path.suffix.lower() in SUFFIXES for path in paths):
        contents = [read_file(path, allowance) for path in paths]
        if all(map(are_weights, contents)):
            _refuse({"--noise-from": sources, "--fail-above": options["fail_above"]})
            return diff_weights(contents[0], contents[1], names=names)
    if len(sources) > 1 or (sources and not Path(sources[0]).exists()):
        raise InputError(
            f"--noise-from {','.join(sources)}: for saved outputs, noise is measured from a file of another run of the "
            "first; there is no such file."
        )
    noise: Any = Path(sources[0]) if sources else ()
    saved = [load_saved(path, options["memory"]) for path in paths]
    return diff(saved[0], saved[1], names=names, noise_from=noise, **options)


def _apart(names: Sequence[str]) -> tuple[str, str]:
    first, second = names
    return (first, second) if first != second else (f"1:{first}", f"2:{second}")


def _refuse(options: dict[str, Any]) -> None:
    """Refuse options that have nothing to act on."""
    for option, value in options.items():
        if value:
            raise InputError(f"{option} has nothing to act on, as files are compared. Leave it out.")


def _print(console: Console, found: Divergence) -> None:
    print_sentences(console, told(found))
    if found.n:
        console.print(_table(found))
    for frame, title in ((_weights(found), "parameters that differ"), (found.settings, "settings that differ")):
        if len(frame):
            printed = Table(*map(str, frame.columns), title=title)
            for row in frame.head(_WEIGHTS).itertuples(index=False):
                printed.add_row(*(Text(value if isinstance(value, str) else quantity(value)) for value in row))
            console.print(printed)
            if len(frame) > _WEIGHTS:
                console.print(f"{len(frame) - _WEIGHTS} more in --json.")


def _weights(found: Divergence) -> Any:
    apart = found.weights[~found.weights["equal"]] if len(found.weights) else found.weights
    if apart.empty:
        return apart
    return apart.assign(shape=apart["shape"].map(str))[["parameter", "shape", "largest", "relative"]]


def _table(found: Divergence) -> Table:
    columns = ["layer", "largest", "relative", "tolerance", "SQNR, dB", "CKA", "Procrustes", "chance"]
    printed = Table("", *columns, title=f"{found.names[0]} and {found.names[1]}, n = {found.n:,}")
    rows = found.layers
    for row in rows.head(_SHOWN).to_dict("records"):
        name = row["layer"] if row["layer"] == row["other"] else f"{row['layer']} and {row['other']}"
        error = "0" if row["equal"] else quantity(row["relative"])
        decibels = "equal" if row["equal"] else "—" if math.isnan(row["sqnr"]) else f"{row['sqnr']:.1f}"
        mark = "=" if row["equal"] else "≠" if row["beyond"] else "≈"
        values = [row[key] for key in ("cka", "procrustes", "chance")]
        printed.add_row(
            *(mark, Text(name), quantity(row["largest"], 1e-300), error, quantity(row["tolerance"]), decibels),
            *(quantity(value, 1.0) for value in values),
        )
    if len(rows) > _SHOWN:
        printed.caption = f"{len(rows) - _SHOWN} more in --csv and --json"
    return printed
