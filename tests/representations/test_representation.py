"""Representations: what is accepted, what is refused and why, and truncated views."""

import numpy as np
import pytest

from similitude import Representation
from similitude.errors import InputError


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([[1.0, np.nan], [0.0, 1.0]]), "row 0, column 1"),
        (np.array([[1.0, 2.0], [np.inf, 1.0]]), "row 1, column 0"),
        (np.ones((5, 3)), "every feature is constant"),
        (np.empty((0, 3)), "holds no values"),
        (np.array([[{}, 1], [2, 3]], dtype=object), "object"),
        (np.array([["a", "b"]]), "cannot be compared"),
        (np.arange(5.0), "1 dimension"),
        (np.zeros((2, 3, 4)), "reduce maps to one row per input"),
        (np.ones((1, 4)), "at least two"),
        (np.ones((3, 2)) * 1j, "complex"),
    ],
)
def test_refuses_what_cannot_be_compared(values, words):
    with pytest.raises(InputError, match=words):
        Representation(values, model="net", layer="conv")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("row", [[1.0, -3.0, 0.5], [1e-4, 2.0, -1.5], [1e3, 1e3 / 3, 2e3]])
def test_what_varies_by_rounding_alone_is_constant(dtype, row, rng):
    row = np.array(row)
    noise = np.finfo(dtype).eps * np.maximum(np.abs(row), np.median(np.abs(row))) * rng.normal(size=(50, 3))
    with pytest.raises(InputError, match="constant"):
        Representation((row + noise).astype(dtype))
    assert Representation((row + 1e3 * noise).astype(dtype)).d == 3


def test_a_feature_varies_whatever_the_size_of_another(rng):
    values = np.column_stack([np.full(50, 1e9), rng.normal(size=(50, 3))]).astype(np.float32)
    assert Representation(values).d == 4


def test_error_names_the_model_and_layer():
    with pytest.raises(InputError, match=r"net/conv"):
        Representation(np.arange(5.0), model="net", layer="conv")


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, bool, np.float16, np.float32, np.float64, np.longdouble])
def test_numeric_types_become_floats(dtype, rng):
    representation = Representation((rng.normal(size=(6, 3)) > 0).astype(dtype))
    assert representation.values.dtype in (np.float32, np.float64)


def test_values_cannot_be_changed_and_the_input_still_can(rng):
    values = rng.normal(size=(6, 3))
    representation = Representation(values)
    with pytest.raises(ValueError, match="read-only"):
        representation.values[0, 0] = 1.0
    values[0, 0] = 2.0


def test_content_hash_is_of_content_alone(rng):
    values = rng.normal(size=(6, 3))
    one = Representation(values, model="a")
    assert one.content_hash == Representation(np.asfortranarray(values), model="b").content_hash
    assert one.content_hash != Representation(values.astype(np.float32)).content_hash
    assert one.content_hash != Representation(values.T).content_hash
    assert one.content_hash != Representation(values, ids=list("abcdef")).content_hash
    assert one.content_hash != one.truncate(2).content_hash


def test_ids_must_fit(rng):
    with pytest.raises(InputError, match="2 input ids for 6 rows"):
        Representation(rng.normal(size=(6, 3)), ids=["a", "b"])


def test_truncated_view_is_the_leading_principal_components(rng):
    values = rng.normal(size=(40, 6)) * [5, 4, 3, 2, 1, 0.5] + 7
    view = Representation(values).truncate(3)
    centred = values - values.mean(axis=0)
    eigenvalues, vectors = np.linalg.eigh(centred.T @ centred)
    projected = centred @ vectors[:, ::-1][:, :3]
    assert np.allclose(np.abs(view.values), np.abs(projected))
    assert np.allclose((view.values**2).sum(axis=0), eigenvalues[::-1][:3])
    assert (view.d, view.deleted, view.n) == (3, 3, 40)


@pytest.mark.parametrize("kept", [0, 7, -1])
def test_cannot_keep_what_is_not_there(kept, rng):
    with pytest.raises(InputError, match="keep 1 to 6"):
        Representation(rng.normal(size=(10, 6))).truncate(kept)


def test_some_inputs_in_another_order():
    values = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float16)
    whole = Representation(values, model="m", layer="l", ids=list("abcdef"), reduction="cls")
    part = whole.reordered(np.array([4, 0, 2]))
    assert part.ids == ("e", "a", "c")
    assert (part.key, part.reduction, part.precision) == ("m/l", "cls", whole.precision)
    np.testing.assert_array_equal(part.values, values[[4, 0, 2]].astype(np.float32))
