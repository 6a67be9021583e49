"""What the doctor looks for in dissimilarities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["check_dissimilarities"]


def check_dissimilarities(matrix: np.ndarray, tell: Callable[..., None]) -> None:
    """Report findings for an RDM, whose form was checked when it was made.

    Parameters
    ----------
    matrix
        Symmetric, n x n, with a zero diagonal.
    tell
        Function of severity, check, text and numbers that keeps a finding.
    """
    entries = matrix[np.triu_indices(len(matrix), k=1)]
    if entries.min() == entries.max():
        tell("error", "constant", "All dissimilarities are equal; there is nothing to correlate.")
        return
    if below := int((entries < 0).sum()):
        tell(
            "note",
            "negative",
            f"{below} of {entries.size} dissimilarities are below 0. Cross-validated distances can be; others cannot.",
            count=below,
        )
    if zero := int((entries == 0).sum()):
        tell(
            "note",
            "duplicates",
            f"{zero} of {entries.size} pairs of inputs have dissimilarity 0: the same input twice, or inputs that this "
            "RDM does not tell apart. rsa(compare=rho_a) does not favour RDMs with ties.",
            count=zero,
        )
