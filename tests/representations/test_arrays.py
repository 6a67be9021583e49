"""What looks like an array is compared like one by every route, or refused with what to do."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from similitude import Representation, compare, get_measure, pairwise
from similitude.doctor.significance import significance
from similitude.engine.streaming import Stream
from similitude.errors import InputError

torch = pytest.importorskip("torch")

MEASURES = ["cka", "pwcca", "procrustes"]


def whole_numbers(d, seed):
    """Values that every type down to eight bits holds."""
    return np.random.default_rng(seed).integers(-4, 5, size=(30, d)).astype(float)


X, Y = whole_numbers(4, 0), whole_numbers(5, 1)

ROUTES = {
    "compare": lambda x, y: compare(x, y, MEASURES),
    "measure": lambda x, y: {id: get_measure(id)(x, y) for id in MEASURES},
    "representation": lambda x, y: compare(Representation(x), Representation(y), MEASURES),
    "pairwise": lambda x, y: pairwise([x], MEASURES, others=[y]).frame.iloc[0][MEASURES].to_dict(),
    "stream": lambda x, y: Stream(MEASURES).update(x, y).result(),
    "significance": lambda x, y: significance(x, y, MEASURES, permutations=1).set_index("measure")["value"].to_dict(),
}

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of those who make them
    MATRIX = np.matrix(X)
    QUANTISED = torch.quantize_per_tensor(torch.tensor(X).float(), 0.1, 0, torch.qint8)

EQUIVALENT = {
    "matrix": MATRIX,
    "nothing masked": np.ma.masked_array(X, mask=False),
    "nested list": X.tolist(),
    "list of rows": list(X),
    "list of tensors": list(torch.tensor(X, requires_grad=True)),
    "tuple": tuple(map(tuple, X)),
    "frame": pd.DataFrame(X),
    "frame of nullable floats": pd.DataFrame(X).astype("Float64"),
    "frame of nullable integers": pd.DataFrame(X).astype("Int16"),
    "frame of mixed types": pd.DataFrame(X).astype({0: "Int64", 1: "float32", 2: "int8"}),
    "Fortran order": np.asfortranarray(X),
    "every other row": np.repeat(X, 2, axis=0)[::2],
    "long doubles": X.astype(np.longdouble),
    "half": X.astype(np.float16),
    "big endian": X.astype(">f8"),
    "negated tensor": torch._neg_view(torch.tensor(-X)),
    "tensor with gradient": torch.tensor(X, requires_grad=True),
    **{str(kind): torch.tensor(X).to(kind) for kind in (torch.bfloat16, torch.half, torch.float, torch.int8)},
    "float8": torch.tensor(X).to(torch.float8_e4m3fn),
    "bfloat16 with gradient": torch.tensor(X, dtype=torch.bfloat16, requires_grad=True),
}

missing = pd.DataFrame(X).astype("Float64")
missing.iloc[3, 1] = pd.NA

REFUSED = {
    "masked": (np.ma.masked_array(X, mask=X > 3), "masked"),
    "sparse array": (sparse.csr_array(X), "toarray"),
    "sparse matrix": (sparse.coo_matrix(X), "toarray"),
    "missing": (missing, "NaN"),
    "frame with text": (pd.DataFrame(X).assign(name="a"), "name"),
    "ragged": ([[1.0, 2.0], [3.0]], "different lengths"),
    "ragged tensors": ([torch.zeros(2), torch.zeros(3)], "different lengths"),
    "objects": (X.astype(object), "object"),
    "complex tensor": (torch.tensor(X) * 1j, "complex"),
    "complex tensor with gradient": ((torch.tensor(X) * 1j).requires_grad_(), "complex"),
    "sparse tensor": (torch.tensor(X).to_sparse(), "to_dense"),
    "quantised tensor": (QUANTISED, "dequantize"),
    "meta tensor": (torch.empty(30, 4, device="meta"), "meta"),
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("kind", EQUIVALENT)
def test_what_holds_the_same_numbers_gets_the_same_values(kind, route):
    expected = ROUTES[route](X, Y)
    found = ROUTES[route](EQUIVALENT[kind], Y)
    found = {id: value.item() if torch.is_tensor(value) else value for id, value in found.items()}
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_converted_is_refused_with_the_cure(kind, route):
    values, words = REFUSED[kind]
    with pytest.raises(InputError, match=words):
        ROUTES[route](values, Y)
    with pytest.raises(InputError, match=words):
        ROUTES[route](Y, values)


def test_coarse_types_set_the_tolerance_for_the_rank():
    assert Representation(torch.tensor(X, dtype=torch.bfloat16)).precision == torch.finfo(torch.bfloat16).eps
    assert Representation(X.astype(np.float16)).precision == np.finfo(np.float16).eps


def test_a_nameless_representation_keeps_its_ids_and_precision():
    x, y = Representation(X, ids=list(map(str, range(30)))), Representation(Y, ids=list(map(str, range(30)))[::-1])
    with pytest.raises(InputError, match="another order"):
        pairwise([x, y], "cka")
