"""Tables of what the simulations found, for the pages that show them; `documented.py` writes them there."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from similitude.measures import get_measure
from similitude.measures.describe import breakdown
from similitude.report.numbers import number

DATA = Path(__file__).parents[1] / "docs" / "data"


def separation(what: str) -> pd.DataFrame:
    """Numbers of separation_simulation.py, one row per design and effect, one column per quantity."""
    frame = pd.read_csv(DATA / "separation.csv")
    return frame[frame["what"] == what].pivot(index=["groups", "size", "effect"], columns="quantity", values="value")


def _table(titles: dict[str, str], frame: pd.DataFrame, *, effects: bool) -> str:
    header = ["design", *["effect"] * effects, *titles.values()]
    lines = ["| " + " | ".join(header) + " |", "|---|" + "--:|" * (len(header) - 1)]
    order = frame.index.to_frame().eval("groups * size").sort_values(kind="stable").index
    for groups, size, effect in order:
        cells = [f"{groups} × {size}", *[f"{effect:g}"] * effects]
        cells += [number(frame.loc[(groups, size, effect), name]) for name in titles]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def separation_chance(_: str) -> str:
    """Return what exchangeable models give, by design, and how often tests reject and intervals lie above chance."""
    titles = {
        "prevalence": "prevalence",
        "mean": "mean AUPRC",
        "sd": "sd",
        "upper": "95 % quantile",
        "violation": "violation rate, 5 % quantile",
        "level": "p ≤ .05",
        "tracks": '"tracks"',
    }
    return _table(titles, separation("chance"), effects=False)


def separation_coverage(_: str) -> str:
    """Return how often intervals hold the AUPRC, by method, and the median p."""
    titles = {
        "auprc": "AUPRC",
        "arcsine": "jackknife, arcsine",
        "plain": "jackknife, plain",
        "bootstrap": "bootstrap",
        "width": "median width",
        "p": "median p",
    }
    return _table(titles, separation("coverage"), effects=True)


def separation_equal(_: str) -> str:
    """Return how often two equally good measures differ."""
    shares = {"equal, 1 shared": "they differ in the noise of pairs", "equal, 0.5 shared": "and in models"}
    frame = pd.concat({name: separation(name)["distinct"] for name in shares}, axis=1)
    return _table(shares, frame, effects=False)


def interval_coverage(inputs: str) -> str:
    """Return how often intervals over so many inputs hold the mean value, and those of differences 0, by data."""
    frame = pd.read_csv(DATA / "intervals.csv")
    frame = frame[frame["n"] == int(inputs)]
    worlds = list(frame["world"].unique())
    lines = ["| measure | " + " | ".join(worlds) + " |", "|---|" + "--:|" * len(worlds)]
    for measure, rows in frame.groupby("measure", sort=False):
        of_world = rows.set_index("world")
        shares = of_world[["coverage", "differences"]].reindex(worlds).to_numpy()
        cells = [", ".join(map(number, pair)) for pair in shares]
        lines.append(f"| `{measure}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def interval_methods(_: str) -> str:
    """Return the coverage of each method by measure: the mean over kinds of data, the least and the most."""
    frame = pd.read_csv(DATA / "intervals.csv").dropna(subset="subsets")
    titles = {"coverage": "in use", "subsets": "subsets", "bootstrap": "bootstrap", "error": "error / sd, in use"}
    lines = [f"| measure | method | {' | '.join(titles.values())} |", "|---|---|" + "--:|" * len(titles)]
    for (measure, method), rows in frame.groupby(["measure", "method"], sort=False):
        cells = [f"{number(rows[c].mean())} ({number(rows[c].min())} to {number(rows[c].max())})" for c in titles]
        lines.append(f"| `{measure}` | {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def interval_outside(_: str) -> str:
    """Return for which measures and data coverage is not within 93 and 97 %, but for the noise of the simulation."""
    frame = pd.read_csv(DATA / "intervals.csv")
    noise = (0.95 * 0.05 / frame["replications"]) ** 0.5
    kinds = {"values": "coverage", "differences": "differences"}
    lines = ["| measure | " + " | ".join(f"{kind} too {end}" for kind in kinds for end in ("narrow", "wide")) + " |"]
    lines.append("|---|" + "---|" * 4)
    for measure, rows in frame.groupby("measure", sort=False):
        cells = []
        for column in kinds.values():
            for outside in (rows[column] < 0.93 - noise[rows.index], rows[column] > 0.97 + noise[rows.index]):
                some = rows[outside].to_dict("records")
                cells.append("; ".join(f"{row['world']}, {row['n']:,}: {number(row[column])}" for row in some))
        if any(cells):
            lines.append(f"| `{measure}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def layer_choice(_: str) -> str:
    """Return how often intervals of a chosen layer's value hold it, as layer_choice_simulation.py found."""
    titles = {
        "value": "reported value",
        "sd": "sd",
        "error": "error / sd",
        "coverage": "coverage",
        "gap": "gap",
        "naive_bias": "as it is: better by",
        "naive_coverage": "as it is: coverage",
    }
    lines = [f"| layers | measure | {' | '.join(titles.values())} |", "|---|---|" + "--:|" * len(titles)]
    for row in pd.read_csv(DATA / "layer_choice.csv").to_dict("records"):
        lines.append(f"| {row['world']} | `{row['measure']}` | {' | '.join(number(row[name]) for name in titles)} |")
    return "\n".join(lines)


