"""The doctor in Python: arrays in, findings out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from array_api_compat import is_torch_array

from similitude.doctor.findings import Finding, Specimen, examine
from similitude.errors import InputError
from similitude.representations.rdm import RDM
from similitude.representations.representation import Representation
from similitude.result import Result

__all__ = ["Diagnosis", "diagnose"]

_COLUMNS = ["severity", "check", "where", "text", "numbers"]


class Diagnosis(Result, tuple[Finding, ...]):
    """Findings of the doctor, the severest first; it prints one line per finding."""

    def to_frame(self) -> pd.DataFrame:
        """Return one row per finding, with the fields of a `Finding` as columns."""
        return pd.DataFrame([asdict(finding) for finding in self], columns=_COLUMNS)


def diagnose(*arrays: Any) -> Diagnosis:
    """Look for what would make a comparison wrong or meaningless.

    Parameters
    ----------
    *arrays
        Arrays or tensors of shape (n, d_i), Representations or RDMs; or one dict of them by name, such as `extract`
        returns. Each is examined by itself, and together with the first.

    Returns
    -------
    Diagnosis
        Tuple of findings, each with ``severity``, ``check``, ``where``, ``text`` and ``numbers``; empty if no problems
        were found.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> diagnose(X, X[::-1])[0].severity
    'error'
    """
    named = arrays[0] if len(arrays) == 1 and isinstance(arrays[0], Mapping) else dict(enumerate(arrays, start=1))
    if not named:
        raise InputError("There is nothing to examine. Give one array or more.")
    return Diagnosis(examine([_specimen(name, data) for name, data in named.items()]))


def _specimen(name: object, data: Any) -> Specimen:
    label = f"array {name}" if isinstance(name, int) else str(name)
    if isinstance(data, RDM):
        return Specimen(data.key or label, data.matrix, data.ids, is_rdm=True)
    if isinstance(data, Representation):
        return Specimen(data.key or label, data.values, data.ids)
    if is_torch_array(data):
        data = data.detach().cpu().double() if data.dtype.is_floating_point else data.detach().cpu()
    if isinstance(data, pd.DataFrame):
        return Specimen(label, data.to_numpy(), tuple(map(str, data.index)))
    return Specimen(label, np.asarray(data))
