"""Groups of anyone's networks: a table with the columns ``network`` and ``group``, one row per network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from similitude.benchmark.statistics.separation import check_groups
from similitude.errors import InputError, UnknownName, suggestion
from similitude.representations import Population
from similitude.representations.tables import read_cells

__all__ = ["ATTRIBUTE", "with_groups"]

ATTRIBUTE = "group"
"""Attribute of models that names their group."""

_COLUMNS = ("network", "group")


def with_groups(
    population: Population, groups: str | Path | Mapping[str, str], left_out: Collection[str] = ()
) -> Population:
    """Return the same networks, each with its group as an attribute.

    Parameters
    ----------
    population
        The networks.
    groups
        CSV file, its cells separated by commas, semicolons or tabs; or network to group.
    left_out
        Networks that may be named too; they are passed over.

    Raises
    ------
    FileError
        The file cannot be read as a table.
    UnknownName
        A network that the population does not have.
    InputError
        Missing columns or cells, a network without a row or with two, fewer than two groups, or a group of one network.
    """
    source = "groups" if isinstance(groups, Mapping) else str(groups)
    rows = list(groups.items()) if isinstance(groups, Mapping) else _read(Path(groups))
    for number, (network, group) in enumerate(rows, start=1):
        for column, cell in zip(_COLUMNS, (network, group), strict=True):
            if not str(cell).strip():
                raise InputError(f"{source}: row {number} of the table has no {column}.")
    rows = [(network, str(group)) for network, group in rows if network not in left_out]
    named = Counter(network for network, _ in rows)
    if unknown := [network for network in named if network not in population.models]:
        hint = suggestion(unknown[0], population.models)
        raise UnknownName(f"{source}: there is no network {unknown[0]!r} in {population.name}. {hint}".rstrip())
    if twice := [network for network, times in named.items() if times > 1]:
        raise InputError(f"{source} has {len(twice)} network(s) more than once, the first {twice[0]!r}. Keep one row.")
    if missing := [model for model in population.models if model not in named]:
        raise InputError(
            f"{source} has no row for {len(missing)} of the networks, the first {missing[0]!r}. Every network needs a "
            "group; move those that belong to none out of the folder."
        )
    labels = dict(rows)
    try:
        check_groups(tuple(labels[model] for model in population.models))
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    return population.with_attribute(ATTRIBUTE, labels)


def _read(file: Path) -> list[tuple[str, str]]:
    table, _ = read_cells(file)
    lowered = {column.strip().lower(): column for column in table.columns}
    network, group = lowered.get("network", lowered.get("model")), lowered.get("group")
    if network is None or group is None:
        raise InputError(
            f"{file} needs the columns 'network' and 'group'; its columns are {', '.join(map(repr, table.columns))}."
        )
    return list(zip(table[network].str.strip(), table[group].str.strip(), strict=True))
