"""The same values from every array library that is installed, and gradients through the linear family."""

from __future__ import annotations

import numpy as np
import pytest

from catalogue import DIFFERENTIABLE
from similitude import compare, get_measure


def data(n=40, dx=4, dy=5):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, dx)) @ rng.normal(size=(dx, dx)) + 2
    return x, x @ rng.normal(size=(dx, dy)) + 0.7 * rng.normal(size=(n, dy))


def number(value) -> float:
    return float(value.detach() if hasattr(value, "detach") else value)


@pytest.fixture(params=["numpy", "torch", "torch, differentiable", "torch, cuda"])
def library(request):
    """Function that turns a NumPy array into one of the library."""
    if request.param == "numpy":
        return np.asarray
    torch = pytest.importorskip("torch")
    if request.param == "torch, cuda":
        if not torch.cuda.is_available():
            pytest.skip("no GPU")
        return lambda array: torch.as_tensor(array, device="cuda")
    grad = request.param == "torch, differentiable"
    return lambda array: torch.as_tensor(array).requires_grad_(grad)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@pytest.mark.parametrize("wide", [False, True])
def test_the_value_does_not_depend_on_the_library(library, name, wide):
    x, y = data()[:: -1 if wide else 1]
    assert number(get_measure(name)(library(x), library(y))) == pytest.approx(get_measure(name)(x, y), rel=1e-10)


def test_sharing_work_changes_nothing_in_any_library(library):
    x, y = data()
    found = {name: number(value) for name, value in compare(library(x), library(y), DIFFERENTIABLE).items()}
    assert found == pytest.approx({name: get_measure(name)(x, y) for name in found}, rel=1e-10)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@pytest.mark.parametrize("wide", [False, True])
def test_gradients_are_right(name, wide):
    torch = pytest.importorskip("torch")
    x, y = (torch.as_tensor(side).requires_grad_() for side in data(14)[:: -1 if wide else 1])
    assert torch.autograd.gradcheck(get_measure(name), (x, y), eps=1e-6, atol=1e-5)


def test_a_similarity_can_be_a_loss():
    torch = pytest.importorskip("torch")
    x, y = (torch.as_tensor(side) for side in data())
    weights = torch.nn.Parameter(torch.eye(5, dtype=torch.float64)[:, :4].clone())
    optimiser = torch.optim.Adam([weights], lr=0.05)
    before = number(get_measure("cka")(x, y @ weights))
    for _ in range(20):
        optimiser.zero_grad()
        loss = 1 - get_measure("cka")(x, y @ weights)
        loss.backward()
        optimiser.step()
    assert number(get_measure("cka")(x, y @ weights)) > before + 0.01


def test_few_inputs_have_gradients_too():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    x, y = (torch.as_tensor(rng.normal(size=(6, d))).requires_grad_() for d in (8, 9))
    assert torch.autograd.gradcheck(get_measure("cka"), (x, y), eps=1e-6, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_short_types_are_computed_in_double_precision(dtype):
    torch = pytest.importorskip("torch")
    x, y = (torch.as_tensor(side).to(getattr(torch, dtype)) for side in data())
    exact = [np.asarray(side.to(torch.float64)) for side in (x, y)]
    assert get_measure("cka")(x, y) == pytest.approx(get_measure("cka")(*exact), rel=1e-12)
