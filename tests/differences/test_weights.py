"""Parameters and settings that differ."""

import pytest

from similitude.differences.weights import compare_settings, compare_weights, weights_of

torch = pytest.importorskip("torch")
nn = torch.nn

from small_transformer import build, changed  # noqa: E402


def test_parameters_that_differ():
    network = build()
    other = nn.ModuleDict({"model": changed(network, lambda net: net.blocks[1].up.weight.mul_(1.01))})
    table = compare_weights(weights_of(network), weights_of(other)).set_index("parameter")
    assert list(table.index[~table["equal"]]) == ["blocks.1.up.weight"]
    assert table.loc["blocks.1.up.weight", "relative"] == pytest.approx(0.01, rel=1e-4)
    assert table.loc["blocks.1.up.weight", "other"] == "model.blocks.1.up.weight"


def test_settings_that_differ():
    network = build()
    assert compare_settings(network, build(1)).empty

    def change(net):
        net.norm.eps = 1e-3
        net.blocks[0].dropout1.train()

    table = compare_settings(network, changed(network, change)).set_index("module")
    assert set(table.index) == {"norm", "blocks.0.dropout1"}
    assert "eps=0.001" in table.loc["norm", "second"]
    assert table.loc["blocks.0.dropout1", "second"] == "in training mode"
