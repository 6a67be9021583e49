"""Small members of every kind of network: rows against hooks written by hand, or an error that names the way out."""

from __future__ import annotations

import numpy as np
import pytest
from small_inputs import DECODER, IMAGES, MASK, SMALL, TEXT, TOKENS

from similitude.errors import InputError, NetworkError, SimilitudeWarning
from similitude.extraction.extract import extract
from similitude.extraction.layers import list_layers
from similitude.extraction.selftest import UnstableRows

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
nn = torch.nn


def bert():
    torch.manual_seed(0)
    return transformers.BertModel(transformers.BertConfig(**TEXT))


def by_hand(model, names, run):
    """Outputs of layers by plain hooks, in evaluation mode."""
    outputs, modules = {}, dict(model.named_modules())

    def keep(name):
        return lambda module, arguments, output: outputs.update(
            {name: (output[0] if isinstance(output, tuple) else output).clone()}
        )

    handles = [modules[name].register_forward_hook(keep(name)) for name in names]
    model.eval()
    with torch.no_grad():
        run()
    for handle in handles:
        handle.remove()
    return outputs


def check(found, expected, pool, count):
    assert len(found) == count
    for layer, output in expected.items():
        np.testing.assert_allclose(found[layer].values, pool(output).numpy(), rtol=1e-4, atol=1e-5)


def over_tokens(mask=None):
    if mask is None:
        return lambda output: output.mean(1)
    return lambda output: (output * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


@pytest.mark.parametrize(
    ("model", "config"),
    [
        ("BertModel", lambda: transformers.BertConfig(**TEXT)),
        ("GPT2Model", lambda: transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=40, n_positions=32)),
        ("LlamaModel", lambda: transformers.LlamaConfig(**TEXT)),
    ],
)
def test_encoders_and_decoders(model, config):
    torch.manual_seed(0)
    net = getattr(transformers, model)(config())
    found = extract(net, TOKENS)
    check(found, by_hand(net, found, lambda: net(**TOKENS)), over_tokens(MASK), 2)
    assert all(representation.axes.startswith("ntd") for representation in found.values())


class Wrapper(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.base_model = model

    def forward(self, *args, **kwargs):
        return self.base_model(*args, **kwargs)


@pytest.mark.parametrize("wrap", [nn.DataParallel, Wrapper, torch.compile])
def test_wrappers_pass_the_mask_on(wrap):
    plain = extract(bert(), TOKENS)
    found = extract(wrap(bert()), TOKENS)
    for one, other in zip(plain.values(), found.values(), strict=True):
        np.testing.assert_allclose(one.values, other.values, atol=1e-6)
    named = extract(wrap(bert()), TOKENS, layers=next(iter(found)))
    assert list(named) == list(found)[:1]


def test_a_mask_that_cannot_be_passed_on_is_an_error():
    net = bert()
    with pytest.raises(InputError, match="attention_mask"):
        extract(net, TOKENS, forward=lambda input_ids: net(input_ids))
    with pytest.raises(UnstableRows, match="mask"):
        extract(net, TOKENS, forward=lambda input_ids, **others: net(input_ids))


def test_left_padding_with_absolute_positions():
    net = transformers.GPT2Model(transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=40, n_positions=32))
    left = {name: values.flip(1) for name, values in TOKENS.items()}
    with pytest.raises(UnstableRows, match="padding_side"):
        extract(net, left)
    assert len(extract(net, left, check=False)) == 2


def test_encoder_decoder():
    config = transformers.BartConfig(
        d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=32, decoder_ffn_dim=32, vocab_size=40, max_position_embeddings=32,
    )  # fmt: skip
    net = transformers.BartModel(config)
    inputs = TOKENS | DECODER
    found = extract(net, inputs)
    expected = by_hand(net, found, lambda: net(**inputs))
    for side, mask in (("encoder", MASK), ("decoder", MASK[:, :5])):
        of_side = {layer: output for layer, output in expected.items() if layer.startswith(side)}
        assert len(of_side) == 2
        check(found, of_side, over_tokens(mask), 4)
    with pytest.warns(SimilitudeWarning, match="decoder_input_ids"):
        assert all(layer.startswith("encoder") for layer in extract(net, TOKENS))
    t5 = transformers.T5Model(
        transformers.T5Config(d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, vocab_size=40)
    )
    with pytest.raises(NetworkError, match="get_encoder"):
        extract(t5, TOKENS)
    assert len(extract(t5.get_encoder(), TOKENS)) == 2


