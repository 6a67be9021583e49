"""Arrays of any library as NumPy's: the one place where they are converted, or refused with what to do."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from array_api_compat import is_torch_array
from scipy import sparse

from similitude.errors import InputError

__all__ = ["Converted", "as_array", "check_dense_tensor", "precision_of_tensor", "tensor_in_double"]

_EXACT = float(np.finfo(np.float64).eps)


class Converted(NamedTuple):
    """An array, and how exact its entries were when they were stored."""

    array: np.ndarray
    precision: float
    """Machine epsilon of the type that was given; that of doubles for integers."""


def as_array(values: Any, name: str = "values") -> Converted:
    """Convert an array, tensor, data frame or nested list, without a copy where it is possible.

    Parameters
    ----------
    values
        Anything with numbers in it. Gradients of tensors are not followed.
    name
        Name used in error messages.

    Raises
    ------
    InputError
        Values that are missing, not numbers, or not dense; rows of different lengths; what NumPy cannot read.
    """
    if is_torch_array(values):
        return _of_tensor(values, name)
    if sparse.issparse(values):
        raise InputError(f"{name}: sparse matrices are not supported. Pass X.toarray().")
    if isinstance(values, pd.DataFrame):
        values = _of_frame(values, name)
    elif isinstance(values, np.ma.MaskedArray):
        if np.ma.is_masked(values):
            raise InputError(
                f"{name}: {np.ma.count_masked(values)} masked value(s). Remove or repair those inputs in every "
                "network, so that rows still match, and pass X.data."
            )
        values = values.data
    elif isinstance(values, (list, tuple)) and any(map(is_torch_array, values)):
        rows = [as_array(row, name) for row in values]
        values, precision = [row.array for row in rows], max(row.precision for row in rows)
        return Converted(_of_anything(values, name), precision)
    array = _of_anything(values, name)
    return Converted(array, float(np.finfo(array.dtype).eps) if array.dtype.kind == "f" else _EXACT)


def _of_anything(values: Any, name: str) -> np.ndarray:
    try:
        array = np.asanyarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        what = "rows of different lengths" if "inhomogeneous" in str(error) else f"NumPy cannot read them ({error})"
        raise InputError(f"{name}: {what}. Pass an array of shape (n inputs, d features).") from error
    # Subclasses redefine products; np.matrix does.
    return array if type(array) is np.memmap else np.asarray(array)


def _of_frame(frame: pd.DataFrame, name: str) -> np.ndarray:
    others = [str(column) for column, kind in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    if others:
        raise InputError(
            f"{name}: column(s) {', '.join(others[:3])}{', ...' if len(others) > 3 else ''} are not numeric. "
            "Pass the columns of features only."
        )
    if any(pd.api.types.is_extension_array_dtype(kind) for kind in frame.dtypes):
        return frame.to_numpy(dtype=np.float64, na_value=np.nan)
    return frame.to_numpy()


def _of_tensor(tensor: Any, name: str) -> Converted:
    check_dense_tensor(tensor, name)
    precision = precision_of_tensor(tensor)
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point() and tensor.element_size() < 4:  # NumPy has neither bfloat16 nor float8
        tensor = tensor.float()
    return Converted(tensor.resolve_conj().resolve_neg().numpy(), precision)


def precision_of_tensor(tensor: Any) -> float:
    """Machine epsilon of the type of a tensor; that of doubles for integers."""
    import torch

    return float(torch.finfo(tensor.dtype).eps) if tensor.is_floating_point() else _EXACT


def check_dense_tensor(tensor: Any, name: str) -> None:
    """Refuse tensors that are not a plain block of numbers.

    Raises
    ------
    InputError
        With what to do.
    """
    import torch

    for wrong, what, cure in (
        (tensor.is_meta, "a tensor on the meta device holds no values", "Load the model first"),
        (tensor.is_nested, "nested tensors have no common shape", "Reduce each to one row per input first"),
        (tensor.is_quantized, "quantised tensors are not supported", "Pass X.dequantize()"),
        (tensor.layout is not torch.strided, "sparse tensors are not supported", "Pass X.to_dense()"),
    ):
        if wrong:
            raise InputError(f"{name}: {what}. {cure}.")


def tensor_in_double(tensor: Any, name: str) -> tuple[Any, float, float]:
    """Convert a tensor that stays one, for its gradients or its device, with the checks that arrays get.

    Returns
    -------
    tensor
        In double precision, shape (n, d); gradients flow through it.
    float
        Machine epsilon of the type that was given.
    float
        Largest magnitude.

    Raises
    ------
    InputError
        Not dense, not two-dimensional, complex, empty, one input only, or NaN or infinite values.
    """
    import torch

    check_dense_tensor(tensor, name)
    if tensor.ndim != 2 or tensor.shape[0] < 2 or tensor.shape[1] < 1 or tensor.is_complex():
        raise InputError(
            f"{name}: shape {tuple(tensor.shape)} and type {tensor.dtype} is not n inputs x d features of real "
            "numbers, n >= 2."
        )
    values = tensor.to(torch.float64)
    largest = float(values.detach().abs().max())
    if not math.isfinite(largest):
        raise InputError(f"{name}: NaN or infinite values. Remove or repair those inputs on both sides.")
    return values, precision_of_tensor(tensor), largest
