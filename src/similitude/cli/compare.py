"""`similitude compare`: how alike are networks, layer by layer?"""

from __future__ import annotations

import json as json_module
import math
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.text import Text

from similitude.cli.checkpoints import content_of, over_checkpoints, show_curves
from similitude.cli.console import (
    JsonOutput,
    make_folder,
    measures_option,
    memory_option,
    note,
    parse_numbers,
    parse_size,
    progress_bars,
    stdout,
)
from similitude.cli.recipes import RecipeFile, write_recipe
from similitude.cli.sources import Extraction, Network, load_confounder, load_networks
from similitude.engine import PairTable, pairwise
from similitude.engine.budget import Budget
from similitude.engine.chance import QUANTITIES
from similitude.engine.intervals import ends_of, with_intervals
from similitude.errors import InputError
from similitude.extraction.reduce import REDUCTIONS
from similitude.factors.memory import MEMORY
from similitude.measures import Measure, get_measures
from similitude.measures.calibrated import Calibrated
from similitude.measures.deconfounded import deconfounded
from similitude.report.comparison import left_out_table, matrix_table, values_table
from similitude.report.results import most_alike
from similitude.representations import Representation
from similitude.representations.about import about
from similitude.training.checkpoints import REFERENCES, check_reference
from similitude.training.steps import check_order

__all__ = ["command"]

_METRIC = "angular_procrustes"


