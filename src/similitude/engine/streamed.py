"""Pairs of which the two sides do not fit in memory: streamed from their files, block by block."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence

from similitude.engine.budget import Budget
from similitude.engine.ledger import Entry
from similitude.engine.streaming import Stream, can_stream, several_passes
from similitude.engine.tiles import score
from similitude.errors import SimilitudeError, SimilitudeWarning
from similitude.linalg.threads import limit_threads
from similitude.measures.base import Measure
from similitude.measures.evaluation import reason
from similitude.representations.representation import Representation, row_blocks

__all__ = ["is_streamed", "stream_pair"]


class _Reread(Stream):
    """A stream of inputs that lie in files."""

    rereads = True


def is_streamed(measure: Measure, x: Representation, y: Representation, budget: Budget) -> bool:
    """Whether a measure is to be streamed: the sides do not fit, and what a stream keeps of them is less."""
    if budget.holds(x, y) or not can_stream(measure) or not (x.has_features and y.has_features):
        return False
    return x.root is x and y.root is y and _Reread(measure).bytes((x.d, y.d)) < 8 * x.n * (x.d + y.d)


def stream_pair(
    x: Representation, y: Representation, asked: Sequence[tuple[Measure, bool]], threads: int
) -> list[Entry]:
    """Return the entries of measures for two representations, from one pass over their values, or several.

    Parameters
    ----------
    x, y
        The representations, of which the values may be mapped from files.
    asked
        Measures that can be streamed, each with whether `y` is its first argument.
    threads
        For products.
    """
    start = time.perf_counter()
    measures = list({str(measure): measure for measure, _ in asked}.values())
    stream = _Reread(measures, precisions=(x.precision, y.precision))
    with limit_threads(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", SimilitudeWarning)
        try:
            for begin, block in row_blocks(x.values):
                stream.update(block, y.values[begin : begin + len(block)])
            pair = stream.pair()
            for factor in {factor for measure in measures for factor in several_passes(measure)}:
                for side, of in ((pair.x, x), (pair.y, y)):
                    side[factor] = factor.of_stored(of.values, side.exponent)
        except SimilitudeError as error:
            return [Entry(None, 0.0, reason(error)) for _ in asked]
        share = (time.perf_counter() - start) / len(asked)
        entries = [score(measure, pair.swapped if swapped else pair) for measure, swapped in asked]
    return [entry._replace(seconds=entry.seconds + share) for entry in entries]
