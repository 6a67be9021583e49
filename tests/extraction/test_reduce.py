"""Reductions against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from similitude.errors import InputError, UnknownName
from similitude.extraction.reduce import REDUCTIONS, get_reduction

torch = pytest.importorskip("torch")


def reduce(name, output, kind, **options):
    rows, per_input = get_reduction(name)(output, kind, **options)
    total = per_input * len(output) if isinstance(per_input, int) else int(per_input.sum())
    assert total == len(rows)
    return rows.numpy()


MAPS = torch.arange(2 * 3 * 4 * 6, dtype=torch.float64).reshape(2, 3, 4, 6)
TOKENS = torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_maps():
    values = MAPS.numpy()
    np.testing.assert_array_equal(reduce("flatten", MAPS, "map"), values.reshape(2, -1))
    np.testing.assert_allclose(reduce("mean_pool", MAPS, "map"), values.mean(axis=(2, 3)))
    np.testing.assert_allclose(reduce("auto", MAPS, "map"), values.mean(axis=(2, 3)))
    expected = [values[i, :, y, x] for i in range(2) for y in range(4) for x in range(6)]
    np.testing.assert_array_equal(reduce("positions", MAPS, "map"), expected)
    cells = [
        [
            values[i, c, 2 * a : 2 * a + 2, 3 * b : 3 * b + 3].mean()
            for c in range(3)
            for a in range(2)
            for b in range(2)
        ]
        for i in range(2)
    ]
    np.testing.assert_allclose(reduce("grid(2)", MAPS, "map"), cells)
    np.testing.assert_allclose(reduce("grid(1)", MAPS, "map"), reduce("mean_pool", MAPS, "map"))


@pytest.mark.parametrize("shape", [(2, 3, 7), (2, 3, 4, 4, 4)])
def test_maps_of_one_and_three_dimensions(shape):
    output = torch.randn(shape)
    assert reduce("grid(2)", output, "map").shape == (2, 3 * 2 ** (len(shape) - 2))
    assert reduce("positions", output, "map").shape == (2 * np.prod(shape[2:]), 3)


def test_tokens_with_a_hole_in_the_mask():
    mask = torch.tensor([[1, 1, 0, 0, 0], [0, 0, 1, 0, 1], [1, 1, 1, 1, 1]])
    values = TOKENS.numpy()
    real = [values[0, :2], values[1, [2, 4]], values[2]]
    np.testing.assert_allclose(reduce("mean_pool", TOKENS, "tokens", mask=mask), [r.mean(axis=0) for r in real])
    np.testing.assert_array_equal(reduce("last_token", TOKENS, "tokens", mask=mask), [r[-1] for r in real])
    np.testing.assert_array_equal(reduce("cls", TOKENS, "tokens", mask=mask), [r[0] for r in real])
    np.testing.assert_array_equal(reduce("tokens", TOKENS, "tokens", mask=mask), np.concatenate(real))


def test_tokens_without_padding():
    values = TOKENS.numpy()
    ones = torch.ones(3, 5)
    for name in ("mean_pool", "last_token", "cls", "tokens", "flatten"):
        np.testing.assert_allclose(reduce(name, TOKENS, "tokens"), reduce(name, TOKENS, "tokens", mask=ones))
    np.testing.assert_array_equal(reduce("last_token", TOKENS, "tokens"), values[:, -1])


def test_whatever_padding_holds_does_not_matter():
    mask = torch.tensor([[1, 1, 0, 0, 0]] * 3)
    output = TOKENS.masked_fill(mask[..., None] == 0, float("nan"))
    assert np.isfinite(reduce("mean_pool", output, "tokens", mask=mask)).all()


def test_half_precision_is_summed_in_single():
    output = torch.full((2, 1, 100, 100), 0.1, dtype=torch.float16)
    rows, _ = get_reduction("mean_pool")(output, "map")
    assert rows.dtype == torch.float32
    assert abs(float(rows[0, 0]) - float(output[0, 0, 0, 0])) < 1e-6


def test_every_reduction_leaves_vectors_as_they_are():
    output = torch.randn(4, 3)
    for name in REDUCTIONS:
        np.testing.assert_array_equal(reduce(name, output, "vector"), output.numpy())
        assert str(get_reduction(name).of("vector")) == "none"


@pytest.mark.parametrize(
    ("name", "kind"), [("cls", "map"), ("tokens", "map"), ("grid", "tokens"), ("positions", "tokens"), ("none", "map")]
)
def test_a_reduction_of_another_kind_names_those_that_fit(name, kind):
    with pytest.raises(InputError, match="mean_pool"):
        reduce(name, MAPS if kind == "map" else TOKENS, kind)


def test_masks_that_do_not_fit():
    with pytest.raises(InputError, match="mask covers"):
        reduce("mean_pool", TOKENS, "tokens", mask=torch.ones(3, 4))
    with pytest.raises(InputError, match="padding only"):
        reduce("mean_pool", TOKENS, "tokens", mask=torch.tensor([[1] * 5, [0] * 5, [1] * 5]))


def test_functions_and_names():
    def largest(output):
        return output.amax(dim=(2, 3))

    assert reduce(largest, MAPS, "map").shape == (2, 3)
    assert str(get_reduction(largest)) == "largest"
    with pytest.raises(InputError, match="expected a tensor"):
        reduce(lambda output: output, MAPS, "map")
    with pytest.raises(UnknownName, match="mean_pool"):
        get_reduction("meanpool")
    for bad in ("mean_pool(2)", "grid(x)", "grid(0)"):
        with pytest.raises((UnknownName, InputError)):
            get_reduction(bad)


def test_grids_finer_than_the_map_are_refused():
    with pytest.raises(InputError, match=r"grid\(5\)"):
        reduce("grid(5)", MAPS, "map")


def test_padding_of_maps_over_time():
    output = torch.randn(2, 3, 5, dtype=torch.float64)
    mask = torch.tensor([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1]])
    values = output.numpy()
    expected = [values[0, :, :2].mean(axis=1), values[1].mean(axis=1)]
    np.testing.assert_allclose(reduce("mean_pool", output, "map", mask=mask), expected)
    by_position = np.concatenate([values[0, :, :2].T, values[1].T])
    np.testing.assert_array_equal(reduce("positions", output, "map", mask=mask), by_position)
    for name in ("grid(2)", "flatten"):
        with pytest.raises(InputError, match="padding"):
            reduce(name, output, "map", mask=mask)
