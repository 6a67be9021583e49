"""How pairs with a reference become a grade: as it should be, and as it was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from similitude.benchmark.statistics.ranks import DIGITS

__all__ = ["CORRECTED", "PROTOCOLS", "PUBLISHED", "Protocol", "ProtocolName"]

ProtocolName = Literal["corrected", "published"]


@dataclass(frozen=True)
class Protocol:
    """Rules by which dissimilarities are correlated with differences in functionality.

    Parameters
    ----------
    name
        Name of the protocol in results.
    itself
        Whether the pair of the reference with itself counts, which is always concordant and inflates the correlation.
    digits
        Number of decimals to which values are rounded before they are ranked, so that rounding noise cannot break a
        tie; None to rank values as they are.
    passes_over_failures
        Whether pairs on which a measure failed are left out; otherwise they make its correlation undefined.
    """

    name: str
    itself: bool = False
    digits: int | None = DIGITS
    passes_over_failures: bool = True


CORRECTED = Protocol("corrected")
PUBLISHED = Protocol("published", itself=True, digits=None)
"""Rules of Ding, Denain & Steinhardt 2021, arXiv:2108.01661."""

PROTOCOLS: Mapping[ProtocolName, Protocol] = MappingProxyType({"corrected": CORRECTED, "published": PUBLISHED})
