"""`similitude layers`: which layer of a network is most like a layer of another?"""

from __future__ import annotations

import json as json_module
import tempfile
from pathlib import Path
from typing import Annotated

import typer
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
from similitude.cli.sources import Extraction, Network, load_networks
from similitude.engine.budget import Budget
from similitude.engine.layer_choice import LayerChoice, choose_layer
from similitude.errors import InputError
from similitude.extraction.reduce import REDUCTIONS
from similitude.factors.memory import MEMORY
from similitude.report.choice import sentences
from similitude.report.comparison import left_out_table
from similitude.report.numbers import quantity, unit_of
from similitude.representations import Representation
from similitude.representations.about import about

__all__ = ["command"]


def command(
    network: Annotated[
        str, typer.Argument(help="The network whose layers are to choose from: a file or a model, as for compare.")
    ],
    other: Annotated[str, typer.Argument(help="The network, file or array that they are compared with.")],
    to: Annotated[
        str | None,
        typer.Option("--to", help="Layer of the other that they are compared with (required if it has several)."),
    ] = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(
            "--layers",
            "-l",
            help="Layers to choose from: names, globs or (for models) presets.",
            show_default="all of a file, the blocks of a model",
        ),
    ] = None,
    measure: Annotated[
        str, typer.Option("--measure", "-m", help="Measure id. Without bias, so that wide layers are not preferred.")
    ] = "cka(debiased=true)",
    splits: Annotated[int, typer.Option(min=1, help="Number of random halvings of the inputs.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the halves.")] = 0,
    inputs: Annotated[
        Path | None, typer.Option(help="Inputs to run through the models (required with models); as for compare.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column of texts in a table of inputs.")] = None,
    image_size: Annotated[
        int | None, typer.Option(min=1, help="Height and width of images.", show_default="the model's own")
    ] = None,
    reduce: Annotated[
        str, typer.Option(help=f"How a model's outputs become inputs x features: {', '.join(REDUCTIONS)}.")
    ] = "auto",
    axes: Annotated[
        list[str] | None, typer.Option(help="State the axes of outputs; as for compare.", show_default="detected")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Inputs per batch.")] = 32,
    memory: Annotated[str | None, memory_option(MEMORY)] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the curve over layers to this file.")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write all values to this file, one row per layer.", dir_okay=False)
    ] = None,
    recipe: RecipeFile = None,
    json: JsonOutput = False,
) -> None:
    """Choose the layer of a network that is most like a given one, and judge it on other inputs.

    A layer is chosen on one half of the inputs and reported on the other, so that it is not judged by the noise that it
    was chosen for; 95 % intervals are over inputs. At least 40 inputs are needed.

    Examples: `similitude layers student.npz teacher.npz --to blocks.8 --figure layers.png`,
    `similitude layers hf:./student hf:./teacher --to "blocks[-1]" --inputs texts.txt`.
    """
    asked = dict(locals())  # all arguments and options, for the recipe
    if figure is not None:
        from similitude.report.style import check_format

        check_format(figure)
    for file in filter(None, (figure, csv, recipe)):
        make_folder(file.parent)
    budget = Budget(parse_size(memory, MEMORY))
    half, rest = int(budget.for_representations.bytes), int(budget.for_factors.bytes)
    with tempfile.TemporaryDirectory(prefix="similitude-") as spool:
        looked_at = (inputs, reduce, batch_size, half, Path(spool), None, axes or (), True, column, image_size)
        how = Extraction(*looked_at, hashed=recipe is not None)
        found, left_out = load_networks([network, other], layers or [], how, [to] if to else [])
        sources = about([*found[0].layers.values(), *found[-1].layers.values()]) if recipe is not None else {}
        target = _only_layer(found, to)
        with progress_bars() as bars:
            choice = choose_layer(
                found[0].layers, target, measure, splits=splits, seed=seed, progress=bars("halves"), memory=rest
            )
    if csv is not None:
        choice.to_csv(csv)
        note(f"All values are in {csv}.")
    left_out |= choice.left_out
    content = {**choice.to_dict(), "left_out": left_out}
    if recipe is not None:
        weights = {each.name: each.weights for each in found if each.weights}
        write_recipe(recipe, "layers", asked, [choice.measure], sources, content, weights)
    if json:
        typer.echo(json_module.dumps(content, indent=1))
    else:
        print_sentences(stdout(), sentences(choice))
        stdout().print(_table(choice))
        if left_out:
            stdout().print(left_out_table(left_out))
    if figure is not None:
        from similitude.report.style import save

        note(f"Curve: {', '.join(map(str, save(choice.plot(), figure)))}")
    if left_out:
        raise typer.Exit(1)


def _only_layer(networks: list[Network], to: str | None) -> Representation:
    if len(networks) != 2:
        raise InputError(f"Two networks are compared here, and {len(networks)} were found. Name two files or models.")
    layers = networks[1].layers
    if len(layers) > 1:
        raise InputError(
            f"{networks[1].name} has several layers{f' that {to!r} fits' if to else ''}. Name one with --to: "
            f"{', '.join(list(layers)[:12])}."
        )
    return next(iter(layers.values()))


def _table(choice: LayerChoice) -> Table:
    printed = Table("layer", "value", f"{choice.level:.0%} interval", "chosen by halves")
    unit = unit_of(choice.measure.properties().bounds, choice.layers["value"])
    for row in choice.layers.to_dict("records"):
        ends = f"[{quantity(row['low'], unit)}, {quantity(row['high'], unit)}]"
        style = "bold" if row["layer"] == choice.layer else ""
        printed.add_row(Text(row["layer"]), quantity(row["value"], unit), ends, f"{row['chosen']:.0%}", style=style)
    return printed
