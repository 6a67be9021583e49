"""Assessments kept on disk: resampling is repeated only for scores or dissimilarities that are new."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from similitude.benchmark.grading import GradingData
from similitude.benchmark.statistics.assess import STATISTICS, assess, extra_permutations
from similitude.representations.folder import read_json, write_json

__all__ = ["Assessed", "assessed"]

_VERSION = 2
"""Raised whenever the same data give other statistics."""


class Assessed(NamedTuple):
    """Statistics as tables.

    Parameters
    ----------
    table, differences
        See `similitude.benchmark.statistics.assess.Assessment`; the differences have a column ``statistic``.
    leave_one_out
        Average over every reference without each unit in turn: columns statistic, unit, and one per measure.
    """

    table: pd.DataFrame
    differences: pd.DataFrame
    leave_one_out: pd.DataFrame


def assessed(data: GradingData, resamples: int, tests: int = 1, cache: Path | None = None) -> Assessed:
    """Statistics of all measures on a functionality, and the paired differences between them.

    Parameters
    ----------
    data
        Scores and dissimilarities.
    resamples
        Of models; permutations are one fewer.
    tests
        Number of tests that p-values will be adjusted for, see `similitude.benchmark.statistics.assess.assess`.
    cache
        Folder of earlier assessments, each in a file named by the hash of what it was computed from; None to keep none.
    """
    file = None if cache is None else cache / f"{_hash(data, resamples, tests)}.json"
    if file is not None and file.exists():
        kept = read_json(file)
        return Assessed(*(pd.DataFrame(kept[name]) for name in Assessed._fields))
    assessment = assess(data, resamples=resamples, permutations=resamples - 1, tests=tests)
    compared = [assessment.differences(statistic).assign(statistic=statistic) for statistic in STATISTICS]
    found = Assessed(
        assessment.table,
        pd.concat(compared, ignore_index=True),
        pd.concat([assessment.without(statistic) for statistic in STATISTICS], ignore_index=True),
    )
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {name: table.to_dict("list") for name, table in found._asdict().items()})
    return found


def _hash(data: GradingData, resamples: int, tests: int) -> str:
    facts = [_VERSION, resamples, extra_permutations(resamples - 1, tests), list(data.dissimilarity)]
    facts += [data.models, data.groups, data.within]
    digest = hashlib.blake2b(json.dumps(facts).encode(), digest_size=16)
    for array in (data.merit, data.difference, data.same, *data.dissimilarity.values()):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
