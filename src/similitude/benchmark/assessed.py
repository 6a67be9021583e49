"""Assessments kept on disk: resampling is repeated only for scores or dissimilarities that are new."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from similitude.benchmark.statistics import STATISTICS, assess
from similitude.benchmark.subtask import GradingData
from similitude.representations.folder import read_json, write_json

__all__ = ["assessed"]

_VERSION = 1
"""Raised whenever the same data give other statistics."""


def assessed(data: GradingData, resamples: int, cache: Path | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Statistics of all measures on a functionality, and the paired differences between them.

    Parameters
    ----------
    data
        Scores and dissimilarities.
    resamples
        Of models; permutations are one fewer.
    cache
        Folder of earlier assessments, each in a file named by the hash of what it was computed from; None to keep none.

    Returns
    -------
    table, differences
        See `similitude.benchmark.statistics.Assessment`; the differences have a column ``statistic``.
    """
    file = None if cache is None else cache / f"{_hash(data, resamples)}.json"
    if file is not None and file.exists():
        kept = read_json(file)
        return pd.DataFrame(kept["table"]), pd.DataFrame(kept["differences"])
    assessment = assess(data, resamples=resamples, permutations=resamples - 1)
    compared = [assessment.differences(statistic).assign(statistic=statistic) for statistic in STATISTICS]
    differences = pd.concat(compared, ignore_index=True)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {"table": assessment.table.to_dict("list"), "differences": differences.to_dict("list")})
    return assessment.table, differences


def _hash(data: GradingData, resamples: int) -> str:
    digest = hashlib.blake2b(json.dumps([_VERSION, resamples, list(data.dissimilarity)]).encode(), digest_size=16)
    for array in (data.merit, data.difference, data.same, *data.dissimilarity.values()):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
