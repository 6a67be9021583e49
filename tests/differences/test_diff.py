"""Planted faults are found where they are, and nothing is found where there is none."""

import numpy as np
import pytest

import similitude
from similitude.errors import InputError, NetworkError, ShapeMismatch, SimilitudeWarning

torch = pytest.importorskip("torch")
nn = torch.nn

from small_transformer import build, changed, tokens  # noqa: E402

FAULTS = {
    "weights": (lambda net: net.blocks[3].up.weight.mul_(1 + 1e-4), "blocks.3", "blocks.3.up"),
    "one weight": (lambda net: net.blocks[5].down.weight[3, 7].add_(0.01), "blocks.5", "blocks.5.down"),
    "epsilon": (lambda net: setattr(net.blocks[2].norm2, "eps", 1e-6), "blocks.2", "blocks.2.norm2"),
    "last epsilon": (lambda net: setattr(net.norm, "eps", 1e-3), "norm", "norm"),
    "dropout": (lambda net: net.blocks[4].dropout2.train(), "blocks.4", "blocks.4.dropout2"),
    "all dropouts": (lambda net: net.train(), "blocks.0", "blocks.0.dropout1"),
    "mask": (lambda net: setattr(net.blocks[1], "causal", True), "blocks.1", "blocks.1.out"),
    "bf16": (lambda net: net.to(torch.bfloat16), "tokens", "tokens"),
    "bf16 from a block on": (lambda net: rounded(net.blocks[3]), "blocks.3", "blocks.3.qkv"),
    "positions": (lambda net: setattr(net, "shift", 1), "blocks.0:input", "positions"),
    "head": (lambda net: net.head.bias[0].add_(1e-3), "head", "head"),
}


def rounded(block):
    """Weights of half precision, in which all is still computed in single."""
    for parameter in block.parameters():
        parameter.copy_(parameter.to(torch.bfloat16).float())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_where_it_is(fault):
    change, layer, module = FAULTS[fault]
    network = build()
    found = similitude.diff(network, changed(network, change), tokens())
    assert (found.verdict, found.first, found.inside) == ("diverged", layer, module)
    names = list(found.layers["layer"])
    assert not found.layers["beyond"][: names.index(layer)].any()


@pytest.mark.parametrize("seed", range(20))
def test_no_false_alarm(seed):
    network = build(seed, depth=4)
    rewritten = changed(network, lambda net: [setattr(block, "rewritten", True) for block in net.blocks])
    found = similitude.diff(network, rewritten, tokens(seed))
    assert found.verdict == "same", found
    assert not found.layers["equal"].all()


def test_a_copy_is_equal():
    network = build()
    assert similitude.diff(network, changed(network, lambda net: None), tokens()).verdict == "equal"


def test_numbers_are_those_of_their_definitions():
    network = build()
    other = changed(network, lambda net: net.blocks[0].down.weight.mul_(1.01))
    found = similitude.diff(network, other, tokens()).layers.set_index("layer")
    with torch.no_grad():
        x, y = (net(tokens()).numpy().astype(float) for net in (network, other))
    row = found.loc["(output)"]
    assert row["largest"] == pytest.approx(np.abs(x - y).max(), rel=1e-4)
    assert row["relative"] == pytest.approx(np.linalg.norm(x - y) / np.linalg.norm(x), rel=1e-4)
    assert row["sqnr"] == pytest.approx(10 * np.log10((x**2).sum() / ((x - y) ** 2).sum()), abs=1e-3)
    rows = x.mean(axis=1), y.mean(axis=1)
    values = similitude.compare(*rows, ["cka", "procrustes"])
    assert row["cka"] == pytest.approx(values["cka"], abs=1e-6)
    assert row["procrustes"] == pytest.approx(values["procrustes"], abs=1e-6)
    assert row["chance"] == pytest.approx(similitude.chance_of_cka(*rows), abs=1e-6)


def test_what_half_precision_changes_can_be_tolerated():
    network = build()
    half = changed(network, lambda net: net.to(torch.bfloat16))
    assert similitude.diff(network, half, tokens(), noise_from="bfloat16").verdict == "same"
    worse = changed(half, lambda net: setattr(net, "shift", 1))
    assert similitude.diff(network, worse, tokens(), noise_from="bfloat16").first == "blocks.0:input"


