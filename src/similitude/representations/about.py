"""What a recipe says of representations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from similitude.representations.representation import Representation

__all__ = ["about"]


def about(representations: Iterable[Representation]) -> dict[str, dict[str, Any]]:
    """Return ``model/layer`` to hash (of values and ids), n, d, dtype, reduction and axes."""
    return {
        x.key: {
            "hash": x.content_hash,
            "n": x.n,
            "d": x.d if x.has_features else None,
            "dtype": str(x.values.dtype) if x.has_features else None,
            "reduction": x.reduction,
            "axes": x.axes,
        }
        for x in representations
    }
