"""Networks in the forms in which they exist: scripted in part, unflattened, initialised late, one tower of two."""

from __future__ import annotations

import numpy as np
import pytest
from small_inputs import DECODER, IDS, IMAGES, LENGTHS, MASK, SMALL, TEXT, TOKENS

from similitude.errors import InputError, SimilitudeWarning
from similitude.extraction.extract import extract

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
nn = torch.nn

X = torch.randn(9, 4, generator=torch.Generator().manual_seed(2))


def plain():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).eval()


def pooled(states, mask):
    return ((states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)).detach().numpy()


class Partly(nn.Module):
    """A network of which one part is in another form."""

    def __init__(self, change):
        super().__init__()
        whole = plain()
        self.first, self.last = change(whole[0]), whole[2]

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


def late():
    net = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(3))
    net(X)
    net.load_state_dict(plain().state_dict())
    return net


def compiled():
    net = plain()
    net.compile()
    return net


def unflattened(example):
    return lambda: torch.export.unflatten(torch.export.export(plain(), (example,)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [late, compiled, unflattened(X), lambda: Partly(torch.compile)])
def test_the_last_layer_is_the_same_in_every_form(make):
    found = extract(make(), X, layers="all")
    np.testing.assert_allclose(list(found.values())[-1].values, plain()(X).detach().numpy(), atol=1e-6)


@pytest.mark.filterwarnings("ignore:`torch.jit")
@pytest.mark.parametrize("change", [torch.jit.script, lambda module: torch.jit.trace(module, X)])
def test_a_part_that_is_scripted_costs_only_itself(change):
    net = Partly(change)
    with pytest.warns(SimilitudeWarning, match="first: it is scripted or traced"):
        found = extract(net, X, layers=["first", "last"])
    assert list(found) == ["last"]
    with pytest.raises(InputError, match="scripted or traced"):
        extract(net, X, layers="first")
    with pytest.raises(InputError, match="made from"):
        extract(change(plain()), X)


def test_windows_of_swin():
    config = transformers.SwinConfig(
        image_size=32, patch_size=4, embed_dim=8, depths=[1, 2], num_heads=[1, 2], window_size=4
    )
    torch.manual_seed(0)
    net = transformers.SwinModel(config).eval()
    found = extract(net, IMAGES)
    states = net(IMAGES, output_hidden_states=True).hidden_states
    assert [layer.split(".")[2] for layer in found] == ["0", "1", "1"]
    assert all(representation.axes.startswith("ntd") for representation in found.values())
    last = extract(net, IMAGES, layers="encoder")["encoder"].values
    np.testing.assert_allclose(last, states[-1].mean(1).detach().numpy(), atol=1e-5)


def test_left_padding_with_positions_counted_from_the_first_token():
    config = transformers.GPT2Config(
        n_embd=16, n_layer=2, n_head=2, vocab_size=40, n_positions=32, bos_token_id=1, eos_token_id=2
    )
    torch.manual_seed(0)
    net = transformers.GPT2Model(config)
    left = {name: values.flip(1) for name, values in TOKENS.items()}
    positions = (left["attention_mask"].cumsum(1) - 1).clamp(min=0)
    right = {"input_ids": torch.stack([row.roll(int(n), 0) for row, n in zip(left["input_ids"], LENGTHS, strict=True)])}
    found = extract(net, left | {"position_ids": positions})
    for layer, expected in extract(net, right | {"attention_mask": MASK}).items():
        np.testing.assert_allclose(found[layer].values, expected.values, atol=1e-5)


def test_encoder_decoders_of_text_and_of_sound():
    sizes = {"num_layers": 2, "num_heads": 2, "vocab_size": 40}
    torch.manual_seed(0)
    t5 = transformers.T5Model(transformers.T5Config(d_model=16, d_kv=8, d_ff=32, **sizes)).eval()
    found = extract(t5, TOKENS | DECODER)
    given = t5(**TOKENS, **DECODER, output_hidden_states=True)
    expected = {"encoder.block.0": given.encoder_hidden_states[1], "decoder.block.0": given.decoder_hidden_states[1]}
    for (layer, states), mask in zip(expected.items(), (MASK, MASK[:, :5]), strict=True):
        np.testing.assert_allclose(found[layer].values, pooled(states, mask), rtol=1e-4, atol=1e-5)
    assert len(found) == 4
    whisper = transformers.WhisperModel(
        transformers.WhisperConfig(
            d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
            encoder_ffn_dim=32, decoder_ffn_dim=32, vocab_size=40, num_mel_bins=8, max_source_positions=20,
            max_target_positions=10, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
        )
    )  # fmt: skip
    sound = torch.randn(6, 8, 40, generator=torch.Generator().manual_seed(3))
    both = extract(whisper, {"input_features": sound} | DECODER)
    alone = extract(whisper.get_encoder(), sound)
    np.testing.assert_allclose(both["encoder.layers.0"].values, alone["layers.0"].values, atol=1e-5)


def test_one_tower_of_two():
    text = TEXT | {"eos_token_id": 39, "bos_token_id": 1, "pad_token_id": 0}
    vision = SMALL | {"image_size": 32, "patch_size": 8}
    torch.manual_seed(0)
    net = transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=8))
    both = extract(net, TOKENS | {"pixel_values": IMAGES})
    images = extract(net, IMAGES, forward=lambda x: net.get_image_features(pixel_values=x))
    texts = extract(net, TOKENS, forward=net.get_text_features)
    assert set(both) == set(images) | set(texts)
    for layer, representation in {**images, **texts}.items():
        np.testing.assert_allclose(both[layer].values, representation.values, atol=1e-5)


class Bag(nn.Module):
    """Gives a nested tensor of the first tokens of each input, as many as are not zero."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(40, 6)
        self.nest = Nest()

    def forward(self, input_ids, attention_mask):
        return self.nest(self.embedding(input_ids), attention_mask)


class Nest(nn.Module):
    def forward(self, x, mask):
        return torch.nested.nested_tensor([row[:n] for row, n in zip(x, mask.sum(1).tolist(), strict=True)])


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_outputs_that_are_nested():
    torch.manual_seed(0)
    net = Bag()
    found = extract(net, TOKENS, layers="nest", axes="ntd")["nest"].values
    np.testing.assert_allclose(found, pooled(net.embedding(IDS), MASK), atol=1e-6)
    with pytest.raises(InputError, match="to_padded_tensor"):
        extract(plain(), torch.nested.nested_tensor([X[:3], X[:2]]))


class Waves(nn.Module):
    """Complex inside, real at the end."""

    def __init__(self):
        super().__init__()
        self.turn, self.read = nn.Linear(4, 4, dtype=torch.complex64), nn.Linear(4, 3)

    def forward(self, x):
        return self.read(self.turn(x.to(torch.complex64)).abs())


def test_a_network_that_is_complex_inside():
    torch.manual_seed(0)
    net = Waves()
    with pytest.warns(SimilitudeWarning, match="turn: its output is complex"):
        found = extract(net, X)
    np.testing.assert_allclose(found["read"].values, net(X).detach().numpy(), atol=1e-6)
