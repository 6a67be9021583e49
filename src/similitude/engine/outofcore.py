"""Pairs of which the two sides do not fit in memory: streamed from their files, block by block."""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from similitude.engine.compute import MEMORY, Pairs, Progress, Scored, score_pairs
from similitude.engine.executors import cores
from similitude.engine.ledger import Ledger
from similitude.engine.streaming import Stream, can_stream
from similitude.engine.tiles import score
from similitude.errors import SimilitudeWarning
from similitude.measures.base import Measure
from similitude.representations.representation import Representation, row_blocks

__all__ = ["score_or_stream"]


def score_or_stream(
    pairs: Pairs,
    measures: Sequence[Measure],
    *,
    ledger: Ledger | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
    memory: int = MEMORY,
    executor: str = "threads",
) -> Scored:
    """`score_pairs`, except that pairs whose sides exceed `memory` are streamed by the measures that allow it.

    Streamed values are not looked up in the ledger, nor kept there: they cost passes over files, and are few.

    Parameters
    ----------
    pairs, measures, ledger, progress, workers, memory, executor
        See `similitude.engine.compute.score_pairs`.

    Warns
    -----
    SimilitudeWarning
        Two sides exceed `memory` by a measure that cannot be streamed; see `similitude.engine.compute.score_pairs`.
    """
    linear = [j for j, measure in enumerate(measures) if can_stream(measure)]
    others = [j for j in range(len(measures)) if j not in linear]
    asked = [measures[j] for j in linear]
    large = [i for i, (x, y) in enumerate(pairs) if _bytes(x, y) > memory]
    streamed = [i for i in large if linear and _is_smaller(*pairs[i], asked)]
    found = Scored(np.full((len(pairs), len(measures)), np.nan))
    tell = progress or (lambda done, total: None)
    steps = [(sorted(set(range(len(pairs))) - set(streamed)), list(range(len(measures)))), (streamed, others)]
    total = sum(len(rows) for rows, columns in steps if columns) + len(streamed)
    done = 0
    for rows, columns in steps:
        if rows and columns:
            scored = score_pairs(
                [pairs[i] for i in rows],
                [measures[j] for j in columns],
                ledger=ledger,
                progress=functools.partial(_tell_part, tell, done, len(rows), total),
                workers=workers,
                memory=memory,
                executor=executor,
            )
            _add(found, scored, rows, columns)
            done += len(rows)
    for same in _either_way_round(pairs, streamed):
        _add(found, _stream([pairs[i] for i in same], asked, workers or cores()), same, linear)
        done += len(same)
        tell(done, total)
    return found


def _tell_part(tell: Progress, before: int, pairs: int, total: int, finished: int, of: int) -> None:
    """Of a part of all pairs; one whose values are wanted both ways round counts twice in it, and once here."""
    tell(before + pairs * finished // of, total)


def _bytes(x: Representation, y: Representation) -> int:
    """Memory of the centred values of two sides."""
    return 8 * x.n * (x.d + y.d)


def _is_smaller(x: Representation, y: Representation, measures: Sequence[Measure]) -> bool:
    """Whether a stream of both sides takes less memory than their values."""
    if not (x.has_features and y.has_features):
        return False
    return x.root is x and y.root is y and Stream(measures).bytes((x.d, y.d)) < _bytes(x, y)


def _add(found: Scored, part: Scored, rows: Sequence[int], columns: Sequence[int]) -> None:
    """Put what some measures gave for some pairs in its place."""
    found.values[np.ix_(rows, columns)] = part.values
    found.failures += [(rows[i], measure, reason) for i, measure, reason in part.failures]
    for measure, seconds in part.seconds.items():
        found.seconds[measure] = found.seconds.get(measure, 0.0) + seconds
    found.computed += part.computed
    found.reused += part.reused


def _either_way_round(pairs: Pairs, chosen: Sequence[int]) -> list[list[int]]:
    """Positions of the same two representations together: one pass over the files gives both orders."""
    found: dict[frozenset[str], list[int]] = {}
    for i in chosen:
        found.setdefault(frozenset(side.content_hash for side in pairs[i]), []).append(i)
    return list(found.values())


def _stream(pairs: Pairs, measures: Sequence[Measure], threads: int) -> Scored:
    """Values for the same two representations, either way round."""
    start = time.perf_counter()
    x, y = pairs[0]
    stream = Stream(measures, precisions=(x.precision, y.precision))
    found = Scored(np.full((len(pairs), len(measures)), np.nan))
    with threadpool_limits(limits=threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", SimilitudeWarning)
        for begin, block in row_blocks(x.values):
            stream.update(block, y.values[begin : begin + len(block)])
        pair = stream.pair()
        pair.swapped.wanted |= pair.wanted
        shared = (time.perf_counter() - start) / len(measures)
        for j, measure in enumerate(measures):
            found.seconds[str(measure)] = shared
            for i, (first, _) in enumerate(pairs):
                forward = measure.properties().symmetric or first.content_hash == x.content_hash
                entry = score(measure, pair if forward else pair.swapped)
                found.values[i, j] = np.nan if entry.value is None else entry.value
                if entry.failure is not None:
                    found.failures.append((i, str(measure), entry.failure))
                found.seconds[str(measure)] += entry.seconds
                found.computed += 1
    return found
