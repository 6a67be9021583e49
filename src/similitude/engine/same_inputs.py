"""Which of many representations are of the same inputs as most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from similitude.errors import ShapeMismatch
from similitude.factors.inputs import check_same_inputs
from similitude.factors.pair import Side
from similitude.representations import Representation

__all__ = ["find_other_inputs"]


def find_other_inputs(representations: Sequence[Representation]) -> dict[int, ShapeMismatch]:
    """Find the representations that are of other inputs than most, or have them in another order.

    Parameters
    ----------
    representations
        Any number; those without ids are told apart by their number of rows only.

    Returns
    -------
    dict
        Position to the error that a comparison with one of the others raises.

    Examples
    --------
    >>> import numpy as np
    >>> list(find_other_inputs([Representation(np.eye(n)) for n in (5, 4, 5)]))
    [1]
    """
    if not representations:
        return {}
    n = Counter(x.n for x in representations).most_common(1)[0][0]
    alike = [x for x in representations if x.n == n]
    named = Counter(x.ids for x in alike if x.ids is not None).most_common(1)
    usual = next((x for x in alike if named and x.ids == named[0][0]), alike[0])
    found = {}
    for position, representation in enumerate(representations):
        try:
            check_same_inputs(Side.of(usual), Side.of(representation))
        except ShapeMismatch as error:
            found[position] = error
    return found