def test_a_stated_tolerance_is_for_layers():
    network = build()
    other = changed(network, lambda net: net.head.bias[0].add_(1e-3))
    error = similitude.diff(network, other, tokens()).layers["relative"].max()
    assert similitude.diff(network, other, tokens(), fail_above=1.1 * error).same
    assert similitude.diff(network, other, tokens(), fail_above=0.9 * error).first == "head"


def test_modes_and_statistics_come_back():
    network = nn.Sequential(nn.Linear(8, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)).eval()
    other = changed(network, lambda net: net[1].train())
    before = other[1].running_mean.clone()
    found = similitude.diff(network, other, torch.randn(50, 8, generator=torch.Generator().manual_seed(0)))
    assert found.first == "1"
    assert "training mode" in found.settings["second"].iloc[0]
    assert torch.equal(other[1].running_mean, before)
    assert (network[1].training, other[1].training) == (False, True)


def test_a_random_network_is_named():
    class Noisy(nn.Module):
        def forward(self, x):
            return nn.functional.dropout(x, 0.2)

    network = nn.Sequential(nn.Linear(8, 6), nn.Identity(), nn.Linear(6, 3))
    other = nn.Sequential(network[0], Noisy(), network[2])
    found = similitude.diff(network, other, torch.randn(50, 8), names=("old", "new"))
    assert found.first == "1"
    assert any(note.startswith("new is random") for note in found.notes)


def test_other_depths_and_widths():
    deep, shallow = build(), changed(build(), lambda net: net.blocks.__delitem__(slice(4, 6)))
    found = similitude.diff(deep, shallow, tokens())
    assert found.first == "norm"
    assert found.only == (["blocks.4", "blocks.5"], [])
    narrow = similitude.diff(deep, build(d=16), tokens())
    assert narrow.first == "tokens"
    assert narrow.layers["cka"].notna().all()
    assert narrow.layers["relative"].isna().sum() == 9


def test_networks_without_a_name_in_common_are_aligned():
    class Renamed(nn.Module):
        def __init__(self, network):
            super().__init__()
            self.a, self.b = nn.Sequential(network.tokens), nn.Identity()
            self.parts = nn.ModuleList(nn.ModuleDict({"inner": block}) for block in network.blocks[1:])
            self.network = [network]

        def forward(self, x):
            (network,) = self.network
            h = self.a(x) + network.positions(torch.arange(x.shape[1]))
            h = self.b(network.blocks[0](h))
            for part in self.parts:
                h = part["inner"](h)
            return h

    network = build()
    found = similitude.diff(network, Renamed(network), tokens(), match="alignment")
    pairs = dict(zip(found.layers["layer"], found.layers["other"], strict=True))
    assert found.matched_by == "alignment"
    assert pairs["blocks.0"] == "b"


def test_padding_is_not_compared():
    network, other = build(), build()
    shown, mask = tokens(), torch.ones(60, 12, dtype=torch.long)
    mask[::2, 8:] = 0
    other.shift = 0
    head = other.head.forward
    other.head.forward = lambda x: head(x) + (1 - mask[: len(x), :, None]) * (len(x) == 60)
    found = similitude.diff(network, other, shown, mask=mask, batch_size=60, layers=["head"])
    assert found.layers["equal"].all()


def test_little_memory_gives_the_same():
    network = build()
    other = changed(network, lambda net: net.blocks[0].up.weight.mul_(1.01))
    full = similitude.diff(network, other, tokens(n=200)).layers
    little = similitude.diff(network, other, tokens(n=200), memory=400_000).layers
    np.testing.assert_allclose(little["relative"], full["relative"], rtol=1e-4)
    np.testing.assert_allclose(little["cka"], full["cka"], atol=1e-6)


def test_values_that_are_not_finite_diverge():
    network = build()
    other = changed(network, lambda net: net.blocks[2].up.bias[0].fill_(torch.nan))
    found = similitude.diff(network, other, tokens())
    assert found.first == "blocks.2"
    assert np.isinf(found.layers.set_index("layer").loc["blocks.2", "relative"])


