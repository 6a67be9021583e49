"""The linear family on tensors: the same values, with gradients; the others refuse rather than lose them."""

import numpy as np
import pytest

from catalogue import DIFFERENTIABLE, EVERY
from similitude.errors import InputError, MeasureError, ShapeMismatch
from similitude.factors.pair import Side
from similitude.linalg.scale import exponent_of
from similitude.measures import get_measure
from similitude.measures.baselines import Digest
from similitude.representations.arrays import tensor_in_double

torch = pytest.importorskip("torch")


def data():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(40, 2))
    return [z @ rng.normal(size=(2, d)) + rng.normal(size=(40, d)) + 0.3 for d in (4, 5)]


@pytest.mark.parametrize("id", DIFFERENTIABLE)
def test_gradient_agrees_with_finite_differences(id):
    X, Y = data()
    measure = get_measure(id)
    x = torch.tensor(X, requires_grad=True)
    value = measure(x, torch.tensor(Y))
    assert value.item() == pytest.approx(measure(X, Y), rel=1e-10)
    value.backward()
    direction = np.random.default_rng(1).normal(size=X.shape)
    step = 1e-5
    slope = (measure(X + step * direction, Y) - measure(X - step * direction, Y)) / (2 * step)
    assert (x.grad * torch.tensor(direction)).sum().item() == pytest.approx(slope, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("id", [id for id in EVERY if id not in DIFFERENTIABLE])
def test_other_measures_say_that_they_have_no_gradient(id):
    X, Y = data()
    with pytest.raises(MeasureError, match="no gradient"):
        get_measure(id)(torch.tensor(X, requires_grad=True), torch.tensor(Y))


@pytest.mark.parametrize("id", EVERY)
def test_tensors_without_gradients_are_arrays(id):
    X, Y = data()
    assert get_measure(id)(torch.tensor(X), torch.tensor(Y)) == get_measure(id)(X, Y)


def test_half_precision_is_upcast():
    X, Y = data()
    half = torch.tensor(X, dtype=torch.bfloat16)
    assert get_measure("cka")(half, Y) == pytest.approx(get_measure("cka")(half.double().numpy(), Y), rel=1e-12)


def test_messages_name_the_side_and_not_its_type():
    rng = np.random.default_rng(0)
    x, y = (torch.tensor(rng.normal(size=(n, 4)), requires_grad=True) for n in (20, 21))
    with pytest.raises(ShapeMismatch, match="first has 20 inputs and second has 21"):
        get_measure("cka")(x, y)
    with pytest.raises(MeasureError, match="second has rank 4"):
        get_measure("mean_cca")(x[:5, :1], y[:5])
    with pytest.raises(InputError, match=r"^second: NaN"):
        get_measure("cka")(x, x * float("nan"))


@pytest.mark.parametrize("name", ["float64", "float32", "float16", "bfloat16"])
def test_a_tensor_on_a_device_has_the_digest_of_its_array(name):
    dtype = getattr(torch, name)
    tensor = torch.as_tensor(data()[0]).to(dtype)
    values, precision, largest = tensor_in_double(tensor, "x")  # as of a tensor that does not lie in NumPy's memory
    on_device = Side(values, precision, exponent=exponent_of(largest))
    assert on_device[Digest()] == Side.of(tensor)[Digest()]
