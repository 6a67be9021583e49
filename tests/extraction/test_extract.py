"""Extraction: the values are right, and each mistake of a user is caught or made harmless."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from similitude.errors import InputError, SimilitudeWarning, UnknownName
from similitude.extraction import rows
from similitude.extraction.extract import extract
from similitude.extraction.layers import list_layers
from similitude.extraction.selftest import UnstableRows

torch = pytest.importorskip("torch")
nn = torch.nn


def convnet(inplace: bool = True):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReLU(inplace=inplace),
        nn.Conv2d(4, 6, 3),
        nn.ReLU(inplace=inplace),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


def images(n: int = 11):
    return torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def bert(layers: int = 2):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=32,
        vocab_size=40,
        max_position_embeddings=16,
    )
    return transformers.BertModel(config)


def sentences(n: int = 7, side: str = "right"):
    generator = torch.Generator().manual_seed(2)
    ids = torch.randint(5, 40, (n, 9), generator=generator)
    lengths = torch.arange(n) % 6 + 3
    places = torch.arange(9)[None]
    mask = (places < lengths[:, None]) if side == "right" else (places >= 9 - lengths[:, None])
    return {"input_ids": ids * mask, "attention_mask": mask.long()}


class Wrapped(nn.Module):
    def __init__(self, inner, wrap):
        super().__init__()
        self.inner = inner
        self.wrap = Giving(wrap)

    def forward(self, x):
        return self.wrap(self.inner(x))


class Giving(nn.Module):
    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, x):
        return self.make(x)


@dataclasses.dataclass
class Output:
    loss: object
    hidden: object


@pytest.mark.parametrize("batch_size", [1, 3, 11, 64])
def test_values_are_those_of_the_forward_pass(batch_size):
    net, x = convnet(), images()
    found = extract(net, x, layers=["0", "6"], reduce="flatten", batch_size=batch_size)
    net.eval()
    with torch.no_grad():
        np.testing.assert_allclose(found["0"].values, net[0](x).flatten(1).numpy(), atol=1e-6)
        np.testing.assert_allclose(found["6"].values, net(x).numpy(), atol=1e-6)
    assert found["0"].reduction == "flatten"
    assert found["6"].reduction == "none"
    assert found["0"].key == "Sequential/0"


def test_inplace_operations_do_not_reach_what_was_captured():
    x = images()
    kept = extract(convnet(inplace=True), x, layers=["0", "2"], reduce="flatten")
    plain = extract(convnet(inplace=False), x, layers=["0", "2"], reduce="flatten")
    for layer in plain:
        assert plain[layer].values.min() < 0
        np.testing.assert_array_equal(kept[layer].values, plain[layer].values)


def test_vectors_overwritten_in_place_are_copied():
    net = nn.Sequential(nn.Linear(5, 4), nn.ReLU(inplace=True))
    assert extract(net, torch.randn(9, 5), layers="0")["0"].values.min() < 0


def test_mode_of_every_module_comes_back_and_nothing_is_learnt():
    net = nn.Sequential(nn.Linear(5, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 5))
    net.train()
    net[1].eval()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    x = torch.randn(20, 5)
    first, second = (extract(net, x, layers="3")["3"].values for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert [m.training for m in net.modules()] == [True, True, False, True, True]
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    assert torch.is_grad_enabled()


def test_hooks_are_removed_also_after_an_error():
    net = convnet()
    extract(net, images(), layers="*")
    with pytest.raises(RuntimeError):
        extract(net, torch.randn(4, 2, 8, 8), layers="*")
    with pytest.raises(InputError):
        extract(net, images(), layers="0", reduce="cls")
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in net.modules())
    assert net.training


@pytest.mark.parametrize(
    "wrap",
    [
        lambda h: (h, None),
        lambda h: [None, h],
        lambda h: {"loss": h.sum(), "x": h},
        lambda h: {"other": 0 * h, "last_hidden_state": h},
        lambda h: Output(h.sum(), h),
        lambda h: ({"x": (h,)},),
    ],
)
def test_tuples_dicts_and_dataclasses(wrap):
    net = Wrapped(nn.Linear(5, 4), wrap)
    found = extract(net, torch.randn(9, 5), layers=["inner", "wrap"])
    np.testing.assert_array_equal(found["wrap"].values, found["inner"].values)


def test_a_module_that_runs_twice_gives_two_representations():
    relu = nn.ReLU()
    net = nn.Sequential(nn.Linear(5, 5), relu, nn.Linear(5, 5), relu)
    found = extract(net, torch.randn(9, 5), layers=["1", "0", "2"])
    assert list(found) == ["0", "1[0]", "2", "1[1]"]
    np.testing.assert_array_equal(found["1[1]"].values, np.maximum(found["2"].values, 0))


def test_half_precision_is_upcast_and_remembered():
    net = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 4)).to(torch.bfloat16)
    found = extract(net, torch.randn(9, 5), layers="*")["1"]
    assert found.values.dtype == np.float32
    assert found.precision == torch.finfo(torch.bfloat16).eps


def test_layers_by_glob_preset_and_input():
    model = bert(3)
    x = sentences()
    blocks = [f"encoder.layer.{i}" for i in range(3)]
    assert list(extract(model, x)) == blocks
    assert list(extract(model, x, layers="encoder.layer.*.output")) == [f"{b}.output" for b in blocks]
    assert len(extract(model, x, layers="encoder.layer.0.**")) == 16
    stream = extract(model, x, layers="residual_stream", reduce="tokens")
    assert list(stream) == ["encoder.layer.0:input", *blocks]
    model.eval()
    with torch.no_grad():
        states = model(**x, output_hidden_states=True).hidden_states
    for found, expected in zip(stream.values(), states, strict=True):
        np.testing.assert_allclose(found.values, expected[x["attention_mask"].bool()].numpy(), atol=1e-5)


def test_blocks_of_a_residual_convnet():
    transformers = pytest.importorskip("transformers")
    config = transformers.ResNetConfig(embedding_size=4, hidden_sizes=[4, 8], depths=[2, 1], layer_type="basic")
    found = extract(transformers.ResNetModel(config), torch.randn(5, 3, 16, 16))
    assert list(found) == ["encoder.stages.0.layers.0", "encoder.stages.0.layers.1", "encoder.stages.1.layers.0"]
    assert found["encoder.stages.1.layers.0"].d == 8


def test_unknown_layers_are_errors_with_the_nearest_names():
    with pytest.raises(UnknownName, match=r"encoder\.layer\.0"):
        extract(bert(), sentences(), layers="encoder.layers.0")
    with pytest.raises(UnknownName):
        extract(bert(), sentences(), layers="decoder.*")


def test_a_named_layer_that_does_not_run_is_an_error_and_a_glob_leaves_it_out():
    net = nn.Sequential(nn.Linear(5, 4))
    net.unused = nn.Linear(4, 4)
    net.forward = lambda x: net[0](x)
    with pytest.raises(InputError, match="did not run"):
        extract(net, torch.randn(9, 5), layers=["0", "unused"])
    assert list(extract(net, torch.randn(9, 5), layers="*")) == ["0"]


@pytest.mark.parametrize("side", ["right", "left"])
def test_padding_is_left_out_on_either_side(side):
    model, x = bert(), sentences(side=side)
    mask = x["attention_mask"].bool()
    model.eval()
    with torch.no_grad():
        states = model(**x).last_hidden_state
    layer = "encoder.layer.1"
    if side == "left":  # positions are counted from the padding, unless they are given
        with pytest.raises(UnstableRows, match="padding_side"):
            extract(model, x, layers=layer)
        x["position_ids"] = (x["attention_mask"].cumsum(1) - 1).clamp(0)
        with torch.no_grad():
            states = model(**x).last_hidden_state
    pooled = extract(model, x, layers=layer, reduce="mean_pool", batch_size=3)[layer].values
    last = extract(model, x, layers=layer, reduce="last_token", batch_size=3)[layer].values
    first = extract(model, x, layers=layer, reduce="cls", batch_size=3)[layer].values
    tokens = extract(model, x, layers=layer, reduce="tokens", ids=[f"s{i}" for i in range(7)])[layer]
    for i in range(len(mask)):
        real = states[i][mask[i]].numpy()
        np.testing.assert_allclose(pooled[i], real.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(last[i], real[-1], atol=1e-5)
        np.testing.assert_allclose(first[i], real[0], atol=1e-5)
    np.testing.assert_allclose(tokens.values, states[mask].numpy(), atol=1e-5)
    assert tokens.ids[:4] == ("s0@0", "s0@1", "s0@2", "s1@0")


def test_token_inputs_without_a_mask_are_refused_unless_told_that_there_is_no_padding():
    model, ids = bert(), sentences()["input_ids"]
    for inputs in (ids, {"input_ids": ids}):
        with pytest.raises(InputError, match="attention_mask"):
            extract(model, inputs)
        assert extract(model, inputs, mask="all")
    separate = extract(model, ids, mask=sentences()["attention_mask"])
    joint = extract(model, sentences())
    for layer in joint:
        np.testing.assert_array_equal(separate[layer].values, joint[layer].values)


def test_flattening_padded_tokens_is_refused():
    with pytest.raises(InputError, match="padding"):
        extract(bert(), sentences(), layers="encoder.layer.0", reduce="flatten")


def loader(shuffle: bool, **options):
    data = torch.utils.data.TensorDataset(images(10), torch.arange(10))
    return torch.utils.data.DataLoader(data, batch_size=4, shuffle=shuffle, **options)


def test_a_loader_gives_the_same_as_the_tensor():
    np.testing.assert_allclose(
        extract(convnet(), loader(False), layers="6")["6"].values,
        extract(convnet(), images(10), layers="6")["6"].values,
        atol=1e-6,
    )


def test_shuffling_is_noticed_by_what_the_loader_says_and_by_looking_twice():
    with pytest.raises(InputError, match="shuffle"):
        extract(convnet(), loader(True), layers="6")

    class Hidden:
        def __iter__(self):
            order = torch.randperm(11)
            return iter(images()[order].split(4))

    class Augmenting:
        def __iter__(self):
            return iter((images() + torch.randn(1)).split(4))

    for source in (Hidden(), Augmenting()):
        with pytest.raises(InputError, match="shuffle"):
            extract(convnet(), source, layers="6")
        with pytest.raises(InputError, match="shuffle"):
            extract(convnet(), source, layers="6", ids=[str(i) for i in range(11)])


def test_a_shuffled_loader_with_ids_is_put_in_order():
    x = images(10)

    class Shuffled:
        def __iter__(self):
            for part in torch.randperm(10).split(4):
                yield {"input": x[part], "ids": part}

    for reduce in ("flatten", "positions"):
        found = extract(convnet(), Shuffled(), layers=["0"], reduce=reduce)["0"]
        expected = extract(convnet(), x, layers=["0"], reduce=reduce, ids=range(10))["0"]
        assert found.ids == expected.ids
        np.testing.assert_allclose(found.values, expected.values, atol=1e-6)


def test_outputs_without_a_row_an_input_are_refused_or_left_out():
    net = nn.Sequential(nn.Linear(5, 4), Giving(lambda h: h.mean(0, keepdim=True)))
    with pytest.raises(InputError, match="no row per input"):
        extract(net, torch.randn(9, 5), layers="1")
    with pytest.warns(SimilitudeWarning, match="left out"):
        assert list(extract(net, torch.randn(9, 5), layers="all")) == ["0"]


def test_sequence_first_modules_are_turned_round():
    torch.manual_seed(0)
    first = nn.TransformerEncoderLayer(8, 2, 16, batch_first=False)
    torch.manual_seed(0)
    second = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    x = torch.randn(5, 6, 8)
    a = extract(nn.Sequential(Giving(lambda h: h.transpose(0, 1)), first), x, layers="1", reduce="tokens")["1"]
    b = extract(nn.Sequential(second), x, layers="0", reduce="tokens")["0"]
    np.testing.assert_allclose(a.values, b.values, atol=1e-5)


def test_inputs_of_different_sizes_fit_pooling_only():
    source = [images(3), torch.randn(3, 1, 12, 12)]
    assert extract(convnet(), source, layers="0", reduce="mean_pool")["0"].n == 6
    with pytest.raises(InputError, match="mean_pool"):
        extract(convnet(), source, layers="0", reduce="flatten")


def test_a_folder_is_continued_with_the_first_missing_batch(tmp_path, monkeypatch):
    net, x = convnet(), images(11)
    calls = []
    net.register_forward_pre_hook(lambda module, arguments: calls.append(len(arguments[0])))
    expected = extract(net, x, layers=["0", "6"], reduce="flatten", batch_size=3)

    class Stop(Exception):
        pass

    def stop(done, total):
        assert total == 4
        if done == 2:
            raise Stop

    folder = tmp_path / "features"
    monkeypatch.setattr(rows, "_SYNC_SECONDS", 0)
    with pytest.raises(Stop):
        extract(net, x, layers=["0", "6"], reduce="flatten", batch_size=3, folder=folder, progress=stop)
    with open(folder / "0.rows", "ab") as handle:
        handle.write(b"half a row, written when the process was killed")
    calls.clear()
    found = extract(net, x, layers=["0", "6"], reduce="flatten", batch_size=3, folder=folder)
    assert calls == [3, 2]
    again = extract(net, x, layers=["0", "6"], reduce="flatten", batch_size=3, folder=folder)
    assert calls == [3, 2]
    for layer in expected:
        for other in (found, again):
            assert isinstance(other[layer].values.base, np.memmap)
            np.testing.assert_array_equal(other[layer].values, expected[layer].values)
            assert other[layer].reduction == expected[layer].reduction

    for change in ({"reduce": "mean_pool"}, {"layers": "6"}, {"batch_size": 4}):
        with pytest.raises(InputError, match="other"):
            extract(net, x, **({"layers": ["0", "6"], "reduce": "flatten", "batch_size": 3} | change), folder=folder)
    with torch.no_grad():
        net[0].bias += 1
    with pytest.raises(InputError, match="other model"):
        extract(net, x, layers=["0", "6"], reduce="flatten", batch_size=3, folder=folder)


def test_too_much_for_memory_says_so_after_the_first_batch():
    with pytest.raises(InputError, match="folder"):
        extract(convnet(), images(), layers="0", reduce="flatten", batch_size=2, memory=1000)


def test_what_is_not_a_module_is_refused():
    with pytest.raises(InputError, match=r"torch\.nn\.Module"):
        extract(lambda x: x, torch.zeros(3, 2))


def test_arguments_the_model_does_not_take_are_left_out():
    class Labelled(torch.utils.data.Dataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            return {"input": torch.full((5,), float(i)), "label": i, "ids": i}

    found = extract(nn.Sequential(nn.Linear(5, 4)), Labelled(), layers="0")["0"]
    assert found.ids == tuple("01234")


def test_the_list_of_layers():
    table = list_layers(convnet(), images()).set_index("layer")
    assert list(table.index) == list("0123456")
    assert table.loc["0", "shape"] == (4, 4, 6, 6)
    assert table.loc["6", "kind"] == "vector"
    assert table.loc["0", "parameters"] == 40
    blocks = list_layers(bert(), sentences()).query("block")
    assert list(blocks["layer"]) == ["encoder.layer.0", "encoder.layer.1"]
    assert (blocks["kind"] == "tokens").all()
