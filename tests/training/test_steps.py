"""The step of a checkpoint is read from its name, or an error says why not."""

from __future__ import annotations

import pytest

from similitude.errors import InputError
from similitude.training.steps import positions, short_names, steps_of


@pytest.mark.parametrize(
    ("names", "steps"),
    [
        (["checkpoint-500", "checkpoint-1500"], [500, 1500]),
        (["epoch=0-step=100", "epoch=1-step=50"], [100, 50]),
        (["epoch_1_loss_0.3", "epoch_2_loss_0.25"], [1, 2]),
        (["ViT-B-16_iter00010", "ViT-B-16_iter00020"], [10, 20]),
        (["resnet50_10", "resnet50_9"], [10, 9]),
        (["GPT2-global_step3", "GPT2-global_step4"], [3, 4]),
        (["step-1/model", "step-2/model"], [1, 2]),
        (["7"], [7]),
    ],
)
def test_steps_in_names(names, steps):
    assert steps_of(names) == steps


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["step-1", "final"], "'final' holds no training step"),
        (["a1b1", "a2b2"], "Nothing tells which number"),
        (["a-1", "b-1"], "'a-1' and 'b-1' are both of step 1"),
        (["a-1", "a-1-2"], "Nothing tells which number"),
    ],
)
def test_names_that_tell_no_step(names, reason):
    with pytest.raises(InputError, match=reason):
        steps_of(names)


def test_orders():
    names = ["b-10", "a-9", "c-2"]
    assert positions(names, "step") == [(2, 2), (9, 1), (10, 0)]
    assert positions(names, "name") == [(0, 1), (1, 0), (2, 2)]
    assert positions(names, "given") == [(0, 0), (1, 1), (2, 2)]
    with pytest.raises(InputError, match="step, name, given"):
        positions(names, "size")


def test_names_of_paths():
    assert short_names(["a/x.v1/w.pt", "a/x.v2/w.pt"]) == ["x.v1/w", "x.v2/w"]
    with pytest.raises(InputError, match="given twice"):
        short_names(["a/1.pt", "a/1.pt"])
