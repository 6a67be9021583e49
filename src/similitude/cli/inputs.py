"""`similitude inputs`: on which inputs do two representations differ?"""

from __future__ import annotations

import json as json_module
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich.table import Table
from rich.text import Text

from similitude.cli.console import JsonOutput, make_folder, memory_option, note, parse_size, stdout
from similitude.cli.recipes import RecipeFile, write_recipe
from similitude.cli.sources import Extraction, Network, load_networks
from similitude.differences.contributions import Contributions, contributions
from similitude.engine.budget import Budget
from similitude.errors import FileError, InputError
from similitude.extraction.images import find_images, read_thumbnail
from similitude.extraction.input_files import load_inputs
from similitude.factors.memory import MEMORY
from similitude.measures import get_measures
from similitude.report.numbers import probability, quantity
from similitude.representations import Representation
from similitude.representations.about import about
from similitude.representations.tables import read_cells

__all__ = ["command"]

_TEXT = 60
"""Characters of a text that are shown."""


def command(
    first: Annotated[str, typer.Argument(help="File, folder or model, as for compare; one layer of it.")],
    second: Annotated[str, typer.Argument(help="What it is compared with, on the same inputs.")],
    measure: Annotated[
        str, typer.Option("--measure", "-m", help="A measure that is a sum over inputs, such as cka or mutual_knn.")
    ] = "cka",
    layer: Annotated[
        str | None, typer.Option("--layer", "-l", help="Layer of both.", show_default="the only one, or the last")
    ] = None,
    other_layer: Annotated[
        str | None, typer.Option("--other-layer", help="Layer of the second.", show_default="the same as --layer")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Number of inputs to list.")] = 20,
    groups: Annotated[
        Path | None,
        typer.Option(help="CSV table of groups: columns id and group, or one column in the order of the inputs."),
    ] = None,
    inputs: Annotated[
        Path | None, typer.Option(help="Inputs to run through models (required with models); as for compare.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column of texts in a table of inputs.")] = None,
    image_size: Annotated[
        int | None, typer.Option(min=1, help="Height and width of images.", show_default="the model's own")
    ] = None,
    permutations: Annotated[int, typer.Option(min=0, help="Shuffles of the inputs for the chance level.")] = 50,
    seed: Annotated[int, typer.Option(help="Seed of the shuffles.")] = 0,
    memory: Annotated[str | None, memory_option(MEMORY)] = None,
    show: Annotated[
        Path | None,
        typer.Option(
            help="What the inputs are, to be shown with them: texts, a folder of images, or an array of images.",
            show_default="--inputs",
        ),
    ] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the inputs that differ most to this file.")] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Draw the images of the inputs that differ most to this file.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write all values to this file, one row per input.", dir_okay=False)
    ] = None,
    recipe: RecipeFile = None,
    json: JsonOutput = False,
) -> None:
    """List the inputs on which two representations differ most, with what each contributes to the value.

    Contributions add up to the value. A difference as large as with shuffled inputs (p near 1) means that the second
    side does not recognise the input at all.

    Examples: `similitude inputs a.npy b.npy --top 20`,
    `similitude inputs hf:./bert-a hf:./bert-b --inputs texts.txt --layer blocks[-1] --groups labels.csv`.
    """
    asked = dict(locals())  # all arguments and options, for the recipe
    chosen = get_measures([measure])
    if len(chosen) != 1:
        raise InputError("Inputs are listed by one measure. Name one with --measure.")
    if figure is not None:
        from similitude.report.style import check_format

        check_format(figure)
    for file in (figure, csv, recipe, sheet):
        if file is not None:
            make_folder(file.parent)
    budget = Budget(parse_size(memory, MEMORY))
    table = None if groups is None else _read_groups(groups)
    with tempfile.TemporaryDirectory(prefix="similitude-") as spool:
        extraction = Extraction(
            *(inputs, "auto", 32, int(budget.for_representations.bytes), Path(spool)),
            column=column,
            image_size=image_size,
            hashed=recipe is not None,
        )
        layers = [layer] if layer else []
        found, left_out = load_networks([first, second], layers, extraction, [other_layer] if other_layer else None)
        if len(found) != 2:
            raise InputError(f"Two representations are compared; {first} and {second} hold {len(found)} networks.")
        x, y = (_only(network) for network in found)
        result = contributions(x, y, chosen[0], groups=table, permutations=permutations, seed=seed)
    shown = show or inputs
    texts = _texts(shown, column, x.n)
    if csv is not None:
        result.to_csv(csv)
        note(f"All values are in {csv}.")
    content = _as_json(result, x, y, top, texts)
    if recipe is not None:
        weights = {network.name: network.weights for network in found if network.weights}
        write_recipe(recipe, "inputs", asked, chosen, about([x, y]), content, weights)
    if json:
        typer.echo(json_module.dumps(content, indent=1))
    else:
        _print(result, x, y, top, texts)
    if figure is not None:
        from similitude.report.style import save  # matplotlib takes a while to load

        note(f"Figure: {', '.join(map(str, save(result.plot(top=top), figure)))}")
    if sheet is not None:
        from similitude.report.style import save

        note(f"Contact sheet: {', '.join(map(str, save(result.sheet(_images(shown, x.n), top), sheet)))}")
    if left_out:
        note(f"{len(left_out)} layer(s) left out, the first: {next(iter(left_out.items()))}")