def test_two_towers():
    text = TEXT | {"eos_token_id": 39, "bos_token_id": 1, "pad_token_id": 0}
    vision = SMALL | {"image_size": 32, "patch_size": 8}
    net = transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=8))
    inputs = TOKENS | {"pixel_values": IMAGES}
    found = extract(net, inputs)
    expected = by_hand(net, found, lambda: net(**inputs))
    for tower, mask in (("text_model", MASK), ("vision_model", None)):
        check(found, {k: v for k, v in expected.items() if k.startswith(tower)}, over_tokens(mask), 4)


def test_images():
    over_map = (2, 3)
    vit = transformers.ViTModel(transformers.ViTConfig(**SMALL, image_size=32, patch_size=8))
    found = extract(vit, IMAGES)
    check(found, by_hand(vit, found, lambda: vit(IMAGES)), over_tokens(), 2)
    config = transformers.ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 2, 1], patch_size=4)
    convnext = transformers.ConvNextModel(config)
    found = extract(convnext, IMAGES)  # the first stage gives (n, 8, 8, 8)
    check(found, by_hand(convnext, found, lambda: convnext(IMAGES)), lambda output: output.mean(over_map), 5)


def test_channels_last_maps():
    config = transformers.SamVisionConfig(
        **{**SMALL, "mlp_dim": 32}, image_size=32, patch_size=4, output_channels=8, window_size=4,
        global_attn_indexes=[1],
    )  # fmt: skip
    net = transformers.SamVisionModel(config)
    found = extract(net, IMAGES)
    check(found, by_hand(net, found, lambda: net(IMAGES)), lambda output: output.mean((1, 2)), 2)
    assert next(iter(found.values())).axes.startswith("nhwc")


def test_sound():
    config = transformers.Wav2Vec2Config(
        **SMALL, conv_dim=(8, 8), conv_stride=(5, 2), conv_kernel=(10, 3), num_feat_extract_layers=2,
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    net, sound = transformers.Wav2Vec2Model(config), torch.randn(5, 400)
    found = extract(net, sound)
    expected = by_hand(net, found, lambda: net(sound))
    for layer, output in expected.items():
        over = 2 if "feature_extractor" in layer else 1
        check(found, {layer: output}, lambda output, over=over: output.mean(over), 4)


class Encoder(nn.Module):
    def __init__(self, batch_first):
        super().__init__()
        self.batch_first = batch_first
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=batch_first)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=batch_first)

    def forward(self, x, src_key_padding_mask=None):
        turned = x if self.batch_first else x.transpose(0, 1)
        return self.encoder(turned, src_key_padding_mask=src_key_padding_mask)


def test_sequences_first_with_as_many_inputs_as_tokens():
    net, x = Encoder(batch_first=False), torch.randn(7, 7, 16)
    found = extract(net, x)
    check(found, by_hand(net, found, lambda: net(x)), lambda output: output.mean(0), 2)
    with pytest.raises(UnstableRows, match="sequences first"):
        extract(nn.Sequential(nn.LSTM(16, 5)), x, layers="0")


def test_the_fast_path_of_transformers():
    net, x = Encoder(batch_first=True), torch.randn(6, 9, 16)
    found = extract(net, x, mask=MASK)
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        expected = by_hand(net, found, lambda: net(x, MASK == 0))
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    check(found, expected, over_tokens(MASK), 2)


@pytest.mark.filterwarnings("ignore")
def test_quantised_networks():
    net = torch.ao.quantization.quantize_dynamic(bert(), {nn.Linear}, dtype=torch.qint8)
    found = extract(net, TOKENS)
    check(found, by_hand(net, found, lambda: net(**TOKENS)), over_tokens(MASK), 2)


class Dropping(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        return self.second(nn.functional.dropout(self.first(x), 0.3))


def test_rows_that_are_no_function_of_the_input():
    x = torch.randn(20, 8)
    with pytest.raises(UnstableRows, match="random"):
        extract(Dropping(), x)
    with pytest.raises(UnstableRows, match="statistics"):
        extract(nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8, track_running_stats=False)), x)
    assert len(extract(Dropping(), x, check=False)) == 2


def scripted():
    return torch.jit.script(nn.Sequential(nn.Linear(8, 8)))