def arrays(seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return {f"block{i}": rng.normal(size=(40, 3, 5)).astype(dtype) for i in range(4)}


def test_saved_outputs():
    saved = arrays()
    assert similitude.diff(saved, arrays()).verdict == "equal"
    other = saved | {"block2": saved["block2"] * np.float32(1 + 1e-4)}
    found = similitude.diff(saved, other)
    assert found.first == "block2"
    assert found.layers["noise"].isna().all()
    rounding = {name: values * np.float32(1 + 1e-7) for name, values in saved.items()}
    assert similitude.diff(saved, rounding).verdict == "same"
    again = {name: values * np.float32(1 + 5e-5) for name, values in saved.items()}
    assert similitude.diff(saved, other, noise_from=again).verdict == "same"
    assert similitude.diff(saved["block0"], saved["block0"]).verdict == "equal"


def test_saved_outputs_by_order_and_alignment():
    saved = arrays()
    renamed = dict(zip("abcd", saved.values(), strict=True))
    assert similitude.diff(saved, renamed).matched_by == "order"
    fewer = {name: saved[name] for name in ("block0", "block2", "block3")}
    found = similitude.diff(saved, dict(zip("xyz", fewer.values(), strict=True)))
    assert found.matched_by == "alignment"
    assert list(found.layers["layer"]) == list(fewer)
    assert found.verdict == "equal"
    assert found.only == (["block1"], [])


@pytest.mark.parametrize(
    ("first", "second", "options", "error", "text"),
    [
        (arrays(), {n: v[:30] for n, v in arrays().items()}, {}, ShapeMismatch, "40 inputs"),
        (arrays(), {}, {}, InputError, "no arrays"),
        (arrays(), {"other": np.eye(40)}, {"match": "name"}, InputError, "in common"),
        (arrays(), {"a": np.eye(40), "b": np.eye(40)}, {"match": "order"}, InputError, "4 and 2"),
        (arrays(), arrays(), {"match": "luck"}, InputError, "alignment"),
        (arrays(), arrays(), {"fail_above": -1.0}, InputError, "0 or more"),
        (arrays(), arrays(), {"inputs": np.eye(3)}, InputError, "Leave them out"),
        (arrays(), nn.Linear(2, 2), {}, InputError, "the other is not"),
        (nn.Linear(2, 2), nn.Linear(2, 2), {}, InputError, "need inputs"),
        (nn.Linear(2, 2), nn.Linear(2, 2), {"inputs": torch.ones(4, 2), "noise_from": "luck"}, InputError, "'luck'"),
        (nn.Linear(2, 2), nn.Linear(3, 2), {"inputs": torch.randn(4, 2)}, NetworkError, "Linear failed"),
        (nn.Linear(2, 2), nn.Linear(2, 2), {"inputs": iter([torch.ones(4, 2)])}, InputError, "iterator"),
    ],
)
def test_what_cannot_be_compared_is_refused(first, second, options, error, text):
    with pytest.raises(error, match=text):
        similitude.diff(first, second, **options)


def test_ids_are_matched():
    x = similitude.Representation(np.eye(5), ids="abcde")
    with pytest.raises(ShapeMismatch, match="another order"):
        similitude.diff({"x": x}, {"x": similitude.Representation(np.eye(5), ids="abced")})


def test_noise_that_cannot_be_measured_is_told():
    class Single(nn.Module):
        def forward(self, x):
            assert x.dtype == torch.float32
            return x * 2

    network = nn.Sequential(nn.Linear(4, 4), Single())
    with pytest.warns(SimilitudeWarning, match="noise from dtype is not measured"):
        found = similitude.diff(network, changed(network, lambda net: None), torch.randn(20, 4))
    assert found.verdict == "equal"


def test_weights_alone():
    network = build()
    assert similitude.diff_weights(network, build()).verdict == "equal"
    other = changed(network, lambda net: net.blocks[1].qkv.bias[0].add_(0.5))
    found = similitude.diff_weights(network, other)
    assert (found.verdict, found.first) == ("diverged", "blocks.1.qkv.bias")
    assert found.weights.set_index("parameter").loc["blocks.1.qkv.bias", "largest"] == pytest.approx(0.5)
    with pytest.raises(InputError, match="no parameter name in common"):
        similitude.diff_weights({"a": np.eye(2)}, {"b": np.eye(2)})


def test_an_array_without_a_name():
    x = arrays()["block0"]
    found = similitude.diff(x, 2 * x)
    assert found.first == "(array)"
    with pytest.raises(ShapeMismatch, match=r"first/\(array\) has 40 inputs"):
        similitude.diff(x, x[:30])


def test_inputs_that_do_not_fit_are_the_networks_error():
    with pytest.raises(NetworkError, match="failed on its inputs"):
        similitude.diff(build(), build(), torch.randn(50, 7))


def test_plain_values_for_json():
    network = build(depth=2)
    content = similitude.diff(network, build(1, depth=2), tokens()).to_dict()
    assert content["verdict"] == "diverged"
    assert content["layers"][0]["beyond"] is True
    assert content["layers"][0]["sqnr"] < 10
