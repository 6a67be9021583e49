"""Processor time that one pair takes by each measure alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from similitude.engine.compute import score_pairs
from similitude.measures import Measure
from similitude.representations import Representation
from similitude.representations.tables import read_written, write_csv

__all__ = ["time_measures"]

_COLUMNS = ["measure", "version", "seconds", "n", "d"]


def time_measures(
    measures: Sequence[Measure],
    representations: Sequence[Representation],
    file: Path,
    *,
    limit: float = np.inf,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Take the processor time of every measure by itself, on one thread, over the pairs of a few representations.

    Values are thrown away, and what several measures could share is computed by each. One pair is enough for a measure
    that is slower than the limit. Times that the file has already are kept, so that an interrupted run goes on.

    Parameters
    ----------
    measures
        What to time.
    representations
        Two or more, of the same inputs.
    file
        CSV table of the times; written after each measure.
    limit
        Seconds per pair.
    progress
        Called with the number of measures timed and of all.

    Returns
    -------
    pandas.DataFrame
        One row per measure: measure, version, seconds per pair, and the numbers n of inputs and d of features.
    """
    kept = read_written(file, dtype={"measure": "str", "version": "str"})
    known = {(row["measure"], row["version"]): row for row in kept.to_dict("records")}
    pairs = list(combinations(representations, 2))
    rows = []
    for done, measure in enumerate(measures):
        key = (str(measure), str(measure.version))
        if key not in known:
            seconds = _timed(pairs[:1], measure)
            if seconds <= limit and len(pairs) > 1:
                seconds = _timed(pairs, measure)
            facts = [*key, round(seconds, 6), representations[0].n, representations[0].d]
            known[key] = dict(zip(_COLUMNS, facts, strict=True))
            write_csv(pd.DataFrame(list(known.values())), file)
        rows.append(known[key])
        if progress is not None:
            progress(done + 1, len(measures))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _timed(pairs: Sequence[tuple[Representation, Representation]], measure: Measure) -> float:
    start = time.process_time()  # of this process alone, whatever else the machine does
    score_pairs(pairs, [measure], workers=1)
    return (time.process_time() - start) / len(pairs)