def exported():
    return torch.export.export(nn.Sequential(nn.Linear(8, 8)), (torch.randn(4, 8),))


def unloaded():
    with torch.device("meta"):
        return nn.Sequential(nn.Linear(8, 8))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "way_out"),
    [
        (scripted, "made from"),
        (exported, "unflatten"),
        (lambda: exported().module(), "unflatten"),
        (unloaded, "load_state_dict"),
        (lambda: nn.Sequential(nn.LazyLinear(8)), "Run it once"),
    ],
)
def test_networks_that_cannot_be_listened_to(make, way_out):
    with pytest.raises(InputError, match=way_out):
        extract(make(), torch.randn(4, 8))


class Frequencies(nn.Module):
    def forward(self, x):
        return torch.fft.rfft(x)


class Total(nn.Module):
    def forward(self, x):
        return x.sum()


@pytest.mark.parametrize(
    ("unfit", "reason"), [(Frequencies(), "complex"), (Total(), "scalar"), (nn.Threshold(100, 0.0), "constant")]
)
def test_one_unfit_layer_costs_only_itself(unfit, reason):
    net = nn.Sequential(nn.Linear(8, 8), unfit)
    with pytest.warns(SimilitudeWarning, match=reason):
        found = extract(net, torch.randn(20, 8))
    assert list(found) == ["0"]
    assert reason in found.left_out["1"]


class Shaping(nn.Module):
    def forward(self, x):
        return x.reshape(len(x), 4, 4, 4)


def test_axes_that_nothing_tells_are_asked_for():
    net, x = nn.Sequential(nn.Linear(8, 64), Shaping()), torch.randn(20, 8)
    with pytest.raises(InputError, match="--axes '1="):
        extract(net, x, layers="1")
    with torch.no_grad():
        maps = net(x)
    for axes, over in (("nchw", (2, 3)), ({"1": "nhwc"}, (1, 2))):
        found = extract(net, x, layers="1", axes=axes)["1"]
        np.testing.assert_allclose(found.values, maps.mean(over).numpy(), atol=1e-6)
    table = list_layers(net, x).set_index("layer")
    assert table.loc["1", "axes"] == "n???"


def test_exceptions_of_the_network_are_its_own():
    with pytest.raises(NetworkError, match="Sequential failed on its inputs"):
        extract(nn.Sequential(nn.Linear(4, 4)), torch.randn(3, 5))
    with pytest.raises(NetworkError, match="255"):
        extract(nn.Sequential(nn.Conv2d(3, 4, 3)), torch.zeros(3, 3, 8, 8, dtype=torch.uint8))


class Own(nn.Module):
    """A network one of whose methods raises an exception."""

    def __init__(self, method):
        super().__init__()
        self.linear = nn.Linear(4, 3)
        Own.__call__ = self.fail if method == "__call__" else nn.Module.__call__
        if method != "__call__":
            setattr(self, method, self.fail)

    def fail(self, *args, **kwargs):
        raise OSError("the weights are on another disk")

    def forward(self, x):
        return self.linear(x)


def hooked(before):
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    (net[1].register_forward_pre_hook if before else net[1].register_forward_hook)(Own.fail)
    return net


@pytest.mark.parametrize(
    "make",
    [
        *(lambda m=m: Own(m) for m in ("forward", "__call__", "eval", "parameters", "modules", "named_modules")),
        lambda: hooked(before=True),
        lambda: hooked(before=False),
    ],
)
def test_whatever_a_network_raises_is_its_own(make):
    with pytest.raises(NetworkError, match="OSError: the weights are on another disk"):
        extract(make(), torch.randn(8, 4))


def test_weights_that_cannot_be_read(tmp_path):
    with pytest.raises(NetworkError, match="Reading the weights of Own failed"):
        extract(Own("state_dict"), torch.randn(8, 4), folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "blocks"),
    [("vit_tiny_patch16_224", 12), ("efficientnet_b0", 16), ("mobilenetv3_small_100", 12), ("mixer_s16_224", 8)],
)
def test_timm_has_modules_called_blocks(name, blocks):
    try:
        import timm
    except (ImportError, RuntimeError) as error:  # a torchvision for another torch
        pytest.skip(f"timm cannot be imported: {error}")
    options = {"img_size": 32} if "16" in name else {}
    net = timm.create_model(name, pretrained=False, **options)
    assert len(extract(net, torch.randn(4, 3, 32, 32))) == blocks