def _only(network: Network) -> Representation:
    """The only layer, or the last."""
    *others, last = network.layers.values()
    if others:
        note(f"{network.name} has {len(others) + 1} layers; the last is taken: {last.layer}. --layer names another.")
    return last


def _read_groups(path: Path) -> Any:
    cells, _ = read_cells(path)
    names = {str(column).casefold(): column for column in cells.columns}
    group = next((names[name] for name in ("group", "label", "class") if name in names), None)
    if "id" in names and len(cells.columns) > 1:
        group = group or next(column for column in cells.columns if column != names["id"])
        return dict(zip(cells[names["id"]], cells[group], strict=True))
    if len(cells.columns) == 1 or group is not None:
        return list(cells[group or cells.columns[0]])
    raise FileError(f"{path} has the columns {', '.join(map(str, cells.columns))}. Give id and group, or one column.")


def _texts(inputs: Path | None, column: str | None, n: int) -> list[str] | None:
    """Texts of the inputs, where they are texts."""
    if inputs is None or inputs.is_dir() or inputs.suffix.lower() not in (".txt", ".csv", ".jsonl", ".parquet"):
        return None
    values = load_inputs(inputs, column).values
    is_text = isinstance(values, list) and len(values) == n and isinstance(values[0], str)
    return values if is_text else None


class _Files(Sequence[np.ndarray]):
    """Images of files, read one by one."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, position: Any) -> Any:
        return read_thumbnail(self._files[position])


def _images(shown: Path | None, n: int) -> Any:
    """Images of the inputs: files of a folder, or an array."""
    if shown is None:
        raise InputError("A contact sheet is of images: --show with a folder of images, or with an array of them.")
    found = _Files(find_images(shown)) if shown.is_dir() else load_inputs(shown).values
    if not isinstance(found, _Files | np.ndarray) or (isinstance(found, np.ndarray) and found.ndim not in (3, 4)):
        raise InputError(f"{shown} holds no images. Give a folder of images, or an array (n, channels, height, width).")
    if len(found) != n:
        raise InputError(f"{shown} holds {len(found):,} images, and there are {n:,} inputs. Give one per input.")
    return found


def _print(found: Contributions, x: Representation, y: Representation, top: int, texts: list[str] | None) -> None:
    console = stdout()
    rows = found.top(top)
    title = f"{found.measure} of {x.key} and {y.key}: {quantity(found.value)}, n = {x.n:,}"
    columns = ["input", "contribution", "difference", "chance", "p", "neighbours kept", "kind"]
    printed = Table(*columns, *(["text"] if texts else []), title=title)
    for position, row in zip(rows.index, rows.to_dict("records"), strict=True):
        values = (quantity(row["contribution"]), quantity(row["difference"]), quantity(row["chance"]))
        cells = [Text(str(row["id"])), *values, probability(row["p"]), quantity(row["kept"]), row["kind"]]
        printed.add_row(*cells, *([Text(texts[position][:_TEXT])] if texts else []))
    console.print(printed)
    total = float(found.inputs["difference"].sum())
    share = float(rows["difference"].sum()) / total if total else math.nan
    console.print(
        f"These {len(rows)} of {x.n:,} inputs hold {share:.0%} of the difference." if total else "No difference."
    )
    if len(found.groups):
        printed = Table("group", "n", "contribution", "difference", "per input, relative to all", "p")
        for row in found.groups.to_dict("records"):
            values = (quantity(row[key]) for key in ("contribution", "difference", "ratio"))
            printed.add_row(Text(row["group"]), str(row["n"]), *values, probability(row["p"]))
        console.print(printed)


def _as_json(
    found: Contributions, x: Representation, y: Representation, top: int, texts: list[str] | None
) -> dict[str, Any]:
    rows = found.top(top)
    if texts:
        rows = rows.assign(text=[texts[position] for position in rows.index])
    return {
        "measure": str(found.measure),
        "value": found.value,
        "n": x.n,
        "first": x.key,
        "second": y.key,
        "inputs": _records(rows),
        "groups": _records(found.groups),
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return json_module.loads(json_module.dumps(plain.to_dict("records"), default=lambda value: value.item()))