def training_overhead(_: str) -> str:
    """Return what comparisons during training took, as training.py found."""
    titles = ["texts in the probe", "budget", "comparisons", "share of the training time", "one comparison, in steps"]
    lines = [f"| {' | '.join(titles)} | before training, in steps |", "|" + "--:|" * (len(titles) + 1)]
    for row in pd.read_csv(DATA / "training.csv").to_dict("records"):
        budget = "none" if pd.isna(row["budget"]) else f"{row['budget']:.0%}"
        cells = [f"{row['probe']:,}", budget, str(row["compared"]), f"{row['share']:.1%}"]
        cells += [f"{row[name]:.1f}" for name in ("per_comparison", "preparation")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def breakdown_shares(_: str) -> str:
    """Return what each measure retains, and the share of rows at which half is lost."""
    frame, shares = pd.read_csv(DATA / "breakdown.csv"), (0.005, 0.02, 0.1, 0.3)
    far = frame[frame["distance"] == frame["distance"].max()]
    found = far.pivot(index="measure", columns="share", values="retained").loc[far["measure"].unique()]
    lines = [f"| measure | {' | '.join(map(_share, shares))} | half is lost at |", "|---|--:|--:|--:|--:|--:|"]
    for name, row in found.iterrows():
        cells = ["fails" if pd.isna(row[share]) else number(max(row[share], 0.0)) for share in shares]
        half = breakdown(str(name))
        lines.append(f"| `{name}` | {' | '.join(cells)} | {'more than 50 %' if pd.isna(half) else _share(half)} |")
    return "\n".join(lines)


def _share(share: float) -> str:
    return "one row" if share < 0.01 else f"{share * 100:g} %"


def breakdown_distances(_: str) -> str:
    """Return values with a tenth of the rows moved, by distance, of similarities."""
    frame = pd.read_csv(DATA / "breakdown.csv")
    found = frame[frame["share"] == 0.1].pivot(index="measure", columns="distance", values="value")
    similar = [m for m in frame["measure"].unique() if get_measure(m).properties().kind == "similarity"]
    found = found.loc[similar]
    lines = [f"| measure | {' | '.join(f'{d:g}' for d in found)} |", "|---|" + "--:|" * found.shape[1]]
    lines += [f"| `{name}` | {' | '.join(map(number, row))} |" for name, row in found.iterrows()]
    return "\n".join(lines)


def bounds(_: str) -> str:
    """Return what bounds.py found of the pairs of populations."""
    titles = {
        "ratio": "participation ratio",
        "nbs": "NBS",
        "cka": "CKA",
        "width": "room",
        "decoders": "distance of decoders",
        "far": "its upper bound",
    }
    lines = [f"| population | pairs | outside | {' | '.join(titles.values())} |", "|---|" + "--:|" * (len(titles) + 2)]
    for row in pd.read_csv(DATA / "bounds.csv").to_dict("records"):
        cells = [str(row["pairs"]), str(row["outside"] + row["decoders_outside"]), f"{row['ratio']:.1f}"]
        cells += [number(row[name]) for name in titles if name != "ratio"]
        lines.append(f"| {row['population']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def null_levels(_: str) -> str:
    """Return how often unrelated data are significant: over all data, and the least and most of one kind and width."""
    lines = ["| measure | n | p ≤ .05 | least, most | p ≤ .01 | p ≤ .001 |", "|---|" + "--:|" * 5]
    for (measure, n), rows in pd.read_csv(DATA / "null.csv").groupby(["measure", "n"], sort=False):
        five, one, tenth = (number(rows[level].mean()) for level in ("p05", "p01", "p001"))
        ends = f"{number(rows['p05'].min())}, {number(rows['p05'].max())}"
        lines.append(f"| `{measure}` | {n:,} | {five} | {ends} | {one} | {tenth} |")
    return "\n".join(lines)


def published(paper: str) -> str:
    """Return what published_checks.py found of the papers whose names begin so."""
    frame = pd.read_csv(DATA / "published.csv")
    lines = ["| source | quantity | expected | found | tolerance |", "|---|---|--:|--:|--:|"]
    for row in frame[frame["paper"].str.startswith(paper)].to_dict("records"):
        cells = [*(f"{row[name]:.4f}".rstrip("0").rstrip(".") for name in ("expected", "found"))]
        cells.append(f"{row['tolerance']:.1g}")
        lines.append(f"| {row['paper']} | {row['what']} | {' | '.join(cells)} |")
    return "\n".join(lines)