def command(
    networks: Annotated[
        list[str],
        typer.Argument(
            help="Files (.npy .npz .safetensors .pt .h5 .parquet), folders of them, population folders, or models: "
            "hf:PATH, timm:NAME, torch:package.module:factory. Arrays of rdm:FILE are read as dissimilarity matrices."
        ),
    ],
    measures: Annotated[
        list[str] | None, measures_option("those of the paper for two arrays, cka for networks, rsa for rdm:FILE")
    ] = None,
    confounder: Annotated[
        str | None,
        typer.Option(
            help="File of one array that represents the inputs, such as pixels or embeddings (or rdm:FILE). What it "
            "explains is regressed out of both sides; for cka (then the default) and rsa."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model that files of weights are loaded into, such as torch:./net.py:build.")
    ] = None,
    order: Annotated[
        str | None,
        typer.Option(
            help="Compare checkpoints of one training run, in the order of the step in their names (step), of their "
            "names (name), or as given (given). Prints and draws curves instead of matrices.",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            help=f"With --order: the checkpoint that each is compared with, {', '.join(REFERENCES)}.",
            show_default="last",
        ),
    ] = None,
    within: Annotated[
        bool, typer.Option("--within", help="Compare the layers of one network with each other.")
    ] = False,
    layers: Annotated[
        list[str] | None,
        typer.Option(
            "--layers",
            "-l",
            help="Layers to compare: names, globs or (for models) the presets blocks, residual_stream, all.",
            show_default="all of a file, the blocks of a model",
        ),
    ] = None,
    other_layers: Annotated[
        list[str] | None,
        typer.Option(
            "--other-layers",
            help="Layers of all networks but the first, where their names differ.",
            show_default="the same as --layers",
        ),
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(
            help="Inputs to run through the models (required with models): an array file, a .txt file of one text per "
            "line, a .csv, .jsonl or .parquet table with a column of texts, or a folder of images."
        ),
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column of texts in a table of inputs.")] = None,
    image_size: Annotated[
        int | None, typer.Option(min=1, help="Height and width of images.", show_default="the model's own")
    ] = None,
    image_mean: Annotated[
        str | None, typer.Option(help="Mean per channel, such as 0.5,0.5,0.5.", show_default="the model's own")
    ] = None,
    image_std: Annotated[
        str | None, typer.Option(help="Standard deviation per channel.", show_default="the model's own")
    ] = None,
    reduce: Annotated[
        str, typer.Option(help=f"How a model's outputs become inputs x features: {', '.join(REDUCTIONS)}.")
    ] = "auto",
    axes: Annotated[
        list[str] | None,
        typer.Option(
            help="State the axes of outputs, one letter each: n inputs, c channels, t tokens, others positions. For "
            "example nhwc or tnd, or for some layers 'layers.*=nhwc'.",
            show_default="detected from the outputs",
        ),
    ] = None,
    self_test: Annotated[
        bool, typer.Option("--self-test/--no-self-test", help="Test that a model's rows depend on their input only.")
    ] = True,
    batch_size: Annotated[int, typer.Option(min=1, help="Inputs per batch.")] = 32,
    memory: Annotated[str | None, memory_option(MEMORY)] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Keep extracted representations in this folder; interrupted runs resume.", file_okay=False),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            help="Write heat maps, or with --order curves, to this file; as PNG and PDF unless its suffix is another "
            "format, such as .svg."
        ),
    ] = None,
    map_file: Annotated[
        Path | None,
        typer.Option("--map", help="Write a map of three networks or more to this file; formats as for --figure."),
    ] = None,
    intervals: Annotated[
        bool,
        typer.Option(
            "--interval",
            help="Add the 95 % interval of each value over inputs. It takes a few times the time of the value, or a "
            "hundred times where `similitude measures ID` has no word on intervals. Those of matrices are in --csv "
            "and --json.",
        ),
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(help="Write all values to this file, one row per pair.", dir_okay=False)
    ] = None,
    chance: Annotated[
        bool,
        typer.Option(
            "--chance",
            help="Tell what each value is by chance, with z and p, and hatch cells within chance on heat maps. Slow "
            "(by shuffling) for measures other than CKA, RSA and distance correlation.",
        ),
    ] = False,
    permutations: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Shuffles for --chance; given, all maps are shuffled, for an exact p of their largest value.",
            show_default="200, of measures without a closed form",
        ),
    ] = None,
    recipe: RecipeFile = None,
    json: JsonOutput = False,
) -> None:
    """Compare representations of the same inputs: two arrays, two networks layer by layer, or many networks.

    A similarity grows as networks become more alike, a dissimilarity as they differ; every table says which it is.

    Examples: `similitude compare a.npy b.npy`, `similitude compare net1.npz net2.npz -m cka --figure layers.png`,
    `similitude compare hf:./bert-a hf:./bert-b --inputs texts.txt`, `similitude compare rdm:V4.npy net.npz`,
    `similitude compare checkpoints/*.pt --model torch:./net.py:build --inputs probe.npy --order step`.
    """
    asked_for = dict(locals())  # all arguments and options, for the recipe
    budget = Budget(parse_size(memory, MEMORY))
    half, rest = int(budget.for_representations.bytes), int(budget.for_factors.bytes)
    asked = get_measures(measures) if measures else None
    if confounder is not None:
        known = load_confounder(confounder, half)
        asked = [deconfounded(measure, known) for measure in asked or get_measures("cka")]
    if permutations is not None and not chance:
        raise InputError("--permutations are for --chance; add it.")
    if reference is not None and order is None:
        raise InputError("--reference is for checkpoints in an order; add --order.")
    if order is not None:
        check_order(order)
        check_reference(reference or "last")
    for option, given in {"--within": within, "--map": map_file, "--chance": chance}.items():
        if given and order is not None:
            raise InputError(f"{option} is not for checkpoints in an order. Leave it, or --order, out.")
    for file in filter(None, (figure, map_file)):
        from similitude.report.style import check_format

        check_format(file)
    for file in filter(None, (csv, figure, map_file, recipe)):
        make_folder(file.parent)
    with tempfile.TemporaryDirectory(prefix="similitude-") as spool:
        extraction = Extraction(
            *(inputs, reduce, batch_size, half, Path(spool), folder, axes or (), self_test, column, image_size),
            parse_numbers(image_mean, "--image-mean"),
            parse_numbers(image_std, "--image-std"),
            model,
            hashed=recipe is not None,
        )
        found, left_out = load_networks(networks, layers or [], extraction, other_layers)
        weights = {network.name: network.weights for network in found if network.weights}
        if order is not None:
            chosen = asked or get_measures("cka")
            curves = over_checkpoints(found, chosen, order, reference or "last", intervals=intervals, memory=rest)
            every = [representation for network in found for representation in network.layers.values()]
            show_curves(curves, left_out, csv=csv, figure=figure, json=json)
            if recipe is not None:
                content = content_of(curves, left_out)
                write_recipe(recipe, "compare", asked_for, chosen, about(every), content, weights)
            raise typer.Exit(int(bool(left_out or curves.left_out or curves.failures)))
        first, second = _sides(found, within)
        single = len(first) == len(second) == 1
        features = all(side.has_features for side in (*first, *second))
        chosen = asked or get_measures("cka" if features and not single else None, (*first, *second))
        placing = _metric_of(chosen) if map_file is not None else None
        apart = placing is not None and placing not in chosen and chance  # it need not be shuffled
        computed = chosen if placing is None or placing in chosen or apart else [*chosen, placing]
        if map_file is not None and (len(found) < 3 or within):
            if within or not left_out:
                raise InputError("A map is of three networks or more, each named once.")
            note(f"No map: it is of three networks or more, and {len(found)} could be compared.")
            map_file = None
        with progress_bars() as bars:
            table = pairwise(
                *(first, computed),
                others=second,
                progress=bars("compare"),
                memory=rest,
                chance=chance,
                permutations=permutations,
            )
            if intervals:
                table = with_intervals(table, first, second, progress=bars("intervals"), memory=rest)
            places = pairwise(first, placing, others=second, memory=rest) if apart and map_file is not None else table
    if csv is not None:
        table.to_csv(csv)
        note(f"All values are in {csv}.")
    content = _content(table, computed, found, left_out)
    if json:
        typer.echo(json_module.dumps(content, indent=1))
    elif single:
        stdout().print(values_table(table, chosen, first[0], second[0]))
    else:
        console = stdout()
        for measure in chosen:
            marked = table.within_chance(measure)
            console.print(matrix_table(table.matrix(measure), measure, first[0].n, console.width, marked))
        for row in table.largest.to_dict("records") if table.largest is not None else ():
            console.print(Text(most_alike(row)))
    if recipe is not None:
        write_recipe(recipe, "compare", asked_for, computed, table.sources, content, weights)
    if figure is not None:
        _draw(table, chosen, figure, first[0].n)
    if map_file is not None and placing is not None:
        _draw_map(places, placing, found, map_file)
    if left_out and not json:
        stdout().print(left_out_table(left_out))
    if len(table.failures) or left_out:
        raise typer.Exit(1)


def _sides(networks: list[Network], within: bool) -> tuple[list[Representation], list[Representation]]:
    if within and len(networks) > 1:
        raise InputError("--within compares one network with itself; name one.")
    every = [representation for network in networks for representation in network.layers.values()]
    if len(networks) == 1:
        if len(every) == 1 and not within:
            raise InputError(f"{networks[0].name} is one representation. Name a second one to compare it with.")
        return every, every
    if len(networks) == 2:
        return list(networks[0].layers.values()), list(networks[1].layers.values())
    return every, every


def _metric_of(measures: list[Measure]) -> Measure:
    """The measure by which networks are placed: the first that is a metric."""
    return next((m for m in measures if m.properties().is_metric), None) or get_measures(_METRIC)[0]


def _content(
    table: PairTable, measures: list[Measure], networks: list[Network], left_out: dict[str, str]
) -> dict[str, Any]:
    values: list[dict[str, Any]] = [
        {"first": row["first"], "second": row["second"], "measure": str(m), "value": _or_none(row[str(m)])}
        | {end: _or_none(value) for end, value in ends_of(row, m).items()}
        for _, row in table.frame.iterrows()
        for m in measures
    ]
    if table.chance is not None:
        # One row per pair and measure, in the same order.
        for entry, row in zip(values, table.chance.to_dict("records"), strict=True):
            entry |= {name: _or_none(row[name]) for name in QUANTITIES} | {"null": row["null"] or None}
    every = [representation for network in networks for representation in network.layers.values()]
    layers = {x.key: {"d": x.d if x.has_features else None, "reduction": x.reduction, "axes": x.axes} for x in every}
    content: dict[str, Any] = {
        "n": every[0].n,
        "ids": next((x.ids for x in every if x.ids is not None), None),
        "labels": next((network.labels for network in networks if len(network.labels) == every[0].n), None),
        "kinds": {str(m): m.properties().kind for m in measures},
        "values": values,
        "failures": table.failures.to_dict(orient="records"),
        "layers": layers,
        "left_out": left_out,
    }
    if table.largest is not None:
        content["largest"] = [
            {name: _or_none(v) if isinstance(v, float) else v for name, v in row.items()}
            for row in table.largest.to_dict("records")
        ]
    return content


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _draw(table: PairTable, measures: list[Measure], path: Path, n: int) -> None:
    from similitude.report.figures import heat_map
    from similitude.report.style import save

    for measure in measures:
        properties = measure.properties()
        options: dict[str, Any] = {"n": n, "hatched": table.within_chance(measure)}
        drawn = heat_map(table.matrix(measure), str(measure), properties.kind, bounds=properties.bounds, **options)
        target = path if len(measures) == 1 else path.with_stem(f"{path.stem}-{measure}")
        note(f"Heat map: {', '.join(map(str, save(drawn, target)))}")
        if table.chance is not None and not isinstance(measure, Calibrated):
            name = f"{measure}, calibrated"
            drawn = heat_map(table.matrix(measure, "calibrated"), name, "similarity", bounds=(0.0, 1.0), **options)
            target = target.with_stem(f"{target.stem}-calibrated")
            note(f"Calibrated heat map: {', '.join(map(str, save(drawn, target)))}")


def _draw_map(table: PairTable, measure: Measure, networks: list[Network], path: Path) -> None:
    from similitude.report.figures_networks import mds_map
    from similitude.report.style import save

    shared = [name for name in networks[0].layers if all(name in network.layers for network in networks)]
    if not shared:
        raise InputError("A map needs layers that all networks have by the same name; these have none. Use --layers.")
    matrix = measure.dissimilarity(table.matrix(measure))
    labels = [[network.layers[layer].key for network in networks] for layer in shared]
    mean = np.mean([matrix.loc[of_layer, of_layer].to_numpy() for of_layer in labels], axis=0)
    n = next(iter(networks[0].layers.values())).n
    over = f"mean over {len(shared)} layers" if len(shared) > 1 else shared[0]
    title = f"{len(networks)} networks, {over}, n = {n:,} inputs"
    drawn = mds_map(mean, measure, [network.name for network in networks], title=title)
    note(f"Map: {', '.join(map(str, save(drawn, path)))}")
